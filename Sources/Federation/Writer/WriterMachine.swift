public import Casework

/// The single writer of a server, as inputs and actions: takes all that waits, decides it in order, has it saved in ONE
/// transaction, then has all callers answered (group commit).
///
/// Order of durability: a batch is saved, then those who watch are told, then its callers are answered. Nothing is
/// answered that is not durable: what is decided while an earlier batch is being saved waits for that batch, and is decided
/// anew should it fail. Where a batch cannot be saved, only the culprit hears: the others are saved without it.
///
/// Its driver calls `proceed` and carries out what it says until that is nothing, then waits for work in the queue or for
/// the end of a commit. `time` is that of a clock that only goes forward; `now` is the wall clock, which people set.
public struct WriterMachine<Core: DecidingCore, Caller: Sendable>: Sendable {
    public typealias Item = WriterItem<Core, Caller>
    public typealias Batch = WriterBatch<Core, Caller>

    public enum Action: Sendable, Equatable {
        /// Take from the queue, and give it to `took`.
        case take
        /// Look up what was answered under these keys, and give it to `found`.
        case find([IdempotencyKey])
        /// Read these cases and which of the codes are in use, and give both to `loaded`.
        case load([CaseID], codes: [TrackingCode])
        /// Derive the rows of its cases from the core, which stands now where this batch leaves it.
        case derive(Batch)
        /// Begin to save it, on the batch before it where that is still being saved; then say `ended`.
        case save(Batch, after: UInt64?)
        /// It is durable: tell those who watch, unless it is empty, then answer its items with their outcomes.
        case tell(Batch)
        /// It was given up, its callers have heard that nobody knows, and it is durable: tell those who watch.
        case observe(Batch)
        /// These are not done.
        case refuse([Item], WriterFault)
        /// Nor is what goes on from them in the queue: it would be taken for a gap.
        case refuseLane(Origin, WriterFault)
        /// Nor is what waits in the queue.
        case refuseWaiting(WriterFault)
        /// A case's stored bytes are damaged: somebody else is to be asked for them.
        case report(damaged: CaseID)
        /// Ask the store where the journal stands, taking it over at the first time, make the core from it, and give both to
        /// `reloaded`.
        case reload(isFirst: Bool)
        /// Call again not before this time.
        case wait(until: Instant)
        /// This writer has ended: halt the queue.
        case stop(WriterFault)
    }

    public enum State: Sendable {
        /// There is no core; the store is asked not before that time. Can go to: reading, ended.
        case away(until: Instant)
        /// The store is being asked where the journal stands. Can go to: ready, away, ended.
        case reading
        /// Can go to: finding, loading, decided, away, ended.
        case ready
        /// The keys of these items are being looked up. Can go to: loading, decided, ready, away.
        case finding([Item])
        /// What these items need is being read. Can go to: decided, ready, away.
        case loading([Prepared])
        /// A batch waits for room among those that are being saved. Can go to: ready, away.
        case decided(Batch)
        case ended(WriterFault)
    }

    /// A batch that is being saved.
    private struct Flight: Sendable {
        let batch: Batch
        var outcome: Result<Void, StoreFailure>?
    }

    /// Items that were in a batch which could not be saved. They are tried together, then one by one.
    private struct Trial: Sendable {
        var items: [Item]
        /// As they were decided in the attempt whose outcome is unknown.
        var pending: Batch?
        /// Until then the store may be away.
        var deadline: Instant?
    }

    let origin: Origin
    let bounds: WriterBounds
    public internal(set) var state = State.away(until: Instant(milliseconds: 0))
    /// `nil` while there is none: then the store is asked.
    public var core: Core?
    /// As it is committed.
    public private(set) var head = StoredHead.empty
    /// The own chains as they are committed: the core's may be ahead.
    public private(set) var journal = ChainTree()
    public private(set) var hasTakenOver = false
    /// In their order: the first is being committed, what can be written before its end is written of the next.
    private var flights: [Flight] = []
    private var trials: [Trial] = []
    /// Whether what is looked up, read and decided is the first trial.
    var isTrying = false
    /// A batch that was given up while nobody knew whether it was committed.
    private var orphan: Batch?
    private var isStopping = false
    private var pause: Int64 = 0
    var decided: UInt64 = 0
    /// Of the events of the core's cases: no less than there are. A case that is touched again is counted again.
    var cachedBytes = 0
    private var lastTouched: [CaseID] = []
    private var lastBytes = 0

    public init(origin: Origin, bounds: WriterBounds = WriterBounds()) {
        (self.origin, self.bounds) = (origin, bounds)
    }

    /// Decided and not yet durable, in their order: the next batch goes on from the last.
    var underWay: [Batch] { flights.map(\.batch) }
    /// Whether a commit is under way, whose end wakes the driver.
    public var isSaving: Bool { !flights.isEmpty }

    // MARK: What is to be done

