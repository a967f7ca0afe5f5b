public import Casework

/// The network events that one server has, and the rules that they fold to.
public struct RuleBook: Sendable {
    /// In the order in which this server applied them. What a later version wrote is kept and forwarded, unread.
    public private(set) var events: [Event]
    public private(set) var network: Network
    /// Rules that no event brought: where a bench or a test begins.
    private let base: [NetworkFact]

    /// - Parameters:
    ///   - events: the hub's events without a case, in the order of their positions here.
    ///   - network: rules that hold before any event.
    public init(_ events: [Event] = [], after network: Network = .empty) {
        self.events = events
        base = network.changes.map { NetworkFact($0, version: network.version(of: $0)) }
        self.network = network
        if !events.isEmpty { refold() }
    }

    /// Whether a rule's event is in it.
    public func holds(_ hash: EventHash) -> Bool { events.contains { $0.hash == hash } }

    /// Adds an event without folding: `refold` comes after the last.
    /// - Returns: false for one that is here.
    mutating func insert(_ event: Event) -> Bool {
        guard !holds(event.hash) else { return false }
        events.append(event)
        return true
    }

    /// Adds those of some events that are rules and not here.
    public mutating func take(_ events: [Event]) {
        var isNew = false
        for event in events where event.isRule && insert(event) { isNew = true }
        if isNew { refold() }
    }

    /// Folds in the hub's history order, so that any order of arrival gives the same rules.
    mutating func refold() {
        let ordered = events.sorted {
            ($0.envelope.stamp, $0.envelope.incarnation, $0.envelope.seq)
                < ($1.envelope.stamp, $1.envelope.incarnation, $1.envelope.seq)
        }
        let facts = ordered.compactMap { event in
            event.envelope.rule.map { NetworkFact($0, version: event.hash.firstWord) }
        }
        network = Network(base + facts)
    }
}

extension Event {
    /// Whether it is the hub's and concerns no case: a rule, or what a later version wrote of that class.
    public var isRule: Bool { origin == .hub && caseID == nil }
}
