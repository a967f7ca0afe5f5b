import Foundation
import TestDoors
import Testing

extension Chaos {
    /// A database that comes back from a backup: what it forgot is elsewhere, and is fetched or merged.
    @Suite struct Restores {
        @Test func `row06 a node restored to an earlier moment pulls its own tail from the hub, and uses no seq twice`()
            async throws
        {
            try await Country.run("row06", provinces: ["IR-03", "IR-23"]) { country in
                let (ledger, node) = (Ledger(), try country.node("IR-03"))
                let workload = Workload(office: node, ledger: ledger, destinations: ["IR-23"])
                try await workload.register(10, "پیش از پشتیبان")
                let backup = try await Backup.take(of: node)
                try await Self.lostHour(workload, country)
                try await node.settled()
                try await backup.restore(node)
                for receipt in ledger.receipts {
                    try await node.server.waitForCase(receipt.id, "pulled back", within: .seconds(60)) {
                        $0["description"]?.string == Citizen.description
                    }
                }
                try await workload.register(5, "پس از بازگردانی")
                try await Checker(country: country, ledger: ledger).check()
            }
        }

        @Test func `row07 a node restored while the hub is away is a branch: the lost hour and 20 new cases are there`()
            async throws
        {
            try await Country.run("row07", provinces: ["IR-03", "IR-23"]) { country in
                let (ledger, node) = (Ledger(), try country.node("IR-03"))
                let workload = Workload(office: node, ledger: ledger, destinations: ["IR-23"])
                let contested = try #require(try await workload.register(10, "پیش از پشتیبان").first)
                let backup = try await Backup.take(of: node)
                try await Self.lostHour(workload, country)
                let closure = "/cases/\(contested.id)/closure"
                try await node.server.post(closure, ["outcome": "advised", "text": "در ساعت گمشده"])
                ledger.wrote(contested.id)
                try await node.settled()

                try await country.hub.stop()
                try await backup.restore(node)
                try await workload.register(20, "بی‌مرکز")
                try await node.server.post(closure, ["outcome": "resolved", "text": "بی‌مرکز"])
                ledger.wrote(contested.id)
                let offline = try await node.server.status()
                #expect(offline["link"]?.string != "connected")

                try country.hub.start()
                try await country.hub.ready()
                try await node.settled()
                for office in [node, country.hub] {
                    let document = try await office.server.waitForCase(
                        contested.id, "one closure counts, the other is a proposal", within: .seconds(60)
                    ) { $0["proposals"]?.array?.count == 1 && $0["status"]?.string == "closed" }
                    #expect(document["outcome"]?.string == "advised", "the branch that the hub accepted first")
                }
                let lines = try await country.hub.database.count(
                    "SELECT count(DISTINCT hash) - count(DISTINCT seq) FROM journal WHERE origin = 'IR-03'")
                #expect(lines > 0, "this was no branch")
                try await expectTold(country, of: "IR-03")
                var checker = Checker(country: country, ledger: ledger)
                checker.branched = ["IR-03"]
                try await checker.check()
            }
        }

