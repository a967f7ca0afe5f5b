import Casework
import JSON

// Figures: every number comes from the journal and can be derived again.

/// A node's link and journal.
public struct StatusDocument: Sendable, Equatable {
    public struct Place: Sendable, Equatable {
        public var incarnation: String
        public var seq: UInt64
        public var hash: String

        public init(incarnation: String, seq: UInt64, hash: String) {
            (self.incarnation, self.seq, self.hash) = (incarnation, seq, hash)
        }
    }

    public var code: String
    /// `connected`, `connecting`, `offline`, `refused: …`
    public var link: String
    public var head: Place
    /// The greatest seq that the hub has acknowledged, and when.
    public var acknowledged: UInt64
    public var acknowledgedAt: String?
    /// Events written here and not yet acknowledged.
    public var backlog: UInt64
    /// The feed's last committed cursor.
    public var feed: UInt64
    public var incarnation: String
    public var clockOffsetMS: Int64
    public var conflicts, proposals, cases: Int
    public var hubSeenAt: String?
    public var standing: NodeStanding

    public init(
        code: String, link: String, head: Place, acknowledged: UInt64, acknowledgedAt: String?, backlog: UInt64,
        feed: UInt64, incarnation: String, clockOffsetMS: Int64, conflicts: Int, proposals: Int, cases: Int,
        hubSeenAt: String?, standing: NodeStanding = NodeStanding()
    ) {
        self.standing = standing
        self.code = code
        self.link = link
        self.head = head
        self.acknowledged = acknowledged
        self.acknowledgedAt = acknowledgedAt
        self.backlog = backlog
        self.feed = feed
        self.incarnation = incarnation
        self.clockOffsetMS = clockOffsetMS
        self.conflicts = conflicts
        self.proposals = proposals
        self.cases = cases
        self.hubSeenAt = hubSeenAt
    }
}

/// Counts of cases. `registered` is all cases ever registered; `open`, `answered`, `closed`, `disputed` are by shown
/// status; `overdue` at the instant that the document states.
public struct Counts: Sendable, Equatable {
    public var registered, open, overdue, answered, closed, disputed, conflicts: Int
    /// Registered since midnight in Tehran.
    public var newToday: Int

    public init(
        registered: Int = 0, open: Int = 0, overdue: Int = 0, answered: Int = 0, closed: Int = 0, disputed: Int = 0,
        conflicts: Int = 0, newToday: Int = 0
    ) {
        self.registered = registered
        self.open = open
        self.overdue = overdue
        self.answered = answered
        self.closed = closed
        self.disputed = disputed
        self.conflicts = conflicts
        self.newToday = newToday
    }
}

public struct ProvinceDocument: Sendable, Equatable {
    public var code: String
    /// Of cases whose home is this province.
    public var counts: Counts
    public var lastHeard: String?
    /// Events that the node said it has and the hub has not; `nil` before its first Hello.
    public var backlog: UInt64?
    /// `connected`, `silent`, `never`, `quarantined`
    public var state: String

    public init(code: String, counts: Counts, lastHeard: String?, backlog: UInt64?, state: String) {
        self.code = code
        self.counts = counts
        self.lastHeard = lastHeard
        self.backlog = backlog
        self.state = state
    }
}

public struct OverviewDocument: Sendable, Equatable {
    public var asOf: String
    /// The hub's position that every figure here reflects.
    public var position: UInt64
    public var counts: Counts
    public var provinces: [ProvinceDocument]

    public init(asOf: String, position: UInt64, counts: Counts, provinces: [ProvinceDocument]) {
        (self.asOf, self.position, self.counts, self.provinces) = (asOf, position, counts, provinces)
    }
}

public struct TrendPoint: Sendable, Equatable {
    /// A Tehran day as Jalali `1405-08-30`.
    public var day: String
    public var registered, answered: Int

    public init(day: String, registered: Int, answered: Int) {
        (self.day, self.registered, self.answered) = (day, registered, answered)
    }
}

/// A server-sent event of the dashboard.
public struct FeedMessage: Sendable, Equatable {
    /// `<hub incarnation>-<position>`
    public var id: String
    /// `snapshot` (an overview), `change` (one event and the figures that it moved) or `link` (a province's state).
    public var event: String
    /// One line of JSON.
    public var data: String

    public init(id: String, event: String, data: String) { (self.id, self.event, self.data) = (id, event, data) }
}

public enum ReportPeriod: Sendable, Hashable {
    /// Jalali year and month 1…12, or quarter 1…4.
    case month(year: Int, month: Int)
    case quarter(year: Int, quarter: Int)
}

public struct ReportDocument: Sendable, Equatable {
    public struct Row: Sendable, Equatable {
        /// A province at the hub, an organisation at a node; or a category.
        public var key: String
        public var registered, answered, closed, disputed, overdue: Int
        /// Median days from registration to the first answer; null without answers.
        public var medianDays: Double?

        public init(
            key: String, registered: Int, answered: Int, closed: Int, disputed: Int, overdue: Int, medianDays: Double?
        ) {
            self.key = key
            self.registered = registered
            self.answered = answered
            self.closed = closed
            self.disputed = disputed
            self.overdue = overdue
            self.medianDays = medianDays
        }
    }

    /// `1405-08` or `1405-Q3`
    public var period: String
    public var from, to, asOf: String
    public var position: UInt64
    public var total: Row
    public var byOrganization, byCategory: [Row]

    public init(
        period: String, from: String, to: String, asOf: String, position: UInt64, total: Row, byOrganization: [Row],
        byCategory: [Row]
    ) {
        self.period = period
        self.from = from
        self.to = to
        self.asOf = asOf
        self.position = position
        self.total = total
        self.byOrganization = byOrganization
        self.byCategory = byCategory
    }
}
