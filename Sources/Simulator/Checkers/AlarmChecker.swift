import Casework
import Federation

/// Alarms ring when there is cause, and only then. What each fault may ring:
/// a clock ahead `clock_ahead`; a restore `recovered`; writing after a restore without the hub's word `branch`;
/// a second copy `branch`, `two_copies`, `fenced`; a restored hub `hub_restored`; damaged bytes `mended`, `unreadable`,
/// `gap`; a hostile node anything about itself.
enum AlarmChecker: Checker {
    static func check(_ replicas: Replicas) throws {
        let world = replicas.world
        for (place, about, alarm) in world.alarms where !isLegal(alarm.known, about: about, world.causes) {
            throw Violation("alarm \(alarm.code) at \(place) about \(about) without a cause: \(alarm.detail)")
        }
        func rang(_ code: AlarmCode, about origin: Origin? = nil) -> Bool {
            world.alarms.contains { $0.at == .hub && $0.alarm.known == code && (origin == nil || $0.about == origin) }
        }
        for origin in world.origins where replicas.hub.disk.tree(origin).isForked && !rang(.branch, about: origin) {
            throw Violation("\(origin) has two branches, and nobody was told")
        }
        for event in replicas.hub.disk.events where event.origin == .hub {
            if case .stamped(let hash, _) = event.envelope.change, let bounded = replicas.hub.disk.event(hash),
                !rang(.clockAhead, about: bounded.origin)
            {
                throw Violation("a stamp of \(bounded.origin) was bounded, and nobody was told")
            }
        }
        for origin in world.causes.met.sorted()
        where !rang(.twoCopies, about: origin) && !rang(.fenced, about: origin) {
            throw Violation("two copies of \(origin) were running, and nobody was told")
        }
        if world.tally[Scenario.hubRestored.name] > 0, !world.isTold, !rang(.hubRestored) {
            throw Violation("the hub was brought back from an older state, and nobody was told")
        }
    }

    private static func isLegal(_ code: AlarmCode?, about origin: Origin, _ causes: Causes) -> Bool {
        if causes.hostile.contains(origin) { return true }
        switch code {
        case .clockAhead: return causes.ahead.contains(origin) || causes.hubClock
        case .branch: return causes.blind.contains(origin) || causes.copied.contains(origin)
        case .tailMissing: return causes.restored.contains(origin) || causes.copied.contains(origin)
        case .recovered: return causes.restored.contains(origin) || causes.copied.contains(origin)
        case .twoCopies, .fenced: return causes.copied.contains(origin)
        // A restored hub may hear of a case before it has its own grants back.
        case .foreignOrigin: return causes.hubRestored
        case .hubRestored: return causes.hubRestored
        case .mended: return causes.flipped.contains(origin) || (origin == .hub && causes.hubFlipped)
        case .gap where causes.copied.contains(origin): return true
        case .unreadable, .gap: return causes.flipped.contains(origin)
        default: return false
        }
    }
}
