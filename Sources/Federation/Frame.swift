public import Casework

/// A place in the feed of one destination.
public struct FeedCursor: Sendable, Hashable {
    public var hubIncarnation: UInt64
    public var seq: UInt64
    public var hash: EventHash

    public init(hubIncarnation: UInt64, seq: UInt64, hash: EventHash) {
        (self.hubIncarnation, self.seq, self.hash) = (hubIncarnation, seq, hash)
    }
}

/// What a node says first.
public struct Hello: Sendable, Equatable {
    public var version: UInt32 = 1
    public var origin: Origin
    /// The incarnation of the process that speaks, also before its first event.
    public var writer: UInt64
    /// Of every chain of the node's own journal.
    public var heads: [ChainHead]
    /// The schemas that the node can read.
    public var schemas: [UInt32]
    /// The last row that the node has committed of each hub incarnation's feed, the newest first.
    public var cursors: [FeedCursor]
    /// The last event that the node holds of each hub incarnation.
    public var hubHeads: [ChainHead]
    public var clock: Instant
    public var backlog: UInt64

    public init(
        origin: Origin, writer: UInt64, heads: [ChainHead], schemas: [UInt32] = Array(1...Schema.reader),
        cursors: [FeedCursor], hubHeads: [ChainHead], clock: Instant, backlog: UInt64
    ) {
        self.origin = origin
        self.writer = writer
        self.heads = heads
        self.schemas = schemas
        self.cursors = cursors
        self.hubHeads = hubHeads
        self.clock = clock
        self.backlog = backlog
    }
}

public struct Welcome: Sendable, Equatable {
    public var version: UInt32 = 1
    public var schemas: [UInt32]
    public var heads: [ChainHead]
    public var clock: Instant
    public var incarnation: UInt64
    public var quarantined: Bool
    /// The hub's own events that it has lost and this node may hold: those after these places.
    public var lost: [Stretch]
    /// The last row of its feed that the node is known to have; `nil` where the feed begins.
    public var feed: FeedCursor?

    public init(
        schemas: [UInt32] = Array(1...Schema.reader), heads: [ChainHead], clock: Instant, incarnation: UInt64,
        quarantined: Bool = false, lost: [Stretch] = [], feed: FeedCursor? = nil
    ) {
        self.lost = lost
        self.feed = feed
        self.schemas = schemas
        self.heads = heads
        self.clock = clock
        self.incarnation = incarnation
        self.quarantined = quarantined
    }
}

/// An event as it crosses the wire, not yet verified.
public struct WireEvent: Sendable, Equatable {
    public var bytes: [UInt8]
    public var part: Part
    /// What the bytes' hash is, as their sender knows it; `nil` where he does not say.
    public var hash: EventHash?

    public init(bytes: [UInt8], part: Part, hash: EventHash? = nil) {
        (self.bytes, self.part, self.hash) = (bytes, part, hash)
    }

    public init(_ event: Event) { (bytes, part, hash) = (event.bytes, event.part, event.hash) }
}

/// An event of one origin's journal as it is stored, on its way to a peer: nobody on this side reads what it says.
public struct JournalRow: Sendable, Equatable {
    public var place: ChainPlace
    public var event: WireEvent

    public init(place: ChainPlace, event: WireEvent) { (self.place, self.event) = (place, event) }
    public init(_ event: Event) { (place, self.event) = (event.envelope.place, WireEvent(event)) }
}

public struct Ack: Sendable, Equatable {
    public var heads: [ChainHead]
    public var committedAt: Instant
    public var position: UInt64
    public var signature: [UInt8]

    public init(
        heads: [ChainHead], committedAt: Instant = Instant(milliseconds: 0), position: UInt64 = 0,
        signature: [UInt8] = []
    ) {
        (self.heads, self.committedAt, self.position, self.signature) = (heads, committedAt, position, signature)
    }
}

public struct FeedRow: Sendable, Equatable {
    public var cursor: FeedCursor
    public var event: WireEvent

    public init(cursor: FeedCursor, event: WireEvent) { (self.cursor, self.event) = (cursor, event) }
}

/// Something that a person must look at, as one server notes it or tells it to its peer.
public struct Alarm: Sendable, Equatable {
    /// The raw value of an `AlarmCode`, or the code of a newer peer, as it came.
    public var code: String
    /// For people, in English.
    public var detail: String
    public var event: EventHash?

    public init(code: AlarmCode, detail: String, event: EventHash? = nil) {
        self.init(sent: code.rawValue, detail: detail, event: event)
    }

