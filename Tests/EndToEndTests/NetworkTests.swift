import Foundation
import TestDoors
import Testing

/// The nation's rules change while everything runs. Small demonstrations of their own.
@Suite("Network", .serialized, .timeLimit(.minutes(15)))
struct NetworkTests {
    /// Runs a demonstration for one test.
    private func with(_ name: String, _ options: [String], _ body: (Demo) async throws -> Void) async throws {
        let demo = Demo(named: name)
        let outcome: Result<Void, any Error>
        do {
            try await demo.start(options)
            outcome = .success(try await Testimony.$logs.withValue({ demo.logTails() }) { try await body(demo) })
        } catch {
            outcome = .failure(error)
        }
        await demo.end()
        try outcome.get()
    }

    /// Waits until a node's rules are those of the hub.
    private func follow(_ demo: Demo, _ codes: [String], within limit: Duration) async throws {
        let wanted = try await rules(demo.hub)
        for code in codes {
            let server = try demo.server(code)
            _ = try await eventually("\(code) has the hub's rules", within: limit, every: .milliseconds(50)) {
                try await rules(server) == wanted ? true : nil
            }
        }
    }

    private func rules(_ server: Server) async throws -> Data {
        let network = try await server.get("/network")
        let parts = ["country", "regions", "policies", "holidays", "closures", "organizations", "categories"]
        return JSON.object(Dictionary(uniqueKeysWithValues: parts.map { ($0, network[$0] ?? .null) })).data
    }

    @Test func `rules set at the hub reach every node, old dues stand, and the touched ones are moved by a person`()
        async throws
    {
        try await with("network", ["--provinces", "3"]) { demo in
            let codes = try demo.codes
            #expect(codes == ["IR-03", "IR-09", "IR-23"])
            let (home, other, hub) = (try demo.server("IR-03"), try demo.server("IR-23"), try demo.hub)
            // Importing the same files again writes nothing.
            let again = try await Demo.succeed(["network", "import", "iran", "--directory", demo.folder.path])
            #expect(again.contains("nothing was written"), "\(again)")
            let before = try await home.register("پیش از تغییر")
            let (id, due) = (try before.text("id"), try before.text("deadline"))
            let complained = try await home.register("مسیر شکایت پیش از تغییر").text("id")
            let done: JSON = ["lawful": true, "within_means": true, "done": false]
            let week = try await home.post("/cases/\(complained)/assessment", done).text("deadline")
            #expect(week < due)

            let touched = try await demo.without("IR-09") {
                try await changeRules(hub, on: due)
                try await follow(demo, ["IR-03", "IR-23"], within: .seconds(1))
                return try await dues(home, of: "IR-03")
            }
            try await follow(demo, ["IR-09"], within: .seconds(20))

            // Old dues stand; new ones go by the new rules.
            #expect(try await home.caseDocument(id).text("deadline") == due)
            #expect(try await home.caseDocument(complained).text("deadline") == week)
            let fresh = try await home.register("پس از تغییر").text("id")
            let later = try await home.post("/cases/\(fresh)/assessment", done).text("deadline")
            #expect(later > week, "ten days instead of seven")
            let elsewhere = try await other.register("تهران باز است").text("deadline")
            #expect(elsewhere == due, "the closed day is East Azerbaijan's alone")
            #expect(try await home.caseDocument(fresh).text("registered_at") < later)
            try await useNewOffices(home, fresh)

            // The closure lists what it touches, and a person moves it, case by case.
            #expect(touched.map(\.id) == [id], "\(touched)")
            let proposed = try #require(touched.first).proposed
            #expect(proposed > due)
            let moved = try await home.post(
                "/cases/\(id)/due", ["due": .string(proposed), "reason": "تعطیلی استان"])
            #expect(moved["deadline"]?.string == proposed)
            try await hub.waitForCase(id, "moved at the hub") { $0["deadline"]?.string == proposed }
            #expect(try await dues(home, of: "IR-03").isEmpty)
            try await proveRules(demo)
        }
    }

    /// Complaint track from 7 to 10 days, a closed day for one province, an organisation, a category.
    private func changeRules(_ hub: Server, on due: String) async throws {
        let day = try await jalali(due)
        #expect(try await hub.put("/network/policy", ["complaint_days": 10])["written"]?.int == 1)
        let closure: JSON = [
            "province": "IR-03", "date": .string(day), "authority": "استانداری آذربایجان شرقی", "reference": "۱۲/۳۴",
        ]
        #expect(try await hub.post("/network/closures", closure)["written"]?.int == 1)
        #expect(try await hub.post("/network/closures", closure)["written"]?.int == 0, "said twice, written once")
        try await hub.post(
            "/network/organizations",
            [
                "code": "IR-03-PARK", "kind": "agency", "name_fa": "سازمان پارک‌ها", "name_en": "Parks",
                "parent": "IR-03", "seat": "IR-03", "area": ["IR-03"],
            ])
        try await hub.post(
            "/network/categories",
            ["code": "parks", "name_fa": "پارک‌ها", "name_en": "Parks", "local_agency": "PARK"])
        let orphan: JSON = [
            "code": "IR-03-X", "kind": "agency", "name_fa": "x", "name_en": "x", "parent": "NOBODY", "seat": "IR-03",
        ]
        let refused = try await hub.call("POST", "/api/v1/network/organizations", body: orphan.data)
        #expect(refused.status == 409 && refused.text.contains("unknown_parent"), "\(refused.summary)")
    }

