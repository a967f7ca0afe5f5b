import Casework

/// What one half of a link does about damaged cases: what met one waits, in its order, until somebody has sent the case
/// whole, and is then tried again.
struct Repair<Action: Sendable & Equatable>: Sendable, Equatable {
    /// What the peer sent and waits for a damaged case, in order; whether the first is being tried again.
    private var waiting: [Action] = []
    private var isRetrying = false
    /// Reads that met a damaged case.
    private var unread: [Action] = []
    /// Damaged cases for which the peer was asked, in their order: no more than one frame may ask for.
    private(set) var asked: [CaseID] = []

    var count: Int { waiting.count }

    /// Another call: what waited is sent again by the peer.
    mutating func startOver() { (waiting, isRetrying, unread) = ([], false, []) }

    /// After what waits, if anything does.
    mutating func inTurn(_ action: Action) -> [Action] {
        guard !waiting.isEmpty else { return [action] }
        waiting.append(action)
        return []
    }

    /// An action met a damaged case. A read is repeated by itself, all else in its order.
    mutating func blocked(_ action: Action, isRead: Bool) {
        if isRead {
            unread.append(action)
        } else if isRetrying {
            isRetrying = false
        } else {
            waiting.append(action)
        }
    }

    /// What was tried again is done; the next of what waits.
    mutating func next() -> [Action] {
        guard isRetrying else { return [] }
        waiting.removeFirst()
        isRetrying = !waiting.isEmpty
        return Array(waiting.prefix(1))
    }

    /// Whether the peer is to be asked for a case that was found damaged: once, until it is repaired.
    mutating func ask(for id: CaseID) -> Bool {
        guard !asked.contains(id), asked.count < Batch.maximumCases else { return false }
        asked.append(id)
        return true
    }

    /// The next time it is found, the peer is asked again.
    mutating func forget(_ cases: [CaseID]) { asked.removeAll { cases.contains($0) } }

    /// Cases are whole again: what is to be tried again.
    mutating func repaired() -> [Action] {
        var again = unread
        unread = []
        if !isRetrying, let first = waiting.first {
            isRetrying = true
            again.insert(first, at: 0)
        }
        return again
    }
}
