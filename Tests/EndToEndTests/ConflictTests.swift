import Foundation
import TestDoors
import Testing

extension EndToEnd {
    @Suite struct Conflicts {
        let demo: Demo

        init() throws { demo = try Demo.running() }

        /// A case that lies at IR-23, known at both offices in the same revision.
        private func shared(_ home: Server, _ other: Server) async throws -> String {
            let id = try await home.register("موضوع نخست").text("id")
            try await home.post("/cases/\(id)/referral", ["to": "IR-23", "reason": "برای اقدام"])
            try await other.waitForCase(id, "referred") { $0["status"]?.string == "referred" }
            try await other.post("/cases/\(id)/acceptance", [:])
            try await eventuallyEqual(id, [home, other])
            return id
        }

        @discardableResult
        private func eventuallyEqual(_ id: String, _ servers: [Server]) async throws -> [JSON] {
            try await eventually("case \(id) is equal at \(servers.map(\.code))", within: .seconds(90)) {
                var documents: [JSON] = []
                for server in servers { documents.append(try await server.caseDocument(id)) }
                let seen = documents.map {
                    [$0["revision"], $0["subject"], $0["conflicts"], $0["status"], $0["heads"]]
                }
                return Set(seen.map { "\($0)" }).count <= 1 ? documents : nil
            }
        }

        private func amend(_ id: String, _ subject: String, at server: Server) async throws {
            let seen = try await server.caseDocument(id)
            try await server.patch(
                "/cases/\(id)",
                [
                    "revision": .int(seen.number("revision")), "heads": seen["heads"] ?? [:],
                    "subject": .string(subject),
                ])
        }

        private func conflict(_ id: String, at server: Server) async throws -> JSON? {
            try await server.get("/conflicts?limit=500").list("items").first { $0["case_id"]?.string == id }
        }

        @Test func `concurrent amendments end with one value everywhere, the other in the register of both offices`()
            async throws
        {
            let (home, other, hub) = (try demo.server("IR-03"), try demo.server("IR-23"), try demo.hub)
            let id = try await shared(home, other)
            let values = ["موضوع به روایت تبریز", "موضوع به روایت تهران"]
            try await demo.without("hub") {
                try await amend(id, values[0], at: home)
                try await amend(id, values[1], at: other)
                #expect(try await home.caseDocument(id)["subject"]?.string == values[0], "local work goes on")
                #expect(try await other.caseDocument(id)["subject"]?.string == values[1])
            }
            for code in ["IR-03", "IR-23"] { try await demo.settled(code) }
            let documents = try await eventually("both know of the conflict", within: .seconds(60)) {
                let documents = try await eventuallyEqual(id, [home, other, hub])
                return documents.allSatisfy { $0["conflicts"]?.array?.count == 1 } ? documents : nil
            }
            let shown = try documents[0].text("subject")
            #expect(values.contains(shown))
            let lost = shown == values[0] ? values[1] : values[0]
            for server in [home, other, hub] {
                let conflict = try #require(try await conflict(id, at: server), "\(server.code) registers no conflict")
                #expect(conflict["field"]?.string == "subject")
                #expect(conflict["shown"]?["value"]?.string == shown)
                #expect(conflict["other"]?["value"]?.string == lost)
                #expect(conflict["shown"]?["origin"]?.string != conflict["other"]?["origin"]?.string)
                for side in ["shown", "other"] { #expect(conflict[side]?["actor"]?["name"]?.string?.isEmpty == false) }
            }
            try await settle(id, shown: shown, lost: lost, at: [home, other, hub])
        }

        /// A person brings the lost value back; that ends the conflict everywhere.
        private func settle(_ id: String, shown: String, lost: String, at servers: [Server]) async throws {
            let hash = try #require(try await conflict(id, at: servers[0])?["id"]?.string)
            let restored = try await servers[0].post("/conflicts/\(hash)/restore", [:])
            #expect(restored["subject"]?.string == lost)
            #expect(restored["conflicts"]?.array?.isEmpty == true)
            for server in servers {
                try await server.waitForCase(id, "settled") {
                    $0["subject"]?.string == lost && $0["conflicts"]?.array?.isEmpty == true
                }
                #expect(try await conflict(id, at: server) == nil)
            }
            let again = try await servers[0].call(
                "POST", "/api/v1/conflicts/\(hash)/restore", body: Data("{}".utf8))
            #expect(again.status == 404 || again.status == 409, "\(again.summary)")
        }

        @Test func `amendments of different fields do not conflict`() async throws {
            let (home, other) = (try demo.server("IR-03"), try demo.server("IR-23"))
            let id = try await shared(home, other)
            let (seenHome, seenOther) = (try await home.caseDocument(id), try await other.caseDocument(id))
            try await home.patch(
                "/cases/\(id)",
                [
                    "revision": .int(seenHome.number("revision")), "citizen": ["mobile": "09350000000"],
                ])
            let edit: JSON = [
                "revision": .int(try seenOther.number("revision")), "heads": seenOther["heads"] ?? [:],
                "priority": "urgent",
            ]
            let answer = try await other.call("PATCH", "/api/v1/cases/\(id)", body: edit.data)
            // The link may have been quicker: then the page is stale, says so, and the edit is sent again.
            if answer.status == 409 {
                let fresh = try await other.caseDocument(id)
                try await other.patch(
                    "/cases/\(id)",
                    [
                        "revision": .int(fresh.number("revision")), "priority": "urgent",
                    ])
            } else {
                #expect(answer.status == 200, "\(answer.summary)")
            }
            let documents = try await eventually("both edits are everywhere") {
                let documents = try await eventuallyEqual(id, [home, other, demo.hub])
                return documents[0]["citizen"]?["mobile"]?.string == "09350000000"
                    && documents[0]["priority"]?.string == "urgent" ? documents : nil
            }
            for document in documents { #expect(document["conflicts"]?.array?.isEmpty == true) }
        }
    }
}
