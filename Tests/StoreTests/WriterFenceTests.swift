import Casework
import Contract
import Federation
import Postgres
import Synchronization
import Testing

@testable import Store

/// One writer for each origin, and everybody answered when it ends.
@Suite(.timeLimit(.minutes(1))) struct WriterFenceTests {
    private static let fenced = ServiceError.halted("another process has become the writer of IR-03")

    /// The newer process takes over; the older stops at its next commit.
    @Test func theNewerFencesTheOlder() async throws {
        let store = WatchedStore()
        let (older, newer) = (
            WriterOffice.node(store, token: 1, incarnation: 1), WriterOffice.node(store, token: 2, incarnation: 2)
        )
        let run = Task { try await older.run() }
        _ = try await older.submit(WriterOffice.registration())
        try await running(newer) {
            _ = try await newer.submit(WriterOffice.registration())
            await #expect(throws: Self.fenced) { try await older.submit(WriterOffice.registration()) }
            await #expect(throws: Self.fenced) { try await run.value }
            await #expect(throws: Self.fenced) { try await older.submit(WriterOffice.registration()) }
            _ = try await newer.submit(WriterOffice.registration())
        }
        let journal = try await store.journal(of: WriterOffice.tabriz, after: 0)
        #expect(journal.map(\.envelope.incarnation) == [1, 2, 2])
        #expect(journal.map(\.envelope.seq) == [1, 2, 3])
    }

    /// The newer has taken over and not yet written; the older tries first and is stopped all the same.
    @Test func theOlderIsFencedBeforeTheNewerHasWritten() async throws {
        let store = WatchedStore()
        let older = WriterOffice.node(store, token: 1, incarnation: 1)
        let run = Task { try await older.run() }
        _ = try await older.submit(WriterOffice.registration())
        _ = try await store.takeOver(WriterOffice.tabriz, token: 2)
        await #expect(throws: Self.fenced) { try await older.submit(WriterOffice.registration()) }
        await #expect(throws: Self.fenced) { try await run.value }
        let newer = WriterOffice.node(store, token: 3, incarnation: 3)
        try await running(newer) {
            let answer = try await newer.submit(WriterOffice.registration())
            #expect(answer.events.map(\.envelope.seq) == [2])
        }
    }

    /// A writer that lost its connection does not fence the one that came meanwhile.
    @Test func whoComesBackIsFencedToo() async throws {
        let store = WatchedStore()
        let writer = WriterOffice.node(store)
        let run = Task { try await writer.run() }
        _ = try await writer.submit(WriterOffice.registration())
        store.watch { _ in
            store.watch { _ in }
            _ = try await store.takeOver(WriterOffice.tabriz, token: 2)
            throw StoreError.outcomeUnknown
        }
        await #expect(throws: Self.fenced) { try await writer.submit(WriterOffice.registration()) }
        await #expect(throws: Self.fenced) { try await run.value }
        #expect(try await store.journal(of: WriterOffice.tabriz, after: 0).count == 1)
    }

    @Test func allOfABatchHearThatItsWriterWasFenced() async throws {
        let store = WatchedStore()
        let tries = Mutex(0)
        // The batch fails, the first goes alone, and then another process comes.
        store.watch { _ in
            let count = tries.withLock { tries in
                tries += 1
                return tries
            }
            if count == 1 { throw PostgresError(.checkViolation, "no") }
            if count == 3 { _ = try await store.takeOver(WriterOffice.tabriz, token: 2) }
        }
        let outcomes = try await together(
            WriterOffice.node(store), ["a", "b", "c", "d"].map { WriterOffice.registration($0) })
        #expect(throws: Never.self) { try outcomes[0].get() }
        for outcome in outcomes.dropFirst() { #expect(throws: Self.fenced) { try outcome.get() } }
        #expect(try await store.journal(of: WriterOffice.tabriz, after: 0).count == 1)
    }

    /// Cancelled while the database is away: those in the batch and those behind it are told, and who comes later.
    @Test func cancellingAnswersEverybody() async throws {
        let store = WatchedStore()
        let writer = WriterOffice.node(store)
        let isTried = Mutex(false)
        store.watch { _ in
            isTried.withLock { $0 = true }
            throw PostgresError(.connectionLost, "gone")
        }
        let run = Task { try await writer.run() }
        let count = WriterBounds().batch + 20
        let stopping = ServiceError.unavailable("the server is stopping")
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                group.addTask {
                    await #expect(throws: stopping) { try await writer.submit(WriterOffice.registration("\(index)")) }
                }
            }
            while !isTried.withLock({ $0 }) { await Task.yield() }
            run.cancel()
        }
        await #expect(throws: Never.self) { try await run.value }
        await #expect(throws: stopping) { try await writer.submit(WriterOffice.registration()) }
    }

    /// Every start goes on where the last one ended, under a name of its own.
    @Test func theChainIsUnbrokenOverRestarts() async throws {
        let store = WatchedStore()
        var id: CaseID?
        for start in UInt64(1)...4 {
            let writer = WriterOffice.node(store, token: start, incarnation: start * 10)
            id = try await running(writer) { [id] in
                let first = try await writer.submit(WriterOffice.registration())
                // A commit that fails drops what was decided: its place is given again.
                store.base.failNextCommit(.before(PostgresError(.checkViolation, "no")))
                await #expect(throws: ServiceError.self) { try await writer.submit(WriterOffice.registration()) }
                _ = try await writer.submit(WriterOffice.note(id ?? first.record.id, "start \(start)"))
                return id ?? first.record.id
            }
        }
        var head = ChainHead.empty
        var last = Stamp(rawValue: 0)
        for event in try await store.journal(of: WriterOffice.tabriz, after: 0) {
            #expect(event.envelope.seq == head.seq + 1 && event.envelope.previous == head.hash)
            #expect(event.envelope.stamp > last)
            last = event.envelope.stamp
            head = ChainHead(incarnation: event.envelope.incarnation, seq: event.envelope.seq, hash: event.hash)
        }
        #expect(head.seq == 8 && head.incarnation == 40)
        #expect(try await store.takeOver(WriterOffice.tabriz, token: 9).head == head)
    }
}
