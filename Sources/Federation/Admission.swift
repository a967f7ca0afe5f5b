public import Casework

/// What goes into the writer's next transaction. Nodes that return with weeks of backlog come in large batches: each
/// transaction takes a bounded number of their events, and fewer where people work beside them, who wait for two
/// transactions: the one that is being committed and the one that is decided.
public enum Admission {
    public struct Bounds: Sendable, Equatable {
        /// A batch of more events than this is somebody catching up.
        public var large = Admission.large
        /// Events of large batches in one transaction; the first large batch always goes.
        public var bound = Admission.bound
        public var boundBesideLive = Admission.boundBesideLive

        public init() {}

        func isLarge(_ item: Item) -> Bool { item.size > large }
    }

    public static let large = 64
    public static let bound = 8_000
    /// As `bound`, beside live traffic.
    public static let boundBesideLive = 1_000

    // MARK: What links give to the committer

    /// Batches that every link may have with the committer, whatever the others have.
    static let share = 2
    /// Batches of one link: one transaction is committed, one decided, and the next come in.
    static let most = 4 * bound / Batch.maximumEvents
    /// Bytes of events and their parts, of all links together: one province that comes back may fill it, thirty share it.
    static let bytes = 16 * Batch.maximumBytes

    /// Whether a link reads nothing more before one of its batches is committed.
    /// - Parameters:
    ///   - batches: of this link, with the committer.
    ///   - bytes: of all links, with the committer.
    public static func isFull(batches: Int, bytes: Int) -> Bool {
        batches > share && (batches >= most || bytes >= self.bytes)
    }

    // MARK: What the writer takes

    /// Something that waits.
    public struct Item: Sendable, Equatable {
        /// How many events it brings.
        public var size: Int
        /// Whose it is: what one origin sends is taken in its order. `nil` for what may overtake all others.
        public var lane: Origin?
        /// Makes this server write of itself, so it waits until it may.
        public var isOwn: Bool

        public init(size: Int, lane: Origin? = nil, isOwn: Bool = false) {
            (self.size, self.lane, self.isOwn) = (size, lane, isOwn)
        }
    }

    /// - Parameters:
    ///   - items: in order of arrival.
    ///   - limit: items that one transaction takes.
    ///   - isLive: whether there is live traffic, here or a moment ago.
    ///   - isOpen: whether this server may write of itself.
    /// - Returns: the indices of those that go now, ascending.
    public static func choose(
        _ items: [Item], limit: Int, isLive: Bool, isOpen: Bool = true, bounds: Bounds = Bounds()
    ) -> [Int] {
        let bound = isLive ? bounds.boundBesideLive : bounds.bound
        var room = bound
        var chosen: [Int] = []
        var held: Set<Origin> = []
        for (index, item) in items.enumerated() where chosen.count < limit {
            if item.isOwn, !isOpen { continue }
            if let lane = item.lane, held.contains(lane) { continue }
            if bounds.isLarge(item) {
                guard item.size <= room || room == bound else {
                    if let lane = item.lane { held.insert(lane) }
                    continue
                }
                room -= item.size
            }
            chosen.append(index)
        }
        return chosen
    }
}
