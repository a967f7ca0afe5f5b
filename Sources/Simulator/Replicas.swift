import Casework
import Federation

/// What every server holds at the end, folded once for all checkers.
struct Replicas {
    struct Replica {
        let name: String
        let origin: Origin
        let disk: Disk
        let desk: Desk
        let cases: [CaseID: Case]
    }

    let hub: Replica
    let nodes: [Replica]
    let world: World

    init(_ world: World) {
        self.world = world
        let reader = max(world.hub.reader, 1)
        hub = Self.replica("hub", world.hub.disk, world.hub.core.desk, reader)
        nodes = world.running.map { Self.replica($0.name, $0.disk, $0.core.desk, $0.reader) }
    }

    private static func replica(_ name: String, _ disk: Disk, _ desk: Desk, _ reader: UInt32) -> Replica {
        var cases: [CaseID: Case] = [:]
        for id in disk.cases { cases[id] = Fold.fold(id, disk.events(of: id), reader: reader) }
        return Replica(name: name, origin: disk.origin, disk: disk, desk: desk, cases: cases)
    }

    var all: [Replica] { [hub] + nodes }

    /// Home and every seat that a grant names.
    func entitled(_ id: CaseID) -> Set<Origin> {
        var entitled: Set<Origin> = [id.home]
        for event in hub.disk.events(of: id) where event.origin == .hub {
            if case .granted(let grant) = event.envelope.change { entitled.insert(grant.seat) }
        }
        return entitled
    }
}

/// One invariant.
protocol Checker: SendableMetatype {
    static func check(_ replicas: Replicas) throws
}

let checkers: [any Checker.Type] = [
    JournalChecker.self, LedgerChecker.self, DigestChecker.self, ValueChecker.self, HeadsChecker.self,
    CustodyChecker.self, BranchChecker.self, FigureChecker.self, EpochChecker.self, ReceiptChecker.self,
    PartChecker.self, MemoryChecker.self, FeedChecker.self, AlarmChecker.self, QuarantineChecker.self,
    StrangerChecker.self,
]