        @Test func `row08 a hub restored behind its nodes gets everything back, and issues no epoch twice`()
            async throws
        {
            try await Country.run("row08", provinces: ["IR-03", "IR-23"]) { country in
                let (ledger, node) = (Ledger(), try country.node("IR-03"))
                let workload = Workload(office: node, ledger: ledger, destinations: ["IR-23"])
                try await workload.register(5, "پیش از پشتیبان")
                try await node.settled()
                let backup = try await Backup.take(of: country.hub)
                try await Self.lostHour(workload, country)
                for office in country.nodes { try await office.settled() }
                let lost = try #require(ledger.seats.keys.first)
                try await country.node("IR-23").server.waitForCase(lost, "given") { $0["seat"] == "IR-23" }
                let grants = try await Self.grants(lost, at: country.hub)
                #expect(grants.count == 1)

                try await backup.restore(country.hub)
                for office in country.nodes { try await office.settled() }
                _ = try await eventually("the hub has its own decisions back", within: .seconds(60)) {
                    try await Self.grants(lost, at: country.hub) == grants ? true : nil
                }
                // The case goes back: another grant, with a later epoch.
                try await country.node("IR-23").server.post("/cases/\(lost)/refusal", ["reason": "از ما نیست"])
                let after = try await eventually("a second grant", within: .seconds(30)) {
                    let after = try await Self.grants(lost, at: country.hub)
                    return after.count == 2 ? after : nil
                }
                #expect(Set(after).count == 2, "an epoch was issued twice: \(after)")
                #expect((after.max() ?? 0) > (grants.max() ?? 0))
                try await node.server.waitForCase(lost, "back at home") { $0["holder"] == "IR-03" }
                try await workload.register(5, "پس از بازگردانی مرکز")
                try await expectTold(country, of: "hub")
                // What the hub had forgotten, and what it decided then, go on from the same place.
                var checker = Checker(country: country, ledger: ledger)
                checker.branched = ["hub"]
                try await checker.check()
            }
        }

        /// What a backup does not know: registrations, notes, and a case that goes to another province.
        private static func lostHour(_ workload: Workload, _ country: Country) async throws {
            let receipts = try await workload.register(15, "ساعت گمشده")
            let server = workload.office.server
            for receipt in receipts.prefix(3) {
                try await server.post("/cases/\(receipt.id)/notes", ["text": "یادداشت ساعت گمشده"])
                workload.ledger.wrote(receipt.id)
            }
            let given = try #require(receipts.last)
            try await server.post("/cases/\(given.id)/referral", ["to": "IR-23", "reason": "صلاحیت"])
            workload.ledger.referred(given.id, to: "IR-23")
            try await country.node("IR-23").server.waitForCase(given.id, "referred there") { _ in true }
        }

        /// The epochs of a case's grants, as its events show them.
        private static func grants(_ id: String, at office: Office) async throws -> [Int] {
            let answer = try await office.server.call("GET", "/api/v1/cases/\(id)/events")
            guard answer.isSuccess else { return [] }
            return try answer.json.list("items").filter { $0["type"]?.string == "granted" }
                .map { try ($0["content"] ?? .null).number("epoch") }
        }

        /// Somebody is told: an alarm is kept, or stands in the audit trail.
        private func expectTold(_ country: Country, of origin: String) async throws {
            let told = try await country.tellings()
            #expect(!told.isEmpty, "nobody was told that \(origin) was restored")
            Run.note("told of \(origin): \(told.prefix(4))")
        }
    }
}

extension Country {
    /// Every alarm at any office, as code and detail.
    func tellings() async throws -> [String] {
        var told: [String] = []
        for office in offices {
            let kept = try await office.database.rows("SELECT code, detail FROM alarms")
            let audited = try await office.database.rows("SELECT action, detail FROM audit WHERE action LIKE 'alarm.%'")
            told += (kept + audited).map { "\(office.code): \($0.joined(separator: " "))" }
        }
        return told
    }
}

/// The database of an office as `pg_basebackup` took it from the running server.
struct Backup {
    private let folder: URL

    static func take(of office: Office) async throws -> Backup {
        let folder = office.folder.deletingLastPathComponent().appending(path: "\(office.code)-backup")
        try await Program.succeed(
            "pg_basebackup",
            ["-h", try office.database.socket, "-p", "5432", "-U", "peyvand", "-D", folder.path, "-X", "stream"]
                + ["-c", "fast"])
        return Backup(folder: folder)
    }

    /// Puts it in the place of the office's data: kill, replace, start.
    func restore(_ office: Office) async throws {
        try await office.stop()
        let data = office.folder.appending(path: "postgres/data")
        try FileManager.default.removeItem(at: data)
        try await Program.succeed("cp", ["-aT", folder.path, data.path])
        try office.start()
        try await office.ready()
    }
}
