import Casework
import Federation

/// What a server has in memory is what its disk says, and the disk's bytes are whole.
enum MemoryChecker: Checker {
    static func check(_ replicas: Replicas) throws {
        for replica in replicas.all {
            for id in replica.disk.cases where replica.disk.isDamaged(id) {
                throw Violation("\(replica.name) still holds damaged bytes of \(id)")
            }
            for id in replica.disk.cases {
                guard let record = replica.desk.cases[id] else { continue }
                let events = replica.disk.events(of: id)
                guard record.events.map(\.hash) == events.map(\.hash) else {
                    throw Violation("\(replica.name) remembers other events of \(id) than it has stored")
                }
                guard record.events.map(\.part) == events.map(\.part) else {
                    throw Violation("\(replica.name) remembers other parts of \(id) than it has stored")
                }
                guard record.state == replica.cases[id] else {
                    throw Violation("\(replica.name) remembers another state of \(id) than its events give")
                }
            }
            guard Set(replica.desk.journal.chains) == Set(replica.disk.chains[replica.origin] ?? []) else {
                throw Violation("\(replica.name) remembers other chains of its own than it has stored")
            }
            guard replica.desk.writer.head == replica.disk.head else {
                throw Violation("\(replica.name) writes on at another place than it has stored")
            }
        }
        let hub = replicas.world.hub
        for (origin, tree) in hub.core.chains.sorted(by: { $0.key < $1.key }) where !tree.chains.isEmpty {
            guard Set(tree.chains) == Set(hub.disk.chains[origin] ?? []) else {
                throw Violation("the hub remembers other chains of \(origin) than it has stored")
            }
        }
        for (origin, end) in hub.core.feeds.sorted(by: { $0.key < $1.key })
        where end != UInt64(hub.disk.feeds[origin]?.count ?? 0) {
            throw Violation("the hub remembers another end of the feed of \(origin)")
        }
        for node in replicas.world.running where node.core.cursors != node.disk.cursors {
            throw Violation("\(node.name) remembers another place in its feed than it has stored")
        }
    }
}
