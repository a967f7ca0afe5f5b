import Foundation
import TestDoors
import Testing

extension Chaos {
    @Suite struct HostileOrigins {
        static let python = ProcessInfo.processInfo.environment["PEYVAND_PYTHON"]
        static let needsPython: Comment = "PEYVAND_PYTHON names no Python that has grpcio and grpcio-tools"

        private func speak(_ country: Country, _ words: [String]) async throws -> JSON {
            let here = URL(filePath: #filePath).deletingLastPathComponent()
            let protos = here.appending(path: "../../Sources/Federation/Wire").standardized.path
            let identity = country.identity(Country.voiceless)
            let result = try await Program.run(
                try #require(Self.python),
                [
                    here.appending(path: "chaos_link.py").path, protos, "127.0.0.1:\(country.linkPort)",
                    country.hub.server.authority, identity.chain, identity.key, Country.voiceless,
                ] + words)
            guard result.code == 0 else { throw Fault("chaos_link.py \(words): \(result.errors.suffix(2500))") }
            return try JSON(Data(result.output.utf8))
        }

        @Test(.enabled(if: python != nil, needsPython))
        func `row14 undecodable content, a wrong hash, a foreign origin: charged to who sent it, never to the link`()
            async throws
        {
            try await Country.run("row14", provinces: ["IR-03", "IR-23"]) { country in
                let ledger = Ledger()
                let neighbour = Workload(office: try country.node("IR-03"), ledger: ledger)
                let victim = try #require(try await neighbour.register(1, "هدف").last)
                try await neighbour.office.settled()
                let sound = try await speak(country, ["sound"])
                #expect(try sound.list("cases").count == 2, "it can speak soundly, so that the rest means something")

                let (bell, tally) = (Workload.Bell(), Workload.Tally())
                let hostile = try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await neighbour.work(14, until: bell, tally) }
                    let hostile: Result<JSON, any Error>
                    do {
                        hostile = .success(try await speak(country, ["hostile", "IR-03", victim.id]))
                    } catch {
                        hostile = .failure(error)
                    }
                    bell.ring()
                    try await group.waitForAll()
                    return try hostile.get()
                }
                try await expectCharged(country, hostile, victim)
                var checker = Checker(country: country, ledger: ledger)
                checker.voiceless[Country.voiceless] = try sound.list("cases").count + hostile.list("cases").count
                try await checker.check()

                // A broken chain: the origin is set apart, everybody else goes on.
                let tamper = try await speak(country, ["tamper"])
                #expect(tamper["steps"]?["tamper"]?.string == "tampering", "\(tamper)")
                let apart = "SELECT origin FROM nodes WHERE quarantined"
                #expect(try await country.hub.database.rows(apart) == [[Country.voiceless]])
                try await neighbour.register(3, "پس از دست‌کاری")
                checker.voiceless[Country.voiceless, default: 0] += try tamper.list("cases").count
                try await checker.check()
            }
        }

        private func expectCharged(_ country: Country, _ hostile: JSON, _ victim: Ledger.Receipt) async throws {
            // The hub may end a call that misses events; the next begins at once, and the journal goes on.
            #expect(hostile["is_open"]?.bool == true, "\(hostile)")
            let expected = [
                "unreadable": "unreadable", "wrong part": "unreadable", "undecodable": "undecodable",
                "outsider": "foreign_origin", "foreign": "foreign_origin",
            ]
            for (step, code) in expected { #expect(hostile["steps"]?[step]?.string == code, "\(step): \(hostile)") }
            // The audit is written beside the work, a moment later.
            let lines = try await eventually("a line of audit for each") {
                let lines = try await country.hub.database.rows(
                    "SELECT actor, action FROM audit WHERE action LIKE 'alarm.%'")
                return lines.count >= expected.count ? lines : nil
            }
            #expect(lines.allSatisfy { $0[0].contains(Country.voiceless) }, "charged to who sent it: \(lines)")
            // Nothing was written in another's name, and the hub's journal of the voice is what it owned.
            let rows = try await country.hub.database.rows(
                "SELECT seq, encode(hash, 'hex') FROM journal WHERE origin = '\(Country.voiceless)' ORDER BY seq")
            #expect(rows.last == [String(try hostile.number("seq")), try hostile.text("head")])
            #expect(rows.count == (try hostile.number("seq")))
            // The case with the event that nobody understands waits; the others do not.
            let parked = try hostile.text("parked")
            let (custodyWish, remark): (JSON, JSON) = (["to": "IR-03", "reason": "آزمون"], ["text": "یادداشت می‌ماند"])
            let custody = try await country.hub.server.call(
                "POST", "/api/v1/cases/\(parked)/custody", body: custodyWish.data)
            #expect(custody.status == 409, "held commands on a parked case: \(custody.summary)")
            let note = try await country.hub.server.call(
                "POST", "/api/v1/cases/\(parked)/notes", body: remark.data)
            #expect(note.isSuccess, "notes go on: \(note.summary)")
            for case .string(let id) in try hostile.list("cases") {
                let document = try await country.hub.server.caseDocument(id)
                #expect(document["status"]?.string == "registered")
            }
            // The outsider's event changed nothing of the victim's case.
            let document = try await country.hub.server.caseDocument(victim.id)
            #expect(document["status"]?.string == "registered")
            let events = try await country.hub.server.get("/cases/\(victim.id)/events").list("items")
            let foreign = events.filter { $0["origin"]?.string == Country.voiceless }
            #expect(foreign.allSatisfy { $0["effect"]?["code"]?.string != "applied" })
        }
    }
}
