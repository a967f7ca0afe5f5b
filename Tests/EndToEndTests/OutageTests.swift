import Foundation
import TestDoors
import Testing

extension EndToEnd {
    /// kill -9, and what must come of it: everything acknowledged exists once, without a hand.
    @Suite struct Outages {
        let demo: Demo

        init() throws { demo = try Demo.running() }

        private func registered(_ code: String) async throws -> Int {
            let overview = try await demo.hub.get("/overview")
            let province = try overview.list("provinces").first { $0["code"]?.string == code }
            return try #require(province).number("registered")
        }

        /// The journal of an origin at the hub: one chain, dense, accepted in its order.
        private func expectOrderAtHub(_ code: String, head: JSON) async throws {
            let facts = try #require(
                try await demo.rows(
                    "hub",
                    """
                    SELECT count(*), count(DISTINCT seq), count(DISTINCT hash), min(seq), max(seq),
                        count(*) FILTER (WHERE step <> 1), encode((array_agg(hash ORDER BY seq DESC))[1], 'hex')
                    FROM (SELECT seq, hash, seq - lag(seq, 1, 0::bigint) OVER (ORDER BY position) AS step
                        FROM journal WHERE origin = '\(code)') AS event
                    """
                ).first)
            let seq = try head.number("seq")
            #expect(facts[0...4] == ["\(seq)", "\(seq)", "\(seq)", "1", "\(seq)"], "\(facts)")
            #expect(facts[5] == "0", "\(facts[5]) events were not accepted in the order of their chain")
            #expect(facts[6] == head["hash"]?.string)
        }

        /// Each of these cases stands once at the node and once at the hub.
        private func expectOnce(_ ids: [String], at codes: [String]) async throws {
            #expect(Set(ids).count == ids.count)
            let list = ids.map { "'\($0)'" }.joined(separator: ",")
            for code in codes {
                #expect(try await demo.count(code, "SELECT count(*) FROM cases WHERE id IN (\(list))") == ids.count)
                let first = "SELECT count(*) FROM journal WHERE case_id IN (\(list)) AND origin = 'IR-03'"
                #expect(try await demo.count(code, first) == ids.count, "one event for each")
            }
        }

        @Test func `500 cases registered while the hub is dead arrive once and in order when it is back`()
            async throws
        {
            let node = try demo.server("IR-03")
            try await demo.settled("IR-03")
            let before = try await registered("IR-03")
            let outcomes = try await demo.without("hub") {
                let outcomes = try await Batch(500, at: node).send()
                let offline = try await node.status()
                #expect(offline["link"]?.string != "connected")
                #expect(try offline.number("backlog") >= 500)
                return outcomes
            }
            #expect(outcomes.allSatisfy { $0.status == 201 }, "\(outcomes.filter { $0.status != 201 }.prefix(3))")
            let status = try await demo.settled("IR-03")
            #expect(try await registered("IR-03") == before + 500)
            try await expectOnce(outcomes.compactMap(\.id), at: ["IR-03", "hub"])
            try await expectOrderAtHub("IR-03", head: try #require(status["head"]))
        }

        @Test func `a node killed amid registrations is started again, and every acknowledged case exists once`()
            async throws
        {
            let node = try demo.server("IR-03")
            let before = try await node.status()
            let batch = try Batch(400, at: node)
            let curl = try batch.start()
            let process = try #require(try demo.processID("IR-03"))
            _ = try await eventually("registrations are under way", every: .milliseconds(5)) {
                batch.progress >= 40 ? true : nil
            }
            kill(process, SIGKILL)
            let first = try await batch.outcome(of: curl)
            let acknowledged = first.filter { $0.status == 201 }
            #expect((1..<400).contains(acknowledged.count), "the node did not die in the middle")
            #expect(first.allSatisfy { $0.status == 201 || $0.status == 0 || $0.status == 503 })
            try await expectRepeated(batch, first, before: before)
            #expect(try demo.processID("IR-03") != process)
        }

        @Test func `PostgreSQL killed amid registrations comes back, and every acknowledged case exists once`()
            async throws
        {
            let node = try demo.server("IR-03")
            let before = try await node.status()
            let batch = try Batch(400, at: node)
            let curl = try batch.start()
            let postmaster = try demo.postmaster
            _ = try await eventually("registrations are under way", every: .milliseconds(5)) {
                batch.progress >= 40 ? true : nil
            }
            kill(postmaster, SIGKILL)
            #expect(batch.progress < 400, "PostgreSQL did not die in the middle")
            let first = try await batch.outcome(of: curl)
            #expect(first.allSatisfy { $0.status == 201 || $0.status == 0 || $0.status == 503 })
            let codes = try ["hub"] + demo.codes
            try await demo.waitUntilReady(codes, within: .seconds(90))
            #expect(try demo.postmaster != postmaster)
            try await expectRepeated(batch, first, before: before)
            for code in try demo.codes { try await demo.settled(code) }
        }

        /// The same requests again under the same keys: what was acknowledged is answered alike, the rest is done now.
        private func expectRepeated(_ batch: Batch, _ first: [Batch.Outcome], before: JSON) async throws {
            let node = batch.server
            _ = try await eventually("\(node.code) is ready again", within: .seconds(60)) {
                try await node.call("GET", "/readyz").status == 200 ? true : nil
            }
            let second = try await eventually("every request of the batch is answered", within: .seconds(60)) {
                let second = try await batch.send()
                return second.allSatisfy { $0.status == 201 } ? second : nil
            }
            for (early, late) in zip(first, second) where early.status == 201 { #expect(early.id == late.id) }
            let status = try await demo.settled(node.code)
            #expect(try status.number("cases") == before.number("cases") + batch.count)
            try await expectOnce(second.compactMap(\.id), at: [node.code, "hub"])
            try await expectOrderAtHub(node.code, head: try #require(status["head"]))
        }
    }
}
