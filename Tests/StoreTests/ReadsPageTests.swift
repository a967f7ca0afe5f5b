import Casework
import Contract
import Federation
import Testing

@testable import Store

@Suite struct ReadsPageTests {
    @Test func `pages are complete, in order and stable while cases come in`() async throws {
        let office = try await ReadsOffice()
        var ids: [CaseID] = []
        for index in 0..<60 {
            ids.append(try office.register())
            if index % 20 == 0 {
                let id = office.newID()
                try office.run(.open, on: id)
                ids.append(id)
            }
        }
        try await office.save()
        let clerk = try office.principal(.operator)
        let all = try await office.allPages(CaseQuery(), for: clerk, limit: 7)
        #expect(Set(all.map(\.id)) == Set(ids.map(\.description)))
        // Only a code was given for the first three; the rest is by registration, the latest first.
        #expect(all.prefix(3).allSatisfy { $0.status == "draft" && $0.registeredAt == nil })
        let times = all.dropFirst(3).compactMap(\.registeredAt)
        #expect(times.count == 60 && times == times.sorted(by: >))

        let first = try await office.reads.cases(CaseQuery(limit: 10), for: clerk, now: office.now)
        for _ in 0..<5 { try office.register() }
        try await office.save()
        var rest = CaseQuery(cursor: first.next, limit: 500)
        let second = try await office.reads.cases(rest, for: clerk, now: office.now)
        #expect(first.items.map(\.id) + second.items.map(\.id) == all.map(\.id))
        rest.cursor = nil
        #expect(try await office.reads.cases(rest, for: clerk, now: office.now).items.count == all.count + 5)
        await office.close()
    }

    @Test func `filters choose by status, holder, province and deadline`() async throws {
        let office = try await ReadsOffice()
        let clerk = try office.principal(.supervisor)
        for index in 0..<20 {
            let id = try office.register()
            if index % 4 == 0 {
                try office.run(.answer(text: "انجام شد"), on: id)
            } else if index % 5 == 1 {
                try office.run(.refer(to: #require(OrganizationCode(rawValue: "IR-03-MUN")), reason: "شهرداری"), on: id)
            }
        }
        try await office.save()
        func count(_ query: CaseQuery) async throws -> Int {
            try await office.allPages(query, for: clerk, limit: 3).count
        }
        #expect(try await count(CaseQuery(status: .answered)) == 5)
        #expect(try await count(CaseQuery(status: .draft)) == 0)
        #expect(try await count(CaseQuery(holder: OrganizationCode(rawValue: "IR-03-MUN"))) == 3)
        #expect(try await count(CaseQuery(province: Origin("IR-03"))) == 20)
        #expect(try await count(CaseQuery(province: Origin("IR-04"))) == 0)
        #expect(try await count(CaseQuery(overdue: true)) == 0)
        office.now = office.now + 60 * Instant.day
        let overdue = try await office.allPages(CaseQuery(overdue: true), for: clerk, limit: 4)
        #expect(overdue.count == 15)
        #expect(overdue.allSatisfy { $0.overdue && $0.status != "answered" })
        let deadlines = overdue.compactMap(\.deadline)
        #expect(deadlines == deadlines.sorted())
        let ranking = try await office.reads.overdueRanking(limit: 5, now: office.now)
        #expect(ranking.map(\.id) == overdue.prefix(5).map(\.id))
        #expect(ranking.allSatisfy { $0.subject == nil })
        await office.close()
    }

    @Test func `a cursor that no page gave is refused`() async throws {
        let office = try await ReadsOffice()
        let clerk = try office.principal(.operator)
        for _ in 0..<3 { try office.register() }
        try await office.save()
        let cursor = try await office.reads.cases(CaseQuery(limit: 1), for: clerk, now: office.now).next
        let good = try #require(cursor)
        // The last one is a time beyond what PostgreSQL holds.
        let absurd = String(good.dropLast(16)) + "7ffffffffffffff0"
        for bad in ["", "zz", String(good.dropLast(2)), "09" + good.dropFirst(2), good + "00", absurd] {
            await #expect(throws: Refusal.invalid(field: "cursor", .notACursor)) {
                try await office.reads.cases(CaseQuery(cursor: bad), for: clerk, now: office.now)
            }
        }
        await #expect(throws: Refusal.self) {
            try await office.reads.cases(CaseQuery(overdue: true, cursor: good), for: clerk, now: office.now)
        }
        await #expect(throws: Refusal.self) {
            try await office.reads.conflicts(cursor: good, limit: 5, for: clerk)
        }
        await office.close()
    }

    @Test func `conflicts and proposals are listed, paged and found by their hash`() async throws {
        let office = try await ReadsOffice()
        let chief = try office.principal(.supervisor)
        var conflicts: [EventHash: CaseID] = [:]
        var proposals: [EventHash: CaseID] = [:]
        for index in 0..<9 {
            let id = try office.register()
            guard index % 2 == 0, let head = office.records[id]?.events.first?.hash else { continue }
            for subject in ["یک", "دو", "سه"] {
                let seen: [Field: [EventHash]] = [.subject: [head]]
                try office.run(.amend(Edit(texts: Texts(subject: subject), seen: seen)), on: id)
            }
            for hash in office.records[id]?.state.conflicts ?? [] { conflicts[hash] = id }
            let newEvent = NewEvent(
                .answered, texts: Texts(text: "پاسخ"), actor: chief.actor, occurredAt: office.now)
            proposals[try office.write(newEvent, on: id, epoch: 99).hash] = id
        }
        try await office.save()
        #expect(conflicts.count == 10 && proposals.count == 5)

        var found: [ConflictDocument] = []
        var cursor: String?
        repeat {
            let page = try await office.reads.conflicts(cursor: cursor, limit: 3, for: chief)
            found += page.items
            cursor = page.next
        } while cursor != nil
        #expect(Set(found.map(\.id)) == Set(conflicts.keys.map(\.description)) && found.count == 10)
        #expect(found.allSatisfy { $0.field == "subject" && $0.shown.value == "سه" })
        #expect(Set(found.compactMap(\.other.value)) == ["یک", "دو"])
        for (hash, id) in conflicts { #expect(try await office.reads.caseOfConflict(hash) == id) }
        for (hash, id) in proposals { #expect(try await office.reads.caseOfProposal(hash) == id) }
        let listed = try await office.reads.proposals(cursor: nil, limit: 50, for: chief)
        #expect(Set(listed.items.map(\.id)) == Set(proposals.keys.map(\.description)))
        #expect(listed.items.allSatisfy { $0.type == "answered" && $0.content["text"] == .string("پاسخ") })
        let stranger = try #require(office.records.values.first?.events.first?.hash)
        await #expect(throws: Refusal.unknownEvent(stranger)) { try await office.reads.caseOfConflict(stranger) }
        await #expect(throws: Refusal.unknownEvent(stranger)) { try await office.reads.caseOfProposal(stranger) }
        // A list item tells the hashes that its row only counts.
        let items = try await office.allPages(CaseQuery(), for: chief, limit: 4)
        #expect(Set(items.flatMap(\.conflicts)) == Set(conflicts.keys.map(\.description)))
        await office.close()
    }
}
