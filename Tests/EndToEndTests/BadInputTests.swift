import Foundation
import TestDoors
import Testing

extension EndToEnd {
    /// Bad input gets a problem document with the right status, and changes nothing.
    @Suite struct BadInput {
        let demo: Demo

        init() throws { demo = try Demo.running() }

        private struct Row {
            var name: String
            var statuses: [Int]
            var method = "POST"
            var path: String
            var body: Data?
            var headers: [String: String] = [:]
            var options: [String] = []
            var server: Server

            init(
                _ name: String, _ statuses: [Int], method: String = "POST", _ path: String, _ body: Data? = nil,
                headers: [String: String] = [:], as server: Server
            ) {
                (self.name, self.statuses, self.method, self.path) = (name, statuses, method, path)
                (self.body, self.headers, self.server) = (body, headers, server)
            }

            init(
                _ name: String, _ statuses: [Int], _ path: String, json: JSON, options: [String] = [],
                as server: Server
            ) {
                (self.name, self.statuses, self.path, body) = (name, statuses, path, json.data)
                (self.options, self.server) = (options, server)
            }
        }

        /// What a node has written, and what it shows.
        private func state() async throws -> [JSON?] {
            let status = try await demo.server("IR-03").status()
            return [status["head"], status["cases"], status["conflicts"], status["proposals"]]
        }

        private func expectRefused(_ rows: [Row]) async throws {
            try await demo.settled("IR-03")
            let before = try await state()
            for row in rows {
                let answer = try await row.server.call(
                    row.method, row.path, body: row.body, headers: row.headers, options: row.options)
                #expect(row.statuses.contains(answer.status), "\(row.name): \(answer.summary)")
                let type = answer.headers["content-type"] ?? "none"
                #expect(type.hasPrefix("application/problem+json"), "\(row.name): content type \(type)")
                let problem = (try? answer.json) ?? .null
                #expect(problem["status"]?.int == answer.status, "\(row.name): \(answer.summary)")
                for member in ["type", "title", "detail"] {
                    #expect(problem[member]?.string?.isEmpty == false, "\(row.name): no \(member)")
                }
                #expect(try await state() == before, "\(row.name) changed something")
            }
        }

        private func raw(_ text: String) -> Data { Data(text.utf8) }

