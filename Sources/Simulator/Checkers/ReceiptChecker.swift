import Casework
import Federation

/// Receipts agree: what the hub acknowledged, it and the origin hold at that place, and nothing is left unacknowledged.
enum ReceiptChecker: Checker {
    static func check(_ replicas: Replicas) throws {
        for node in replicas.nodes {
            // One failure at a time: what its node had lost when the hub lost it too is gone, receipt or not.
            for head in node.disk.acks.flatMap(\.heads) where !replicas.world.ledger.mayBeLost.contains(head.hash) {
                let place = ChainPlace(incarnation: head.incarnation, seq: head.seq)
                for replica in [node, replicas.hub] where replica.disk.hash(at: place, of: node.origin) != head.hash {
                    throw Violation("\(replica.name) lacks what the hub acknowledged: \(node.origin) seq \(head.seq)")
                }
            }
            let backlog = node.disk.tree(node.origin).backlog(node.disk.acknowledged)
            if backlog > 0 { throw Violation("\(node.name) waits for \(backlog) receipts") }
            guard
                node.disk.head.seq == 0
                    || node.disk.hash(
                        at: ChainPlace(incarnation: node.disk.head.incarnation, seq: node.disk.head.seq),
                        of: node.origin)
                        == node.disk.head.hash
            else { throw Violation("the head of \(node.name) is none of its events") }
        }
    }
}
