// How origins stand with each other: what a person at the hub or at a node must look at, and since when.

/// Something that a person must look at, as it was noted.
public struct AlarmDocument: Sendable, Equatable {
    public var id: Int64
    public var at: String
    /// Whom it concerns.
    public var origin: String
    /// `tampering`, `gap`, `clock_ahead`, `foreign_origin`, `undecodable`, …
    public var code: String
    /// For people, in English.
    public var detail: String
    /// The hash of the event that raised it.
    public var event: String?

    public init(id: Int64, at: String, origin: String, code: String, detail: String, event: String?) {
        (self.id, self.at, self.origin, self.code, self.detail, self.event) = (id, at, origin, code, detail, event)
    }
}

/// One incarnation of an origin's journal.
public struct ChainDocument: Sendable, Equatable {
    public var incarnation: String
    /// The incarnation that it continues; null for the first of all.
    public var parent: String?
    /// Its first and its last seq here.
    public var first, last: UInt64
    /// The greatest seq that the hub has acknowledged; null where that is not kept, at the hub.
    public var acknowledged: UInt64?
    /// It goes on from a place from which another chain goes on as well.
    public var isBranch: Bool

    public init(
        incarnation: String, parent: String?, first: UInt64, last: UInt64, acknowledged: UInt64?, isBranch: Bool
    ) {
        self.incarnation = incarnation
        self.parent = parent
        self.first = first
        self.last = last
        self.acknowledged = acknowledged
        self.isBranch = isBranch
    }
}

/// An origin that is kept out until a person decides.
public struct QuarantineDocument: Sendable, Equatable {
    /// The alarm that says why; null when none is there any more.
    public var reason: AlarmDocument?
    /// Its events that wait.
    public var held: Int
    /// Incarnations of which one may be chosen to go on.
    public var candidates: [ChainDocument]

    public init(reason: AlarmDocument?, held: Int, candidates: [ChainDocument]) {
        (self.reason, self.held, self.candidates) = (reason, held, candidates)
    }
}

/// A province as those who look after the network see it, at the hub.
public struct ProvinceStatusDocument: Sendable, Equatable {
    public var province: ProvinceDocument
    /// Held writes of cases of this province that did not count.
    public var proposals: Int
    /// Its cases that wait for an upgrade.
    public var parked: Int
    /// The node's clock less the hub's, milliseconds, when it was last heard.
    public var clockOffsetMS: Int64
    /// Rows of its feed that it has not committed, and when the oldest of their events was written.
    public var undelivered: UInt64
    public var oldestUndeliveredAt: String?
    /// How many incarnations its journal has here, and those of them that forked.
    public var chains: Int
    public var branches: [ChainDocument]
    public var quarantine: QuarantineDocument?
    /// The hub was restored and still waits to hear from this node.
    public var awaited: Bool
    public var newestAlarm: AlarmDocument?

    public init(
        province: ProvinceDocument, proposals: Int = 0, parked: Int = 0, clockOffsetMS: Int64 = 0,
        undelivered: UInt64 = 0, oldestUndeliveredAt: String? = nil, chains: Int = 0, branches: [ChainDocument] = [],
        quarantine: QuarantineDocument? = nil, awaited: Bool = false, newestAlarm: AlarmDocument? = nil
    ) {
        self.province = province
        self.proposals = proposals
        self.parked = parked
        self.clockOffsetMS = clockOffsetMS
        self.undelivered = undelivered
        self.oldestUndeliveredAt = oldestUndeliveredAt
        self.chains = chains
        self.branches = branches
        self.quarantine = quarantine
        self.awaited = awaited
        self.newestAlarm = newestAlarm
    }
}

/// What a node says of itself besides its link.
public struct NodeStanding: Sendable, Equatable {
    /// When the oldest of its events that the hub has not acknowledged was written.
    public var oldestUnacknowledgedAt: String?
    /// Cases that wait for an upgrade of this node, and referrals that wait for the hub.
    public var parked, pending: Int
    public var chains: Int
    /// Incarnations of its own journal that forked.
    public var branches: [ChainDocument]
    /// When this node's database was last put back from a backup.
    public var restoredAt: String?
    /// The newest, at most five.
    public var alarms: [AlarmDocument]

    public init(
        oldestUnacknowledgedAt: String? = nil, parked: Int = 0, pending: Int = 0, chains: Int = 0,
        branches: [ChainDocument] = [], restoredAt: String? = nil, alarms: [AlarmDocument] = []
    ) {
        self.oldestUnacknowledgedAt = oldestUnacknowledgedAt
        self.parked = parked
        self.pending = pending
        self.chains = chains
        self.branches = branches
        self.restoredAt = restoredAt
        self.alarms = alarms
    }
}
