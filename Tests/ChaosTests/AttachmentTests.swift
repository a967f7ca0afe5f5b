import Foundation
import TestDoors
import Testing

extension Chaos {
    /// Row 15: a recording on a thin line that breaks fifty times.
    @Suite struct Files {
        private static let size = Run.size(short: 8 << 20, long: 64 << 20)

        @Test
        func `row15 a recording on a line that breaks 50 times: events unaffected; it resumes and its hash holds`()
            async throws
        {
            // The file needs 8 s of the line's time each way; a cut every 144 KiB makes some 60 breaks each way.
            let lines = try ["IR-03", "IR-23"].map { code in
                (code, try ThinLine(bytesPerSecond: 1 << 20, cutFilesAfter: Self.size / 57))
            }
            var ground = Country.Ground()
            for (code, line) in lines { ground.options[code] = line.options }
            try await Country.run("row15", provinces: ["IR-03", "IR-23"], ground: ground) { country in
                for (_, line) in lines { try line.start(to: country.linkPort) }
                let outcome: Result<Void, any Error>
                do {
                    outcome = .success(try await Self.transfer(country, lines.map(\.1)))
                } catch {
                    outcome = .failure(error)
                }
                for (_, line) in lines { line.stop() }
                try outcome.get()
            }
        }

        private static func transfer(_ country: Country, _ lines: [ThinLine]) async throws {
            let (author, seat) = (try country.node("IR-03"), try country.node("IR-23"))
            for node in [author, seat] { try await node.settled() }
            let id = try await author.server.register("صدای ضبط‌شده").text("id")
            let quiet = try await pulse(author, id, times: 30)
            var dice = Dice(1500)
            let file = Data((0..<size / 8).flatMap { _ in withUnsafeBytes(of: dice.next()) { Array($0) } })
            let sha256 = try await attach(file, to: id, at: author)
            try await author.server.post("/cases/\(id)/referral", ["to": "IR-23", "reason": "آنجاست"])
            try await seat.server.waitForCase(id, "is there") { $0["seat"]?.string == "IR-23" }

            // Half way up the node is killed. What the hub has it has; the rest goes on.
            let half = try await arrival(of: sha256, id, at: country.hub, atLeast: size / 2)
            author.kill()
            let busy = try await pulse(seat, id, times: 60)
            try await author.ready()
            #expect(try await present(sha256, id, at: country.hub) >= half, "what was there is gone")
            let later = try await pulse(author, id, times: 60)
            for office in [country.hub, seat] {
                try await arrival(of: sha256, id, at: office, atLeast: size)
                let answer = try await office.server.call(
                    "GET", "/api/v1/cases/\(id)/attachments/\(sha256)", within: .seconds(60))
                #expect(answer.status == 200 && answer.body == file, "\(office.code): \(answer.status)")
                #expect(answer.headers["content-disposition"]?.hasPrefix("attachment") == true)
            }
            let breaks = lines.map(\.cuts)
            let carried = lines.map { Double($0.carried) / Double(size) }
            Run.note(
                "row15: \(breaks) breaks; bytes carried per byte of the file \(carried); an event acknowledged: "
                    + "p99 \(quiet) alone, \(busy) at the seat and \(later) at the author beside the file")
            #expect(breaks.allSatisfy { $0 >= 50 }, "\(breaks)")
            #expect(carried.allSatisfy { $0 < 2 }, "more than half of what crossed was for nothing")
            #expect(max(busy, later) < quiet + .seconds(1))
            for office in country.offices {
                let key = country.certificates.appending(path: "hub/receipt.pem").path
                try await Demo.succeed(
                    ["verify", "--directory", office.folder.path, "--hub-receipt-certificate", key])
                let damaged = office.folder.appending(path: "attachments/damaged").path
                #expect(try FileManager.default.contentsOfDirectory(atPath: damaged).isEmpty)
            }
        }

        /// Sends it twice under one key: it counts once.
        private static func attach(_ file: Data, to id: String, at office: Office) async throws -> String {
            let headers = ["Content-Type": "audio/ogg", "Idempotency-Key": "recording"]
            for _ in 0..<2 {
                let answer = try await office.server.call(
                    "POST", "/api/v1/cases/\(id)/attachments?name=%D8%B5%D8%AF%D8%A7.ogg", body: file,
                    headers: headers)
                guard answer.status == 200 else { throw Fault("the upload got \(answer.summary)") }
            }
            let items = try await office.server.get("/cases/\(id)/attachments").list("items")
            #expect(items.count == 1 && items[0]["name"]?.string == "صدا.ogg")
            #expect(items[0]["media_type"]?.string == "audio/ogg" && items[0]["present"]?.int == file.count)
            return try items[0].text("sha256")
        }

        private static func present(_ sha256: String, _ id: String, at office: Office) async throws -> Int {
            let items = try await office.server.get("/cases/\(id)/attachments").list("items")
            return try items.first { $0["sha256"]?.string == sha256 }?.number("present") ?? 0
        }

        @discardableResult
        private static func arrival(
            of sha256: String, _ id: String, at office: Office, atLeast bytes: Int
        ) async throws -> Int {
            let what = "\(bytes) bytes of the file are at \(office.code)"
            return try await eventually(what, within: .seconds(150), every: .milliseconds(200)) {
                let present = try await present(sha256, id, at: office)
                return present >= bytes ? present : nil
            }
        }

        /// Writes notes one after the other; the time from each to the hub's receipt. The greatest but one of a hundred.
        private static func pulse(_ office: Office, _ id: String, times: Int) async throws -> Duration {
            var waits: [Duration] = []
            for number in 0..<times {
                let start = ContinuousClock.now
                try await office.server.post("/cases/\(id)/notes", ["text": .string("یادداشت \(number)")])
                _ = try await eventually("note \(number) is acknowledged", every: .milliseconds(5)) {
                    try await office.server.status()["backlog"]?.int == 0 ? true : nil
                }
                waits.append(.now - start)
            }
            waits.sort()
            return waits[min(waits.count - 1, waits.count * 99 / 100)]
        }
    }
}
