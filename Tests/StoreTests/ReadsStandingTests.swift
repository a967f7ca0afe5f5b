import Casework
import Contract
import Federation
import Postgres
import Testing

@testable import Store

/// What waits for a person: alarms, and how origins stand.
@Suite struct ReadsStandingTests {
    private let province = ProvinceDocument(
        code: "IR-03", counts: Counts(), lastHeard: nil, backlog: nil, state: "connected")

    // MARK: Alarms

    @Test func alarmsArePagedNewestFirstAndTheSameWordsAreNotedOnceAnHour() async throws {
        let office = try await ReadsOffice("hub")
        let alarms = Alarms(office.database)
        let tabriz = try #require(Origin("IR-03"))
        let gap = { (seq: Int) in Alarm(code: .gap, detail: "events after seq \(seq) are missing") }
        for seq in 1...5 { try await alarms.note(gap(seq), of: tabriz, at: office.now) }
        try await alarms.note(gap(5), of: tabriz, at: office.now + Instant.minute)
        let first = try await alarms.page(cursor: nil, limit: 3)
        let ids = first.items.map(\.id)
        #expect(ids.count == 3 && ids == ids.sorted(by: >))
        let second = try await alarms.page(cursor: try #require(first.next), limit: 3)
        #expect(second.items.count == 2 && second.next == nil)
        #expect(Set((first.items + second.items).map(\.detail)).count == 5)
        try await alarms.note(gap(5), of: tabriz, at: office.now + 2 * 3_600_000)
        #expect(try await alarms.page(cursor: nil, limit: 9).items.count == 6)
        await office.close()
    }

    @Test(arguments: ["", "05", "zz", "0100000000000000000000", "040000000000000001"])
    func aForeignCursorIsRefused(cursor: String) async throws {
        let office = try await ReadsOffice("hub")
        await #expect(throws: Refusal.self) { _ = try await Alarms(office.database).page(cursor: cursor, limit: 3) }
        await office.close()
    }

    // MARK: Provinces

    @Test func aQuarantineSaysWhyAlsoWhenLaterAlarmsCame() async throws {
        let office = try await ReadsOffice("hub")
        let alarms = Alarms(office.database)
        let tabriz = try #require(Origin("IR-03"))
        try await alarms.note(Alarm(code: .tampering, detail: "seq 9 does not fit"), of: tabriz, at: office.now)
        try await alarms.note(Alarm(code: .gap, detail: "seq 9 is missing"), of: tabriz, at: office.now + 1000)
        var status = try await office.reads.provinceStatus([province])
        #expect(status.first?.quarantine == nil && status.first?.newestAlarm?.code == "gap")
        try await office.execute("INSERT INTO nodes (origin, quarantined, clock_offset) VALUES ('IR-03', true, -90000)")
        status = try await office.reads.provinceStatus([province])
        #expect(status.first?.quarantine?.reason?.code == "tampering")
        #expect(status.first?.quarantine?.reason?.at == office.now.rfc3339)
        #expect(status.first?.clockOffsetMS == -90_000)
        await office.close()
    }

    @Test func whatANodeHasNotTakenIsCountedWithTheAgeOfTheOldest() async throws {
        let office = try await ReadsOffice()
        for _ in 1...3 { try office.register() }
        let first = office.now + -2 * Instant.minute
        try await office.save()
        try await office.execute(
            """
            INSERT INTO feeds (destination, seq, origin, event_seq, incarnation, with_part, hub_incarnation)
                SELECT 'IR-03', seq, origin, seq, incarnation, false, 1 FROM journal;
            INSERT INTO nodes (origin, feed) VALUES ('IR-03', 0)
            """)
        var status = try #require(try await office.reads.provinceStatus([province]).first)
        #expect(status.undelivered == 3 && status.oldestUndeliveredAt == first.rfc3339)
        try await office.execute("UPDATE nodes SET feed = 3")
        status = try #require(try await office.reads.provinceStatus([province]).first)
        #expect(status.undelivered == 0 && status.oldestUndeliveredAt == nil)
        await office.close()
    }

    // MARK: Branches, parked and held

    @Test func branchesParkedCasesAndHeldEventsAreToldByTheirColumns() async throws {
        let office = try await ReadsOffice()
        for _ in 1...2 { try office.register() }
        try await office.save()
        try await office.execute(
            """
            UPDATE cases SET parked = true, proposals = 3, home = 'IR-03';
            INSERT INTO nodes (origin, quarantined, awaited) VALUES ('IR-03', true, true);
            DELETE FROM chains;
            INSERT INTO chains (origin, incarnation, seq, hash, parent, first) VALUES
                ('IR-03', 161, 9, '\\x00', 0, 1), ('IR-03', 162, 12, '\\x00', 161, 8);
            INSERT INTO held_events (origin, incarnation, seq, hash, envelope)
                VALUES ('IR-03', 162, 12, '\\x00', '\\x00')
            """)
        let status = try #require(try await office.reads.provinceStatus([province]).first)
        #expect(status.parked == 2 && status.proposals == 6 && status.awaited && status.chains == 2)
        #expect(status.branches.map(\.incarnation) == ["00000000000000a1", "00000000000000a2"])
        #expect(status.branches.map(\.first) == [1, 8] && status.branches.map(\.last) == [9, 12])
        #expect(status.quarantine?.held == 1 && status.quarantine?.candidates.count == 2)
        await office.close()
    }

    @Test func aNodeTellsItsOldestUnacknowledgedEventItsRestoreAndItsAlarms() async throws {
        let office = try await ReadsOffice()
        try office.register()
        let first = office.now
        try office.register()
        try await office.save()
        var standing = try await office.reads.nodeStanding(acknowledged: 0)
        #expect(standing.oldestUnacknowledgedAt == first.rfc3339 && standing.restoredAt == nil)
        let alarm = Alarm(code: .clockAhead, detail: "x")
        try await Alarms(office.database).note(alarm, of: office.origin, at: office.now)
        try await office.execute(
            """
            INSERT INTO facts VALUES ('restored', E'2026-01-01T00:00:00Z\\nends'),
                ('restored_at', '2026-11-21T23:30:00Z')
            """)
        standing = try await office.reads.nodeStanding(acknowledged: 2)
        #expect(standing.oldestUnacknowledgedAt == nil && standing.restoredAt == "2026-11-21T23:30:00Z")
        #expect(standing.alarms.map(\.code) == ["clock_ahead"])
        try await office.execute("UPDATE cases SET pending = true; DELETE FROM facts WHERE name = 'restored_at'")
        standing = try await office.reads.nodeStanding(acknowledged: 2)
        #expect(standing.pending == 2 && standing.restoredAt == "2026-01-01T00:00:00Z")
        await office.close()
    }

    // MARK: Forks

    private func forked(_ chains: [(UInt64, parent: UInt64?, first: UInt64?, last: UInt64)]) -> [UInt64] {
        var places = ChainPlaces()
        for chain in chains {
            places.append(.init(incarnation: chain.0, parent: chain.parent, first: chain.first, last: chain.last))
        }
        return places.forked.sorted()
    }

    @Test func onlyChainsThatGoOnFromOnePlaceAreBranches() {
        #expect(forked([(1, 0, 1, 9)]) == [])
        #expect(forked([(1, 0, 1, 9), (2, 1, 10, 12), (3, 2, 13, 13)]) == [], "restarts")
        #expect(forked([(1, 0, 1, 9), (2, 1, 8, 12)]) == [1, 2], "restored to before the parent's end")
        #expect(forked([(1, 0, 1, 7), (2, 1, 8, 12), (3, 1, 8, 9)]) == [2, 3], "two go on from one place")
        #expect(forked([(1, 0, 1, 7), (2, 1, 8, 12), (3, 2, 10, 11)]) == [2, 3])
        #expect(forked([(1, 0, 1, 7), (2, 0, 1, 3)]) == [1, 2], "two beginnings")
        #expect(forked([(1, nil, nil, 9), (2, nil, nil, 5)]) == [], "not kept")
    }

    @Test func whoMayGoOnIsWhoNobodyContinues() {
        var places = ChainPlaces()
        places.append(.init(incarnation: 1, parent: 0, first: 1, last: 7))
        places.append(.init(incarnation: 2, parent: 1, first: 8, last: 12))
        places.append(.init(incarnation: 3, parent: 1, first: 8, last: 9))
        #expect(places.documents.tips.map(\.last) == [12, 9])
    }
}
