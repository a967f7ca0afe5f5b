public import Casework
public import Federation

/// The durable half of a server: journal, parts, cases, feeds, cursors. One contract, kept in PostgreSQL and, for tests, in
/// memory. All calls of the writer come from one place, one after the other.
public protocol CaseStore: Sendable {
    /// Makes this process the writer of `origin`: its token fences any other. Returns where the journal stands.
    func takeOver(_ origin: Origin, token: UInt64) async throws -> StoredHead
    /// Reads the head anew after a lost connection. Throws `StoreError.fenced` if the token is no longer this one.
    func resume(_ origin: Origin, token: UInt64) async throws -> StoredHead
    /// Saves all of a batch or nothing. Throws `StoreError.fenced`, `.duplicateKey` or `.outcomeUnknown`, or a
    /// `PostgresError`.
    func commit(_ batch: Commit) async throws
    /// The events of each case in the order of their positions, with their parts. A case without events is left out.
    func events(of cases: [CaseID]) async throws -> [CaseID: [Event]]
    /// Own or accepted events of an origin with a greater seq, in order of seq, at most `Batch.maximumEvents` of them and
    /// `Batch.maximumBytes`, but at least one if there is any.
    func journal(of origin: Origin, after seq: UInt64) async throws -> [Event]
    /// The hashes stored at places of an origin.
    func hashes(of origin: Origin, from seq: UInt64, through last: UInt64) async throws -> [Position: EventHash]
    /// Which of these codes are in use here.
    func used(_ codes: [TrackingCode]) async throws -> Set<TrackingCode>
    /// What was answered under these keys.
    func replies(_ keys: [IdempotencyKey]) async throws -> [IdempotencyKey: IdempotentReply]
    /// The accepted chains of each origin, the one extended last at the end.
    func chains() async throws -> [Origin: ChainTree]
    /// The last seq of each destination's feed.
    func feedEnds() async throws -> [Origin: UInt64]
    /// Rows of a destination's feed with a greater seq, bounded as `journal` is. Parts as the row allows.
    func feed(of destination: Origin, after seq: UInt64) async throws -> [FeedRow]
    /// The event's hash at a row of a feed; `nil` if there is no such row.
    func feedHash(of destination: Origin, at seq: UInt64) async throws -> EventHash?
    /// This hub's feed generation, minted when its database was made.
    func feedGeneration() async throws -> UInt64
    /// Where this node's feed stands.
    func feedCursor() async throws -> FeedCursor?
    func record(_ ack: Ack) async throws
    /// The greatest acknowledged place, and when the hub committed it.
    func acknowledged() async throws -> Ack?
    /// The first receipt that covers an own event.
    func acknowledgement(covering seq: UInt64) async throws -> Ack?
    /// Open cases past their deadline whose escalation is below `level`, oldest deadline first.
    func overdue(before now: Instant, below level: Int, seat: Origin?, limit: Int) async throws -> [CaseID]
    func origins(quarantined: Bool) async throws -> Set<Origin>
    /// What the hub heard from a node.
    func note(_ report: NodeReport) async throws
}

public struct StoredHead: Sendable, Equatable {
    public var head: ChainHead
    public var stamp: Stamp
    public var position: UInt64

    public init(head: ChainHead, stamp: Stamp, position: UInt64) {
        (self.head, self.stamp, self.position) = (head, stamp, position)
    }

    public static let empty = StoredHead(head: .empty, stamp: Stamp(rawValue: 0), position: 0)
}

public struct NodeReport: Sendable, Equatable {
    public var origin: Origin
    public var heardAt: Instant
    /// Node less hub, milliseconds; `nil` leaves what was known, as for the other values.
    public var clockOffset: Int64?
    public var backlog: UInt64?
    /// The feed's last row that the node has committed.
    public var feed: UInt64?

    public init(origin: Origin, heardAt: Instant, clockOffset: Int64?, backlog: UInt64?, feed: UInt64?) {
        self.origin = origin
        self.heardAt = heardAt
        self.clockOffset = clockOffset
        self.backlog = backlog
        self.feed = feed
    }
}

public struct IdempotencyKey: Sendable, Hashable {
    /// `name@ORGANISATION`
    public var principal: String
    public var key: String

    public init(principal: String, key: String) { (self.principal, self.key) = (principal, key) }
}

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

/// One transaction of the writer. Journal, parts, cases, figures, feeds, cursors and replies move together.
public struct Commit: Sendable {
    public typealias Placed = Effects.Placed
    public typealias Routed = Effects.Routed

    public var origin: Origin
    public var token: UInt64
    /// What the head must be now, and what it becomes.
    public var expected: StoredHead
    public var becomes: StoredHead
    public var placed: [Placed] = []
    /// Events whose missing part came.
    public var completed: [Event] = []
    public var cases: [CaseRow] = []
    public var chains: [(origin: Origin, head: ChainHead)] = []
    public var routed: [Routed] = []
    public var cursor: FeedCursor?
    public var replies: [(key: IdempotencyKey, reply: IdempotentReply)] = []
    public var alarms: [(origin: Origin, alarm: Alarm)] = []
    public var quarantined: [Origin] = []
    public var now: Instant

    public init(origin: Origin, token: UInt64, expected: StoredHead, becomes: StoredHead, now: Instant) {
        self.origin = origin
        self.token = token
        self.expected = expected
        self.becomes = becomes
        self.now = now
    }
}

public enum StoreError: Error, Sendable, Equatable {
    /// Another process has become this origin's writer: stop.
    case fenced
    /// A key of this batch was answered meanwhile.
    case duplicateKey
    /// The connection was lost during COMMIT: read the head, then decide anew through the keys.
    case outcomeUnknown
    /// Stored bytes that are no event, or do not have their hash: `origin seq`.
    case corrupt(String)
    /// With several hosts, no synchronous standby is there.
    case noStandby
}
