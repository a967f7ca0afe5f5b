import Foundation
import TestDoors
import Testing

extension Chaos {
    @Suite struct Cuts {
        @Test func `row04 the link is cut mid-frame: half a batch is never applied, and the node catches up`()
            async throws
        {
            let relay = try Relay()
            var ground = Country.Ground()
            ground.relays = ["IR-03": relay]
            try await Country.run("row04-frames", provinces: ["IR-03", "IR-23"], ground: ground) { country in
                let (ledger, node) = (Ledger(), try country.node("IR-03"))
                let workload = Workload(office: node, ledger: ledger, destinations: ["IR-23"])
                try await workload.register(3, "پیش از بریدن")
                try await node.settled()
                let (bell, tally) = (Workload.Bell(), Workload.Tally())
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await Self.watch(country, until: bell) }
                    group.addTask { try await workload.work(1, until: bell, tally) }
                    group.addTask { try await workload.work(2, until: bell, tally) }
                    var dice = Dice(4000)
                    for round in 0..<Run.size(short: 2, long: 20) {
                        // A handshake takes some 4 KB; a batch of 150 events 100 KB and more.
                        let budgets = (0..<5).map { _ in Int.random(in: 3_000..<80_000, using: &dice) }
                        relay.cut(after: budgets)
                        try await workload.flood(150)
                        _ = try await eventually("round \(round): every connection is cut", within: .seconds(60)) {
                            relay.cuts >= budgets.count ? true : nil
                        }
                    }
                    bell.ring()
                    try await group.waitForAll()
                }
                #expect(tally.slowest < .seconds(3), "local work waited \(tally.slowest)")
                try await Checker(country: country, ledger: ledger).check()
            }
        }

        @Test(.asRoot)
        func `row04 the link falls silent one way, the other way, both ways, and flaps: local work goes on`()
            async throws
        {
            var ground = Country.Ground()
            ground.network = try await Network.make(["hub"] + Country.provinces)
            let network = try #require(ground.network)
            try await Country.run("row04-silence", ground: ground) { country in
                let ledger = Ledger()
                for node in country.nodes {
                    try await Workload(office: node, ledger: ledger).register(2, "پیش از خاموشی")
                    try await node.settled()
                }
                let (bell, tally) = (Workload.Bell(), Workload.Tally())
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await Self.watch(country, until: bell) }
                    for (index, node) in country.nodes.enumerated() {
                        let others = country.nodes.map(\.code).filter { $0 != node.code }
                        let workload = Workload(office: node, ledger: ledger, destinations: others)
                        group.addTask { try await workload.work(index, until: bell, tally) }
                    }
                    for _ in 0..<Run.size(short: 1, long: 10) {
                        try await Self.silence(country, network)
                        try await Self.flap(country, network, times: Run.size(short: 8, long: 30))
                    }
                    bell.ring()
                    try await group.waitForAll()
                }
                Run.note("row04: \(tally.done) commands, the slowest \(tally.slowest), \(tally.repeated) repeated")
                #expect(tally.slowest < .seconds(3), "local work waited \(tally.slowest)")
                #expect(tally.repeated == 0)
                try await Checker(country: country, ledger: ledger).check()
            }
        }

        private static let ways = [("IR-03", "hub"), ("hub", "IR-05"), ("IR-23", "hub"), ("hub", "IR-23")]

        /// IR-03 is heard no more, IR-05 hears no more, IR-23 neither; each notices, and comes back.
        private static func silence(_ country: Country, _ network: Network) async throws {
            for (sender, receiver) in ways { try await network.cut(from: sender, to: receiver) }
            for node in country.nodes {
                _ = try await eventually("\(node.code) notices that the hub is silent", within: .seconds(30)) {
                    try await node.server.status()["link"]?.string != "connected" ? true : nil
                }
                #expect(try await node.server.status().number("backlog") > 0)
            }
            for (sender, receiver) in ways { try await network.heal(from: sender, to: receiver) }
            for node in country.nodes {
                _ = try await eventually("\(node.code) is back", within: .seconds(90)) {
                    try await node.server.status()["link"]?.string == "connected" ? true : nil
                }
            }
        }

        private static func flap(_ country: Country, _ network: Network, times: Int) async throws {
            var dice = Dice(4100)
            for _ in 0..<times {
                let way = ways[Int.random(in: 0..<ways.count, using: &dice)]
                try await network.cut(from: way.0, to: way.1)
                try await Task.sleep(for: .milliseconds(Int.random(in: 50..<800, using: &dice)))
                try await network.heal(from: way.0, to: way.1)
                try await Task.sleep(for: .milliseconds(Int.random(in: 50..<400, using: &dice)))
            }
        }

        /// A batch is in the hub's journal whole or not at all: no look at it finds a hole, and every event that is
        /// there has its case. At a node, the cursor of the feed and what came by it move together.
        private static func watch(_ country: Country, until bell: Workload.Bell) async throws {
            let holes = """
                SELECT (SELECT count(*) FROM (
                    SELECT 1 FROM journal GROUP BY origin HAVING count(*) <> max(seq)) AS hole),
                    (SELECT count(*) FROM journal j WHERE NOT EXISTS (SELECT 1 FROM cases c WHERE c.id = j.case_id))
                """
            while !bell.hasRung {
                for office in country.offices {
                    let row = try #require(try await office.database.rows(holes).first)
                    if office.code == "hub" { #expect(row[0] == "0", "a hole in the hub's journal") }
                    #expect(row[1] == "0", "\(row[1]) events at \(office.code) without their effect")
                }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}
