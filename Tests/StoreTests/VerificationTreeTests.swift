import Casework
import Federation
import Postgres
import Synchronization
import Testing

@testable import Store

/// Journals that are trees, journals with holes, and what stands beside them.
@Suite struct VerificationTreeTests {
    private func verify(
        _ database: Database, _ store: PostgresStore, _ origin: Origin
    ) async throws -> VerificationReport {
        try await Verification.run(database: database, store: store, origin: origin, receiptKeys: [])
    }

    private func withHub(
        _ body: (_ hub: inout ContractOffice, _ database: Database, _ store: PostgresStore) async throws -> Void
    ) async throws {
        let database = try await ContractServer.open(ContractServer.newDatabase())
        let store = PostgresStore(database: database, hashing: sha256)
        var hub = ContractOffice("hub", incarnation: 0xA)
        try await hub.begin(store)
        try await body(&hub, database, store)
        await store.close()
        await database.close()
    }

    @Test func `branches are sound, and what breaks them is named`() async throws {
        let office = try await ReadsOffice()
        for _ in 0..<5 { try office.register() }
        let fork = office.writer.head
        for _ in 0..<3 { try office.register() }
        try await office.save()
        // Continues the line, then goes on from the fifth event as a copy that was brought back would.
        office.restart(0xB1)
        for _ in 0..<3 { try office.register() }
        try await office.save()
        office.restart(0xC1, from: fork)
        for _ in 0..<4 { try office.register() }
        try await office.save()
        try await office.project()
        let report = try await verify(office.database, office.store, office.origin)
        #expect(report.faults == [] && report.notes == [] && report.events == 15)
        #expect(try await Rebuild.run(database: office.database, store: office.store, origin: office.origin).isEqual)
        for (change, fault) in [
            (
                "UPDATE chains SET parent = 0 WHERE incarnation = 193",
                "chains IR-03 seq 9 (incarnation 00000000000000c1): is said to continue incarnation 0000000000000000"
            ),
            (
                "DELETE FROM journal WHERE incarnation = 193 AND seq = 7",
                "journal IR-03 seq 8 (incarnation 00000000000000c1): the event before it is missing"
            ),
            (
                "DELETE FROM journal WHERE incarnation = 161 AND seq = 8",
                "journal IR-03 seq 9 (incarnation 00000000000000b1): does not continue any event before it"
            ),
            (
                "DELETE FROM journal WHERE incarnation = 161 AND seq = 5",
                "journal IR-03 seq 6 (incarnation 00000000000000c1): the event before it is missing"
            ),
        ] {
            try await office.execute(change)
            let report = try await verify(office.database, office.store, office.origin)
            #expect(report.faults.contains(fault), "\(report.faults)")
        }
        await office.close()
    }

    @Test func `what is held is verified as accepted`() async throws {
        try await withHub { hub, database, store in
            var province = ContractOffice("IR-03", seed: 3)
            let accepted = [try province.register(), try province.register()]
            try await store.commit(hub.batch(accepted))
            let held = [try province.register(), try province.register()]
            var batch = hub.batch([])
            batch.effects.quarantined = [province.origin]
            batch.effects.held = held
            batch.note(hub.extend(held))
            try await store.commit(batch)
            let report = try await verify(database, store, .hub)
            #expect(report.faults == [] && report.events == 4 && report.parts == 4 && report.cases == 2)
            let place = "IR-03 seq 3 (incarnation ffff000000000001)"
            for (change, fault) in [
                (
                    "UPDATE held_events SET part = set_byte(part, 20, get_byte(part, 20) # 1) WHERE seq = 3",
                    "held_events \(place): does not have the hash that its event names"
                ),
                (
                    "UPDATE held_events SET envelope = set_byte(envelope, 9, get_byte(envelope, 9) # 1) WHERE seq = 3",
                    "held_events \(place): hash does not match its bytes"
                ),
                (
                    "DELETE FROM held_events WHERE seq = 3",
                    "held_events IR-03 seq 4 (incarnation ffff000000000001): the event before it is missing"
                ),
                (
                    "DELETE FROM held_events",
                    "chains IR-03 seq 4 (incarnation ffff000000000001): the journal has no such event"
                ),
            ] {
                try await database.readers.run { try $0.execute(change) }
                let faults = try await verify(database, store, .hub).faults
                #expect(faults.contains(fault), "\(faults)")
            }
        }
    }

