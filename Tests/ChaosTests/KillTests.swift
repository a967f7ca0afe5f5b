import Foundation
import Glibc
import TestDoors
import Testing

extension Chaos {
    @Suite struct Kills {
        @Test func `row01 commands arrive together: seqs are dense in commit order, and no reader skips one`()
            async throws
        {
            try await Country.run("row01", provinces: ["IR-03", "IR-23"]) { country in
                let ledger = Ledger()
                let bell = Workload.Bell()
                let count = Run.size(short: 150, long: 2000)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for office in country.offices {
                        group.addTask { try await Self.watch(office, until: bell) }
                    }
                    try await withThrowingTaskGroup(of: Void.self) { floods in
                        for node in country.nodes {
                            let other = country.nodes.map(\.code).filter { $0 != node.code }
                            let workload = Workload(office: node, ledger: ledger, destinations: other)
                            floods.addTask { try await workload.flood(count) }
                            floods.addTask { try await workload.flood(count) }
                        }
                        try await floods.waitForAll()
                    }
                    bell.ring()
                    try await group.waitForAll()
                }
                try await Checker(country: country, ledger: ledger).check()
                let disorder = """
                    SELECT count(*) FROM (SELECT seq - lag(seq, 1, 0::bigint) OVER (ORDER BY position) AS step
                        FROM journal WHERE origin = '%') AS event WHERE step <> 1
                    """
                for node in country.nodes {
                    let sql = disorder.replacing("%", with: node.code)
                    #expect(try await node.database.count(sql) == 0)
                    #expect(try await country.hub.database.count(sql) == 0, "the hub accepted out of order")
                }
            }
        }

        /// Whenever a reader looks, what it sees has no hole: neither in the hub's positions, nor in a node's own seqs.
        private static func watch(_ office: Office, until bell: Workload.Bell) async throws {
            var (looks, last) = (0, 0)
            while !bell.hasRung {
                let (number, own) = office.code == "hub" ? ("position", "") : ("seq", "WHERE origin = '\(office.code)'")
                let rows = try await office.database.rows(
                    "SELECT coalesce(max(\(number)), 0), count(*) FROM journal \(own)")
                let row = try #require(rows.first)
                #expect(row[0] == row[1], "what \(office.code) shows has a hole: \(row)")
                let count = try #require(Int(row[1]))
                #expect(count >= last, "\(office.code) forgot what it had shown")
                (looks, last) = (looks + 1, count)
            }
            #expect(looks > 5)
        }

        @Test func `row02 kill -9 at random points of node, hub and PostgreSQL: exactly one effect, and no operator`()
            async throws
        {
            try await Country.run("row02") { country in
                let ledger = Ledger()
                let (bell, tally) = (Workload.Bell(), Workload.Tally())
                let rounds = Run.size(short: 10, long: 100)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (index, node) in country.nodes.enumerated() {
                        let others = country.nodes.map(\.code).filter { $0 != node.code }
                        let workload = Workload(office: node, ledger: ledger, destinations: others)
                        for person in 0..<2 {
                            group.addTask { try await workload.work(index * 10 + person, until: bell, tally) }
                        }
                    }
                    let outcome: Result<Void, any Error>
                    do {
                        try await kill(country, rounds: rounds)
                        outcome = .success(())
                    } catch {
                        outcome = .failure(error)
                    }
                    bell.ring()
                    try await group.waitForAll()
                    try outcome.get()
                }
                Run.note(
                    "row02: \(rounds) kills of a node, of the hub, of PostgreSQL; \(tally.done) commands, "
                        + "\(tally.repeated) repeated, the slowest \(tally.slowest)")
                #expect(tally.repeated > 0, "no command was under way when something died")
                #expect(tally.done > rounds * 3)
                try await Checker(country: country, ledger: ledger).check()
            }
        }

        /// Wholly: its first process. Otherwise one of the others; then PostgreSQL itself begins anew, as it does after
        /// any crash of a process that shares its memory.
        private static func crash(_ victim: Office, wholly: Bool) async throws {
            let postmaster = try victim.database.postmaster
            if wholly {
                try victim.killPostmaster()
                _ = try await eventually("\(victim.code) has a new PostgreSQL", within: .seconds(60)) {
                    try victim.database.postmaster != postmaster ? true : nil
                }
            } else {
                let others = victim.database.processes.filter { $0 != postmaster }
                if let one = others.randomElement() { Glibc.kill(one, SIGKILL) }
            }
        }

        /// One after the other, each as soon as the last victim works again and a random moment has passed.
        private func kill(_ country: Country, rounds: Int) async throws {
            var dice = Dice(1000)
            for round in 0..<rounds {
                for kind in ["node", "hub", "PostgreSQL"].shuffled(using: &dice) {
                    let node = try #require(country.nodes.randomElement(using: &dice))
                    let victim = kind == "hub" || kind == "PostgreSQL" && round.isMultiple(of: 2) ? country.hub : node
                    try await victim.ready(within: .seconds(60))
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0..<400, using: &dice)))
                    let starts = victim.starts
                    if kind == "PostgreSQL" {
                        try await Self.crash(victim, wholly: round % 4 < 2)
                    } else {
                        victim.kill()
                        _ = try await eventually("\(victim.code) is started again", within: .seconds(10)) {
                            victim.starts > starts ? true : nil
                        }
                    }
                }
            }
            for office in country.offices { try await office.ready(within: .seconds(60)) }
        }
    }
}
