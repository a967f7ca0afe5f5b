import Casework
import Federation

/// What a node's writer is asked to do.
enum NodeWork {
    case wish(Client)
    case escalate(CaseID)
    /// After an upgrade.
    case refold([CaseID])
    /// `call`: which call it came from, for what is said afterwards.
    case arrival(NodeCore.Arrival, call: Int, rows: [FeedRow])
    case tail([WireEvent], latest: ChainHead, isLast: Bool, call: Int)
    case repair([Event], call: Int)

    /// Writes of itself, so it waits until writing is open.
    var isOwn: Bool {
        switch self {
        case .wish, .escalate, .refold: true
        case .arrival, .tail, .repair: false
        }
    }
}

/// One running node: its disk, what it has in memory, and its side of the link.
final class NodeProcess: ServerProcess<NodeCore, NodeWork> {
    let id: Int
    var link: NodeLink
    var backOff = BackOff()
    var dialAt: Instant
    /// Without a way to the hub until then.
    var isolatedUntil: Instant
    var isStopped = false
    /// What its link asked the store for.
    var reads: [NodeLink.Action] = []
    var call: LinkSession?
    var isCopy = false
    /// Kinds that come with a later version, and the first schema that knows each.
    let later: [EventKind: UInt32]
    /// Waits for the commit of what the last frame brought.
    var isBusy: Bool { works.values.contains { !$0.isOwn } }
    var isWriting: Bool { inbox.isOpen }

    /// Whether an event of a feed waits for the writer.
    func isTaking(_ hash: EventHash) -> Bool {
        works.values.contains { work in
            if case .arrival(.feed(let rows), _, _) = work { rows.contains { $0.event.hash == hash } } else { false }
        }
    }

    init(
        id: Int, disk: Disk, incarnation: UInt64, reader: UInt32, later: [EventKind: UInt32], bounds: WriterBounds,
        now: Instant
    ) {
        self.id = id
        self.later = later
        link = NodeLink(startedAt: now)
        dialAt = now
        isolatedUntil = now
        super.init(disk: disk, incarnation: incarnation, reader: reader, bounds: bounds, isOpen: false, now: now)
    }

    /// As its disk says.
    func makeCore() -> NodeCore { Self.core(disk, incarnation: incarnation, reader: reader, later: later) }
    var core: NodeCore { machine.core ?? makeCore() }

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

    var name: String { isCopy ? "\(origin.code)'" : origin.code }
}

/// What the hub's committer is asked to do.
enum HubWork {
    case wish(Client)
    case escalate(CaseID)
    case release(Origin, keep: UInt64?)
    case pending([CaseID])
    case refold([CaseID])
    case hello(LinkSession)
    case alive(LinkSession)
    case events(LinkSession, [WireEvent])
    case lost(LinkSession, [WireEvent], isLast: Bool)
    case repair(LinkSession, [Event])

    var call: LinkSession? {
        switch self {
        case .wish, .escalate, .release, .pending, .refold: nil
        case .hello(let call), .alive(let call), .events(let call, _), .lost(let call, _, _),
            .repair(let call, _):
            call
        }
    }

    /// The next frame of a call is read when what the last brought is done; of batches of events, several go at a time.
    func count(_ step: Int) {
        guard case .events(let call, _) = self else {
            call?.waiting += step
            return
        }
        call.submitted += step
        if step < 0 { call.saved = max(0, call.saved - 1) }
    }
}

final class HubProcess: ServerProcess<HubCore, HubWork> {
    /// Down until then.
    var downUntil: Instant
    /// A person has said that its disk was brought back, and nothing has been saved since.
    var isToldRestored = false
    /// What each seat last said of itself.
    var reports: [Origin: HubCore.SeatReport] = [:]
    let later: [EventKind: UInt32]

    init(incarnation: UInt64, reader: UInt32, later: [EventKind: UInt32], bounds: WriterBounds, now: Instant) {
        self.later = later
        downUntil = now
        super.init(
            disk: Disk(origin: .hub), incarnation: incarnation, reader: reader, bounds: bounds, isOpen: true, now: now)
    }

    /// As its disk says.
    func makeCore() -> HubCore {
        var core = Self.core(
            disk, incarnation: incarnation, reader: reader, later: later, wasRestored: isToldRestored)
        core.reports = reports
        return core
    }

    var core: HubCore { machine.core ?? makeCore() }

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
}

/// A hub's mark, good enough for a world in memory.
let worldSeal = Seal(
    sign: { bytes in sha256(bytes + [1]).bytes + sha256(bytes + [2]).bytes },
    isValid: { signature, bytes in signature == sha256(bytes + [1]).bytes + sha256(bytes + [2]).bytes })
