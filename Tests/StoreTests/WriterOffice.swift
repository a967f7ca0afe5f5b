import Casework
import Contract
import Federation
import Logging
import Synchronization

@testable import Store

/// A store in memory that lets a test look at what the writer asks of it, and delay or fail it.
final class WatchedStore: CaseStore {
    let base = MemoryStore()
    /// Called before each commit; what it throws, the writer gets, and nothing is saved.
    private let beforeCommit = Mutex<(@Sendable (Commit) async throws -> Void)?>(nil)
    /// Called when a commit has been saved; what it throws, the writer gets.
    private let afterCommit = Mutex<(@Sendable (Commit) async throws -> Void)?>(nil)
    /// Tracking codes that are in use, besides those stored.
    private let usedCodes = Mutex<@Sendable (TrackingCode) -> Bool>({ _ in false })

    func watch(_ body: @escaping @Sendable (Commit) async throws -> Void) { beforeCommit.withLock { $0 = body } }
    func watchAfter(_ body: @escaping @Sendable (Commit) async throws -> Void) { afterCommit.withLock { $0 = body } }
    func claim(_ body: @escaping @Sendable (TrackingCode) -> Bool) { usedCodes.withLock { $0 = body } }

    func commit(_ batch: Commit, after earlier: Task<Void, any Error>?) async throws {
        try await beforeCommit.withLock { $0 }?(batch)
        try await base.commit(batch, after: earlier)
        try await afterCommit.withLock { $0 }?(batch)
    }

    func used(_ codes: [TrackingCode]) async throws -> Set<TrackingCode> {
        let claimed = usedCodes.withLock { $0 }
        return try await base.used(codes).union(codes.filter(claimed))
    }

    func takeOver(_ origin: Origin, token: UInt64) async throws -> StoredHead {
        try await base.takeOver(origin, token: token)
    }
    func resume(_ origin: Origin, token: UInt64) async throws -> StoredHead {
        try await base.resume(origin, token: token)
    }
    func events(of cases: [CaseID]) async throws -> [CaseID: [Event]] { try await base.events(of: cases) }
    func journal(of origin: Origin, in stretches: [Stretch]) async throws -> [JournalRow] {
        try await base.journal(of: origin, in: stretches)
    }
    func repair(_ events: [Event]) async throws -> Int { try await base.repair(events) }
    func hashes(of origin: Origin, from seq: UInt64, through last: UInt64) async throws -> [ChainPlace: EventHash] {
        try await base.hashes(of: origin, from: seq, through: last)
    }
    func replies(_ keys: [IdempotencyKey]) async throws -> [IdempotencyKey: IdempotentReply] {
        try await base.replies(keys)
    }
    func chains() async throws -> [Origin: ChainTree] { try await base.chains() }
    func feedEnds() async throws -> [Origin: UInt64] { try await base.feedEnds() }
    func feed(of destination: Origin, after seq: UInt64) async throws -> [FeedRow] {
        try await base.feed(of: destination, after: seq)
    }
    func feedFacts(of destination: Origin, _ cursors: [FeedCursor]) async throws -> [FeedFact] {
        try await base.feedFacts(of: destination, cursors)
    }
    func feedCursors() async throws -> [FeedCursor] { try await base.feedCursors() }
    func reads() async throws -> [Origin: UInt32] { try await base.reads() }
    func record(_ ack: Ack) async throws { try await base.record(ack) }
    func acknowledged() async throws -> [UInt64: UInt64] { try await base.acknowledged() }
    func acknowledgement(covering place: ChainPlace) async throws -> Ack? {
        try await base.acknowledgement(covering: place)
    }
    func quarantines() async throws -> [Origin: Int] { try await base.quarantines() }
    func held(of origin: Origin, preferring incarnations: [UInt64], limit: Int) async throws -> [Event] {
        try await base.held(of: origin, preferring: incarnations, limit: limit)
    }
    func fenced() async throws -> [Origin: Set<UInt64>] { try await base.fenced() }
    func restoration() async throws -> Restoration? { try await base.restoration() }
    func restoredAt() async throws -> Instant? { try await base.restoredAt() }
    func digests(after position: UInt64, limit: Int) async throws -> [(digest: CaseDigest, position: UInt64)] {
        try await base.digests(after: position, limit: limit)
    }
    func digests(of cases: [CaseID]) async throws -> [CaseDigest] { try await base.digests(of: cases) }
    func pending(after last: CaseID?, limit: Int) async throws -> [CaseID] {
        try await base.pending(after: last, limit: limit)
    }
    func note(_ report: NodeReport) async throws { try await base.note(report) }
}

