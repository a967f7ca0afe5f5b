import Casework
import Federation

/// What a node's writer is asked to do.
enum NodeWork {
    case wish(Wish)
    case escalate(CaseID)
    /// After an upgrade.
    case refold([CaseID])
    /// `call`: which call it came from, for what is said afterwards.
    case arrival(NodeCore.Arrival, call: Int, rows: [FeedRow])
    case tail([WireEvent], [Event], latest: ChainHead, isLast: Bool, call: Int)
    case repair([Event], call: Int)
}

extension NodeWork {
    /// Writes of itself, so it waits until writing is open.
    var isOwn: Bool {
        switch self {
        case .wish, .escalate, .refold: true
        case .arrival, .tail, .repair: false
        }
    }
}

/// One running node: its disk, what it has in memory, and its side of the link.
final class NodeProcess {
    let id: Int
    let origin: Origin
    var disk: Disk
    var core: NodeCore
    var link: NodeLink
    var incarnation: UInt64
    /// What this program can read.
    var reader: UInt32
    var backOff = BackOff()
    var dialAt: Instant
    /// Without a way to the hub until then.
    var isolatedUntil: Instant
    /// Milliseconds by which its wall clock is wrong.
    var skew: Int64 = 0
    var isStopped = false
    var isWriting = false
    var queue: [NodeWork] = []
    /// What its link asked the store for.
    var reads: [NodeLink.Action] = []
    var call: LinkSession?
    /// Older states of its disk.
    var images: [Disk] = []
    var isCopy = false
    /// Waits for the commit of what the last frame brought.
    var isBusy: Bool { queue.contains { !$0.isOwn } }

    /// Whether an event of a feed waits for the writer.
    func isTaking(_ hash: EventHash) -> Bool {
        queue.contains { work in
            if case .arrival(.feed(let rows), _, _) = work { rows.contains { $0.event.hash == hash } } else { false }
        }
    }

    /// Kinds that come with a later version, and the first schema that knows each.
    let later: [EventKind: UInt32]

    init(id: Int, disk: Disk, incarnation: UInt64, reader: UInt32, later: [EventKind: UInt32], now: Instant) {
        self.id = id
        self.later = later
        self.disk = disk
        self.incarnation = incarnation
        self.reader = reader
        origin = disk.origin
        core = Self.core(disk, incarnation: incarnation, reader: reader, later: later)
        link = NodeLink(startedAt: now)
        dialAt = now
        isolatedUntil = now
    }

    static func core(
        _ disk: Disk, incarnation: UInt64, reader: UInt32, later: [EventKind: UInt32]
    ) -> NodeCore {
        NodeCore(
            desk: Desk(
                writer: JournalWriter(
                    origin: disk.origin, incarnation: incarnation, continuing: disk.head,
                    clock: HybridClock(last: disk.stamp), later: later),
                journal: disk.tree(disk.origin), tree: .standard, calendar: .standard, reader: reader,
                reads: disk.reads, hashing: sha256),
            hub: disk.tree(.hub), cursors: disk.cursors, position: disk.position)
    }

    /// The writer drops its memory and reads the store anew, as after a failed commit.
    func reload() { core = Self.core(disk, incarnation: incarnation, reader: reader, later: later) }

    var name: String { isCopy ? "\(origin.code)'" : origin.code }
}

/// What the hub's committer is asked to do.
enum HubWork {
    case wish(Wish)
    case escalate(CaseID)
    case release(Origin, keep: UInt64?)
    case pending([CaseID])
    case refold([CaseID])
    case hello(LinkSession, Hello, [FeedFact])
    case alive(LinkSession, writer: UInt64)
    case events(LinkSession, [WireEvent], [Event], known: [ChainPlace: EventHash])
    case lost(LinkSession, [WireEvent], [Event], known: [ChainPlace: EventHash], isLast: Bool)
    case repair(LinkSession, [Event], known: [ChainPlace: EventHash], ofHub: [ChainPlace: EventHash])

    var call: LinkSession? {
        switch self {
        case .wish, .escalate, .release, .pending, .refold: nil
        case .hello(let call, _, _), .alive(let call, _), .events(let call, _, _, _), .lost(let call, _, _, _, _),
            .repair(let call, _, _, _):
            call
        }
    }
}

final class HubProcess {
    var disk = Disk(origin: .hub)
    var core: HubCore
    var incarnation: UInt64
    var reader: UInt32
    var skew: Int64 = 0
    var queue: [HubWork] = []
    var images: [Disk] = []
    /// Down until then.
    var downUntil: Instant
    /// A person has said that its disk was brought back, and nothing has been saved since.
    var isToldRestored = false

    let later: [EventKind: UInt32]

    init(incarnation: UInt64, reader: UInt32, later: [EventKind: UInt32], now: Instant) {
        self.incarnation = incarnation
        self.later = later
        self.reader = reader
        downUntil = now
        core = Self.core(disk, incarnation: incarnation, reader: reader, later: later)
    }

    static func core(
        _ disk: Disk, incarnation: UInt64, reader: UInt32, later: [EventKind: UInt32], wasRestored: Bool = false
    ) -> HubCore {
        var chains: [Origin: ChainTree] = [:]
        for origin in disk.chains.keys where origin != .hub { chains[origin] = disk.tree(origin) }
        var quarantined: [Origin: Int] = [:]
        for origin in disk.quarantined { quarantined[origin] = disk.held[origin]?.count ?? 0 }
        return HubCore(
            desk: Desk(
                writer: JournalWriter(
                    origin: .hub, incarnation: incarnation, continuing: disk.head,
                    clock: HybridClock(last: disk.stamp), seal: worldSeal, later: later),
                journal: disk.tree(.hub), tree: .standard, calendar: .standard, reader: reader,
                reads: disk.reads, hashing: sha256),
            chains: chains, position: disk.position, feeds: disk.feeds.mapValues { UInt64($0.count) },
            quarantined: quarantined, fenced: disk.fenced, restoration: disk.restoration,
            wasRestored: wasRestored)
    }

    func reload() {
        let reports = core.reports
        core = Self.core(
            disk, incarnation: incarnation, reader: reader, later: later, wasRestored: isToldRestored)
        core.reports = reports
    }
}

/// A hub's mark, good enough for a world in memory.
let worldSeal = Seal(
    sign: { bytes in sha256(bytes + [1]).bytes + sha256(bytes + [2]).bytes },
    isValid: { signature, bytes in signature == sha256(bytes + [1]).bytes + sha256(bytes + [2]).bytes })
