import Foundation
import TestDoors
import Testing

extension Chaos {
    /// A disk that is full, or that does not keep what it is given. Never a false promise; afterwards everything again.
    @Suite(.asRoot) struct Disks {
        private static let megabyte = 1 << 20

        @Test func `row19 the disk of a node is full: it refuses, and recovers when there is room`() async throws {
            var ground = Country.Ground()
            ground.disks = ["IR-03": 256 * Self.megabyte]
            try await Country.run("row19-node", provinces: ["IR-03"], ground: ground) { country in
                let (ledger, node) = (Ledger(), try country.node("IR-03"))
                let workload = Workload(office: node, ledger: ledger)
                try await workload.register(5, "جا هست")
                try await node.settled()
                let disk = SmallDisk(place: node.folder.appending(path: "postgres"))
                try disk.fill()
                let refused = try await workload.writeUntilRefused()
                let answer = refused.answer
                #expect(answer.status == 503, "\(answer.summary)")
                #expect(answer.headers["content-type"]?.hasPrefix("application/problem+json") == true)
                #expect(try answer.json["detail"]?.string?.isEmpty == false)
                disk.free()
                try await workload.finish(refused)
                try await workload.register(5, "جا هست باز")
                try await Checker(country: country, ledger: ledger).check()
            }
        }

        @Test func `row19 the disk of the hub is full: nothing is acknowledged, nodes work on, then all drains`()
            async throws
        {
            var ground = Country.Ground()
            ground.disks = ["hub": 256 * Self.megabyte]
            try await Country.run("row19-hub", provinces: ["IR-03"], ground: ground) { country in
                let (ledger, node) = (Ledger(), try country.node("IR-03"))
                let workload = Workload(office: node, ledger: ledger)
                try await workload.register(5, "جا هست")
                try await node.settled()
                let disk = SmallDisk(place: country.hub.folder.appending(path: "postgres"))
                try disk.fill()
                try await country.hub.switchLog()
                try await workload.flood(200)
                let receipt = try #require(ledger.receipts.max { $0.seq < $1.seq })
                for _ in 0..<20 {
                    let acknowledged = try await node.server.status().number("acknowledged")
                    #expect(acknowledged < receipt.seq, "acknowledged on a disk without room")
                    try await workload.register(1, "استان کار می‌کند")
                    try await Task.sleep(for: .milliseconds(250))
                }
                #expect(try await node.server.status().number("backlog") >= 20)
                disk.free()
                try await country.hub.ready(within: .seconds(60))
                try await Checker(country: country, ledger: ledger).check()
            }
        }

        @Test(.withStrace, arguments: ["IR-03", "hub"])
        func `row19 the disk does not keep what it is given: nothing is acknowledged falsely`(
            code: String
        )
            async throws
        {
            try await Country.run("row19-sync-\(code)", provinces: ["IR-03"]) { country in
                let (ledger, node) = (Ledger(), try country.node("IR-03"))
                let workload = Workload(office: node, ledger: ledger)
                try await workload.register(5, "دیسک درست")
                try await node.settled()
                let victim = code == "hub" ? country.hub : node
                let process = try #require(victim.process)
                // The server too, so that each PostgreSQL that it starts anew meets the same disk.
                let tracer = try await Tracer(
                    [process] + victim.database.processes, calls: "fdatasync", injection: "fdatasync:error=EIO")
                var refused: Refused?
                if code == "hub" {
                    let before = try await node.server.status().number("acknowledged")
                    try await workload.register(5, "دیسک مرکز خراب")
                    try await Task.sleep(for: .seconds(3))
                    #expect(try await node.server.status().number("acknowledged") == before)
                } else {
                    refused = try await workload.writeUntilRefused()
                    #expect(refused?.answer.status == 503, "\(refused?.answer.summary ?? "")")
                }
                try await tracer.stop()
                if let refused { try await workload.finish(refused) }
                try await workload.register(5, "دیسک درست باز")
                try await Checker(country: country, ledger: ledger).check()
            }
        }
    }
}

/// A registration that a server said it could not take, and how it said it.
struct Refused: Sendable {
    var answer: Answer
    var body: JSON
    var key: String
}

extension Workload {
    /// Registers until the server says that it cannot.
    func writeUntilRefused() async throws -> Refused {
        let deadline = ContinuousClock.now + .seconds(60)
        var count = 0
        while ContinuousClock.now < deadline {
            count += 1
            let (body, key) = (Citizen.intake("تا پر شود \(count)"), "until-refused-\(count)")
            let answer = try await office.server.call(
                "POST", "/api/v1/cases", body: body.data, headers: ["Idempotency-Key": key])
            guard answer.isSuccess else { return Refused(answer: answer, body: body, key: key) }
            try ledger.registered(try answer.json)
            if count == 20 { try await office.switchLog() }
        }
        throw Fault("\(count) registrations were taken on a disk that keeps nothing")
    }

    /// Asks again under its key what was refused, so that the ledger knows what became of it.
    func finish(_ refused: Refused) async throws {
        try ledger.registered(try await persist("/cases", refused.body, refused.key, Tally()))
    }
}

extension Office {
    /// Makes PostgreSQL want a new file for its log now, not 16 MB later. It may well die of that.
    func switchLog() async throws {
        _ = try await Program.run(
            "psql",
            ["-X", "-q", "-h", try database.socket, "-p", "5432", "-U", "peyvand", "-d", "peyvand"]
                + ["-c", "SELECT pg_switch_wal()"],
            within: .seconds(30))
    }
}
