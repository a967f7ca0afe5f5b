import Casework
import Simulator
import Testing

@Suite(.timeLimit(.minutes(5))) struct SimulatorTests {
    /// Whatever goes wrong, all comes to the same everywhere.
    @Test func seedsEndClean() async {
        let campaign = await ScenarioTests.campaign.value
        for failure in campaign.failures { Issue.record("seed \(failure.seed) \(failure.outcome.message ?? "")") }
        #expect(campaign.count == 400)
        for name in ["events", "conflicts", "proposals", "grants", "forks", "quarantines", "releases", "restores"] {
            #expect(campaign.tally[name] > 0, "\(name) never came")
        }
    }

    /// One seed, one history: byte for byte.
    @Test(arguments: [3, 17, 58] as [UInt64]) func aSeedGivesOneHistory(seed: UInt64) {
        var lines = [[String]](repeating: [], count: 2)
        let reports = (0..<2).map { round in Simulation.run(seed: seed) { lines[round].append($0) } }
        #expect(reports[0].hash == reports[1].hash)
        #expect(lines[0] == lines[1] && lines[0].count > 100)
        #expect(reports[0].tally == reports[1].tally)
    }

    @Test func otherSeedsGiveOtherHistories() {
        let hashes = Set((1...5).map { Simulation.run(seed: $0).hash })
        #expect(hashes.count == 5)
    }

    /// The mix differs from seed to seed, and the whole network takes part in some.
    @Test func optionsAreDrawn() {
        let options = (1...400).map { Options(seed: $0) }
        #expect(options.contains { $0.nodes == 31 } && options.contains { $0.nodes == 2 })
        for fault in FaultKind.allCases {
            #expect(options.contains { $0.faults.contains(fault) }, "\(fault) is never drawn")
        }
        #expect(options.contains(where: \.onTheWire) && !options.allSatisfy(\.onTheWire))
    }
}
