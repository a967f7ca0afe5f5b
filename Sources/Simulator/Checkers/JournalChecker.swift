import Casework
import Federation

/// Every chain verifies: each event names the one before it, a place holds one event, and the chains that are
/// remembered are those that are stored.
enum JournalChecker: Checker {
    static func check(_ replicas: Replicas) throws {
        for node in replicas.nodes { try check(node, node.origin, replicas) }
        let writers = Set(replicas.hub.disk.events.map(\.origin))
        for origin in writers.sorted() { try check(replicas.hub, origin, replicas) }
        try checkPlaces(replicas)
    }

    private static func check(_ replica: Replicas.Replica, _ origin: Origin, _ replicas: Replicas) throws {
        let events = replica.disk.written(by: origin)
        let byHash = Dictionary(uniqueKeysWithValues: events.map { ($0.hash, $0) })
        var last: [UInt64: Event] = [:]
        for event in events {
            let envelope = event.envelope
            if envelope.seq > last[envelope.incarnation]?.envelope.seq ?? 0 { last[envelope.incarnation] = event }
            if envelope.seq == 1, envelope.previous == .zero { continue }
            guard let before = byHash[envelope.previous] else {
                let ledger = replicas.world.ledger
                if ledger.mayBeLost.contains(envelope.previous) { continue }
                throw Violation("\(replica.name): nothing stands before \(replicas.world.label(event))")
            }
            guard before.envelope.seq == envelope.seq - 1 else {
                throw Violation("\(replica.name): the chain of \(origin) breaks at \(envelope.seq)")
            }
        }
        let tree = replica.disk.tree(origin)
        guard tree.chains.count == last.count else {
            throw Violation("\(replica.name) remembers \(tree.chains.count) chains of \(origin), not \(last.count)")
        }
        for chain in tree.chains {
            guard chain.head.hash == last[chain.incarnation]?.hash else {
                throw Violation("\(replica.name): a chain of \(origin) ends otherwise than is remembered")
            }
        }
    }

    /// Nobody ever wrote two events at one place.
    private static func checkPlaces(_ replicas: Replicas) throws {
        struct Place: Hashable {
            var origin: Origin
            var position: ChainPlace
        }
        var places: [Place: EventHash] = [:]
        let ledger = replicas.world.ledger
        for hash in ledger.order {
            guard let event = ledger.written[hash] else { continue }
            let place = Place(origin: event.origin, position: event.envelope.place)
            if let other = places[place], other != hash {
                throw Violation("\(event.origin) wrote seq \(place.position.seq) of one incarnation twice")
            }
            places[place] = hash
        }
    }
}
