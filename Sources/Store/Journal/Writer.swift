public import Casework
public import Contract
import Cryptography
public import Federation
public import Logging
import Postgres
import Synchronization

/// The single writer of a server, which carries out what `WriterMachine` says on a `CaseStore`: looks up, reads, saves,
/// and tells those who wait. It decides nothing.
public actor Writer<Core: DecidingCore> {
    public typealias Answer = WriterAnswer
    typealias Machine = WriterMachine<Core, Ticket<WriterDone>>
    typealias Item = Machine.Item

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
        public var bounds = WriterBounds()

        public init(
            now: @escaping @Sendable () -> Instant, observe: @escaping @Sendable (Notice) -> Void,
            damaged: @escaping @Sendable (CaseID) -> Void = { _ in },
            makeCore: @escaping @Sendable (_ head: StoredHead, _ incarnation: UInt64) async throws -> Core
        ) {
            (self.now, self.observe, self.damaged, self.makeCore) = (now, observe, damaged, makeCore)
        }
    }

    let origin: Origin
    let store: any CaseStore
    let environment: Environment
    let logger: Logger
    public nonisolated let token: UInt64
    public nonisolated let incarnation: UInt64
    private var machine: Machine
    private nonisolated let inbox: Mutex<WriterQueue<Core, Ticket<WriterDone>>>
    /// The machine's time: this clock is not set by anybody.
    private nonisolated let begun = ContinuousClock.now
    /// Commits under way, by the number of their batch.
    private var commits: [UInt64: Task<Void, any Error>] = [:]
    private let endings = Endings()
    /// Of batches that are not told yet.
    private var rows: [UInt64: (cases: [CaseRow], begun: Int)] = [:]
    private var timer: Task<Void, Never>?
    private let wake = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - token: random; fences every other process of this origin.
    ///   - incarnation: random; carried by all events of this start.
    ///   - isOpen: false lets commands wait until `open`.
    public init(
        origin: Origin, store: any CaseStore, token: UInt64, incarnation: UInt64, environment: Environment,
        isOpen: Bool = true, logger: Logger
    ) {
        self.origin = origin
        self.store = store
        self.token = token
        self.incarnation = incarnation
        self.environment = environment
        self.logger = logger
        machine = Machine(origin: origin, bounds: environment.bounds)
        inbox = Mutex(WriterQueue(isOpen: isOpen, bounds: environment.bounds))
    }

    private nonisolated var time: Instant {
        Instant(milliseconds: Int64((ContinuousClock.now - begun) / .milliseconds(1)))
    }

    // MARK: Doors

    /// Decides and commits a command. Throws a `Refusal` or a `ServiceError`.
    public func submit(_ request: CommandRequest) async throws -> Answer {
        try await awaitOpening()
        guard case .answer(let answer) = try await post(.wish(request.writerRequest)).value else {
            throw ServiceError.halted("a command was answered as an arrival")
        }
        return answer
    }

    /// From now commands are taken.
    public func open() {
        inbox.withLock { $0.isOpen = true }
        wake.continuation.yield()
    }

    /// A node that starts asks the hub first whether it was brought back from an older state.
    private func awaitOpening() async throws {
        let deadline = time + environment.bounds.patience
        while inbox.withLock({ !$0.isOpen }) {
            guard time < deadline else {
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
    ///   - isOwn: makes this server write of itself, so it waits for `open`.
    public nonisolated func apply(
        _ arrival: Core.Arrival, cases: [CaseID], size: Int = 1, lane: Origin? = nil, isOwn: Bool = false
    ) async throws -> Effects {
        try await begin(arrival, cases: cases, size: size, lane: lane, isOwn: isOwn).effects
    }

    /// As `apply`, for those who do not wait: the order of the calls is that of the commits, within a lane.
    public nonisolated func begin(
        _ arrival: Core.Arrival, cases: [CaseID], size: Int, lane: Origin?, isOwn: Bool = false
    ) throws -> PendingEffects {
        PendingEffects(
            ticket: try post(.arrival(arrival, cases: cases, .init(size: size, lane: lane, isOwn: isOwn))))
    }

    /// What an arrival will have done once it is durable.
    public struct PendingEffects: Sendable {
        let ticket: Ticket<WriterDone>

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
    public func withCore<T: Sendable>(_ body: @Sendable (inout Core?) -> T) -> T { body(&machine.core) }

    /// Whether this process has taken the journal over: then the stored token is its own, until another takes it.
    public var hasTakenOver: Bool { machine.hasTakenOver }

    /// The own chains as they are committed: the core's may be ahead while a commit is under way.
    public var journal: ChainTree { machine.journal }

    public var state: (head: StoredHead, halted: ServiceError?) {
        (machine.head, inbox.withLock { $0.halted }.map { words($0) })
    }

    /// How many items wait for their batch.
    nonisolated var waitingCount: Int { inbox.withLock { $0.items.count } }

    /// Whether somebody's long journal, or a crowd, came in during the last half second.
    public nonisolated var isBusy: Bool { inbox.withLock { $0.isBusy(time: time) } }

    private nonisolated func post(_ work: WriterWork<Core>) throws -> Ticket<WriterDone> {
        let ticket = Ticket<WriterDone>()
        let isAwaited: Bool
        do {
            isAwaited = try inbox.withLock { try $0.post(work, for: ticket, time: time) }
        } catch let fault as WriterFault {
            throw words(fault)
        }
        if isAwaited { wake.continuation.yield() }
        return ticket
    }

    // MARK: The loop

    /// Becomes the writer and works until cancelled or fenced; then everybody who waits is told.
    public func run() async throws {
        defer {
            timer?.cancel()
            wake.continuation.finish()
        }
        wake.continuation.yield()
        for await _ in wake.stream {
            await work()
            if case .ended = machine.state { break }
        }
        machine.stop()
        await work()
        // What is being saved is waited for.
        for commit in commits.values { _ = await commit.result }
        await work()
        if case .ended(let fault) = machine.state, fault != .stopping { throw words(fault) }
    }

    /// Until nothing can be done now. What comes later wakes the loop, and so does the end of a commit.
    private func work() async {
        var goesOn = true
        while goesOn {
            if Task.isCancelled { machine.stop() }
            for (number, outcome) in endings.take() {
                commits[number] = nil
                machine.ended(number, outcome)
            }
            let (time, isSaving) = (time, machine.isSaving)
            let facts = inbox.withLock { queue in
                queue.isCommitting = isSaving
                return queue.facts(time: time)
            }
            var random = SystemRandomNumberGenerator()
            let actions = machine.proceed(facts, time: time, now: environment.now(), random: &random)
            goesOn = await perform(actions)
        }
    }

    /// - Returns: whether there may be more to do now.
    private func perform(_ first: [Machine.Action]) async -> Bool {
        var actions = first
        var goesOn = !actions.isEmpty
        while !actions.isEmpty {
            let action = actions.removeFirst()
            switch action {
            case .take:
                let (time, now) = (time, environment.now())
                let items = inbox.withLock { $0.take(time: time) }
                var random = SystemRandomNumberGenerator()
                actions += machine.took(items, time: time, now: now, random: &random)
            case .find, .load, .reload:
                do {
                    actions += try await look(action)
                } catch {
                    logger.warning("store not read", metadata: ["error": "\(error)"])
                    actions += machine.failed(StoreFailure(error), time: time)
                }
            case .derive(let batch):
                // Of batches that were given up, and were not found in the store.
                if !machine.isSaving { rows = [:] }
                rows[batch.number] = derive(batch)
            case .save(let batch, let earlier): save(batch, after: earlier)
            case .tell(let batch):
                if !batch.isEmpty { observe(batch) }
                for (item, outcome) in zip(batch.items, batch.outcomes) { item.caller.resolve(outcome) }
            case .observe(let batch): observe(batch)
            case .refuse(let items, let fault): refuse(items, fault)
            case .refuseLane(let lane, let fault): refuse(inbox.withLock { $0.clear(lane: lane) }, fault)
            case .refuseWaiting(let fault): refuse(inbox.withLock { $0.clear() }, fault)
            case .report(let id): environment.damaged(id)
            case .wait(let until):
                wake(at: until)
                goesOn = false
            case .stop(let fault): refuse(inbox.withLock { $0.halt(fault) }, fault)
            }
        }
        return goesOn
    }

    private func wake(at until: Instant) {
        timer?.cancel()
        let rest = Duration.milliseconds(max(0, until - time))
        timer = Task { [wake] in
            // Cut short by the next timer, or by the end of this writer.
            do { try await Task.sleep(for: rest) } catch { return }
            wake.continuation.yield()
        }
    }

    private func look(_ action: Machine.Action) async throws -> [Machine.Action] {
        var random = SystemRandomNumberGenerator()
        switch action {
        case .find(let keys):
            return machine.found(try await store.replies(keys), now: environment.now(), random: &random)
        case .load(let cases, let codes):
            let used = codes.isEmpty ? [] : try await store.used(codes)
            let events = cases.isEmpty ? [:] : try await store.events(of: cases)
            return machine.loaded(cases, events, used: used, now: environment.now(), random: &random)
        case .reload(let isFirst):
            let head =
                isFirst
                ? try await store.takeOver(origin, token: token) : try await store.resume(origin, token: token)
            return machine.reloaded(head, try await environment.makeCore(head, incarnation))
        default: return []
        }
    }

    private func save(_ batch: Machine.Batch, after earlier: UInt64?) {
        var commit = Commit(
            origin: origin, token: token, expected: batch.expected, becomes: batch.becomes, effects: batch.effects,
            now: environment.now())
        (commit.cases, commit.begun) = rows[batch.number] ?? ([], 0)
        commit.replies = batch.replies
        let number = batch.number
        commits[number] = Task { [store, wake, endings, logger, commit, earlier = earlier.flatMap { commits[$0] }] in
            defer { wake.continuation.yield() }
            do {
                try await store.commit(commit, after: earlier)
                endings.note(number, .success(()))
            } catch {
                logger.warning("batch not saved", metadata: ["batch": "\(number)", "error": "\(error)"])
                endings.note(number, .failure(StoreFailure(error)))
                throw error
            }
        }
    }

    // MARK: Who hears what

    private func observe(_ batch: Machine.Batch) {
        let cases = rows[batch.number]?.cases ?? []
        rows[batch.number] = nil
        environment.observe(
            Notice(head: batch.becomes.head, position: batch.becomes.position, effects: batch.effects, cases: cases))
    }

    private func refuse(_ items: [Item], _ fault: WriterFault) {
        // Damage is told to drivers as it is: they wait for the repair.
        let error: any Error =
            if case .damaged(let id, let place) = fault { StoreError.corrupt(id, place) } else { words(fault) }
        for item in items { item.caller.resolve(.failure(error)) }
    }

    private nonisolated func words(_ fault: WriterFault) -> ServiceError {
        switch fault {
        case .crowded: .unavailable("too many commands are waiting")
        case .away: .unavailable("the database does not answer: try again")
        case .stopping: .unavailable("the server is stopping")
        case .fenced: .halted("another process has become the writer of \(origin.code)")
        case .wentBack: .halted("the database was put back to an older state: start the server again")
        case .notSaved(let reason): .unavailable("could not be saved: \(reason)")
        case .damaged(let id, let place): .unavailable("case \(id) cannot be read here: \(place) is damaged")
        }
    }

    // MARK: Rows

    /// The rows of the cases that a batch touches, as the core folds them now: first those that it begins.
    private func derive(_ batch: Machine.Batch) -> (cases: [CaseRow], begun: Int) {
        guard let core = machine.core else { return ([], 0) }
        let new = Self.newEvents(batch.effects.numbered)
        var (begun, known): ([CaseRow], [CaseRow]) = ([], [])
        // Neighbours in an index go to one place of it.
        for id in batch.effects.touched.sorted() {
            guard let record = core.desk.cases[id] else { continue }
            let (count, last) = new[id] ?? (0, core.position)
            guard let row = CaseRow(record, position: last) else { continue }
            if record.events.count == count { begun.append(row) } else { known.append(row) }
        }
        return (begun + known, begun.count)
    }

    /// How many events each case gained, and the position of the last. What one person does at once mostly stands together.
    private static func newEvents(_ numbered: [Effects.Numbered]) -> [CaseID: (count: Int, last: UInt64)] {
        var new: [CaseID: (count: Int, last: UInt64)] = [:]
        new.reserveCapacity(numbered.count / 2)
        var index = numbered.startIndex
        while index < numbered.endIndex {
            let first = index
            let id = numbered[first].event.caseID
            repeat { index += 1 } while index < numbered.endIndex && numbered[index].event.caseID == id
            guard let id else { continue }
            let count = new[id]?.count ?? 0
            new[id] = (count + index - first, numbered[index - 1].position)
        }
        return new
    }
}

/// How commits ended, until the machine hears of it.
private final class Endings: Sendable {
    private let all = Mutex<[(number: UInt64, outcome: Result<Void, StoreFailure>)]>([])

    func note(_ number: UInt64, _ outcome: Result<Void, StoreFailure>) {
        all.withLock { $0.append((number, outcome)) }
    }

    func take() -> [(number: UInt64, outcome: Result<Void, StoreFailure>)] {
        all.withLock { all in
            defer { all = [] }
            return all
        }
    }
}

extension StoreFailure {
    /// What the writer makes of an error of its store.
    init(_ error: any Error) {
        switch error {
        case is CancellationError: self = .stopping
        case StoreError.fenced: self = .fenced
        case StoreError.outcomeUnknown, StoreError.earlierFailed: self = .passing
        case StoreError.corrupt(let id?, let place): self = .damaged(id, place: place)
        case let error as PostgresError where error.isConnectionFailure || error.isRetryable: self = .passing
        default: self = .refused("\(error)")
        }
    }
}

extension CommandRequest {
    var writerRequest: WriterRequest {
        WriterRequest(
            command: command, caseID: caseID, actor: principal.actor, revision: revision,
            key: idempotencyKey.map {
                IdempotencyKey(principal: "\(principal.name)@\(principal.organization.rawValue)", key: $0)
            }, bodyHash: bodyHash)
    }
}