    /// An alarm of a peer, whose code this version need not know.
    public init(sent code: String, detail: String, event: EventHash? = nil) {
        (self.code, self.detail, self.event) = (code, detail, event)
    }

    /// `nil` for a code that this version does not know.
    public var known: AlarmCode? { AlarmCode(rawValue: code) }

    /// As it is kept when a peer said it: a word and a line.
    public var bounded: Alarm { Alarm(sent: String(code.prefix(64)), detail: String(detail.prefix(500)), event: event) }
}

public struct Goodbye: Sendable, Equatable {
    public var reason: String
    public var retryAfterMilliseconds: UInt32

    public init(reason: String, retryAfterMilliseconds: UInt32 = 0) {
        (self.reason, self.retryAfterMilliseconds) = (reason, retryAfterMilliseconds)
    }
}

/// What one side holds of a case, by its events alone: equal sets give equal digests.
public struct CaseDigest: Sendable, Hashable {
    public var caseID: CaseID
    public var digest: EventHash

    public init(caseID: CaseID, digest: EventHash) { (self.caseID, self.digest) = (caseID, digest) }
}

/// Events that travel outside journal and feed.
public struct History: Sendable, Equatable {
    public enum Purpose: Sendable, Equatable {
        /// To a node: its own events, which it has lost. To the hub: the hub's own events, which it has lost.
        case lost
        /// All that the sender may send of a case whose digests differ, or that the receiver asked for.
        case repair
    }

    public var purpose: Purpose
    public var events: [WireEvent]
    /// Nothing of this purpose follows.
    public var isLast: Bool

    public init(_ purpose: Purpose, _ events: [WireEvent], isLast: Bool) {
        (self.purpose, self.events, self.isLast) = (purpose, events, isLast)
    }
}

public enum NodeFrame: Sendable, Equatable {
    case hello(Hello)
    case events([WireEvent])
    case history(History)
    /// What the node holds of cases that lie quiet: the hub answers where it holds something else.
    case digests([CaseDigest])
    /// Asks for the events of cases that the node cannot read.
    case fetch([CaseID])
    /// What the node has committed of its feed, if that has moved, and how it stands: sent after each batch and every few
    /// seconds.
    case feedAck(FeedCursor?, clock: Instant, backlog: UInt64)
    case alarm(Alarm)
    case goodbye(Goodbye)
}

extension NodeFrame {
    /// Whether it waits until the hub takes it. What answers the hub never does: a node that did not read while its own
    /// events fill the line could keep the hub, which does not read while its rows do, waiting for ever.
    public var mayWait: Bool {
        switch self {
        case .events, .history: true
        case .hello, .digests, .fetch, .feedAck, .alarm, .goodbye: false
        }
    }
}

public enum HubFrame: Sendable, Equatable {
    case welcome(Welcome)
    case ack(Ack)
    case feed([FeedRow])
    case history(History)
    /// Asks for the events of cases that the hub cannot read, or of which it holds something else.
    case fetch([CaseID])
    case alarm(Alarm)
    case goodbye(Goodbye)
}

/// Bytes that are no frame: the peer's fault, ends its call.
public struct FrameFault: Error, Sendable, Hashable {
    public var reason: String
    public init(_ reason: String) { self.reason = reason }
}

/// Bounds of one batch.
public enum Batch {
    public static let maximumEvents = 500
    public static let maximumCases = 1000
    public static let maximumBytes = 1024 * 1024
    /// A batch ends before the event that would take it past a bound, so it may hold one event more than its bytes.
    public static func isWithinBounds(_ events: [WireEvent]) -> Bool {
        let bytes = events.reduce(0) { $0 + $1.bytes.count + ($1.part.bytes?.count ?? 0) }
        return events.count <= maximumEvents && bytes <= maximumBytes + Schema.maximumEventSize
    }

    /// Events cut into batches within the bounds, at least one.
    public static func split(_ events: [WireEvent]) -> [[WireEvent]] {
        var batches: [[WireEvent]] = [[]]
        var bytes = 0
        for event in events {
            let size = event.bytes.count + (event.part.bytes?.count ?? 0)
            if let last = batches.last, !last.isEmpty, last.count == maximumEvents || bytes + size > maximumBytes {
                batches.append([])
                bytes = 0
            }
            batches[batches.count - 1].append(event)
            bytes += size
        }
        return batches
    }

    /// A frame with its envelope bytes, parts and framing is never longer than this.
    public static let maximumFrame = 4 * 1024 * 1024
}