    /// What is to be done now; nothing when something must come first, or a commit end.
    public mutating func proceed(
        _ queue: WriterQueue<Core, Caller>.Facts, time: Instant, now: Instant,
        random: inout some RandomNumberGenerator
    ) -> [Action] {
        while let actions = step(queue, time: time, now: now, random: &random) {
            if !actions.isEmpty { return actions }
        }
        return []
    }

    /// `nil` when nothing can be done now.
    private mutating func step(
        _ queue: WriterQueue<Core, Caller>.Facts, time: Instant, now: Instant,
        random: inout some RandomNumberGenerator
    ) -> [Action]? {
        switch state {
        case .ended: return nil
        case _ where isStopping && flights.isEmpty: return end(.stopping)
        case .reading, .finding, .loading: return nil
        case .away(let until):
            guard time >= until else {
                // Who comes now waits for the store too, and not for ever.
                return trials.isEmpty && queue.hasItems ? [.take] : [.wait(until: until)]
            }
            state = .reading
            return [.reload(isFirst: !hasTakenOver)]
        case .ready, .decided: break
        }
        if let outcome = flights.first?.outcome { return land(outcome, time: time) }
        if case .decided(let batch) = state { return save(batch, isLive: queue.isLive) }
        if isStopping { return nil }
        if let trial = trials.first {
            guard flights.isEmpty else { return nil }
            trials[0].deadline = trial.deadline ?? time + bounds.patience
            return begin(trial.items, isTrial: true, now: now, random: &random)
        }
        return queue.hasItems && (flights.isEmpty || isWorthDecidingAhead(queue)) ? [.take] : nil
    }

    /// Somebody's long journal is decided while what came before is committed. Single commands wait instead, so that
    /// more of them share the next commit.
    private func isWorthDecidingAhead(_ queue: WriterQueue<Core, Caller>.Facts) -> Bool {
        lastBytes <= bounds.cachedBytes && queue.hasLarge
    }

    /// What the queue gave.
    public mutating func took(
        _ items: [Item], time: Instant, now: Instant, random: inout some RandomNumberGenerator
    ) -> [Action] {
        guard case .ready = state else {
            trials.append(Trial(items: items, deadline: time + bounds.patience))
            if case .away = state { state = .away(until: time) }
            return []
        }
        return begin(items, isTrial: false, now: now, random: &random)
    }

    /// Forgets all but the cases of the last batch; those too, when they alone are past the bound and durable.
    mutating func boundCache() {
        guard (core?.desk.cases.count ?? 0) > bounds.cachedCases || cachedBytes > bounds.cachedBytes else { return }
        forget(lastBytes > bounds.cachedBytes ? [] : lastTouched)
    }

    /// Memory is short: all cases are loaded again when they are needed.
    public mutating func forgetCases() { forget([]) }

    /// Forgets cases of the core, to be loaded again; never those of which the store does not show the last events yet.
    private mutating func forget(_ kept: [CaseID]) {
        var pending = underWay
        if case .decided(let batch) = state { pending.append(batch) }
        core?.desk.unload(allBut: pending.isEmpty ? kept : pending.flatMap(\.effects.touched))
        cachedBytes = kept.isEmpty && pending.isEmpty ? 0 : max(lastBytes, pending.reduce(0) { $0 + $1.bytes })
    }

    // MARK: Commits

    /// Where people work, who wait for all that is being saved, that is one batch.
    private mutating func save(_ batch: Batch, isLive: Bool) -> [Action]? {
        // What an empty batch answers, earlier ones may have done.
        guard flights.count <= (batch.isEmpty || isLive ? 0 : 1), !isStopping else { return nil }
        state = .ready
        guard !batch.isEmpty else {
            if batch.isTrial { trials.removeFirst() }
            return [.tell(batch)]
        }
        (lastTouched, lastBytes) = (batch.effects.touched, batch.bytes)
        cachedBytes += lastBytes
        let earlier = flights.last?.batch.number
        flights.append(Flight(batch: batch))
        return [.save(batch, after: earlier)]
    }

    /// A commit has ended. What becomes of it is said by `proceed`.
    public mutating func ended(_ number: UInt64, _ outcome: Result<Void, StoreFailure>) {
        guard let index = flights.firstIndex(where: { $0.batch.number == number }) else { return }
        flights[index].outcome = outcome
    }

    private mutating func land(_ outcome: Result<Void, StoreFailure>, time: Instant) -> [Action]? {
        switch outcome {
        case .success:
            let batch = flights.removeFirst().batch
            (head, journal) = (batch.becomes, batch.journal)
            if batch.isTrial { trials.removeFirst() }
            return [.tell(batch)]
        case .failure(let failure):
            // Their transactions are over before anything is tried again.
            guard flights.allSatisfy({ $0.outcome != nil }) else { return nil }
            let first = flights[0].batch
            if !first.isTrial {
                var fallen = underWay
                if case .decided(let batch) = state { fallen.append(batch) }
                trials = fallen.map { Trial(items: $0.items) } + trials
            }
            trials[0].pending = first
            (flights, core) = ([], nil)
            state = .away(until: time)
            return fail(failure, time: time)
        }
    }

    // MARK: Failures

