import Casework
import Federation

/// A part is with its author, with the home, and with who was the seat when it came or later; nowhere else.
enum PartChecker: Checker {
    static func check(_ replicas: Replicas) throws {
        for id in replicas.hub.disk.cases {
            let events = replicas.hub.disk.events(of: id)
            var (seat, epoch) = (id.home, Epoch(0))
            let seats = events.map { event in
                // The greatest epoch counts: a restored hub's grants come back in any order.
                if event.origin == .hub, case .granted(let grant) = event.envelope.change, grant.epoch >= epoch {
                    (seat, epoch) = (grant.seat, grant.epoch)
                }
                return seat
            }
            let entitled = replicas.entitled(id)
            for (index, event) in events.enumerated() where event.envelope.partHash != nil {
                let isSomewhere = replicas.nodes.contains { $0.disk.event(event.hash)?.part.bytes != nil }
                if event.part.bytes == nil, isSomewhere, event.origin != Stranger.origin {
                    throw Violation("the hub lacks the part of \(event.envelope.type) of \(event.origin)")
                }
                for node in replicas.nodes where entitled.contains(node.origin) {
                    let has = node.disk.event(event.hash)?.part.bytes != nil
                    let may =
                        event.origin == node.origin || id.home == node.origin || seats[index...].contains(node.origin)
                    if may, !has, event.part.bytes != nil {
                        throw Violation(
                            "\(node.name) lacks the part of \(event.envelope.type) of \(event.origin) in \(id)")
                    }
                    // A restored hub takes events back in another order, so who had read them before is not told by it.
                    if has, !may, !replicas.world.causes.hubRestored {
                        throw Violation("\(node.name) holds a part of \(event.origin) in \(id) that is not for it")
                    }
                }
            }
        }
    }
}