        @Test func `bodies that cannot be read, or say what no form says`() async throws {
            let node = try demo.server("IR-03")
            let (cases, json) = ("/api/v1/cases", ["Content-Type": "application/json"])
            let long = String(repeating: "آ", count: 60_001)
            let huge: JSON = ["kind": "idea", "subject": .string(String(repeating: "x", count: 10 << 20))]
            try await expectRefused([
                Row("no body", [400], cases, as: node),
                Row("an empty body", [400], cases, raw(""), headers: json, as: node),
                Row("broken JSON", [400], cases, raw("{\"kind\": \"complaint\", \"subject\":"), as: node),
                Row("two values", [400], cases, raw("{} {}"), as: node),
                Row("no JSON", [400], cases, raw("kind=complaint"), as: node),
                Row("invalid UTF-8", [400], cases, Data([0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x3A, 0x31, 0x7D]), as: node),
                Row("depth", [400], cases, raw(String(repeating: "[", count: 100_000)), as: node),
                Row("a lone surrogate", [400, 422], cases, raw(#"{"kind":"request","subject":"\ud800"}"#), as: node),
                Row("another media type", [415], cases, raw("{}"), headers: ["Content-Type": "text/plain"], as: node),
                Row("compressed", [415], cases, raw("{}"), headers: ["Content-Encoding": "gzip"], as: node),
                Row("a list", [422], cases, json: [1, 2], as: node),
                Row("nothing in it", [422], cases, json: [:], as: node),
                Row("wrong types", [422], cases, json: ["kind": 5, "subject": ["a"], "tags": "b"], as: node),
                Row("an unknown kind", [422], cases, json: ["kind": "rant", "subject": "آ"], as: node),
                Row("an empty subject", [422], cases, json: ["kind": "idea", "subject": " \n"], as: node),
                Row(
                    "an unknown category", [422], cases,
                    json: ["kind": "idea", "subject": "آ", "category": "no-such"], as: node),
                Row(
                    "an unknown organisation", [422], cases,
                    json: ["kind": "complaint", "subject": "آ", "about": "NOWHERE"], as: node),
                Row(
                    "a text that is too long", [413, 422], cases,
                    json: ["kind": "idea", "subject": "آ", "description": .string(long)], as: node),
                Row("a text of 10 MB over HTTP/2", [413], cases, json: huge, options: ["--http2"], as: node),
                Row("a text of 10 MB over HTTP/1.1", [413], cases, json: huge, options: ["--http1.1"], as: node),
                Row("an empty key", [400], cases, Citizen.intake("آ").data, headers: ["Idempotency-Key": ""], as: node),
                Row(
                    "a long key", [400], cases, Citizen.intake("آ").data,
                    headers: ["Idempotency-Key": String(repeating: "k", count: 201)], as: node),
            ])
        }

        @Test func `a text with a character that no database keeps is refused or kept whole`() async throws {
            let node = try demo.server("IR-03")
            let body = raw(#"{"kind":"idea","subject":"پیش\u0000پس"}"#)
            let answer = try await node.call("POST", "/api/v1/cases", body: body)
            #expect(answer.status == 201 || answer.status == 422 || answer.status == 400, "\(answer.summary)")
            if answer.status == 201 { #expect(try answer.json["subject"]?.string == "پیش\u{0}پس") }
            _ = try await node.register("پس از آن")
        }

        /// Somebody with a token of his own at IR-03.
        private func person(_ role: String, of organization: String) async throws -> Server {
            let token = try await demo.token(role: role, organization: organization, at: "IR-03")
            return try demo.server("IR-03").with(token: token)
        }

        @Test func `unknown things, illegal steps and strangers`() async throws {
            let node = try demo.server("IR-03")
            let id = try await node.register("برای گام‌های نادرست").text("id")
            let path = "/api/v1/cases/" + id
            let nobody = "/api/v1/cases/01900000-0000-7000-8000-000000000000"
            let `operator` = try await person("operator", of: "IR-03")
            let agency = try await person("agency", of: "IR-03-MUN")
            let auditor = try await person("auditor", of: "IR-03")
            let stranger = try await person("supervisor", of: "IR-23")
            let none = node.with(token: nil)
            try await expectRefused([
                Row("an unknown case", [404], method: "GET", nobody, as: node),
                Row("a note on an unknown case", [404], nobody + "/notes", raw(#"{"text":"آ"}"#), as: node),
                Row("no identifier", [404, 422], method: "GET", "/api/v1/cases/seven", as: node),
                Row("an unknown page", [404], method: "GET", "/api/v1/nothing", as: node),
                Row("an unknown step", [404], path + "/blessing", raw("{}"), as: node),
                Row("a method that is not there", [405], method: "DELETE", path, as: node),
                Row("a misspelt filter", [422], method: "GET", "/api/v1/cases?state=open", as: node),
                Row("a wrong filter", [422], method: "GET", "/api/v1/cases?status=lost", as: node),
                Row("a wrong limit", [422], method: "GET", "/api/v1/cases?limit=100000", as: node),
                Row("a wrong cursor", [400, 422], method: "GET", "/api/v1/cases?cursor=%27%3B--", as: node),
                Row("a wrong period", [422, 404], method: "GET", "/api/v1/reports/2026-13", as: node),
                Row("acceptance without a referral", [409], path + "/acceptance", raw("{}"), as: node),
                Row(
                    "a review without a dispute", [404, 409, 422], path + "/review",
                    json: ["dispute": .string(String(repeating: "0", count: 64)), "upheld": true, "text": "آ"],
                    as: node),
                Row(
                    "a closure as withdrawn", [409, 422], path + "/closure", raw(#"{"outcome":"withdrawn"}"#),
                    as: node),
                Row("an unknown outcome", [422], path + "/closure", raw(#"{"outcome":"elsewhere"}"#), as: node),
                Row(
                    "a referral to nowhere", [422], path + "/referral", raw(#"{"to":"NOWHERE","reason":"آ"}"#),
                    as: node),
                Row(
                    "a referral to the holder", [409, 422], path + "/referral",
                    raw(#"{"to":"IR-03","reason":"آ"}"#), as: node),
                Row("a rating of six", [422], path + "/rating", raw(#"{"score":6}"#), as: node),
                Row("an edit without a revision", [422], method: "PATCH", path, raw(#"{"subject":"ب"}"#), as: node),
                Row("an edit of nothing", [422], method: "PATCH", path, raw(#"{"revision":1}"#), as: node),
                Row(
                    "an edit of a later page", [409, 422], method: "PATCH", path,
                    raw(#"{"revision":77,"subject":"ب"}"#), as: node),
                Row(
                    "an unknown conflict", [404], "/api/v1/conflicts/\(String(repeating: "a", count: 64))/restore",
                    raw("{}"), as: node),
                Row("nobody registers", [401], "/api/v1/cases", Citizen.intake("آ").data, as: none),
                Row("nobody reads", [401], method: "GET", path, as: none),
                Row(
                    "a wrong token", [401], method: "GET", path,
                    as: node.with(token: String(repeating: "0", count: 64))),
                Row("the hub's token at a node", [401], method: "GET", path, as: node.with(token: try demo.hub.token)),
                Row(
                    "another node's token", [401], method: "GET", path,
                    as: node.with(token: try demo.server("IR-05").token)),
                Row("an auditor registers", [403], "/api/v1/cases", Citizen.intake("آ").data, as: auditor),
                Row("an auditor notes", [403], path + "/notes", raw(#"{"text":"آ"}"#), as: auditor),
                Row("an agency registers", [403], "/api/v1/cases", Citizen.intake("آ").data, as: agency),
                Row(
                    "an agency answers a case that it does not hold", [403], path + "/answer",
                    raw(#"{"text":"آ"}"#), as: agency),
                Row("an operator imports", [403], "/api/v1/import", Self.imported.data, as: `operator`),
                Row("another province's supervisor", [403], path + "/answer", raw(#"{"text":"آ"}"#), as: stranger),
            ])
        }

        private static let imported: JSON = [
            "cases": [["key": "e2e-1", "intake": Citizen.intake("قدیمی"), "registered_at": "2020-01-01T00:00:00Z"]]
        ]

        @Test func `an idempotency key with another body, and held writes of an office that does not hold the case`()
            async throws
        {
            let (node, hub) = (try demo.server("IR-03"), try demo.hub)
            let key = "reused-\(UUID().uuidString)"
            let id = try await node.register("نخست", key: key).text("id")
            let there = try await demo.server("IR-23").register("در تهران").text("id")
            try await hub.waitForCase(there, "known at the hub") { _ in true }
            try await hub.waitForCase(id, "known at the hub") { _ in true }
            try await expectRefused([
                Row(
                    "the key with another body", [422], "/api/v1/cases", Citizen.intake("دوم").data,
                    headers: ["Idempotency-Key": key], as: node),
                Row(
                    "the key on another route", [422], "/api/v1/cases/\(id)/notes", raw(#"{"text":"آ"}"#),
                    headers: ["Idempotency-Key": key], as: node),
                Row("another province's case", [404], method: "GET", "/api/v1/cases/" + there, as: node),
                Row(
                    "the hub answers what a province holds", [403, 409], "/api/v1/cases/\(id)/answer",
                    raw(#"{"text":"آ"}"#), as: hub),
                Row(
                    "a ministry's token at a node", [401], method: "GET", "/api/v1/cases/" + id,
                    as: node.with(token: try demo.ministry("SAMT").token)),
                Row(
                    "a ministry moves custody", [403], "/api/v1/cases/\(id)/custody",
                    raw(#"{"to":"SAMT","reason":"آ"}"#), as: hub.with(token: try demo.ministry("SAMT").token)),
            ])
            #expect(try await node.register("نخست", key: key)["id"]?.string == id, "the key still answers its own")
        }

        @Test func `a session needs its token and its own page`() async throws {
            let node = try demo.server("IR-03")
            let signIn: JSON = ["token": .string(node.token ?? "")]
            let answer = try await node.with(token: nil).call("POST", "/api/v1/session", body: signIn.data)
            #expect(answer.status == 200, "\(answer.summary)")
            let cookie = try #require(answer.headers["set-cookie"])
            for word in ["__Host-", "HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
                #expect(cookie.contains(word))
            }
            let csrf = try #require(try answer.json["csrf_token"]?.string)
            let pair = String(cookie.prefix { $0 != ";" })
            let guest = node.with(token: nil)
            let body = Citizen.intake("از میز کار").data
            try await expectRefused([
                Row("without the page's token", [403], "/api/v1/cases", body, headers: ["Cookie": pair], as: guest),
                Row(
                    "from another site", [403], "/api/v1/cases", body,
                    headers: ["Cookie": pair, "X-CSRF-Token": csrf, "Origin": "https://evil.example"], as: guest),
            ])
            let headers = ["Cookie": pair, "X-CSRF-Token": csrf, "Origin": node.console]
            #expect(try await guest.call("POST", "/api/v1/cases", body: body, headers: headers).status == 201)
        }
    }
}
