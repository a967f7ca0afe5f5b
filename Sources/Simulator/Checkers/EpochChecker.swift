import Casework
import Federation

/// No epoch is issued twice in a case, and no referral is granted twice, not even by a hub that forgot that it had.
enum EpochChecker: Checker {
    static func check(_ replicas: Replicas) throws {
        if let id = replicas.world.ledger.epochsTwice.first { throw Violation("an epoch of \(id) was issued twice") }
        for id in replicas.hub.disk.cases {
            var seen = Set<Epoch>()
            var granted = Set<EventHash>()
            for event in replicas.hub.disk.events(of: id) where event.origin == .hub {
                guard case .granted(let grant) = event.envelope.change else { continue }
                guard grant.epoch > 0, seen.insert(grant.epoch).inserted else {
                    throw Violation("epoch \(grant.epoch) of \(id) stands twice")
                }
                // A hub that nobody told of its restore decides again what it forgot, until a node shows it; so does one
                // that has heard only one of two copies of a node, or a node that was itself brought back, or that forgot
                // that there is such a seat.
                let causes = replicas.world.causes
                guard let cause = grant.cause, replicas.world.isTold || !causes.hubRestored, causes.copied.isEmpty,
                    causes.restored.isEmpty,
                    !causes.forgotten.contains(grant.seat)
                else { continue }
                guard granted.insert(cause).inserted else { throw Violation("one referral of \(id) was granted twice") }
            }
        }
    }
}
