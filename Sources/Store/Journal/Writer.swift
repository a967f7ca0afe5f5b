public import Casework
public import Contract
public import Federation
public import Logging
import Synchronization

/// The single writer of a server: takes all that waits, decides it in order, commits it in ONE transaction, then
/// answers all callers (group commit). Decisions are the core's; this actor only carries them out.
///
/// Order of durability: commit, then tell observers, then answer. Nothing is answered that is not durable: what is decided
/// while an earlier batch is being committed waits for that batch, and is decided anew should it fail.
public actor Writer<Core: DecidingCore> {
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
        /// A case's stored bytes are damaged: somebody else is to be asked for them.
        public var damaged: @Sendable (CaseID) -> Void
        /// Makes the core from the store, as of `head`.
        public var makeCore: @Sendable (_ head: StoredHead, _ incarnation: UInt64) async throws -> Core
        /// How long callers wait for a database that is away.
        public var patience = Duration.seconds(8)

        public init(
            now: @escaping @Sendable () -> Instant, observe: @escaping @Sendable (Notice) -> Void,
            damaged: @escaping @Sendable (CaseID) -> Void = { _ in },
            makeCore: @escaping @Sendable (_ head: StoredHead, _ incarnation: UInt64) async throws -> Core
        ) {
            (self.now, self.observe, self.damaged, self.makeCore) = (now, observe, damaged, makeCore)
        }
    }

    /// Commands of one batch; a link's batch counts as one.
    static var batchLimit: Int { 256 }
    /// Waiting items beyond which callers are told to try again.
    static var queueLimit: Int { 20_000 }
    /// So many wait for one commit only when a whole office, or more, works at once.
    static var crowd: Int { 16 }
    /// Cases kept in memory between batches, and the bytes of their events: whichever comes first.
    static var cacheLimit: Int { 4_000 }
    static var cacheBytes: Int { 16 << 20 }

    let origin: Origin
    let store: any CaseStore
    let environment: Environment
    let logger: Logger
    public nonisolated let token: UInt64
    public nonisolated let incarnation: UInt64
    var core: Core?
    var head = StoredHead.empty
    /// A batch that is being committed while the next is decided.
    private struct Flight {
        let items: [Item]
        let batch: Batch
        let commit: Task<Void, any Error>
        /// Whether the commit has ended, well or not.
        let hasEnded: Flag
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)

        var isSet: Bool { value.load(ordering: .acquiring) }
        func set() { value.store(true, ordering: .releasing) }
    }

    /// In their order: the first is being committed, what can be written before its end is written of the next.
    private var flights: [Flight] = []
    /// How many are saved while the next is decided: where people work, who wait for all of them, one.
    private var flightLimit: Int { inbox.withLock { $0.isLive } ? 1 : 2 }
    /// Decided and not yet durable, in their order: the next batch goes on from the last.
    var underWay: [Batch] { flights.map(\.batch) }
    /// Of the events of the core's cases: no less than there are. A case that is touched again is counted again.
    var cachedBytes = 0
    private var lastTouched: [CaseID] = []
    private var lastBytes = 0
    /// The own chains as they are committed: the core's may be ahead while a commit is under way.
    public private(set) var journal = ChainTree()
    private nonisolated let inbox = Mutex(Inbox())
    /// A batch that was given up while nobody knew whether it was committed.
    private var orphan: Batch?
    private var isTakenOver = false
    /// Whether callers were told that the database does not answer, and it has not answered since.
    private var isAway = false
    private var isOpen: Bool
    private let wake = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - token: random; fences every other process of this origin.
    ///   - incarnation: random; carried by all events of this start.
    ///   - isOpen: false lets commands wait until `open`.
    public init(
        origin: Origin, store: any CaseStore, token: UInt64, incarnation: UInt64, environment: Environment,
        isOpen: Bool = true, logger: Logger
    ) {
        self.isOpen = isOpen
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
        try await awaitOpening()
        guard case .answer(let answer) = try await post(.wish(request)).value else {
            throw ServiceError.halted("a command was answered as an arrival")
        }
        return answer
    }

    /// From now commands are taken.
    public func open() { isOpen = true }

    /// A node that starts asks the hub first whether it was brought back from an older state.
    private func awaitOpening() async throws {
        let deadline = ContinuousClock.now + environment.patience
        while !isOpen {
            guard ContinuousClock.now < deadline else {
                throw ServiceError.unavailable("this node takes its own records back from the hub: try again")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// A case's stored bytes cannot be read: they are fetched from whoever else has them.
    public nonisolated func report(damaged id: CaseID) { environment.damaged(id) }

    /// Takes and commits what came over the link.
    /// - Parameters:
    ///   - size: how many events it brings.
    ///   - lane: who sent it: what he sent before goes first.
    public nonisolated func apply(
        _ arrival: Core.Arrival, cases: [CaseID], size: Int = 1, lane: Origin? = nil
    ) async throws -> Effects {
        try await begin(arrival, cases: cases, size: size, lane: lane).effects
    }

    /// As `apply`, for those who do not wait: the order of the calls is that of the commits, within a lane.
    public nonisolated func begin(
        _ arrival: Core.Arrival, cases: [CaseID], size: Int, lane: Origin?
    ) throws -> PendingEffects {
        PendingEffects(ticket: try post(.arrival(arrival, cases: cases, .init(size: size, lane: lane))))
    }

    /// What an arrival will have done once it is durable.
    public struct PendingEffects: Sendable {
        let ticket: Ticket<Result>

        public var isDone: Bool { ticket.isDone }

        public var effects: Effects { get async throws { try await outcome.get() } }

        public var outcome: Swift.Result<Effects, any Error> {
            get async {
                do {
                    guard case .effects(let effects) = try await ticket.value else {
                        throw ServiceError.halted("an arrival was answered as a command")
                    }
                    return .success(effects)
                } catch {
                    return .failure(error)
                }
            }
        }
    }

    public func escalate(_ id: CaseID) async throws {
        try await awaitOpening()
        _ = try await post(.escalation(id)).value
    }

    /// Lets a caller look at or change the core between batches; `nil` while there is none.
    public func withCore<T: Sendable>(_ body: @Sendable (inout Core?) -> T) -> T { body(&core) }

    /// Whether this process has taken the journal over: then the stored token is its own, until another takes it.
    public var hasTakenOver: Bool { isTakenOver }

    public var state: (head: StoredHead, halted: ServiceError?) { (head, inbox.withLock { $0.halted }) }

    /// How many items wait for their batch.
    nonisolated var waitingCount: Int { inbox.withLock { $0.items.count } }

    /// Whether somebody's long journal, or a crowd, came in during the last half second.
    public nonisolated var isBusy: Bool {
        inbox.withLock { $0.lastMany.map { ContinuousClock.now - $0 < .milliseconds(500) } ?? false }
    }

    private nonisolated func post(_ work: Work) throws -> Ticket<Result> {
        let ticket = Ticket<Result>()
        let isAwaited = try inbox.withLock { inbox in
            if let halted = inbox.halted { throw halted }
            guard inbox.items.count < Self.queueLimit else {
                throw ServiceError.unavailable("too many commands are waiting")
            }
            if work.isLive { inbox.lastLive = .now }
            inbox.items.append(Item(work: work, done: ticket))
            if work.admission.size > Admission.large || inbox.items.count > Self.crowd { inbox.lastMany = .now }
            return !inbox.isCommitting || work.admission.size > Admission.large
        }
        if isAwaited { wake.continuation.yield() }
        return ticket
    }

    // MARK: The loop

    /// Becomes the writer and works until cancelled or fenced; then everybody who waits is told.
    public func run() async throws {
        defer { wake.continuation.finish() }
        do {
            try await start()
            for await _ in wake.stream { try await work() }
            _ = try await land()
            halt(reason(CancellationError()))
        } catch {
            halt(reason(error))
            if !(error is CancellationError) { throw reason(error) }
        }
    }

    /// Until nothing waits that may be decided now. What comes later wakes the loop, and so does the end of a commit.
    private func work() async throws {
        while true {
            if flights.first?.hasEnded.isSet == true {
                _ = try await landFirst()
            } else if !flights.isEmpty, !isWorthDecidingAhead {
                return
            } else if let items = nextBatch() {
                try await process(items)
            } else {
                return
            }
        }
    }

    /// Somebody's long journal is decided while what came before is committed. Single commands wait instead, so that
    /// more of them share the next commit.
    private var isWorthDecidingAhead: Bool {
        lastBytes <= Self.cacheBytes
            && inbox.withLock { $0.items.contains { $0.work.admission.size > Admission.large } }
    }

    /// What goes into the next transaction; `nil` when nothing may.
    private func nextBatch() -> [Item]? {
        inbox.withLock { inbox in
            let chosen = Admission.choose(
                inbox.items.map(\.work.admission), limit: Self.batchLimit, isLive: inbox.isLive)
            guard !chosen.isEmpty else { return nil }
            let batch = chosen.map { inbox.items[$0] }
            // Mostly all that waits.
            if chosen.count == inbox.items.count {
                inbox.items.removeAll(keepingCapacity: true)
            } else {
                let taken = Set(chosen)
                inbox.items = inbox.items.indices.filter { !taken.contains($0) }.map { inbox.items[$0] }
            }
            return batch
        }
    }

    /// What callers hear when this writer ends.
    private func reason(_ error: any Error) -> ServiceError {
        switch error {
        case is CancellationError: .unavailable("the server is stopping")
        case StoreError.fenced: .halted("another process has become the writer of \(origin.code)")
        case StoreError.wentBack: .halted("the database was put back to an older state: start the server again")
        default: .halted("\(error)")
        }
    }

    /// Waits for the database, however long it takes: an office's power may come back in any order.
    private func start() async throws {
        var delay = Duration.milliseconds(100)
        while true {
            do {
                return try await reload()
            } catch let error where isFinal(error) {
                throw error
            } catch {
                logger.warning("database away", metadata: ["error": "\(error)"])
                try await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(5))
            }
        }
    }

    private func halt(_ reason: ServiceError) {
        inbox.withLock { $0.halted = reason }
        refuseWaiting(reason)
    }

    private func refuseWaiting(_ reason: ServiceError) {
        let refused = inbox.withLock { inbox in
            defer { inbox.items = [] }
            return inbox.items
        }
        for item in refused { item.done.resolve(.failure(reason)) }
    }

    private func reload() async throws {
        let stored =
            isTakenOver
            ? try await store.resume(origin, token: token) : try await store.takeOver(origin, token: token)
        // A commit of unknown outcome only moves it forward. An older state was put back under this process: the next
        // start asks for what is lost, and writes as another incarnation.
        guard !isTakenOver || stored.position >= head.position else { throw StoreError.wentBack }
        head = stored
        isTakenOver = true
        let fresh = try await environment.makeCore(head, incarnation)
        (core, journal, cachedBytes) = (fresh, fresh.desk.journal, 0)
        isAway = false
        // Its callers have heard that nobody knows; who watches must still learn what it did.
        if let orphan, orphan.isCommitted(at: head) { notify(orphan) }
        orphan = nil
    }

    // MARK: One batch

    /// Decides a batch and lets its commit begin, once the one before it is durable.
    private func process(_ items: [Item]) async throws {
        boundCache()
        guard core != nil else { return try await carefully(items) }
        let batch: Batch
        do {
            batch = try await decide(items)
        } catch {
            return try await carefully(items, after: error)
        }
        let isStanding: Bool
        do {
            // What an empty batch answers, earlier ones may have done.
            isStanding = try await land(allBut: batch.isEmpty ? 0 : flightLimit - 1)
        } catch {
            for item in items { item.done.resolve(.failure(reason(error))) }
            throw error
        }
        guard isStanding else { return try await again(items) }
        guard !batch.isEmpty else { return finish(batch) }
        (lastTouched, lastBytes) = (batch.effects.touched, batch.bytes)
        cachedBytes += lastBytes
        let commit = batch.commit(origin: origin, token: token, now: environment.now())
        let hasEnded = Flag()
        let saving = Task { [store, wake, earlier = flights.last?.commit] in
            defer {
                hasEnded.set()
                wake.continuation.yield()
            }
            try await store.commit(commit, after: earlier)
        }
        flights.append(Flight(items: items, batch: batch, commit: saving, hasEnded: hasEnded))
        inbox.withLock { $0.isCommitting = true }
    }

    /// What was decided on a batch that failed falls with it; a database that stayed away is told to its callers too.
    private func again(_ items: [Item]) async throws {
        guard isAway else { return try await carefully(items) }
        for item in items { item.done.resolve(.failure(Self.away)) }
    }

    /// Waits for commits that are under way, and answers their items.
    /// - Parameter count: so many, the last ones, may stay under way.
    /// - Returns: false when one failed: none is under way any more, and the core was made anew since.
    private func land(allBut count: Int = 0) async throws -> Bool {
        while flights.count > count { if try await !landFirst() { return false } }
        return true
    }

    private func landFirst() async throws -> Bool {
        let landing = flights[0]
        let outcome = await landing.commit.result
        let fallen: [Flight]
        switch outcome {
        case .success:
            flights.removeFirst()
            inbox.withLock { [isCommitting = !flights.isEmpty] in $0.isCommitting = isCommitting }
            head = landing.batch.becomes
            finish(landing.batch)
            return true
        case .failure(let error):
            // Their transactions are over before anything is tried again.
            for flight in flights { _ = await flight.commit.result }
            fallen = Array(flights.dropFirst())
            flights = []
            inbox.withLock { $0.isCommitting = false }
            var unanswered = fallen[...]
            do {
                try await carefully(landing.items, landing.batch, after: error)
                while let flight = unanswered.popFirst() { try await again(flight.items) }
            } catch {
                for item in unanswered.flatMap(\.items) { item.done.resolve(.failure(reason(error))) }
                throw error
            }
            return false
        }
    }

    /// Answers every item, whatever happens; throws when this process must stop. Where a batch cannot be saved, only
    /// the culprit hears: the others are committed without it.
    /// - Parameters:
    ///   - pending: how they were decided, when the attempt to commit that failed.
    ///   - error: why the first attempt failed.
    private func carefully(
        _ items: [Item], _ pending: Batch? = nil, after error: (any Error)? = nil
    ) async throws {
        var unanswered = items[...]
        do {
            // What is under way came first, and may be why.
            _ = try await land()
            if try await commit(items, pending, after: error) { return }
            while let item = unanswered.first {
                _ = try await commit([item])
                unanswered.removeFirst()
            }
        } catch {
            for item in unanswered { item.done.resolve(.failure(reason(error))) }
            throw error
        }
    }

    /// Decides and commits a batch and answers its items, trying again while the database is away. When the outcome
    /// of a COMMIT is unknown, the head tells. Answers nothing when it returns false, for its items to be tried one
    /// by one, or throws, for this writer to end.
    private func commit(
        _ items: [Item], _ pending: Batch? = nil, after error: (any Error)? = nil
    ) async throws -> Bool {
        let clock = ContinuousClock()
        let deadline = clock.now + environment.patience
        var (pending, failed) = (pending, error)
        while true {
            do {
                if let error = failed {
                    failed = nil
                    throw error
                }
                if core == nil { try await reload() }
                if let batch = pending, batch.isCommitted(at: head) {
                    finish(batch)
                    return true
                }
                pending = nil
                let batch = try await decide(items)
                if !batch.isEmpty {
                    pending = batch
                    try await store.commit(batch.commit(origin: origin, token: token, now: environment.now()))
                    head = batch.becomes
                }
                finish(batch)
                return true
            } catch let error where isFinal(error) {
                throw error
            } catch {
                // A store that cannot be read anew is away: what it holds of this batch is told when it is back.
                let isPassing = core == nil || isPassing(error)
                core = nil
                logger.warning("batch failed", metadata: ["items": "\(items.count)", "error": "\(error)"])
                guard isPassing else {
                    if items.count > 1 { return false }
                    if case StoreError.corrupt(let id?, _) = error { environment.damaged(id) }
                    items[0].done.resolve(.failure(Self.failure(error)))
                    return true
                }
                guard clock.now < deadline else {
                    (orphan, isAway) = (pending, true)
                    for item in items { item.done.resolve(.failure(Self.away)) }
                    refuseWaiting(Self.away)
                    return true
                }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    private static var away: ServiceError { .unavailable("the database does not answer: try again") }

    /// What the one caller hears whose work cannot be saved. Damage is told to drivers as it is: they wait for the repair.
    private static func failure(_ error: any Error) -> any Error {
        if case StoreError.corrupt(_?, _) = error { return error }
        return ServiceError.unavailable("could not be saved: \(error)")
    }

    private func finish(_ batch: Batch) {
        if !batch.isEmpty { notify(batch) }
        for (item, outcome) in batch.outcomes { item.done.resolve(outcome) }
    }

    /// Forgets all but the cases of the last batch; those too, when they alone are past the bound and durable.
    private func boundCache() {
        guard (core?.desk.cases.count ?? 0) > Self.cacheLimit || cachedBytes > Self.cacheBytes else { return }
        let isTooLarge = flights.isEmpty && lastBytes > Self.cacheBytes
        // The store does not show yet what is under way.
        let kept = flights.isEmpty ? (isTooLarge ? [] : lastTouched) : flights.flatMap(\.batch.effects.touched)
        core?.desk.unload(allBut: kept)
        cachedBytes = isTooLarge ? 0 : max(lastBytes, flights.reduce(0) { $0 + $1.batch.bytes })
    }

    private func notify(_ batch: Batch) {
        journal = batch.journal
        environment.observe(
            Notice(
                head: batch.becomes.head, position: batch.becomes.position, effects: batch.effects, cases: batch.rows))
    }
}
