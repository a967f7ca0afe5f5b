import Casework
import Federation

/// Every feed is followed to its end and none of its rows is left out, though a repair would bring the event all the
/// same; and no row is sent for nothing: each brings an event, or its part.
enum FeedChecker: Checker {
    static func check(_ replicas: Replicas) throws {
        for node in replicas.nodes {
            let rows = replicas.hub.disk.feeds[node.origin] ?? []
            let cursor = node.disk.cursors.first
            guard rows.isEmpty || (cursor?.seq == rows.last?.seq && cursor?.hash == rows.last?.event) else {
                throw Violation(
                    "\(node.name) has followed its feed to \(node.disk.cursors.first?.seq ?? 0) of \(rows.count)")
            }
            let fed = replicas.world.ledger.fed[node.origin] ?? []
            for row in rows {
                guard node.disk.holds(row.event) else {
                    throw Violation("row \(row.seq) of \(node.name) brought nothing")
                }
                guard fed.contains(row.event) else { throw Violation("row \(row.seq) was never sent to \(node.name)") }
            }
            var seen: [EventHash: Bool] = [:]
            for row in rows {
                if let withPart = seen[row.event], withPart || !row.withPart, !replicas.world.causes.hubRestored {
                    throw Violation("row \(row.seq) of \(node.name) repeats an event: echo")
                }
                seen[row.event] = row.withPart
            }
        }
    }
}
