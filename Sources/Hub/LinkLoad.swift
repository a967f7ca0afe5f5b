import Federation
import Synchronization

/// What all links together have given to the committer: one province that comes back may fill it, thirty share it.
final class LinkLoad: Sendable {
    /// Batches that every link may have under way, whatever the others have.
    static let share = 2
    /// Batches of one link: one transaction is committed, one decided, and the next come in.
    static let most = 4 * Admission.bound / Batch.maximumEvents
    /// Of the events and their parts.
    private static let maximumBytes = 16 * Batch.maximumBytes

    private let bytes = Atomic(0)

    var isFull: Bool { bytes.load(ordering: .relaxed) >= Self.maximumBytes }

    func add(_ count: Int) { bytes.add(count, ordering: .relaxed) }
    func remove(_ count: Int) { bytes.subtract(count, ordering: .relaxed) }
}
