public import Casework
import Federation

/// How a run ended.
public enum Outcome: Sendable, Equatable {
    case clean
    /// Something threw that should not have.
    case crashed(String)
    /// It does not come to rest.
    case stuck(String)
    /// An invariant does not hold.
    case wrong(String)

    public var message: String? {
        switch self {
        case .clean: nil
        case .crashed(let what): "crashed: \(what)"
        case .stuck(let what): "stuck: \(what)"
        case .wrong(let what): "wrong: \(what)"
        }
    }
}

/// What one seed came to.
public struct Report: Sendable {
    public let options: Options
    public let outcome: Outcome
    /// SHA-256 over the lines of its history and over what every server held at its end.
    public let hash: EventHash
    public let tally: Tally
}

/// One seed: one history.
public enum Simulation {
    /// - Parameter trace: receives the history line by line.
    public static func run(seed: UInt64, trace write: ((String) -> Void)? = nil) -> Report {
        let options = Options(seed: seed)
        let trace = Trace(write: write)
        let world = World(options: options, trace: trace)
        let outcome: Outcome
        do {
            try world.runWithFaults()
            try world.comeToRest()
            let replicas = Replicas(world)
            for checker in checkers { try checker.check(replicas) }
            world.count(replicas)
            outcome = .clean
        } catch let violation as Violation {
            outcome = .wrong(violation.description)
        } catch let stuck as Stuck {
            outcome = .stuck(stuck.description)
        } catch {
            outcome = .crashed("\(error)")
        }
        trace.note(outcome.message ?? "clean")
        for disk in [world.hub.disk] + world.nodes.map(\.disk) {
            for event in disk.events { trace.note(event.hash.bytes) }
        }
        return Report(options: options, outcome: outcome, hash: trace.finish(), tally: world.tally)
    }
}