    /// The store could not be asked: `reload`, `find` or `load` failed.
    public mutating func failed(_ failure: StoreFailure, time: Instant) -> [Action] {
        switch state {
        case .reading: return failedToReload(failure, time: time)
        case .finding(let items): return failedToRead(failure, items, time: time)
        case .loading(let prepared): return failedToRead(failure, prepared.map(\.item), time: time)
        case .away, .ready, .decided, .ended: return []
        }
    }

    private mutating func failedToRead(_ failure: StoreFailure, _ items: [Item], time: Instant) -> [Action] {
        state = .ready
        if !isTrying { trials.append(Trial(items: items)) }
        // What is under way came first, and may be why.
        guard flights.isEmpty else { return [] }
        if failure == .passing { (core, state) = (nil, .away(until: time)) }
        return fail(failure, time: time)
    }

    private mutating func failedToReload(_ failure: StoreFailure, time: Instant) -> [Action] {
        if failure == .fenced { return end(.fenced) }
        if failure == .stopping { return end(.stopping) }
        // A store that cannot be read anew is away: what it holds of a batch is told when it is back.
        return waitForStore(time: time)
    }

    /// The first trial failed; its batch, if there was one, is over.
    private mutating func fail(_ failure: StoreFailure, time: Instant) -> [Action] {
        let fault: WriterFault
        switch failure {
        case .fenced: return end(.fenced)
        case .stopping: return end(.stopping)
        case .passing: return waitForStore(time: time)
        case .damaged(let id, let place): fault = .damaged(id, place: place)
        case .refused(let reason): fault = .notSaved(reason)
        }
        let trial = trials.removeFirst()
        guard trial.items.count == 1 else {
            trials = trial.items.map { Trial(items: [$0]) } + trials
            return []
        }
        guard case .damaged(let id, _) = failure else { return refuse(trial.items, fault) }
        // A damaged case does not keep the others waiting.
        if var item = trial.items.first, let rest = item.work.without(id) {
            item.work = rest
            trials.insert(Trial(items: [item]), at: 0)
            return [.report(damaged: id)]
        }
        return [.report(damaged: id)] + refuse(trial.items, fault)
    }

    /// One item is not done, nor is what its sender has sent behind it.
    private mutating func refuse(_ items: [Item], _ fault: WriterFault) -> [Action] {
        guard let lane = items.first?.work.continuedLane else { return [.refuse(items, fault)] }
        let others = trials.flatMap(\.items).filter { $0.work.continuedLane == lane }
        for index in trials.indices { trials[index].items.removeAll { $0.work.continuedLane == lane } }
        trials.removeAll { $0.items.isEmpty }
        return [.refuse(items + others, fault), .refuseLane(lane, fault)]
    }

    /// It is asked again in a moment. Where somebody has waited too long, all who wait hear that it is away.
    private mutating func waitForStore(time: Instant) -> [Action] {
        var actions: [Action] = []
        if !trials.isEmpty {
            let deadline = trials[0].deadline ?? time + bounds.patience
            trials[0].deadline = deadline
            if time >= deadline {
                orphan = trials[0].pending ?? orphan
                actions = [.refuse(trials.flatMap(\.items), .away), .refuseWaiting(.away)]
                trials = []
            }
        }
        pause = min(max(2 * pause, bounds.pause), trials.isEmpty ? bounds.longPause : bounds.pause)
        state = .away(until: time + pause)
        return actions
    }

    /// Where the journal stands, and the core as of it.
    public mutating func reloaded(_ stored: StoredHead, _ fresh: Core) -> [Action] {
        guard case .reading = state else { return [] }
        // A commit of unknown outcome only moves it forward. An older state was put back under this process: the next
        // start asks for what is lost, and writes as another incarnation.
        guard !hasTakenOver || stored.position >= head.position else { return end(.wentBack) }
        (head, core, journal, state) = (stored, fresh, fresh.desk.journal, .ready)
        (hasTakenOver, pause, cachedBytes) = (true, 0, 0)
        var actions: [Action] = []
        if let orphan, orphan.isCommitted(at: head) { actions.append(.observe(orphan)) }
        orphan = nil
        if let pending = trials.first?.pending {
            trials[0].pending = nil
            if pending.isCommitted(at: head) {
                trials.removeFirst()
                actions.append(.tell(pending))
            }
        }
        return actions
    }

    // MARK: The end

    /// The process is to end: what is being saved is waited for, nothing else is begun.
    public mutating func stop() { isStopping = true }

    private mutating func end(_ fault: WriterFault) -> [Action] {
        if case .ended = state { return [] }
        var items = underWay.filter { !$0.isTrial }.flatMap(\.items)
        switch state {
        case .finding(let next) where !isTrying: items += next
        case .loading(let next) where !isTrying: items += next.map(\.item)
        case .decided(let batch) where !batch.isTrial: items += batch.items
        default: break
        }
        items += trials.flatMap(\.items)
        (flights, trials, core) = ([], [], nil)
        state = .ended(fault)
        return [.refuse(items, fault), .stop(fault)]
    }
}
