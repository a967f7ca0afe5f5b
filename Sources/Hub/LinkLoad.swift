import Synchronization

/// The bytes that all links together have given to the committer.
final class LinkLoad: Sendable {
    private let count = Atomic(0)

    var bytes: Int { count.load(ordering: .relaxed) }

    func add(_ bytes: Int) { count.add(bytes, ordering: .relaxed) }
    func remove(_ bytes: Int) { count.subtract(bytes, ordering: .relaxed) }
}
