public import Casework

/// What a decision or an arrival did: all of it is saved in one transaction before anybody hears of it.
public struct Effects: Sendable {
    /// An event with its place in this server's order.
    public struct Numbered: Sendable, Equatable {
        public var position: UInt64
        public var event: Event

        public init(position: UInt64, event: Event) { (self.position, self.event) = (position, event) }
    }

    /// A row of a destination's feed; it refers to an event.
    public struct Routed: Sendable, Equatable {
        public var destination: Origin
        public var seq: UInt64
        public var event: EventHash
        /// Where that event stands in its origin's journal.
        public var origin: Origin
        public var place: ChainPlace
        public var withPart: Bool
        /// The hub's incarnation that wrote this row: with the seq, what a cursor names.
        public var hubIncarnation: UInt64

        public init(
            destination: Origin, seq: UInt64, event: EventHash, origin: Origin, place: ChainPlace, withPart: Bool,
            hubIncarnation: UInt64
        ) {
            self.hubIncarnation = hubIncarnation
            self.destination = destination
            self.seq = seq
            self.event = event
            self.origin = origin
            self.place = place
            self.withPart = withPart
        }
    }

    /// Events new to this server, its own and others', in order.
    public var numbered: [Numbered] = []
    /// Known events whose missing part came.
    public var completed: [Event] = []
    public var routed: [Routed] = []
    /// Cases that changed, each once.
    public private(set) var touched: [CaseID] = []
    private var isTouched: Set<CaseID> = []
    public var alarms: [(origin: Origin, alarm: Alarm)] = []
    /// Chains that were extended, each as it stands after these effects, in the order in which they were.
    public private(set) var chains: [(origin: Origin, chain: Chain)] = []
    /// Origins that are kept out until a person has chosen.
    public var quarantined: [Origin] = []
    /// Origins that a person has let in again: nothing of theirs is held any more.
    public var lifted: [Origin] = []
    /// Events of a quarantined origin: verified and kept, in no case and no feed. In order of acceptance.
    public var held: [Event] = []
    /// Events that were held and now stand in `numbered`.
    public var released: [EventHash] = []
    /// Starts of a writer whose words are taken no more, because a person has chosen another copy.
    public var fenced: [(origin: Origin, incarnation: UInt64)] = []
    /// What a restored hub waits for, where that has changed: `.some(nil)` when it waits for nothing any more.
    public var restoration: Restoration??
    /// The greatest schema that a server said it reads, where that is news.
    public var reads: [(origin: Origin, schema: UInt32)] = []
    /// Cases were folded anew by a later version: their rows are saved though nothing else happened.
    public var isRefold = false
    /// What to answer to a Hello.
    public var greeting: Greeting?
    /// Where this server's own feed stands.
    public var cursor: FeedCursor?
    /// The feed goes on after this seq: cursors beyond it belong to rows that the hub has lost, and are forgotten first.
    public var rewound: UInt64?
    /// Where the accepted chains of the origin that sent this stand: what an acknowledgement may name after the commit.
    public var heads: [ChainHead] = []

    public init() {}

    public mutating func touch(_ id: CaseID) {
        // What one person does at once mostly stands together.
        if touched.last != id, isTouched.insert(id).inserted { touched.append(id) }
    }

    public mutating func note(_ chain: Chain, of origin: Origin) {
        if let last = chains.last, last.origin == origin, last.chain.incarnation == chain.incarnation {
            chains[chains.count - 1].chain = chain
            return
        }
        chains.removeAll { $0.origin == origin && $0.chain.incarnation == chain.incarnation }
        chains.append((origin, chain))
    }

    /// Whether there is nothing to save.
    public var isEmpty: Bool {
        numbered.isEmpty && completed.isEmpty && held.isEmpty && released.isEmpty && alarms.isEmpty && cursor == nil
            && quarantined.isEmpty && lifted.isEmpty && fenced.isEmpty && restoration == nil && reads.isEmpty
            && rewound == nil && !isRefold
    }

    /// Adds the effects of what came after.
    public mutating func append(_ later: Effects) {
        numbered += later.numbered
        completed += later.completed
        routed += later.routed
        for id in later.touched { touch(id) }
        for (origin, chain) in later.chains { note(chain, of: origin) }
        alarms += later.alarms
        // The last word on an origin counts.
        quarantined.removeAll { later.lifted.contains($0) }
        lifted.removeAll { later.quarantined.contains($0) }
        quarantined += later.quarantined
        lifted += later.lifted
        held += later.held
        released += later.released
        fenced += later.fenced
        restoration = later.restoration ?? restoration
        reads += later.reads
        isRefold = isRefold || later.isRefold
        if let seq = later.rewound {
            rewound = min(rewound ?? seq, seq)
            cursor = nil
        }
        cursor = later.cursor ?? cursor
    }
}

/// A wish of a person, as the writer takes it.
public struct Wish: Sendable {
    public var command: Command
    public var caseID: CaseID
    public var actor: Actor
    public var revision: Int?
    /// A free code, for commands that register.
    public var trackingCode: TrackingCode?

    public init(
        command: Command, caseID: CaseID, actor: Actor, revision: Int? = nil, trackingCode: TrackingCode? = nil
    ) {
        self.command = command
        self.caseID = caseID
        self.actor = actor
        self.revision = revision
        self.trackingCode = trackingCode
    }
}

/// What is given to a core from outside.
public protocol CoreArrival: Sendable {
    /// What remains of it without a case that cannot be read; `nil` where it is all or nothing. A case that is passed over
    /// is taken when it is repaired.
    func without(_ id: CaseID) -> Self?
    /// Whether it goes on where its sender's last left off, so that it falls with it.
    var goesOn: Bool { get }
    /// Cases that an earlier version could not read.
    static func refold(_ cases: [CaseID]) -> Self
}

/// The decisions of a server, node or hub: a value that its driver may drop and make anew from the store at any time.
public protocol DecidingCore: Sendable {
    /// What comes over the link.
    associatedtype Arrival: CoreArrival

    var desk: Desk { get set }
    /// The dense number of the last event applied.
    var position: UInt64 { get }

    /// Decides one wish on a loaded case.
    mutating func decide(
        _ wish: Wish, now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) -> Effects

    /// Takes what came over the link; its cases are loaded.
    mutating func take(
        _ arrival: Arrival, now: Instant, random: inout some RandomNumberGenerator
    ) throws(FeedFault) -> Effects

    /// Emits this server's level of escalation for each clock of a loaded case that has passed.
    mutating func escalate(
        _ id: CaseID, now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) -> Effects
}

/// The hub's answer to a Hello.
public enum Greeting: Sendable, Equatable {
    /// Then what the node lacks of its own journal, then its feed.
    case welcome(Welcome, tail: [Stretch])
    case farewell(Goodbye)
}

/// Why a feed cannot be followed: the call ends, and the next Hello says where to go on.
public enum FeedFault: Error, Sendable, Equatable {
    /// A row is not the one after the last.
    case notDense(expected: UInt64, found: UInt64)
    /// The bytes do not have the hash that the row names.
    case wrongHash(UInt64)
}

/// The cases that events concern, each once, in order.
public func casesConcerned(by events: [Event]) -> [CaseID] {
    var seen = Set<CaseID>()
    var cases: [CaseID] = []
    for event in events {
        if let id = event.caseID, id != cases.last, seen.insert(id).inserted { cases.append(id) }
    }
    return cases
}
