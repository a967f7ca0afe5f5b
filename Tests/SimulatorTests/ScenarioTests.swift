import Testing

@testable import Simulator

/// The rows of the list of scenarios that the simulator shows. All are looked for in the same seeds, whose invariants
/// `SimulatorTests.seedsEndClean` asks: a row's test fails when no clean seed came to it.
@Suite(.timeLimit(.minutes(5))) struct ScenarioTests {
    static let campaign = Task { await Campaign.run(1...400, workers: 2) }

    private func prove(_ scenario: Scenario, sourceLocation: SourceLocation = #_sourceLocation) async {
        let campaign = await Self.campaign.value
        #expect(campaign.tally[scenario.name] > 0, "\(scenario.name) never came", sourceLocation: sourceLocation)
    }

    @Test("row01 commands of several people in one transaction") func row01() async { await prove(.together) }
    @Test("row02 a process dies around its commit") func row02() async { await prove(.killed) }
    @Test("row04 calls break, one way, often, for weeks") func row04() async { await prove(.cut) }
    @Test("row05 all nodes return at once") func row05() async { await prove(.allReturn) }
    @Test("row06 a restored node takes its own events back") func row06() async { await prove(.restoredOnline) }
    @Test("row07 a restored node wrote a branch") func row07() async { await prove(.restoredOffline) }
    @Test("row08 a restored hub takes its own events back") func row08() async { await prove(.hubRestored) }
    @Test("row09 two copies are told apart") func row09() async { await prove(.twoCopies) }
    @Test("row10 a stamp runs ahead and is bounded") func row10() async { await prove(.clock) }
    @Test("row11 custody moved while its owner was away") func row11() async { await prove(.custodyMoved) }
    @Test("row12 concurrent edits of one field") func row12() async { await prove(.concurrent) }
    @Test("row13 hidden by one office, shown by another") func row13() async { await prove(.hidden) }
    @Test("row14 undecodable events, and those of an outsider") func row14() async { await prove(.undecodable) }
    @Test("row16 parked by a newer version, freed by an upgrade") func row16() async { await prove(.versionSkew) }
    @Test("row17 a flipped bit is found and mended") func row17() async { await prove(.flipped) }
    @Test("row18 entitled late, and no longer") func row18() async { await prove(.entitled) }
    @Test("row20 disputes against closures, and arbitration") func row20() async { await prove(.disputed) }
}
