public import Casework

/// What was decided together and is saved in one transaction. It does not change once it is decided.
public struct WriterBatch<Core: DecidingCore, Caller: Sendable>: Sendable, Equatable {
    /// Unique in its machine, in order.
    public let number: UInt64
    public let items: [WriterItem<Core, Caller>]
    /// Its items were in a batch that could not be saved: nothing is saved beside it.
    let isTrial: Bool
    /// Where the journal must stand, and where this batch leaves it.
    public let expected: StoredHead
    public internal(set) var becomes: StoredHead
    public internal(set) var effects = Effects()
    /// The own chains after it.
    public internal(set) var journal = ChainTree()
    public internal(set) var replies: [(key: IdempotencyKey, reply: IdempotentReply)] = []
    /// Of its items, in their order: a `Refusal` or `FeedFault` where the core refused.
    public internal(set) var outcomes: [Result<WriterDone, any Error>] = []
    /// Of the events of the cases that it touches.
    var bytes = 0
    /// The tracking codes that it gives away.
    var codes: Set<TrackingCode> = []

    init(_ number: UInt64, _ items: [WriterItem<Core, Caller>], isTrial: Bool, after head: StoredHead) {
        (self.number, self.items, self.isTrial) = (number, items, isTrial)
        (expected, becomes) = (head, head)
    }

    /// Whether there is nothing to save.
    public var isEmpty: Bool { effects.isEmpty }

    /// Whether the journal's head proves that this batch was committed. One that moves no head (parts that came, a feed's
    /// cursor) leaves no proof: it is decided anew, which changes nothing twice.
    func isCommitted(at head: StoredHead) -> Bool { becomes != expected && becomes == head }

    public static func == (left: Self, right: Self) -> Bool { left.number == right.number }
}
