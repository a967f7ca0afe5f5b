import Casework
import Federation

/// At the end every server has the hub's rules, by the events on its disk as in its memory, and no rule that the hub
/// ever wrote is gone but by a restore.
enum RuleChecker: Checker {
    static func check(_ replicas: Replicas) throws {
        let hub = RuleBook(replicas.hub.disk.rules).network
        for replica in replicas.all {
            let folded = RuleBook(replica.disk.rules).network
            guard folded == replica.desk.network else {
                throw Violation("\(replica.name) works by other rules than its journal holds")
            }
            guard folded == hub, folded.version == hub.version else {
                throw Violation("\(replica.name) has other rules than the hub")
            }
        }
    }
}
