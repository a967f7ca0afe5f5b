import Casework
import Federation

/// Whoever is entitled to a case holds the same events and sees the same state; nobody else holds any of it. The state
/// is a function of the set: any order of arrival gives it.
enum DigestChecker: Checker {
    static func check(_ replicas: Replicas) throws {
        let reader = replicas.world.hub.reader
        for (place, id) in replicas.hub.disk.cases.enumerated() {
            let events = known(replicas.hub.disk.events(of: id), replicas)
            let set = Set(events.map(\.hash))
            let entitled = replicas.entitled(id)
            for node in replicas.nodes {
                let held = known(node.disk.events(of: id), replicas)
                guard entitled.contains(node.origin) else {
                    // What it wrote itself as an outsider stays where it was written.
                    if held.allSatisfy({ $0.origin == node.origin }) { continue }
                    if isGrantLost(of: id, to: node.origin, replicas.world.ledger) { continue }
                    throw Violation("\(node.name) holds \(id), which is not its own")
                }
                let difference = (held + events).first { !set.contains($0.hash) || !node.disk.holds($0.hash) }
                if let difference {
                    let holder = set.contains(difference.hash) ? "hub" : node.name
                    let label = replicas.world.label(difference)
                    throw Violation("\(node.name) and the hub differ in \(id): only \(holder) holds \(label)")
                }
                let isAlike =
                    held.count == node.disk.count(of: id) && events.count == replicas.hub.disk.count(of: id)
                    ? node.cases[id] == replicas.hub.cases[id]
                    : Fold.fold(id, held, reader: reader) == Fold.fold(id, events, reader: reader)
                guard isAlike else { throw Violation("\(node.name) sees another state of \(id) than the hub") }
            }
            if place < 2 {
                let all = replicas.hub.disk.events(of: id)
                guard Fold.fold(id, all.reversed(), reader: reader) == replicas.hub.cases[id]
                else {
                    throw Violation("\(id) depends on the order of arrival")
                }
            }
        }
        for node in replicas.nodes {
            for id in node.disk.cases where !replicas.hub.disk.cases.contains(id) {
                throw Violation("the hub does not know \(id) of \(node.name)")
            }
        }
    }

    /// Nobody gives back to a restored hub what a hostile node wrote and does not send again: it had no effect.
    private static func known(_ events: [Event], _ replicas: Replicas) -> [Event] {
        replicas.world.causes.hubRestored ? events.filter { $0.origin != Stranger.origin } : events
    }

    /// Whether a grant was lost with the hub when its seat had only the history that went before it.
    private static func isGrantLost(of id: CaseID, to seat: Origin, _ ledger: Ledger) -> Bool {
        ledger.mayBeLost.contains { hash in
            guard let event = ledger.written[hash], event.caseID == id, case .granted(let grant) = event.envelope.change
            else { return false }
            return grant.seat == seat
        }
    }
}
