import Casework
import Contract
import Federation
import Postgres
import Synchronization
import Testing

@testable import Store

/// Long journals: what comes next is decided and written while what came before is committed.
@Suite(.timeLimit(.minutes(2))) struct WriterFlightTests {
    private typealias Pending = Writer<HubCore>.PendingEffects

    /// More events than a batch may have that is not somebody catching up.
    private static let many = Admission.large + 1

    /// A province's journal in batches, whose cases go on in the two batches behind the one that began them.
    private struct Journal {
        var office = ContractOffice()
        private var begun: [[CaseID]] = []

        /// - Parameter size: of the text that is noted in each new case, in bytes.
        mutating func next(_ count: Int = many, size: Int = 10) throws -> [Event] {
            var events: [Event] = []
            let text = String(repeating: "x", count: size)
            let some = count / 16
            // Others of each batch: its cases in the air are not those of the next as well.
            let older = (begun.last ?? []).prefix(some) + (begun.dropLast().last ?? []).dropFirst(some).prefix(some)
            for id in older { events.append(try office.note(id)) }
            var new: [CaseID] = []
            while events.count < count {
                let id = office.newCase()
                events.append(try office.register(id))
                if events.count < count { events.append(try office.note(id, text)) }
                new.append(id)
            }
            begun.append(new)
            return events
        }
    }

    private func begin(_ writer: Writer<HubCore>, _ events: [Event]) throws -> Pending {
        let arrival = HubCore.Arrival.events(events[0].origin, events, known: [:])
        return try writer.begin(arrival, cases: arrival.cases, size: events.count, lane: events[0].origin)
    }

    /// Gives each batch to the writer when the store has been given the one before: none goes with another.
    private func begin(_ writer: Writer<HubCore>, _ batches: [[Event]], _ diary: Diary) async throws -> [Pending] {
        var pending: [Pending] = []
        for (index, events) in batches.enumerated() {
            // The third waits until the first is saved.
            while diary.count("begun") < min(index, 2) {
                try await Task.sleep(for: .milliseconds(1))
            }
            pending.append(try begin(writer, events))
        }
        return pending
    }

    /// That the store holds all of it: every event in its order, and every case's row as its events fold.
    private func expect(_ events: [Event], in store: WatchedStore) async throws {
        let place = try #require(events.first?.envelope)
        var stored: [Event] = []
        while let next = try await store.journal(
            of: place.origin, in: [Stretch(incarnation: place.incarnation, after: UInt64(stored.count))]
        ).nonempty {
            stored += try next.map { try Event($0.event, hashing: sha256) }
        }
        #expect(stored == events)
        #expect(try await store.resume(.hub, token: 1).position == UInt64(events.count))
        var (records, positions): ([CaseID: [Event]], [CaseID: UInt64]) = ([:], [:])
        for (index, event) in events.enumerated() {
            guard let id = event.caseID else { continue }
            records[id, default: []].append(event)
            positions[id] = UInt64(index + 1)
        }
        #expect(store.base.cases.count == records.count)
        for (id, events) in records {
            let row = CaseRow(CaseRecord(id: id, events: events), position: positions[id] ?? 0)
            #expect(store.base.cases[id] == row)
        }
    }

    /// The second is given to the store while the first is being committed; the third, which is decided, waits.
    @Test func twoAreSavedSideBySide() async throws {
        let (store, diary) = (WatchedStore(), Diary())
        store.watch { batch in
            diary.note("begun")
            defer { diary.note("saved") }
            guard batch.expected.position == 0 else { return }
            while diary.count("begun") < 2 { try await Task.sleep(for: .milliseconds(1)) }
            // Time for the third, which must not come.
            try await Task.sleep(for: .milliseconds(100))
            #expect(diary.count("begun") == 2)
        }
        let writer = WriterOffice.hub(store)
        var journal = Journal()
        let batches = try (0..<3).map { _ in try journal.next() }
        try await running(writer) {
            for pending in try await begin(writer, batches, diary) { _ = try await pending.effects }
        }
        #expect(store.base.commits == 3)
        try await expect(batches.flatMap { $0 }, in: store)
    }

    /// Whoever works beside a long journal waits for what is being saved: that is one batch then.
    @Test func besidePeopleOneIsSavedAtATime() async throws {
        let (store, diary) = (WatchedStore(), Diary())
        store.watch { batch in
            diary.note("begun")
            guard batch.effects.numbered.count > 1 else { return }
            try await Task.sleep(for: .milliseconds(50))
            diary.note("saved")
        }
        let writer = WriterOffice.hub(store)
        var journal = Journal()
        let batches = try [journal.next(1), journal.next(), journal.next()]
        try await running(writer) {
            _ = try await begin(writer, batches[0]).effects
            let first = try begin(writer, batches[1])
            while diary.count("begun") < 2 { try await Task.sleep(for: .milliseconds(1)) }
            for pending in [first, try begin(writer, batches[2])] { _ = try await pending.effects }
        }
        #expect(diary.all == ["begun", "begun", "saved", "begun", "saved"])
    }

    /// What goes on from a batch that fails is never saved on its own, and nobody hears of it: all of it is tried again.
    @Test(
        arguments: [
            .before(PostgresError(.connectionLost, "gone")), .before(StoreError.outcomeUnknown),
            .after(StoreError.outcomeUnknown),
        ] as [MemoryStore.Failure]) func whatWentOnFromAFailureIsDecidedAnew(
            _ failure: MemoryStore.Failure
        ) async throws
    {
        let (store, diary) = (WatchedStore(), Diary())
        store.watch { batch in
            diary.note("begun")
            guard diary.all.count == 1 else { return }
            while diary.count("begun") < 2 { try await Task.sleep(for: .milliseconds(1)) }
            store.base.failNextCommit(failure)
        }
        let writer = WriterOffice.hub(store)
        var journal = Journal()
        let batches = try (0..<4).map { _ in try journal.next() }
        try await running(writer) {
            for (pending, events) in zip(try await begin(writer, batches, diary), batches) {
                #expect(try await pending.effects.heads.map(\.seq) == [events[events.count - 1].envelope.seq])
            }
        }
        try await expect(batches.flatMap { $0 }, in: store)
    }

    /// A batch that the database refuses is its sender's alone: others, which went on from it, are saved all the same.
    @Test func theInnocentAreSaved() async throws {
        let (store, diary) = (WatchedStore(), Diary())
        let culprit = ContractOffice("IR-07").origin
        store.watch { batch in
            diary.note("begun")
            if diary.all.count == 1 {
                while diary.count("begun") < 2 { try await Task.sleep(for: .milliseconds(1)) }
            }
            if batch.effects.numbered.contains(where: { $0.event.origin == culprit }) {
                throw PostgresError(.checkViolation, "no")
            }
        }
        let writer = WriterOffice.hub(store)
        let batches = try ["IR-07", "IR-03", "IR-11", "IR-12"].map { code in
            var journal = Journal()
            journal.office = ContractOffice(code)
            return try journal.next()
        }
        try await running(writer) {
            let pending = try await begin(writer, batches, diary)
            await #expect(throws: ServiceError.unavailable("could not be saved: no")) { try await pending[0].effects }
            for pending in pending.dropFirst() { _ = try await pending.effects }
        }
        #expect(try await store.resume(.hub, token: 1).position == UInt64(3 * Self.many))
    }

    /// Everybody is answered when another process takes over while batches are under way.
    @Test func allHearThatTheirWriterWasFenced() async throws {
        let (store, diary) = (WatchedStore(), Diary())
        store.watch { _ in
            diary.note("begun")
            guard diary.all.count == 1 else { return }
            while diary.count("waiting") < 1 { try await Task.sleep(for: .milliseconds(1)) }
            _ = try await store.takeOver(.hub, token: 2)
        }
        let writer = WriterOffice.hub(store)
        var journal = Journal()
        let batches = try (0..<3).map { _ in try journal.next() }
        let fenced = ServiceError.halted("another process has become the writer of hub")
        let run = Task { try await writer.run() }
        let pending = try await begin(writer, batches, diary)
        diary.note("waiting")
        for pending in pending { await #expect(throws: fenced) { try await pending.effects } }
        await #expect(throws: fenced) { try await run.value }
        #expect(store.base.commits == 0)
    }

    /// A database that stays away is told to those in every batch.
    @Test func allHearThatTheDatabaseIsAway() async throws {
        let (store, diary) = (WatchedStore(), Diary())
        store.watch { _ in
            diary.note("begun")
            if diary.all.count == 1 {
                while diary.count("begun") < 2 { try await Task.sleep(for: .milliseconds(1)) }
            }
            throw PostgresError(.connectionLost, "gone")
        }
        let writer = WriterOffice.hub(store, patience: 300)
        var journal = Journal()
        let batches = try (0..<4).map { _ in try journal.next() }
        try await running(writer) {
            for pending in try await begin(writer, batches, diary) {
                await #expect(throws: ServiceError.unavailable("the database does not answer: try again")) {
                    try await pending.effects
                }
            }
        }
    }

    /// The bound of memory forgets no case of which the store does not show the last events yet.
    @Test func whatIsUnderWayIsNotForgotten() async throws {
        let (store, diary) = (WatchedStore(), Diary())
        store.watch { batch in
            diary.note("begun \(batch.expected.position)")
            try await Task.sleep(for: .milliseconds(50))
        }
        let writer = WriterOffice.hub(store)
        var journal = Journal()
        // Two batches have more bytes than are kept in memory.
        let size = WriterBounds().cachedBytes * 5 / 8 / Self.many
        let batches = try (0..<6).map { _ in try journal.next(2 * Self.many, size: size) }
        try await running(writer) {
            var (pending, count): ([Pending], Int) = ([], 0)
            for events in batches {
                pending.append(try begin(writer, events))
                while !diary.all.contains("begun \(count)") { try await Task.sleep(for: .milliseconds(1)) }
                count += events.count
            }
            for pending in pending { _ = try await pending.effects }
        }
        #expect(store.base.commits == batches.count)
        try await expect(batches.flatMap { $0 }, in: store)
    }

    /// Large and small batches, and commits that fail in every way, many times over.
    @Test(arguments: 1...5) func everythingArrivesOnce(seed: UInt64) async throws {
        let store = WatchedStore()
        let random = Mutex(SeededRandom(state: seed))
        store.watch { _ in
            let (dice, delay) = random.withLock { ($0.next() % 8, $0.next() % 3) }
            try await Task.sleep(for: .milliseconds(delay))
            switch dice {
            case 0: store.base.failNextCommit(.before(PostgresError(.checkViolation, "no")))
            case 1: store.base.failNextCommit(.before(StoreError.outcomeUnknown))
            case 2: store.base.failNextCommit(.after(StoreError.outcomeUnknown))
            case 3: throw PostgresError(.serializationFailure, "again")
            default: return
            }
        }
        let writer = WriterOffice.hub(store)
        var journal = Journal()
        var (all, pending): ([[Event]], [Pending]) = ([], [])
        let task = Task { try await writer.run() }
        for _ in 0..<24 {
            let count = random.withLock { [1, 3, Self.many, 2 * Self.many][Int($0.next() % 4)] }
            all.append(try journal.next(count))
        }
        for batch in all { pending.append(try begin(writer, batch)) }
        for (pending, batch) in zip(pending, all) {
            // A link sends again what could not be saved, and what came behind it.
            var (outcome, last) = (await pending.outcome, batch[batch.count - 1].envelope.seq)
            while (try? outcome.get().heads.first?.seq) ?? 0 < last {
                outcome = await (try begin(writer, batch)).outcome
            }
        }
        task.cancel()
        try await expect(all.flatMap { $0 }, in: store)
    }
}

extension Array {
    fileprivate var nonempty: Self? { isEmpty ? nil : self }
}