/// What a writer did, in order, as everybody around it saw it.
final class Diary: Sendable {
    private let lines = Mutex<[String]>([])

    func note(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
    func count(_ line: String) -> Int { all.count { $0 == line } }
}

extension Writer {
    /// Waits until as many commands stand in the queue: then one batch takes them all.
    func until(waiting count: Int) async throws {
        while waitingCount < count { try await Task.sleep(for: .milliseconds(1)) }
    }
}

enum WriterOffice {
    static let tabriz = Origin.provinces[3]
    static let noon = ContractOffice.noon
    static let maryam = Principal(name: "maryam", role: .operator, organization: OrganizationCode(tabriz))

    static func node(
        _ store: any CaseStore, token: UInt64 = 1, incarnation: UInt64 = 1, patience: Int64 = 8_000,
        observe: @escaping @Sendable (Writer<NodeCore>.Notice) -> Void = { _ in }
    ) -> Writer<NodeCore> {
        var environment = Writer<NodeCore>.Environment(now: { noon }, observe: observe) { head, incarnation in
            let chains = try await store.chains()
            return NodeCore(
                desk: desk(tabriz, head, incarnation, chains), hub: chains[.hub] ?? ChainTree(),
                cursors: try await store.feedCursors(), position: head.position)
        }
        environment.bounds.patience = patience
        return Writer(
            origin: tabriz, store: store, token: token, incarnation: incarnation, environment: environment,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    static func hub(
        _ store: any CaseStore, patience: Int64 = 8_000,
        observe: @escaping @Sendable (Writer<HubCore>.Notice) -> Void = { _ in }
    ) -> Writer<HubCore> {
        var environment = Writer<HubCore>.Environment(now: { noon }, observe: observe) { head, incarnation in
            let chains = try await store.chains()
            return HubCore(
                desk: desk(.hub, head, incarnation, chains), chains: chains.filter { $0.key != .hub },
                position: head.position, feeds: try await store.feedEnds())
        }
        environment.bounds.patience = patience
        return Writer(
            origin: .hub, store: store, token: 1, incarnation: 1, environment: environment,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private static func desk(
        _ origin: Origin, _ head: StoredHead, _ incarnation: UInt64, _ chains: [Origin: ChainTree]
    ) -> Desk {
        let journal = JournalWriter(
            origin: origin, incarnation: incarnation, continuing: head.head, clock: HybridClock(last: head.stamp))
        return Desk(
            writer: journal, journal: chains[origin] ?? ChainTree(), tree: .standard, calendar: .standard,
            hashing: sha256)
    }

    static func registration(_ subject: String = "آب قطع است", key: String? = nil, body: UInt8 = 1) -> CommandRequest {
        let intake = Intake(
            kind: .complaint, channel: .phone, category: "water", texts: Texts(subject: subject, citizenName: "زهرا"))
        return CommandRequest(
            principal: maryam, command: .register(intake), caseID: nil, idempotencyKey: key, bodyHash: [body])
    }

    static func note(_ id: CaseID, _ text: String, key: String? = nil, body: UInt8 = 1) -> CommandRequest {
        CommandRequest(
            principal: maryam, command: .note(text: text), caseID: id, idempotencyKey: key, bodyHash: [body])
    }
}

/// Runs a writer while `body` works with it; then it is cancelled and must end.
func running<Core: DecidingCore, T: Sendable>(
    _ writer: Writer<Core>, _ body: () async throws -> T
) async throws -> T {
    let task = Task { try await writer.run() }
    defer { task.cancel() }
    return try await body()
}

/// Sends requests that stand in one batch; the outcomes in the order of the requests.
func together(
    _ writer: Writer<NodeCore>, _ requests: [CommandRequest]
) async throws -> [Result<Writer<NodeCore>.Answer, any Error>] {
    try await withThrowingTaskGroup(of: (Int, Result<Writer<NodeCore>.Answer, any Error>).self) { group in
        for (index, request) in requests.enumerated() {
            group.addTask {
                do {
                    return (index, .success(try await writer.submit(request)))
                } catch {
                    return (index, .failure(error))
                }
            }
            // One after the other, so that their order in the queue is that of the requests.
            try await writer.until(waiting: index + 1)
        }
        let run = Task { try await writer.run() }
        defer { run.cancel() }
        var outcomes: [Int: Result<Writer<NodeCore>.Answer, any Error>] = [:]
        for try await (index, outcome) in group { outcomes[index] = outcome }
        return requests.indices.compactMap { outcomes[$0] }
    }
}
