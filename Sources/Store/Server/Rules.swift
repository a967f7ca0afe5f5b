public import Casework
public import Federation
import Synchronization

/// The nation's rules as this server has committed them: what reads and pages go by.
public final class Rules: Sendable {
    private let base: Network
    private let book: Mutex<RuleBook>

    /// - Parameter base: rules that hold before any event; for benches and tests.
    public init(after base: Network = .empty) {
        self.base = base
        book = Mutex(RuleBook(after: base))
    }

    public var network: Network { book.withLock { $0.network } }

    /// Reads them anew from the journal, as a writer does when it starts.
    public func load(from store: any CaseStore) async throws -> RuleBook {
        let loaded = RuleBook(try await store.rules(), after: base)
        book.withLock { $0 = loaded }
        return loaded
    }

    /// Takes those among the events of a commit that are rules.
    public func note(_ numbered: [Effects.Numbered]) {
        let events = numbered.map(\.event).filter { $0.isRule }
        if !events.isEmpty { book.withLock { $0.take(events) } }
    }
}
