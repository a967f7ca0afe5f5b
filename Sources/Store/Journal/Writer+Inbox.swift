import Casework
import Contract
import Federation

/// What waits for the writer.
extension Writer {
    enum Work: Sendable {
        case wish(CommandRequest)
        case arrival(Core.Arrival, cases: [CaseID], Admission.Item)
        case escalation(CaseID)

        var admission: Admission.Item { if case .arrival(_, _, let item) = self { item } else { .init(size: 1) } }

        /// What a person has just done, here or where it comes from.
        var isLive: Bool {
            switch self {
            case .wish: true
            case .arrival(_, let cases, let item): !cases.isEmpty && item.lane != nil && item.size <= Admission.large
            case .escalation: false
            }
        }
    }

    enum Result: Sendable {
        case answer(Answer)
        case effects(Effects)
    }

    struct Item: Sendable {
        var work: Work
        var done: Ticket<Result>
    }

    /// What waits, in its order.
    struct Inbox: Sendable {
        var items: [Item] = []
        /// A commit is under way, whose end wakes the loop: until then single commands need not.
        var isCommitting = false
        /// Why nothing is taken any more.
        var halted: ServiceError?
        var lastMany, lastLive: ContinuousClock.Instant?

        /// Whether people work, or did within a second.
        var isLive: Bool { lastLive.map { ContinuousClock.now - $0 < .seconds(1) } ?? false }
    }
}
