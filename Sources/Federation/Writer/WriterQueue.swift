public import Casework

/// What waits for the writer, in its order.
///
/// `time` is everywhere that of a clock that only goes forward.
public struct WriterQueue<Core: DecidingCore, Caller: Sendable>: Sendable {
    public typealias Item = WriterItem<Core, Caller>

    /// What the writer has to know of its queue.
    public struct Facts: Sendable, Equatable {
        /// Whether anything may be taken now.
        public var hasItems: Bool
        /// Whether somebody's long journal waits.
        public var hasLarge: Bool
        /// Whether people work, or did within a second.
        public var isLive: Bool
    }

    public private(set) var items: [Item] = []
    /// Whether this server may write of itself. A node that starts asks the hub first whether it was brought back from an
    /// older state; until then only what comes over the link is taken.
    public var isOpen: Bool
    /// A commit is under way, whose end wakes the writer: until then single commands need not.
    public var isCommitting = false
    /// Why nothing is taken any more.
    public private(set) var halted: WriterFault?
    private let bounds: WriterBounds
    private var posted: UInt64 = 0
    private var lastMany, lastLive: Instant?

    public init(isOpen: Bool = true, bounds: WriterBounds = WriterBounds()) {
        (self.isOpen, self.bounds) = (isOpen, bounds)
    }

    /// Takes work in.
    /// - Returns: whether the writer is to be woken.
    public mutating func post(
        _ work: WriterWork<Core>, for caller: Caller, time: Instant
    ) throws(WriterFault) -> Bool {
        if let halted { throw halted }
        guard items.count < bounds.queue else { throw .crowded }
        if work.isLive(bounds.admission) { lastLive = time }
        posted += 1
        items.append(Item(number: posted, work: work, caller: caller))
        let isLarge = bounds.admission.isLarge(work.admission)
        if isLarge || items.count > bounds.crowd { lastMany = time }
        return !isCommitting || isLarge
    }

    /// What goes into the next batch; none when nothing may.
    public mutating func take(time: Instant) -> [Item] {
        let chosen = Admission.choose(
            items.map(\.work.admission), limit: bounds.batch, isLive: isLive(time), isOpen: isOpen,
            bounds: bounds.admission)
        // Mostly all that waits.
        if chosen.count == items.count {
            defer { items.removeAll(keepingCapacity: true) }
            return items
        }
        let batch = chosen.map { items[$0] }
        let taken = Set(chosen)
        items = items.indices.filter { !taken.contains($0) }.map { items[$0] }
        return batch
    }

    /// Nothing that waits is done: those who wait for it hear that.
    public mutating func clear() -> [Item] {
        defer { items = [] }
        return items
    }

    /// As `clear`, for what goes on in one lane where its last work was not done.
    public mutating func clear(lane: Origin) -> [Item] {
        let fallen = items.filter { $0.work.continuedLane == lane }
        if !fallen.isEmpty { items.removeAll { $0.work.continuedLane == lane } }
        return fallen
    }

    /// As `clear`, for good.
    public mutating func halt(_ fault: WriterFault) -> [Item] {
        halted = fault
        return clear()
    }

    public func facts(time: Instant) -> Facts {
        Facts(
            hasItems: isOpen ? !items.isEmpty : items.contains { !$0.work.admission.isOwn },
            hasLarge: items.contains { bounds.admission.isLarge($0.work.admission) }, isLive: isLive(time))
    }

    /// Whether somebody's long journal, or a crowd, came in during the last half second.
    public func isBusy(time: Instant) -> Bool { lastMany.map { time - $0 < 500 } ?? false }

    private func isLive(_ time: Instant) -> Bool { lastLive.map { time - $0 < Instant.second } ?? false }
}
