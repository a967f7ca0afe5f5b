import Foundation
import TestDoors
import Testing

extension Chaos {
    @Suite struct Copies {
        /// One database has one server, and one journal one writer.
        @Test func `row09 a second process on the same data: the second does not start, or the first is fenced`()
            async throws
        {
            try await Country.run("row09-same", provinces: ["IR-03"]) { country in
                let (ledger, node) = (Ledger(), try country.node("IR-03"))
                let workload = Workload(office: node, ledger: ledger)
                try await workload.register(3, "پیش از دومی")
                // The same folder: its lock is taken.
                let second = try await Program.run(
                    Demo.binary, try await country.command(of: "IR-03", in: node.folder), within: .seconds(20))
                #expect(second.code == 1)
                #expect((second.output + second.errors).contains("Another process"), "\(second.errors)")
                // The same database by its address: who comes later is the writer, and the earlier one says so.
                let socket = try node.database.socket
                let url = "postgresql://peyvand@/peyvand?host=\(socket)&port=5432"
                let other = country.folder.appending(path: "second")
                mkdir(other.path, 0o755)
                let rival = try Program(
                    Demo.binary, try await country.command(of: "IR-03", in: other) + ["--database", url],
                    folder: other)
                defer { rival.signal(SIGKILL) }
                _ = try await eventually("the first is fenced", within: .seconds(30)) { () -> Bool? in
                    node.starts > 1 || node.log().contains("another process has become the writer") ? true : nil
                }
                rival.signal(SIGKILL)
                // Started again by its keeper, the first is the writer once more.
                _ = try await eventually("the node works again", within: .seconds(60)) { () -> Ledger.Receipt? in
                    let answer = try await node.server.call(
                        "POST", "/api/v1/cases", body: Citizen.intake("پس از دومی").data,
                        headers: ["Idempotency-Key": "after-the-rival"])
                    guard answer.isSuccess else { return nil }
                    return try ledger.registered(try answer.json)
                }
                try await Checker(country: country, ledger: ledger).check()
            }
        }

        @Test func `row09 two copies of one node run: one is fenced or the origin is quarantined, a person is told`()
            async throws
        {
            try await Country.run("row09-copies", provinces: ["IR-03", "IR-23"]) { country in
                let (ledger, node) = (Ledger(), try country.node("IR-03"))
                let workload = Workload(office: node, ledger: ledger)
                try await workload.register(5, "پیش از رونوشت")
                try await node.settled()
                let twin = try await country.copy(of: node)
                var hashes: [String] = []
                try await country.keeping([twin]) {
                    try twin.start()
                    try await twin.ready()
                    let rival = Workload(office: twin, ledger: Ledger())
                    // Each goes on writing, if it is let: what either acknowledged must be at the hub.
                    for round in 0..<10 {
                        for copy in [workload, rival] {
                            let answer = try await copy.office.server.call(
                                "POST", "/api/v1/cases", body: Citizen.intake("رونوشت \(round)").data,
                                headers: ["Idempotency-Key": "twin-\(copy.office.folder.lastPathComponent)-\(round)"])
                            if answer.isSuccess, let hash = try answer.json["receipt"]?["hash"]?.string {
                                hashes.append(hash)
                            }
                        }
                        try await Task.sleep(for: .milliseconds(300))
                    }
                    _ = try await eventually("a person is told", within: .seconds(90)) {
                        let quarantined = try await country.hub.database.count(
                            "SELECT count(*) FROM nodes WHERE quarantined AND origin = 'IR-03'")
                        let isFenced = [node, twin].contains { $0.log().contains("fenced") }
                        let told = try await country.tellings()
                        return (quarantined > 0 || isFenced) && !told.isEmpty ? true : nil
                    }
                    _ = try await eventually("what was acknowledged is kept at the hub", within: .seconds(120)) {
                        try await country.kept(hashes) == hashes.count ? true : nil
                    }
                    // Everybody else goes on.
                    let neighbour = try country.node("IR-23")
                    try await Workload(office: neighbour, ledger: ledger).register(3, "همسایه")
                    try await neighbour.settled()
                }
                try await twin.stop()
                try await letIn(country, node, hashes)
            }
        }

        /// A person has chosen: the node goes on, and what both copies acknowledged is merged.
        private func letIn(_ country: Country, _ node: Office, _ hashes: [String]) async throws {
            let keep = JSON.string(try await node.server.status().text("incarnation"))
            try await country.hub.server.post("/provinces/IR-03/release", ["keep": keep])
            let list = hashes.map { "'\\x\($0)'::bytea" }.joined(separator: ",")
            _ = try await eventually("everything is merged", within: .seconds(60)) {
                let merged = try await country.hub.database.count(
                    "SELECT count(*) FROM journal WHERE hash IN (\(list))")
                return merged == hashes.count ? true : nil
            }
            #expect(try await country.hub.database.count("SELECT count(*) FROM nodes WHERE quarantined") == 0)
            try await node.settled()
        }
    }
}

extension Country {
    /// The words that start another process of a node in that folder.
    func command(of code: String, in folder: URL) async throws -> [String] {
        let office = try await another(code, in: folder)
        return Array(office.words.dropFirst())
    }

    private func another(_ code: String, in folder: URL) async throws -> Office {
        try Self.office(
            code, in: folder.deletingLastPathComponent(), named: folder.lastPathComponent,
            try await Template.shared.get(), linkPort: linkPort, ground: .init())
    }

    /// How many of these events the hub keeps: in its journal, or apart until a person has chosen.
    func kept(_ hashes: [String]) async throws -> Int {
        let list = hashes.map { "'\\x\($0)'::bytea" }.joined(separator: ",")
        var count = 0
        for table in ["journal", "held_events"] {
            guard try await hub.database.count("SELECT count(to_regclass('\(table)'))") == 1 else { continue }
            count += try await hub.database.count("SELECT count(*) FROM \(table) WHERE hash IN (\(list))")
        }
        return count
    }

    /// A second node with the same data, certificate and name, as a disk's image brought up on another machine.
    func copy(of node: Office) async throws -> Office {
        try await node.stop(SIGTERM)
        let place = folder.appending(path: "\(node.code)-copy")
        try await Program.succeed("cp", ["-aT", node.folder.path, place.path])
        try node.start()
        try await node.ready()
        return try await another(node.code, in: place)
    }
}
