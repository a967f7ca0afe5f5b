import Casework
import Contract
import Federation
import Testing

@testable import Store

@Suite struct ReadsFigureTests {
    /// A few hundred commands, some refused, over many days.
    private func busy() async throws -> ReadsOffice {
        let office = try await ReadsOffice()
        var ids: [CaseID] = []
        for step in 0..<240 {
            office.now = office.now + 3 * Instant.hour
            if step % 3 == 0 { ids.append(try office.register(category: step % 2 == 0 ? "water" : "roads")) }
            guard let id = ids.randomElement(using: &office.random) else { continue }
            let commands: [Command] = [
                .answer(text: "شد"), .close(.resolved, text: ""), .dispute(text: "نشد"), .note(text: "یادداشت"),
            ]
            if let command = commands.randomElement(using: &office.random) {
                do { try office.run(command, on: id) } catch is Refusal {}
            }
            if step % 30 == 0 { try await office.save() }
        }
        try office.run(.open, on: office.newID())
        try await office.save()
        return office
    }

    /// The dumb way: every case folded and counted.
    private func recount(_ office: ReadsOffice) -> Counts {
        var counts = Counts()
        let today = JalaliDate(instant: office.now)
        for state in office.records.values.map(\.state) {
            if let at = state.registeredAt {
                counts.registered += 1
                if JalaliDate(instant: at) == today { counts.newToday += 1 }
            }
            if state.isOpen { counts.open += 1 }
            if state.isOverdue(at: office.now) { counts.overdue += 1 }
            if state.status == .answered { counts.answered += 1 }
            if state.status == .closed { counts.closed += 1 }
            if state.status == .disputed { counts.disputed += 1 }
            if !state.conflicts.isEmpty { counts.conflicts += 1 }
        }
        return counts
    }

    @Test func `every figure equals a recount`() async throws {
        let office = try await busy()
        let expected = recount(office)
        #expect(expected.overdue > 0 && expected.disputed > 0 && expected.newToday > 0)
        let overview = try await office.reads.overview(now: office.now)
        #expect(overview.counts == expected)
        #expect(overview.position == office.position && overview.byHome == [office.origin: expected])
        #expect(try await office.reads.counts(now: office.now) == expected)
        await office.close()
    }

    @Test func `a report covers the period's cases, by holder and by category`() async throws {
        let office = try await busy()
        let date = JalaliDate(instant: ReadsOffice.noon)
        let period = ReportPeriod.quarter(year: date.year, quarter: date.quarter)
        let report = try await office.reads.report(period, now: office.now)
        let states = office.records.values.map(\.state).filter { state in
            state.registeredAt.map { date.quarterRange.contains($0) } ?? false
        }
        #expect(report.total.registered == states.count && states.count > 50)
        #expect(report.total.answered == states.count { $0.answeredAt != nil })
        #expect(report.total.closed == states.count { $0.status == .closed })
        #expect(report.total.disputed == states.count { $0.status == .disputed })
        #expect(report.total.overdue == states.count { $0.isOverdue(at: office.now) })
        let days = states.compactMap { state in
            state.answeredAt.flatMap { answered in
                state.registeredAt.map { Double(answered - $0) / Double(Instant.day) }
            }
        }.sorted()
        let median = (days[(days.count - 1) / 2] + days[days.count / 2]) / 2
        #expect(abs(try #require(report.total.medianDays) - median) < 1e-9)
        #expect(report.byOrganization.map(\.key) == ["IR-03"] && report.byOrganization[0].registered == states.count)
        #expect(report.byCategory.map(\.key) == ["roads", "water"])
        #expect(report.byCategory.map(\.registered).reduce(0, +) == states.count)
        let empty = try await office.reads.report(.month(year: 1390, month: 1), now: office.now)
        #expect(empty.total.registered == 0 && empty.byCategory.isEmpty && empty.total.medianDays == nil)
        await office.close()
    }

    @Test func `the trend counts Tehran days and changes follow the position`() async throws {
        let office = try await busy()
        let trend = try await office.reads.trend(days: 40, now: office.now)
        #expect(trend.count == 40 && trend.last?.day == "\(JalaliDate(instant: office.now))".replacing("/", with: "-"))
        let states = office.records.values.map(\.state)
        for (point, back) in zip(trend, (0..<40).reversed()) {
            let date = JalaliDate(instant: office.now).adding(days: -back)
            #expect(point.registered == states.count { $0.registeredAt.map { date.dayRange.contains($0) } ?? false })
            #expect(point.answered == states.count { $0.answeredAt.map { date.dayRange.contains($0) } ?? false })
        }
        var seen: [CaseID] = []
        var position: UInt64 = 0
        while true {
            let rows = try await office.reads.changes(after: position, limit: 9)
            guard let last = rows.last else { break }
            #expect(rows.map(\.position) == rows.map(\.position).sorted())
            seen += rows.map(\.id)
            position = last.position
        }
        #expect(Set(seen) == Set(office.records.keys) && seen.count == office.records.count)
        #expect(position == office.position)
        await office.close()
    }
}
