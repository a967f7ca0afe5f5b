import Casework
import Federation

/// No value that anybody wrote is unreachable: a value is shown, in conflict, or based upon by a later one; a held
/// write counts, is a proposal, was applied as one, or stands without effect with its reason.
enum ValueChecker: Checker {
    static func check(_ replicas: Replicas) throws {
        for id in replicas.hub.disk.cases {
            guard let state = replicas.hub.cases[id] else { continue }
            let events = replicas.hub.disk.events(of: id)
            let effects = Dictionary(state.history.map { ($0.event, $0.effect) }) { first, _ in first }
            guard effects.count == events.count else {
                throw Violation("the history of \(id) lists \(effects.count) of \(events.count) events")
            }
            let applied = Set(events.compactMap(\.envelope.applies))
            for event in events {
                guard let change = event.envelope.change, let effect = effects[event.hash] else { continue }
                switch change.mergeClass {
                case .shared where effect == .applied: try checkValue(event, change, state, events)
                case .held:
                    guard case .proposal = effect else { continue }
                    let isShown = state.proposals.contains { $0.event == event.hash }
                    guard isShown || applied.contains(event.hash) else {
                        throw Violation(
                            "\(change.kind.rawValue) of \(event.origin) in \(id) is a proposal that nobody sees")
                    }
                case .hub:
                    if event.origin == .hub, case .withoutEffect(let reason) = effect, reason != .epochTaken {
                        throw Violation("\(change.kind.rawValue) of the hub in \(id): \(reason.rawValue)")
                    }
                default: continue
                }
            }
        }
    }

    private static func checkValue(_ event: Event, _ change: CaseChange, _ state: Case, _ events: [Event]) throws {
        guard case .amended(let amendment) = change else { return }
        for field in amendment.fields {
            if state.values[field]?.heads.contains(event.hash) == true { continue }
            let isBase = events.contains { other in
                other.hash != event.hash
                    && other.envelope.base.contains { $0.field == field && $0.events.contains(event.hash) }
            }
            guard isBase else { throw Violation("a value of \(field.rawValue) in \(state.id) is not shown to anybody") }
        }
    }
}