    /// A hub whose journal ended at 5 when it was brought back; of what it wrote later, nodes returned 8, 9 and, of a
    /// later start, 12.
    private func restored(_ hub: inout ContractOffice, _ store: PostgresStore) async throws -> [Event] {
        let id = hub.newCase()
        let first = try (0..<5).map { _ in try hub.note(id) }
        try await store.commit(hub.batch(first))
        let floor = hub.writer.head
        var lost = hub
        let later = try (0..<5).map { _ in try lost.note(id) }
        lost.restart(0xB)
        let last = try (0..<2).map { _ in try lost.note(id) }
        var batch = hub.batch([])
        batch.effects.restoration = .some(Restoration(floors: [floor], awaited: [Origin.provinces[3]]))
        try await store.commit(batch)
        hub.restart(0xC)
        try await store.commit(hub.batch([later[2], later[3], last[1], hub.note(id)]))
        return later + last
    }

    @Test func `what a restored hub has not got back is noted, not charged`() async throws {
        try await withHub { hub, database, store in
            let lost = try await restored(&hub, store)
            let since = ContractOffice.noon + 5
            let report = try await verify(database, store, .hub)
            #expect(report.faults == [] && report.events == 9)
            let note = "which no node has returned since this hub was brought back from an older state on"
            #expect(report.notes == ["journal hub: at 2 places 3 events or more are missing, \(note) \(since.rfc3339)"])
            // All came back in the end, the parent of a start after its child.
            try await store.commit(hub.batch([lost[5], lost[0], lost[1], lost[4]]))
            let whole = try await verify(database, store, .hub)
            #expect(whole.faults == [] && whole.notes == [])
        }
    }

    @Test(arguments: [
        // Without the fact, or below the ends that it names, or in what is written now, a hole is a fault.
        (
            "DELETE FROM facts WHERE name = 'restored'",
            "journal hub seq 8 (incarnation 000000000000000a): the event before it is missing"
        ),
        (
            "DELETE FROM journal WHERE seq = 3",
            "journal hub seq 4 (incarnation 000000000000000a): the event before it is missing"
        ),
        (
            "UPDATE head SET incarnation = 10",
            "journal hub seq 8 (incarnation 000000000000000a): the event before it is missing"
        ),
        ("UPDATE facts SET value = 'x' WHERE name = 'restored'", "facts restored: cannot be read"),
    ])
    func `holes that no restore explains are faults`(change: String, fault: String) async throws {
        try await withHub { hub, database, store in
            _ = try await restored(&hub, store)
            try await database.readers.run { try $0.execute(change) }
            let faults = try await verify(database, store, .hub).faults
            #expect(faults.contains(fault), "\(faults)")
        }
    }

    @Test func `a feed's runs are checked`() async throws {
        try await withHub { hub, database, store in
            let there = Origin.provinces[7]
            for incarnation in [UInt64(9), 8] {
                let event = try hub.register()
                var batch = hub.batch([event])
                batch.effects.routed = [route(event, to: there, 10 - incarnation, by: incarnation)]
                try await store.commit(batch)
            }
            #expect(try await verify(database, store, .hub).faults == [])
            try await database.readers.run { try $0.execute("UPDATE feeds SET hub_incarnation = 9") }
            #expect(
                try await verify(database, store, .hub).faults
                    == ["feed_runs IR-07 seq 2: is not where a hub incarnation begins"])
        }
    }

    // MARK: - Upgrades

    @Test func `an upgrade has parked cases folded anew, once`() async throws {
        try await withHub { hub, database, store in
            let events = try (0..<600).map { _ in try hub.register() }
            let hidden = try hub.register()
            var batch = hub.batch(events)
            for index in 0..<300 { batch.cases[index].parked = true }
            try await store.commit(batch)
            // Its registration could not be read, so it has no row.
            batch = hub.batch([hidden])
            batch.cases = []
            try await store.commit(batch)
            let parked = try (events.prefix(300) + [hidden]).map { try #require($0.caseID) }.sorted()
            #expect(parked.count == 301)

            func refold(_ reader: UInt32) async throws -> [CaseID] {
                let submitted = Mutex<[CaseID]>([])
                let count = try await Upkeep.refold(database, reader: reader) { ids in
                    #expect(ids.count <= 256)
                    submitted.withLock { $0 += ids }
                }
                let all = submitted.withLock { $0 }
                #expect(all.count == count)
                return all
            }
            // Nobody knows yet by which version the rows were made.
            #expect(try await refold(1).count == 601)
            #expect(try await refold(1).isEmpty)
            struct Away: Error {}
            await #expect(throws: Away.self) {
                try await Upkeep.refold(database, reader: 2) { _ in throw Away() }
            }
            #expect(try await refold(2) == parked.sorted())
            #expect(try await refold(2) == [])
            // An earlier version was put back meanwhile, and could not read what came.
            #expect(try await refold(1) == [])
            #expect(try await refold(2) == parked.sorted())
        }
    }
}