    /// The Jalali date of an instant, from the reports' own calendar: the day figures name today's.
    private func jalali(_ instant: String) async throws -> String {
        var calendar = Calendar(identifier: .persian)
        calendar.timeZone = TimeZone(secondsFromGMT: 12_600) ?? .gmt
        let date = try #require(ISO8601DateFormatter().date(from: instant))
        let parts = calendar.dateComponents([.year, .month, .day], from: date)
        return String(format: "%04d-%02d-%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
    }

    private struct Touched { var id, proposed: String }

    private func dues(_ server: Server, of province: String) async throws -> [Touched] {
        let closures = try await server.get("/network").list("closures")
        let closure = try #require(closures.first { $0["province"]?.string == province })
        return try await server.get("/network/dues-touched?closure=" + closure.text("version")).list("items").map {
            Touched(id: try $0.text("id"), proposed: try $0.text("proposed"))
        }
    }

    private func useNewOffices(_ home: Server, _ id: String) async throws {
        let revision = try await home.caseDocument(id).number("revision")
        try await home.patch("/cases/" + id, ["revision": .int(revision), "category": "parks"])
        let referred = try await home.post("/cases/\(id)/referral", ["to": "IR-03-PARK", "reason": "پارک"])
        #expect(referred["status"]?.string == "referred" && referred["category"]?.string == "parks")
    }

    /// Every journal verifies, and a rebuilt node is what it was.
    private func proveRules(_ demo: Demo) async throws {
        for code in try demo.codes { try await demo.settled(code) }
        try await Demo.succeed(["verify", "--directory", demo.folder.path], within: .seconds(240))
        let wanted = try await rules(demo.hub)
        let rebuilt = try await Demo.succeed(["rebuild", "--directory", demo.folder.path], within: .seconds(240))
        #expect(!rebuilt.contains("was not"), "\(rebuilt)")
        for code in ["IR-03", "hub"] { try await demo.without(code) {} }
        for code in ["IR-03", "hub"] {
            let server = try demo.server(code)
            let back = try await eventually("\(code) is back") { try? await rules(server) }
            #expect(back == wanted, "\(code)")
        }
    }

    @Test func `a second country is a folder: a whole journey in UTC, by the Gregorian calendar, in English`()
        async throws
    {
        try await with("example", ["--country", "example"]) { demo in
            #expect(try demo.codes == (1...7).map { "XA-0\($0)" })
            let (home, other, hub) = (try demo.server("XA-01"), try demo.server("XA-05"), try demo.hub)
            let registered = try await home.post(
                "/cases", ["kind": "complaint", "category": "roads", "subject": "The bridge is closed"])
            let (id, code) = (try registered.text("id"), try registered.text("tracking_code"))
            #expect(code.hasPrefix("01"))
            #expect(try registered.text("deadline").hasSuffix("T23:59:59Z"), "a day ends at midnight in UTC")
            try await home.post("/cases/\(id)/referral", ["to": "XA-05-FERRY", "reason": "Theirs"])
            try await other.waitForCase(id, "referred to XA-05") { $0["holder"]?.string == "XA-05-FERRY" }
            try await other.post("/cases/\(id)/refusal", ["reason": "Not a ferry"])
            try await home.waitForCase(id, "back") { $0["status"]?.string == "registered" }
            try await home.post("/cases/\(id)/referral", ["to": "WORKS", "reason": "A bridge"])
            let ministry = hub.with(token: try demo.ministry("WORKS").token)
            try await ministry.waitForCase(id, "referred to WORKS") { $0["status"]?.string == "referred" }
            try await ministry.post("/cases/\(id)/acceptance", [:])
            try await ministry.post("/cases/\(id)/answer", ["text": "Open again on Monday"])
            try await ministry.post("/cases/\(id)/closure", ["outcome": "resolved", "text": "Done"])
            try await home.waitForCase(id, "closed") { $0["status"]?.string == "closed" }

            let page = try await home.with(token: nil).call("GET", "/track/" + code, headers: ["Accept": "text/html"])
            #expect(page.status == 200 && page.text.contains("lang=\"en\""), "\(page.summary)")
            let month = try await home.get("/network").text("today").prefix(7)
            #expect(page.text.contains(month.prefix(4)), "a Gregorian year")
            #expect(page.text.contains("Ministry of Public Works"))
            let report = try await hub.get("/reports/\(month)")
            #expect(try report.text("from").hasPrefix("\(month)-01T00:00:00"))
            #expect(try #require(report["total"]).number("closed") == 1)
            let overview = try await hub.get("/overview")
            #expect(try overview.list("provinces").count == 7)
            try await Demo.succeed(["verify", "--directory", demo.folder.path], within: .seconds(240))
        }
    }
}
