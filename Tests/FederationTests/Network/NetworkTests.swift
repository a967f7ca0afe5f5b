import Casework
import Testing

@testable import Federation

/// Whatever is cut and whoever dies, all comes to the same everywhere.
@Suite(.timeLimit(.minutes(2))) struct NetworkTests {
    private static let seeds = 1...320

    @Test func everythingArrivesOnce() async {
        let tally = await withTaskGroup(of: [String: Int].self) { group in
            for share in 0..<4 { group.addTask { Self.run(Self.seeds.filter { $0 % 4 == share }) } }
            return await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
        }
        // Runs prove little if the interesting never came.
        for name in Self.interesting { #expect(tally[name, default: 0] > 0, "\(name) never happened") }
    }

    private static func run(_ seeds: [Int]) -> [String: Int] {
        var tally = [String: Int]()
        for seed in seeds {
            var network = Network(seed: UInt64(seed), nodes: 2 + seed / 4 % 3)
            do {
                try network.run(steps: 110)
                try network.check()
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
            tally.merge(network.tally, uniquingKeysWith: +)
            tally.merge(network.outcomes, uniquingKeysWith: +)
        }
        return tally
    }

    private static let interesting = [
        "cut", "crash of hub", "crash of node", "refused", "node register", "node refer", "node accept", "node refuse",
        "node review", "node apply", "node restore", "hub moveCustody", "ministry acts", "granted", "received by hub",
        "stamped", "conflict", "returned", "seated again",
    ]
}

extension Network {
    /// What came of it, counted at the hub.
    fileprivate var outcomes: [String: Int] {
        var tally = [String: Int]()
        for id in hub.disk.cases {
            let events = hub.disk.events(of: id)
            let state = Fold.fold(id, events)
            var seats = [id.home]
            for event in events {
                switch event.envelope.change {
                case .granted(let grant):
                    tally["granted", default: 0] += 1
                    if grant.seat != seats.last, seats.contains(grant.seat) { tally["seated again", default: 0] += 1 }
                    seats.append(grant.seat)
                    let cause = events.first { $0.hash == grant.cause }
                    if cause?.envelope.change == .refused { tally["returned", default: 0] += 1 }
                case .received where event.origin == .hub: tally["received by hub", default: 0] += 1
                case .stamped: tally["stamped", default: 0] += 1
                default: break
                }
            }
            for proposal in state.proposals { tally["proposal \(proposal.change.type)", default: 0] += 1 }
            tally["conflict", default: 0] += state.conflicts.count
        }
        return tally
    }
}
