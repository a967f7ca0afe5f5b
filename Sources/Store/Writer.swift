public import Casework
public import Federation
public import Logging
public import Service

/// The single writer of a server: takes all that waits, decides it in order, commits it in ONE transaction, then answers
/// all callers (group commit). Decisions are the core's; this actor only carries them out.
///
/// Order of durability: commit, then tell observers, then answer. Nothing is answered that is not durable.
public actor Writer<Core: ServerCore> {
    /// A command that was taken.
    public struct Answer: Sendable {
        public var record: CaseRecord
        /// The events of this command, in order.
        public var events: [Event]
        public var isReplay: Bool
    }

    /// What a commit did, for those who watch: link, dashboard, projections.
    public struct Notice: Sendable {
        public var head: ChainHead
        public var position: UInt64
        public var effects: Effects
        /// The rows of the cases that moved.
        public var cases: [CaseRow]
    }

    public struct Environment: Sendable {
        public var now: @Sendable () -> Instant
        public var observe: @Sendable (Notice) -> Void
        /// Makes the core from the store, as of `head`.
        public var makeCore: @Sendable (_ head: StoredHead, _ incarnation: UInt64) async throws -> Core

        public init(
            now: @escaping @Sendable () -> Instant, observe: @escaping @Sendable (Notice) -> Void,
            makeCore: @escaping @Sendable (_ head: StoredHead, _ incarnation: UInt64) async throws -> Core
        ) {
            (self.now, self.observe, self.makeCore) = (now, observe, makeCore)
        }
    }

    enum Work: Sendable {
        case wish(CommandRequest)
        case arrival(Core.Arrival, cases: [CaseID])
        case escalation(CaseID)
    }

    enum Result: Sendable {
        case answer(Answer)
        case effects(Effects)
    }

    struct Item: Sendable {
        var work: Work
        var done: CheckedContinuation<Result, any Error>
    }

    /// Commands of one batch; a link's batch counts as one.
    static var batchLimit: Int { 256 }
    /// Waiting items beyond which callers are told to try again.
    static var queueLimit: Int { 20_000 }
    /// Cases kept in memory between batches.
    static var cacheLimit: Int { 2_000 }
    /// How long callers wait for a database that is away.
    static var patience: Duration { .seconds(8) }

    let origin: Origin
    let store: any CaseStore
    let environment: Environment
    let logger: Logger
    let token: UInt64
    public nonisolated let incarnation: UInt64
    var core: Core?
    var head = StoredHead.empty
    private var waiting: [Item] = []
    private var halted: ServiceError?
    private var isTakenOver = false
    private let wake = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - token: random; fences every other process of this origin.
    ///   - incarnation: random; carried by all events of this start.
    public init(
        origin: Origin, store: any CaseStore, token: UInt64, incarnation: UInt64, environment: Environment,
        logger: Logger
    ) {
        self.origin = origin
        self.store = store
        self.token = token
        self.incarnation = incarnation
        self.environment = environment
        self.logger = logger
    }

    // MARK: Doors

    /// Decides and commits a command. Throws a `Refusal` or a `ServiceError`.
    public func submit(_ request: CommandRequest) async throws -> Answer {
        guard case .answer(let answer) = try await enqueue(.wish(request)) else {
            throw ServiceError.halted("a command was answered as an arrival")
        }
        return answer
    }

    /// Takes and commits what came over the link.
    public func apply(_ arrival: Core.Arrival, cases: [CaseID]) async throws -> Effects {
        guard case .effects(let effects) = try await enqueue(.arrival(arrival, cases: cases)) else {
            throw ServiceError.halted("an arrival was answered as a command")
        }
        return effects
    }

    public func escalate(_ id: CaseID) async throws { _ = try await enqueue(.escalation(id)) }

    /// Lets a caller look at or change the core between batches; `nil` while there is none.
    public func withCore<T: Sendable>(_ body: @Sendable (inout Core?) -> T) -> T { body(&core) }

    public var state: (head: StoredHead, halted: ServiceError?) { (head, halted) }

    private func enqueue(_ work: Work) async throws -> Result {
        if let halted { throw halted }
        guard waiting.count < Self.queueLimit else { throw ServiceError.unavailable("too many commands are waiting") }
        return try await withCheckedThrowingContinuation { done in
            waiting.append(Item(work: work, done: done))
            wake.continuation.yield()
        }
    }

    // MARK: The loop

    /// Becomes the writer and works until cancelled or fenced; then everybody who waits is told.
    public func run() async throws {
        defer { wake.continuation.finish() }
        do {
            try await start()
            for await _ in wake.stream {
                while !waiting.isEmpty {
                    let batch = Array(waiting.prefix(Self.batchLimit))
                    waiting.removeFirst(batch.count)
                    try await process(batch)
                }
            }
            halt(.unavailable("the server is stopping"))
        } catch {
            let reason = error as? ServiceError ?? .halted("\(error)")
            halt(reason)
            throw reason
        }
    }

    /// Waits for the database, however long it takes: an office's power may come back in any order.
    private func start() async throws {
        var delay = Duration.milliseconds(100)
        while true {
            do {
                return try await reload()
            } catch StoreError.fenced {
                throw ServiceError.halted("another process has become the writer of \(origin.code)")
            } catch {
                logger.warning("database away", metadata: ["error": "\(error)"])
                try await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(5))
            }
        }
    }

    private func halt(_ reason: ServiceError) {
        halted = reason
        for item in waiting { item.done.resume(throwing: reason) }
        waiting = []
    }

    private func reload() async throws {
        head = isTakenOver ? try await store.resume(origin, token: token) : try await store.takeOver(origin, token: token)
        isTakenOver = true
        core = try await environment.makeCore(head, incarnation)
    }

    // MARK: One batch

    /// A batch whose commit failed for a reason that is not the connection's is retried item by item: only the culprit
    /// hears the error. When the outcome is unknown, the head tells whether it was committed.
    private func process(_ items: [Item]) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + Self.patience
        var pending: Batch?
        while true {
            do {
                if core == nil { try await reload() }
                if let batch = pending, batch.becomes == head { return finish(batch) }
                pending = nil
                let batch = try await decide(items)
                pending = batch
                if batch.isEmpty { return finish(batch) }
                try await store.commit(batch.commit(origin: origin, token: token, expected: head, now: environment.now()))
                head = batch.becomes
                return finish(batch)
            } catch StoreError.fenced {
                let reason = ServiceError.halted("another process has become the writer of \(origin.code)")
                for item in items { item.done.resume(throwing: reason) }
                throw reason
            } catch {
                core = nil
                logger.warning("batch failed", metadata: ["items": "\(items.count)", "error": "\(error)"])
                if isPassing(error) {
                    guard clock.now < deadline else {
                        let reason = ServiceError.unavailable("the database does not answer: try again")
                        for item in items { item.done.resume(throwing: reason) }
                        return
                    }
                    try await Task.sleep(for: .milliseconds(200))
                } else if items.count > 1 {
                    for item in items { try await process([item]) }
                    return
                } else {
                    items[0].done.resume(throwing: ServiceError.unavailable("could not be saved: \(error)"))
                    return
                }
            }
        }
    }

    private func finish(_ batch: Batch) {
        if !batch.isEmpty {
            environment.observe(
                Notice(head: batch.becomes.head, position: batch.becomes.position, effects: batch.effects, cases: batch.rows))
        }
        for (item, outcome) in batch.outcomes { item.done.resume(with: outcome) }
        let kept = Set(batch.effects.touched)
        if let count = core?.desk.cases.count, count > Self.cacheLimit { core?.desk.unload { !kept.contains($0) } }
    }
}
