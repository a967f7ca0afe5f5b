public import Casework

/// Where a journal stands: its last own event, the greatest stamp given, and the dense number of the last event numbered.
public struct StoredHead: Sendable, Equatable {
    public var head: ChainHead
    public var stamp: Stamp
    public var position: UInt64

    public init(head: ChainHead, stamp: Stamp, position: UInt64) {
        self.head = head
        self.stamp = stamp
        self.position = position
    }

    public static let empty = StoredHead(head: .empty, stamp: Stamp(rawValue: 0), position: 0)
}

public struct IdempotencyKey: Sendable, Hashable {
    /// `name@ORGANISATION`
    public var principal: String
    public var key: String

    public init(principal: String, key: String) { (self.principal, self.key) = (principal, key) }
}

/// What was answered under a key: the same request again gets the same answer, another one is refused.
public struct IdempotentReply: Sendable, Equatable {
    public var bodyHash: [UInt8]
    public var caseID: CaseID
    public var events: [EventHash]
    public var isForEver: Bool

    public init(bodyHash: [UInt8], caseID: CaseID, events: [EventHash], isForEver: Bool) {
        self.bodyHash = bodyHash
        self.caseID = caseID
        self.events = events
        self.isForEver = isForEver
    }
}

/// A command on its way to the writer.
public struct WriterRequest: Sendable {
    public var command: Command
    /// `nil` for a command that begins a case: the writer names it.
    public var caseID: CaseID?
    public var actor: Actor
    public var revision: Int?
    public var key: IdempotencyKey?
    /// Of the request's body: what a key was first used for.
    public var bodyHash: [UInt8]

    public init(
        command: Command, caseID: CaseID?, actor: Actor, revision: Int? = nil, key: IdempotencyKey? = nil,
        bodyHash: [UInt8] = []
    ) {
        self.command = command
        self.caseID = caseID
        self.actor = actor
        self.revision = revision
        self.key = key
        self.bodyHash = bodyHash
    }
}

/// What the writer is asked to do.
public enum WriterWork<Core: DecidingCore>: Sendable {
    case wish(WriterRequest)
    /// What came over the link, or work of this server itself; the cases that it concerns.
    case arrival(Core.Arrival, cases: [CaseID], Admission.Item)
    case escalation(CaseID)

    var admission: Admission.Item {
        switch self {
        case .wish, .escalation: Admission.Item(size: 1, isOwn: true)
        case .arrival(_, _, let item): item
        }
    }

    /// The lane in which it goes on where the work before it left off.
    var continuedLane: Origin? {
        if case .arrival(let arrival, _, let item) = self, arrival.goesOn { item.lane } else { nil }
    }

    /// As `CoreArrival.without`.
    func without(_ id: CaseID) -> WriterWork? {
        guard case .arrival(let arrival, let cases, let item) = self, let rest = arrival.without(id) else { return nil }
        return .arrival(rest, cases: cases.filter { $0 != id }, item)
    }

    /// What a person has just done, here or where it comes from.
    func isLive(_ bounds: Admission.Bounds) -> Bool {
        switch self {
        case .wish: true
        case .arrival(_, let cases, let item): !cases.isEmpty && item.lane != nil && !bounds.isLarge(item)
        case .escalation: false
        }
    }
}

/// Work, and who waits for it.
public struct WriterItem<Core: DecidingCore, Caller: Sendable>: Sendable, Equatable {
    /// Unique in its queue, in order of arrival.
    public let number: UInt64
    public internal(set) var work: WriterWork<Core>
    public let caller: Caller

    public static func == (left: Self, right: Self) -> Bool { left.number == right.number }
}

/// What became of one item.
public enum WriterDone: Sendable {
    case answer(WriterAnswer)
    case effects(Effects)
}

/// A command that was taken.
public struct WriterAnswer: Sendable {
    public var record: CaseRecord
    /// The events of this command, in order.
    public var events: [Event]
    public var isReplay: Bool
}

/// What a caller hears instead of an answer.
public enum WriterFault: Error, Sendable, Equatable {
    /// Too much waits already.
    case crowded
    /// The store does not answer: nobody knows whether it was done.
    case away
    case stopping
    /// Another process has become this origin's writer.
    case fenced
    /// The journal lies behind what this process has committed: its store was put back to an older state.
    case wentBack
    /// The store refuses this item, and would again.
    case notSaved(String)
    /// A case that it needs cannot be read: its stored bytes are damaged.
    case damaged(CaseID, place: String)
}

/// Why a call to the store failed, as far as the writer acts on it.
public enum StoreFailure: Error, Sendable, Equatable {
    case fenced
    case stopping
    /// The connection is gone, the outcome unknown, or the same may succeed later.
    case passing
    case damaged(CaseID, place: String)
    case refused(String)
}

/// The writer's bounds. Tests and the simulator draw smaller ones.
public struct WriterBounds: Sendable, Equatable {
    /// Items of one batch; what a link sent together counts as one.
    public var batch = 256
    /// Waiting items beyond which callers are told to try again.
    public var queue = 20_000
    /// So many wait for one commit only when a whole office, or more, works at once.
    public var crowd = 16
    /// Cases kept in memory between batches, and the bytes of their events: whichever comes first.
    public var cachedCases = 4_000
    public var cachedBytes = 16 << 20
    /// Milliseconds that callers wait for a store that is away.
    public var patience: Int64 = 8_000
    /// Milliseconds between attempts, while somebody waits and while nobody does.
    public var pause: Int64 = 200
    public var longPause: Int64 = 5_000
    public var admission = Admission.Bounds()

    public init() {}
}
