import Casework
import Federation
import Postgres
import Testing

@testable import Store

/// Both stores, and how to open each again as after a restart. PostgreSQL's takes even the smallest batch by COPY once.
enum StoreKind: CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, postgres, copying

    var testDescription: String { "\(self)" }

    func with(
        _ body: (_ store: any CaseStore, _ reopen: () async throws -> any CaseStore) async throws -> Void
    )
        async throws
    {
        switch self {
        case .memory:
            let store = MemoryStore()
            try await body(store) { store }
        case .postgres, .copying:
            let few = self == .copying ? 0 : 128
            let database = try await ContractServer.open(ContractServer.newDatabase())
            let store = PostgresStore(database: database, hashing: sha256, few: few)
            var others: [(Database, PostgresStore)] = []
            try await body(store) {
                let database = try await ContractServer.open(database.url)
                let store = PostgresStore(database: database, hashing: sha256, few: few)
                others.append((database, store))
                return store
            }
            for (database, store) in others + [(database, store)] {
                await store.close()
                await database.close()
            }
        }
    }
}

extension StoreKind {
    /// As `with`, and a way to flip a bit in an event's stored envelope, then, the next time, in its part.
    func withDamage(
        _ body: (_ store: any CaseStore, _ damage: (Event) async throws -> Void) async throws -> Void
    ) async throws {
        try await with { store, _ in
            var isPart = false
            try await body(store) { event in
                if let store = store as? MemoryStore { return store.damage(event) }
                let (table, column, offset) = isPart ? ("parts", "part", 20) : ("journal", "envelope", 10)
                isPart = true
                let database = try #require((store as? PostgresStore)?.database)
                try await database.readers.run { connection in
                    try connection.execute(
                        """
                        UPDATE \(table)
                        SET \(column) = set_byte(\(column), \(offset), get_byte(\(column), \(offset)) # 1)
                        WHERE origin = '\(event.origin.code)' AND seq = \(event.envelope.seq)
                        """)
                }
            }
        }
    }
}

/// What every `CaseStore` promises.
@Suite struct ContractTests {
    @Test(arguments: StoreKind.allCases) func aNewProcessFencesTheOld(_ kind: StoreKind) async throws {
        try await kind.with { store, reopen in
            var office = ContractOffice()
            try await office.begin(store)
            try await store.commit(office.batch([office.register()]))
            let other = try await reopen()
            #expect(try await other.takeOver(office.origin, token: 8) == office.stored)
            #expect(try await other.resume(office.origin, token: 8) == office.stored)
            await #expect(throws: StoreError.fenced) { try await store.resume(office.origin, token: 7) }
            let late = try office.batch([office.register()])
            await #expect(throws: StoreError.fenced) { try await store.commit(late) }
            #expect(try await other.journal(of: office.origin, after: 0).count == 1)
        }
    }

