import Casework
import Store
import Synchronization

/// Cases whose stored bytes turned out to be damaged here: every call hears of them, and of those that were mended,
/// because any node that takes part in a case can send it again.
final class Damage: Sendable {
    let found = Broadcast<CaseID>()
    let mended = Broadcast<[CaseID]>()
    private let open = Mutex<Set<CaseID>>([])

    /// What a node that connects is asked for; at most as many as one batch of cases.
    var outstanding: [CaseID] { open.withLock { $0.sorted() } }

    func report(_ id: CaseID) {
        let isNew = open.withLock { $0.count < 1_000 && $0.insert(id).inserted }
        if isNew { found.send(id) }
    }

    func mend(_ cases: [CaseID]) {
        open.withLock { $0.subtract(cases) }
        mended.send(cases)
    }
}
