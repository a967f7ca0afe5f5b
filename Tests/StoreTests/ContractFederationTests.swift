import Casework
import Federation
import Postgres
import Testing

@testable import Store

/// Quarantine, restoration and digests of every `CaseStore`.
@Suite struct ContractFederationTests {
    // MARK: - Quarantine

    /// Accepted first is held first, also where the later batch is written while the earlier is under way.
    @Test(arguments: StoreKind.allCases) func whatIsHeldKeepsItsOrder(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice("hub")
            var province = ContractOffice("IR-03", seed: 3, incarnation: .max)
            try await office.begin(store)
            let batches = try (0..<2).map { _ in
                let held = [try province.register(), try province.register()]
                var batch = office.batch([])
                batch.effects.quarantined = [province.origin]
                batch.effects.held = held
                batch.note(office.extend(held))
                return batch
            }
            let gate = AsyncStream<Void>.makeStream()
            let earlier = Task { [batch = batches[0]] in
                for await _ in gate.stream {}
                try await store.commit(batch)
            }
            let later = Task { [batch = batches[1]] in try await store.commit(batch, after: earlier) }
            try await Task.sleep(for: .milliseconds(100))
            gate.continuation.finish()
            try await later.value
            let held = try await store.held(of: province.origin, preferring: [], limit: 9)
            #expect(held == batches.flatMap(\.effects.held))
        }
    }

    @Test(arguments: StoreKind.allCases) func whatIsHeldStandsApart(_ kind: StoreKind) async throws {
        try await kind.with { store, reopen in
            var office = ContractOffice("hub")
            var province = ContractOffice("IR-03", seed: 3, incarnation: .max)
            try await office.begin(store)
            let accepted = try province.register()
            let id = try #require(accepted.caseID)
            try await store.commit(office.batch([accepted]))
            var copy = province
            copy.restart(2)
            let ours = [try province.note(id), try province.write(.accepted, id)]
            let theirs = [try copy.note(id, "ours too").withheld, try copy.note(id)]
            var batch = office.batch([])
            batch.effects.quarantined = [province.origin]
            batch.effects.held = [ours[0], theirs[0], ours[1], theirs[1]]
            batch.note(office.extend(batch.effects.held))
            try await store.commit(batch)

            let again = try await reopen()
            #expect(try await again.quarantines() == [province.origin: 4])
            #expect(try await again.events(of: [id]) == [id: [accepted]])
            func held(_ preferred: [UInt64], _ limit: Int = 9) async throws -> [Event] {
                try await again.held(of: province.origin, preferring: preferred, limit: limit)
            }
            #expect(try await held([]) == batch.effects.held)
            #expect(try await held([]).map(\.part) == batch.effects.held.map(\.part))
            #expect(try await held([2]) == [theirs[0], theirs[1], ours[0], ours[1]])
            #expect(try await held([2], 3) == [theirs[0], theirs[1], ours[0]])
            #expect(try await held([2, .max], 1) == [ours[0]])
            #expect(try await again.held(of: .hub, preferring: [], limit: 9).isEmpty)
            // They are accepted all the same: resent, looked up and verified.
            let stretches = [Stretch(incarnation: .max, after: 0), Stretch(incarnation: 2, after: 0)]
            let all = try await again.journal(of: province.origin, in: stretches)
            #expect(all == rows([accepted, ours[0], theirs[0], ours[1], theirs[1]]))
            let hashes = try await again.hashes(of: province.origin, from: 2, through: 2)
            #expect(hashes == [ours[0].envelope.place: ours[0].hash, theirs[0].envelope.place: theirs[0].hash])
            #expect(try await again.chains()[province.origin] == office.trees[province.origin])
        }
    }

    @Test(arguments: StoreKind.allCases) func whatIsReleasedMovesToTheJournal(_ kind: StoreKind) async throws {
        try await kind.with { store, reopen in
            var office = ContractOffice("hub")
            var province = ContractOffice("IR-03", seed: 3)
            try await office.begin(store)
            let events = [try province.register(), try province.register(), try province.register()]
            var batch = office.batch([])
            batch.effects.quarantined = [province.origin]
            batch.effects.held = events
            batch.note(office.extend(events))
            try await store.commit(batch)
            batch = try office.batch([events[0], office.register()])
            batch.effects.released = [events[0].hash]
            try await store.commit(batch)
            let first = try #require(events[0].caseID)
            #expect(try await store.quarantines() == [province.origin: 2])
            #expect(try await store.held(of: province.origin, preferring: [], limit: 9) == [events[1], events[2]])
            #expect(try await store.events(of: [first]) == [first: [events[0]]])
            #expect(try await store.journal(of: province.origin, after: 0) == events)
            batch = office.batch([events[1]])
            // The last one is known to its case by now, and is not numbered again.
            batch.effects.released = [events[1].hash, events[2].hash]
            batch.effects.lifted = [province.origin]
            batch.effects.fenced = [(province.origin, .max), (province.origin, 2), (.hub, 3)]
            try await store.commit(batch)
            #expect(try await store.quarantines().isEmpty)
            #expect(try await store.held(of: province.origin, preferring: [], limit: 9).isEmpty)
            batch = office.batch([])
            batch.effects.fenced = [(province.origin, 2)]
            try await store.commit(batch)
            #expect(try await reopen().fenced() == [province.origin: [.max, 2], .hub: [3]])
        }
    }

    @Test(arguments: StoreKind.allCases) func whatIsHeldHasOnePlace(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice("hub")
            var province = ContractOffice("IR-03", seed: 3)
            try await office.begin(store)
            let event = try province.register()
            let before = office
            var batch = office.batch([])
            batch.effects.held = [event, event]
            await #expect(throws: PostgresError.self) { try await store.commit(batch) }
            office = before
            batch.effects.held = [event]
            try await store.commit(batch)
            await #expect(throws: PostgresError.self) { try await store.commit(batch) }
            // In one batch both is said: kept out is the safe one.
            batch.effects.held = []
            batch.effects.quarantined = [province.origin]
            batch.effects.lifted = [province.origin]
            try await store.commit(batch)
            #expect(try await store.quarantines() == [province.origin: 1])
        }
    }

    // MARK: - Restoration

    @Test(arguments: StoreKind.allCases) func aRestorationIsKeptUntilItEnds(_ kind: StoreKind) async throws {
        try await kind.with { store, reopen in
            var office = ContractOffice("hub")
            try await office.begin(store)
            #expect(try await store.restoration() == nil)
            #expect(try await store.restoredAt() == nil)
            let noon = ContractOffice.noon
            if let store = store as? MemoryStore { store.noteRestored(at: noon) }
            if let store = store as? PostgresStore {
                try await store.database.readers.run { try PostgresStore.noteRestored($0, at: noon) }
            }
            #expect(try await reopen().restoredAt() == noon)
            try await store.commit(office.batch([office.register()]))
            #expect(try await store.restoredAt() == noon)

            let nodes = Origin.provinces.prefix(3)
            try await store.note(
                NodeReport(origin: nodes[1], heardAt: noon, clockOffset: nil, backlog: nil, feed: nil))
            let floors = [
                ChainHead(incarnation: .max, seq: 4, hash: sha256([1])),
                ChainHead(incarnation: 2, seq: .max / 2, hash: sha256([2])),
            ]
            var restoration = Restoration(floors: floors, awaited: Set(nodes))
            for _ in 0..<3 {
                var batch = office.batch([])
                batch.effects.restoration = .some(restoration)
                try await store.commit(batch)
                let again = try await reopen()
                #expect(try await again.restoration() == restoration)
                #expect(try await again.restoredAt() == nil)
                restoration.awaited.remove(nodes[restoration.awaited.count - 1])
            }
            // A batch that says nothing of it changes nothing; then it ends.
            try await store.commit(office.batch([]))
            #expect(try await store.restoration() != nil)
            var batch = office.batch([])
            batch.effects.restoration = .some(nil)
            try await store.commit(batch)
            #expect(try await store.restoration() == nil)
            // Without a journal there are no floors, and nobody may be awaited.
            batch.effects.restoration = .some(Restoration(floors: [], awaited: []))
            try await store.commit(batch)
            #expect(try await store.restoration() == Restoration(floors: [], awaited: []))
        }
    }

    // MARK: - Cases

    @Test(arguments: StoreKind.allCases) func digestsFollowTheCases(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice()
            try await office.begin(store)
            let events = try (0..<5).map { _ in try office.register() }
            let ids = events.compactMap(\.caseID)
            try await store.commit(office.batch(events))
            func digest(_ index: Int) throws -> CaseDigest {
                CaseDigest(caseID: ids[index], digest: try #require(office.records[ids[index]]).digest(sha256))
            }
            func page(_ after: UInt64, _ limit: Int) async throws -> (digests: [CaseDigest], positions: [UInt64]) {
                let page = try await store.digests(after: after, limit: limit)
                return (page.map(\.digest), page.map(\.position))
            }
            var (digests, positions) = try await page(0, 3)
            #expect(try digests == [digest(0), digest(1), digest(2)] && positions == [1, 2, 3])
            (digests, positions) = try await page(3, 3)
            #expect(try digests == [digest(3), digest(4)] && positions == [4, 5])
            let before = try digest(0)
            try await store.commit(office.batch([office.note(ids[0])]))
            (digests, positions) = try await page(5, 3)
            #expect(try digests == [digest(0)] && positions == [6])
            #expect(digests != [before])
            #expect(try await page(6, 3).digests.isEmpty)
            #expect(try await page(0, 0).digests.isEmpty)
            let asked = [ids[4], office.newCase(), ids[0], ids[4]]
            let some = try await store.digests(of: asked)
            let expected = Set([try digest(0), try digest(4)])
            #expect(Set(some) == expected && some.count == 2)
            #expect(try await store.digests(of: []).isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases) func casesOfOnePositionComeTogether(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice()
            try await office.begin(store)
            var batch = try office.batch((0..<6).map { _ in try office.register() })
            for (index, position) in [1, 2, 2, 2, 3, 4].enumerated() { batch.cases[index].position = UInt64(position) }
            try await store.commit(batch)
            func positions(_ after: UInt64, _ limit: Int) async throws -> [UInt64] {
                try await store.digests(after: after, limit: limit).map(\.position)
            }
            #expect(try await positions(0, 2) == [1])
            #expect(try await positions(0, 4) == [1, 2, 2, 2])
            #expect(try await positions(1, 2) == [2, 2, 2])
            #expect(try await positions(2, 2) == [3, 4])
        }
    }

    @Test(arguments: StoreKind.allCases) func casesThatWaitAreFound(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice()
            try await office.begin(store)
            let events = try (0..<4).map { _ in try office.register() }
            let ids = events.compactMap(\.caseID)
            try await store.commit(office.batch(events))
            #expect(try await store.pending(after: nil, limit: 9) == [])
            let to = try #require(OrganizationCode(rawValue: "IR-23"))
            let seat = try #require(Origin("IR-23"))
            let referrals = try [ids[2], ids[1]].map {
                try office.write(.referred(to: to, seat: seat), $0)
            }
            try await store.commit(office.batch(referrals))
            #expect(try await store.pending(after: nil, limit: 9) == [ids[1], ids[2]].sorted())
            let first = min(ids[1], ids[2])
            #expect(try await store.pending(after: nil, limit: 1) == [first])
            #expect(try await store.pending(after: first, limit: 9) == [max(ids[1], ids[2])])
        }
    }
}