    /// A batch given while the one before is under way: saved after it, and never without it.
    @Test(arguments: StoreKind.allCases) func aBatchWaitsForTheEarlierOne(_ kind: StoreKind) async throws {
        struct Broken: Error {}
        try await kind.with { store, _ in
            var office = ContractOffice()
            try await office.begin(store)
            let event = try office.register()
            let id = try #require(event.caseID)
            let batches = [office.batch([event]), office.batch([try office.register(), try office.note(id)])]
            await #expect(throws: StoreError.earlierFailed) {
                try await store.commit(batches[1], after: Task { throw Broken() })
            }
            #expect(try await store.journal(of: office.origin, after: 0) == [])
            let gate = AsyncStream<Void>.makeStream()
            let earlier = Task {
                for await _ in gate.stream {}
                try await store.commit(batches[0])
            }
            let later = Task { try await store.commit(batches[1], after: earlier) }
            try await Task.sleep(for: .milliseconds(100))
            #expect(try await store.journal(of: office.origin, after: 0) == [])
            gate.continuation.finish()
            try await later.value
            #expect(try await store.journal(of: office.origin, after: 0).count == 3)
            #expect(try await store.events(of: [id])[id]?.count == 2)
        }
    }

    @Test(arguments: StoreKind.allCases) func aBatchMustContinueTheHead(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice()
            let batch = try office.batch([office.register()])
            await #expect(throws: StoreError.fenced) { try await store.commit(batch) }
            try await office.begin(store)
            try await store.commit(batch)
            // The same batch again, as after an outcome that was taken for a failure.
            await #expect(throws: StoreError.fenced) { try await store.commit(batch) }
            #expect(try await store.resume(office.origin, token: 7) == office.stored)
        }
    }

    @Test(arguments: StoreKind.allCases) func eventsComeBackExactly(_ kind: StoreKind) async throws {
        try await kind.with { store, reopen in
            var office = ContractOffice()
            try await office.begin(store)
            let first = try office.register()
            let id = try #require(first.caseID)
            let plain = try office.write(.accepted, id)
            let withheld = try office.note(id, "پنهان").withheld
            let other = try office.register()
            try await store.commit(office.batch([first, plain]))
            try await store.commit(office.batch([withheld, other]))
            let again = try await reopen()
            let unknown = office.newCase()
            let found = try await again.events(of: [id, unknown, id])
            #expect(found == [id: [first, plain, withheld]])
            #expect(found[id]?.map(\.bytes) == [first, plain, withheld].map(\.bytes))
            #expect(found[id]?.map(\.part) == [first.part, .none, .withheld])
            #expect(found[id]?.map(\.envelope) == [first, plain, withheld].map(\.envelope))
            #expect(try await again.takeOver(office.origin, token: 9) == office.stored)
        }
    }

    @Test(arguments: StoreKind.allCases) func aMissingPartIsCompleted(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice()
            try await office.begin(store)
            let event = try office.register()
            let id = try #require(event.caseID)
            var erased = try office.note(id)
            let gone = erased
            erased.part = .erased
            try await store.commit(office.batch([event.withheld, erased]))
            #expect(try await store.events(of: [id])[id]?.map(\.part) == [.withheld, .erased])
            var batch = office.batch([])
            batch.effects.completed = [event, event, gone]
            try await store.commit(batch)
            // An erased part does not come back.
            #expect(try await store.events(of: [id])[id]?.map(\.part) == [event.part, .erased])
        }
    }

    @Test(arguments: StoreKind.allCases) func eventsStandInTheOrderOfPositions(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice()
            var other = ContractOffice("IR-23", seed: 2)
            try await office.begin(store)
            let first = try office.register()
            let id = try #require(first.caseID)
            let theirs = try (0..<3).map { try other.note(id, "\($0)") }
            let last = try office.note(id)
            // Another origin's lower seqs after own higher ones, and against their own order.
            let events = [first, last, theirs[2], theirs[0], theirs[1]]
            for event in events { try await store.commit(office.batch([event])) }
            #expect(try await store.events(of: [id])[id] == events)
            #expect(try await store.journal(of: other.origin, after: 0) == theirs)
        }
    }

    @Test(arguments: StoreKind.allCases) func theJournalIsReadInBoundedBatches(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice()
            try await office.begin(store)
            let id = office.newCase()
            let small = try (0..<(Batch.maximumEvents + 3)).map { try office.note(id, "\($0)") }
            // 240 KiB each: four fill a batch.
            let large = try (0..<6).map { _ in try office.note(id, String(repeating: "x", count: 240 * 1024)) }
            try await store.commit(office.batch(small + large))
            var read: [[Event]] = []
            while true {
                let batch = try await store.journal(of: office.origin, after: read.last?.last?.envelope.seq ?? 0)
                if batch.isEmpty { break }
                read.append(batch)
            }
            #expect(read.map(\.count) == [Batch.maximumEvents, 7, 2])
            #expect(read.flatMap { $0 } == small + large)
            #expect(try await store.journal(of: .hub, after: 0).isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases) func aBatchOfMiddlingEventsEndsByItsBytes(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice()
            try await office.begin(store)
            let id = office.newCase()
            let events = try (0..<300).map { _ in try office.note(id, String(repeating: "x", count: 7_500)) }
            try await store.commit(office.batch(events))
            let first = try await store.journal(of: office.origin, after: 0)
            let bytes = first.reduce(0) { $0 + $1.size }
            #expect(bytes <= Batch.maximumBytes && bytes + events[0].size > Batch.maximumBytes)
            #expect(first == Array(events.prefix(first.count)))
        }
    }

    @Test(arguments: StoreKind.allCases) func branchesAreReadByStretches(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice()
            try await office.begin(store)
            let id = office.newCase()
            let trunk = try (0..<(Batch.maximumEvents - 1)).map { _ in try office.note(id) }
            let root = office.writer.incarnation
            var branch = office
            branch.restart(5)
            let left = try (0..<2).map { try office.note(id, "left \($0)") }
            let right = try (0..<2).map { try branch.note(id, "right \($0)") }
            try await store.commit(office.batch(trunk + left + right))
            let fork = UInt64(trunk.count)
            let chains = try #require(try await store.chains()[office.origin]?.chains)
            #expect(chains.map(\.incarnation) == [root, 5])
            #expect(chains.map(\.parent) == [0, root] && chains.map(\.first) == [1, fork + 1])
            // A batch that ends between two events of one seq goes on with the other.
            let both = [Stretch(incarnation: root, after: 0), Stretch(incarnation: 5, after: 0)]
            let first = try await store.journal(of: office.origin, in: both)
            #expect(first == rows(trunk + [left[0]]))
            let rest = [Stretch(incarnation: root, after: fork + 1), Stretch(incarnation: 5, after: 0)]
            #expect(try await store.journal(of: office.origin, in: rest) == rows([right[0], left[1], right[1]]))
            let last = [Stretch(incarnation: 5, after: fork + 1)]
            #expect(try await store.journal(of: office.origin, in: last) == rows([right[1]]))
            #expect(try await store.journal(of: office.origin, in: [Stretch(incarnation: 6, after: 0)]).isEmpty)
            #expect(try await store.journal(of: office.origin, in: []).isEmpty)
            let hashes = try await store.hashes(of: office.origin, from: fork + 2, through: .max)
            #expect(hashes == [left[1].envelope.place: left[1].hash, right[1].envelope.place: right[1].hash])
        }
    }

    @Test(arguments: StoreKind.allCases) func aDamagedEventIsMendedFromACopy(_ kind: StoreKind) async throws {
        try await kind.withDamage { store, damage in
            var office = ContractOffice()
            try await office.begin(store)
            let good = try office.register()
            let bad = try office.register()
            try await store.commit(office.batch([good, bad]))
            let id = try #require(bad.caseID)
            #expect(try await store.repair([good, bad]) == 0)
            for _ in 0..<2 {
                try await damage(bad)
                await #expect(throws: StoreError.corrupt(id, "IR-03 2")) { try await store.events(of: [id]) }
                await #expect(throws: StoreError.corrupt(id, "IR-03 2")) {
                    try await store.journal(of: office.origin, after: 0)
                }
                // Another event cannot take its place.
                var forger = ContractOffice(seed: 9)
                _ = try forger.register()
                #expect(try await store.repair([good, forger.register(id)]) == 0)
                #expect(try await store.repair([bad, good, bad]) == 1)
                #expect(try await store.events(of: [id])[id] == [bad])
            }
            #expect(try await store.repair([]) == 0)
        }
    }

    @Test(arguments: StoreKind.allCases) func anEventWithoutCaseIsKept(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice("hub")
            try await office.begin(store)
            let event = try office.write(.noted, nil)
            try await store.commit(office.batch([event]))
            #expect(try await store.journal(of: .hub, after: 0) == [event])
        }
    }
}
