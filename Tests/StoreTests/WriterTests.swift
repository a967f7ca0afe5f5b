import Casework
import Contract
import Federation
import Postgres
import Testing

@testable import Store

private struct Broken: Error {}

/// Group commit: one transaction, then the observers, then the callers.
@Suite(.timeLimit(.minutes(1))) struct WriterTests {
    @Test func aGroupCommitAnswersAll() async throws {
        let store = WatchedStore()
        let writer = WriterOffice.node(store)
        let requests = (0..<100).map { WriterOffice.registration("\($0)") }
        let answers = try await together(writer, requests).map { try $0.get() }
        #expect(store.base.commits == 1)
        #expect(answers.flatMap(\.events).map(\.envelope.seq) == Array(1...100))
        for (index, answer) in answers.enumerated() {
            #expect(answer.events.first?.texts?.subject == "\(index)")
            #expect(!answer.isReplay && answer.record.state.status == .registered)
        }
        #expect(try await store.journal(of: WriterOffice.tabriz, after: 0) == answers.flatMap(\.events))
    }

    /// What comes during a commit waits for its end, and not for another to come and wake the writer.
    @Test func whatComesDuringACommitIsTheNext() async throws {
        let (store, diary) = (WatchedStore(), Diary())
        let writer = WriterOffice.node(store)
        store.watch { [store] _ in
            diary.note("committing")
            if store.base.commits == 0 { try await writer.until(waiting: 3) }
        }
        let answers = try await running(writer) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await writer.submit(WriterOffice.registration("first")) }
                while diary.all.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
                for number in 0..<3 {
                    group.addTask { _ = try await writer.submit(WriterOffice.registration("\(number)")) }
                }
                try await group.waitForAll()
            }
            return try await store.journal(of: WriterOffice.tabriz, after: 0)
        }
        #expect(answers.count == 4)
        #expect(store.base.commits == 2)
    }

    /// Projections leave the disk to people when many of them wait, and only then.
    @Test func aCrowdIsBusy() async throws {
        let (few, many) = (WriterOffice.node(WatchedStore()), WriterOffice.node(WatchedStore()))
        _ = try await together(few, (0..<10).map { WriterOffice.registration("\($0)") })
        #expect(!few.isBusy)
        _ = try await together(many, (0..<20).map { WriterOffice.registration("\($0)") })
        #expect(many.isBusy)
    }

    /// Who asks for what is refused hears it alone; nothing of it is written.
    @Test func aRefusalDoesNotHurtItsCompanions() async throws {
        let store = WatchedStore()
        let nobody = CaseID(home: WriterOffice.tabriz, at: WriterOffice.noon, random: (1, 1))
        let outcomes = try await together(
            WriterOffice.node(store),
            [WriterOffice.registration(), WriterOffice.note(nobody, "?"), WriterOffice.registration(" ")])
        #expect(throws: Never.self) { try outcomes[0].get() }
        #expect(throws: Refusal.unknownCase) { try outcomes[1].get() }
        #expect(throws: Refusal.invalid(field: "subject", .empty)) { try outcomes[2].get() }
        #expect(try await store.journal(of: WriterOffice.tabriz, after: 0).count == 1)
    }

    @Test func onlyTheCulpritHears() async throws {
        let store = WatchedStore()
        store.watch { batch in
            if batch.effects.numbered.contains(where: { $0.event.texts?.subject == "poison" }) {
                throw PostgresError(.checkViolation, "poison")
            }
        }
        let requests = ["a", "b", "poison", "c", "d"].map { WriterOffice.registration($0) }
        let outcomes = try await together(WriterOffice.node(store), requests)
        for index in [0, 1, 3, 4] { #expect(throws: Never.self) { try outcomes[index].get() } }
        #expect(throws: ServiceError.self) { try outcomes[2].get() }
        let journal = try await store.journal(of: WriterOffice.tabriz, after: 0)
        #expect(journal.map { $0.texts?.subject } == ["a", "b", "c", "d"])
        #expect(journal.map(\.envelope.seq) == [1, 2, 3, 4])
    }

    /// Saved, then seen by the observers, then answered: never in another order.
    @Test func nothingIsAnsweredBeforeItIsDurable() async throws {
        let (store, diary) = (WatchedStore(), Diary())
        store.watchAfter { _ in
            // Whoever is answered too early has the time to say so.
            try await Task.sleep(for: .milliseconds(2))
            diary.note("saved")
        }
        let writer = WriterOffice.node(store) { _ in
            let until = ContinuousClock.now + .milliseconds(2)
            while ContinuousClock.now < until {}
            diary.note("observed")
        }
        try await running(writer) {
            for _ in 0..<20 {
                _ = try await writer.submit(WriterOffice.registration())
                diary.note("answered")
            }
        }
        #expect(diary.all == (0..<20).flatMap { _ in ["saved", "observed", "answered"] })
    }

    // MARK: Idempotency

    @Test func theSameKeyTwiceInOneBatchIsOneEvent() async throws {
        let store = WatchedStore()
        let requests = [
            WriterOffice.registration("once", key: "k"), WriterOffice.registration("once", key: "k"),
            WriterOffice.registration("once", key: "k", body: 2), WriterOffice.registration("other", key: "l"),
        ]
        let outcomes = try await together(WriterOffice.node(store), requests)
        let (first, second) = (try outcomes[0].get(), try outcomes[1].get())
        #expect(first.events == second.events && first.record == second.record)
        #expect(!first.isReplay && second.isReplay)
        #expect(throws: Refusal.keyReused) { try outcomes[2].get() }
        #expect(try outcomes[3].get().record.id != first.record.id)
        #expect(try await store.journal(of: WriterOffice.tabriz, after: 0).count == 2)
        #expect(store.base.commits == 1)
    }

    /// Across batches, and across a restart of the server.
    @Test func theSameKeyLaterIsTheSameAnswer() async throws {
        let store = WatchedStore()
        var writer = WriterOffice.node(store)
        let first = try await running(writer) { [writer] in
            let first = try await writer.submit(WriterOffice.registration(key: "k"))
            #expect(try await writer.submit(WriterOffice.registration(key: "k")).events == first.events)
            _ = try await writer.submit(WriterOffice.note(first.record.id, "n", key: "n"))
            return first
        }
        writer = WriterOffice.node(store, token: 2, incarnation: 2)
        try await running(writer) { [writer] in
            let again = try await writer.submit(WriterOffice.registration(key: "k"))
            #expect(again.isReplay && again.events == first.events && again.record.id == first.record.id)
            #expect(again.record.events.count == 2)
            await #expect(throws: Refusal.keyReused) {
                try await writer.submit(WriterOffice.registration("changed", key: "k", body: 2))
            }
            // Another person's key of the same name is another key.
            var other = WriterOffice.registration(key: "k", body: 2)
            other.principal.name = "hasan"
            #expect(try await !writer.submit(other).isReplay)
        }
        #expect(try await store.journal(of: WriterOffice.tabriz, after: 0).count == 3)
    }

    @Test func aRefusedCommandKeepsNoKey() async throws {
        let store = WatchedStore()
        let outcomes = try await together(
            WriterOffice.node(store),
            [WriterOffice.registration(" ", key: "k"), WriterOffice.registration("mended", key: "k", body: 2)])
        #expect(throws: Refusal.self) { try outcomes[0].get() }
        #expect(try outcomes[1].get().isReplay == false)
    }

    // MARK: Commits that fail

    /// COMMIT was sent and no answer came. Whichever way it went, each command has one effect and one answer.
    @Test(arguments: [true, false]) func anUnknownOutcomeIsFoundOut(wasCommitted: Bool) async throws {
        let (store, diary) = (WatchedStore(), Diary())
        let lost = StoreError.outcomeUnknown
        store.base.failNextCommit(wasCommitted ? .after(lost) : .before(lost))
        let writer = WriterOffice.node(store) { _ in diary.note("observed") }
        let answers = try await together(writer, ["a", "b"].map { WriterOffice.registration($0) })
            .map { try $0.get() }
        let journal = try await store.journal(of: WriterOffice.tabriz, after: 0)
        #expect(journal == answers.flatMap(\.events))
        #expect(journal.map(\.envelope.seq) == [1, 2])
        #expect(diary.count("observed") == 1)
    }

    /// A batch that moves no head leaves no trace of whether it was committed: it must be done again.
    @Test func anUnknownOutcomeOfACursorIsNotTakenForDone() async throws {
        let store = WatchedStore()
        let writer = WriterOffice.node(store)
        var other = ContractOffice("IR-23")
        let note = try other.note(CaseID(home: WriterOffice.tabriz, at: WriterOffice.noon, random: (1, 1)))
        func arrival(_ seq: UInt64) -> NodeCore.Arrival {
            .feed([(FeedCursor(hubIncarnation: 1, seq: seq, hash: note.hash), note)])
        }
        let id = try #require(note.caseID)
        try await running(writer) {
            _ = try await writer.apply(arrival(1), cases: [id])
            store.base.failNextCommit(.before(StoreError.outcomeUnknown))
            let effects = try await writer.apply(arrival(2), cases: [id])
            #expect(effects.cursor?.seq == 2)
        }
        #expect(try await store.feedCursors().first?.seq == 2)
    }

    @Test func anUnknownOutcomeOfAPartIsNotTakenForDone() async throws {
        let store = WatchedStore()
        let writer = WriterOffice.hub(store)
        var office = ContractOffice()
        let event = try office.register()
        let id = try #require(event.caseID)
        try await running(writer) {
            let origin = office.origin
            _ = try await writer.apply(.events(origin, [event.withheld], known: [:]), cases: [id])
            #expect(try await store.events(of: [id])[id]?.first?.part == .withheld)
            store.base.failNextCommit(.before(StoreError.outcomeUnknown))
            _ = try await writer.apply(.events(origin, [event], known: [:]), cases: [id])
        }
        #expect(try await store.events(of: [id])[id]?.first?.part == event.part)
        #expect(store.base.cases[id]?.subject == "آب قطع است")
    }

    @Test func aLostConnectionIsWaitedFor() async throws {
        let store = WatchedStore()
        for _ in 0..<2 { store.base.failNextCommit(.before(PostgresError(.connectionLost, "gone"))) }
        let writer = WriterOffice.node(store)
        try await running(writer) {
            let answer = try await writer.submit(WriterOffice.registration())
            #expect(answer.events.map(\.envelope.seq) == [1])
        }
        #expect(store.base.commits == 1)
    }

    /// A database that stays away is told to all who wait, not to each after another's patience.
    @Test func patienceEnds() async throws {
        let (store, diary) = (WatchedStore(), Diary())
        store.watch { _ in
            diary.note("tried")
            throw PostgresError(.connectionLost, "gone")
        }
        let writer = WriterOffice.node(store, patience: 300)
        let begin = ContinuousClock.now
        let outcomes = try await together(writer, (0..<600).map { WriterOffice.registration("\($0)") })
        #expect(ContinuousClock.now - begin < .seconds(5))
        for outcome in outcomes {
            #expect(throws: ServiceError.unavailable("the database does not answer: try again")) { try outcome.get() }
        }
        #expect(diary.count("tried") <= 4)
        #expect(try await store.journal(of: WriterOffice.tabriz, after: 0) == [])
    }

    /// Callers gave up on a batch that had been committed: observers learn of it when the store is back.
    @Test func aBatchGivenUpIsStillObserved() async throws {
        let (store, diary) = (WatchedStore(), Diary())
        store.base.failNextCommit(.after(StoreError.outcomeUnknown))
        let writer = WriterOffice.node(store, patience: 0) { notice in diary.note("seq \(notice.head.seq)") }
        try await running(writer) {
            await #expect(throws: ServiceError.self) { try await writer.submit(WriterOffice.registration(key: "k")) }
            let again = try await writer.submit(WriterOffice.registration(key: "k"))
            #expect(again.isReplay)
        }
        #expect(diary.all == ["seq 1"])
    }

    // MARK: Bounds and codes

    @Test func aTrackingCodeInUseIsDrawnAgain() async throws {
        let (store, diary) = (WatchedStore(), Diary())
        // Everything drawn is in use, until twenty codes have been drawn.
        store.claim { code in
            defer { diary.note(code.digits) }
            return diary.all.count < 20
        }
        let answers = try await together(WriterOffice.node(store), (0..<5).map { WriterOffice.registration("\($0)") })
            .map { try $0.get() }
        let codes = answers.compactMap { $0.record.state.trackingCode?.digits }
        #expect(Set(codes).count == 5)
        #expect(Set(codes).isDisjoint(with: diary.all.prefix(20)))
    }

    @Test func memoryIsBoundedAndWhatIsForgottenIsLoaded() async throws {
        let store = WatchedStore()
        let writer = WriterOffice.node(store)
        let count = WriterBounds().cachedCases + 2 * WriterBounds().batch
        try await running(writer) {
            let first = try await writer.submit(WriterOffice.registration("first"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<count {
                    group.addTask { _ = try await writer.submit(WriterOffice.registration("\(index)")) }
                }
                try await group.waitForAll()
            }
            let kept = await writer.withCore { $0?.desk.cases.count ?? 0 }
            #expect(kept < WriterBounds().cachedCases)
            let answer = try await writer.submit(WriterOffice.note(first.record.id, "still here"))
            #expect(answer.record.events.count == 2)
            #expect(answer.record.state.revision == 2)
        }
    }
}
