import Foundation
import TestDoors
import Testing

extension EndToEnd {
    /// Cases on their way between offices.
    @Suite struct Journeys {
        let demo: Demo

        init() throws { demo = try Demo.running() }

        /// The counts of one province at the hub.
        private func counts(_ code: String) async throws -> JSON {
            let overview = try await demo.hub.get("/overview")
            return try #require(try overview.list("provinces").first { $0["code"]?.string == code })
        }

        private func events(_ id: String, at server: Server) async throws -> [JSON] {
            try await server.get("/cases/\(id)/events").list("items")
        }

        /// What must be equal everywhere.
        private func identity(_ event: JSON) throws -> String {
            try [
                event.text("origin"), event.text("incarnation"), String(event.number("seq")), event.text("hash"),
                event.text("type"), "\(event["actor"] ?? .null)", event.text("occurred_at"),
                "\(event["effect"] ?? .null)",
            ].joined(separator: " ")
        }

        @Test func `a case answered in another province is seen answered at home and on the national overview`()
            async throws
        {
            let (home, other, hub) = (try demo.server("IR-03"), try demo.server("IR-23"), try demo.hub)
            let (before, nationBefore) = (try await counts("IR-03"), try await hub.get("/overview"))
            let registered = try await home.register("وام اشتغال پرداخت نشده است")
            let id = try registered.text("id")
            #expect(registered["status"]?.string == "registered")
            #expect(registered["home"]?.string == "IR-03")
            #expect(registered["receipt"]?["hash"]?.string?.count == 64)
            try await home.post("/cases/\(id)/referral", ["to": "IR-23", "reason": "متقاضی ساکن تهران است"])
            let arrived = try await other.waitForCase(id, "referred to IR-23") {
                $0["status"]?.string == "referred" && $0["holder"]?.string == "IR-23"
            }
            #expect(arrived["description"]?.string == Citizen.description, "who must act may read")
            #expect(arrived["citizen"]?["mobile"]?.string == Citizen.mobile)
            #expect(arrived["deadline"]?.string == registered["deadline"]?.string, "a referral resets no clock")
            try await other.post("/cases/\(id)/acceptance", [:])
            try await other.post("/cases/\(id)/actions", ["text": "با بانک عامل مکاتبه شد"])
            try await other.post("/cases/\(id)/answer", ["text": "وام ظرف یک هفته پرداخت می‌شود"])
            for server in [home, hub] {
                let answered = try await server.waitForCase(id, "answered") { $0["status"]?.string == "answered" }
                #expect(answered["deadline"]?.string == registered["deadline"]?.string)
            }
            let after = try await eventually("the overview counts the answer") {
                let after = try await counts("IR-03")
                return try after.number("answered") == before.number("answered") + 1 ? after : nil
            }
            #expect(try after.number("registered") == before.number("registered") + 1)
            let nation = try await hub.get("/overview")
            #expect(try nation.number("answered") == nationBefore.number("answered") + 1)
            #expect(try nation.number("registered") == nationBefore.number("registered") + 1)

            try await expectOneHistory(id, at: [home, other, hub])
            let stranger = try await demo.server("IR-05").call("GET", "/api/v1/cases/" + id)
            #expect(stranger.status == 404, "a province without a part in the case knows nothing of it")
        }

        /// The same events with the same hashes in the same order, all of them counting.
        private func expectOneHistory(_ id: String, at servers: [Server]) async throws {
            let home = servers[0]
            let histories = try await eventually("one history of case \(id) at \(servers.map(\.code))") {
                var histories: [[JSON]] = []
                for server in servers { histories.append(try await events(id, at: server)) }
                return Set(try histories.map { try $0.map { try $0.text("hash") } }).count == 1 ? histories : nil
            }
            let first = try histories[0].map { try identity($0) }
            for history in histories { #expect(try history.map { try identity($0) } == first) }
            #expect(first.count >= 6)
            let types = try histories[0].map { try $0.text("type") }
            #expect(types.first == "registered")
            for type in ["referred", "granted", "accepted", "acted", "answered"] {
                #expect(types.filter { $0 == type }.count == 1, "\(types)")
            }
            #expect(histories[0].allSatisfy { $0["effect"]?["code"]?.string == "applied" })
            let revisions = try await home.caseDocument(id).number("revision")
            #expect(revisions == first.count)
        }

        @Test func `a ministry acts on a referral by API with its client certificate alone`() async throws {
            let home = try demo.server("IR-03")
            let ministry = try demo.hub.with(certificate: demo.ministry("SAMT").certificate)
            let stranger = try demo.hub.with(certificate: demo.ministry("HEALTH").certificate)
            let id = try await home.register("گران‌فروشی در بازار").text("id")
            try await home.post("/cases/\(id)/referral", ["to": "SAMT", "reason": "در صلاحیت وزارتخانه است"])
            try await ministry.waitForCase(id, "referred to SAMT") {
                $0["status"]?.string == "referred" && $0["holder"]?.string == "SAMT"
            }
            let inbox = try await ministry.get("/cases?holder=SAMT&status=referred&limit=500").list("items")
            #expect(inbox.contains { $0["id"]?.string == id })
            let intruder = try await stranger.call("POST", "/api/v1/cases/\(id)/acceptance", body: Data("{}".utf8))
            #expect(intruder.status == 403 || intruder.status == 404, "\(intruder.summary)")
            try await ministry.post("/cases/\(id)/acceptance", [:])
            try await ministry.post("/cases/\(id)/answer", ["text": "بازرسی انجام و جریمه شد"])
            let answered = try await home.waitForCase(id, "answered by the ministry") {
                $0["status"]?.string == "answered"
            }
            #expect(answered["holder"]?.string == "SAMT")
            let answer = try #require(try await events(id, at: home).first { $0["type"]?.string == "answered" })
            #expect(answer["origin"]?.string == "hub")
            #expect(answer["actor"]?["organization"]?.string == "SAMT")
            #expect(answer["content"]?["text"]?.string == "بازرسی انجام و جریمه شد", "home can tell the citizen")
        }

        @Test func `a refused referral comes back, a dispute outlives the answer, and its review is another's`()
            async throws
        {
            let (home, other) = (try demo.server("IR-03"), try demo.server("IR-23"))
            let id = try await home.register("قطع یارانه").text("id")
            try await home.post("/cases/\(id)/referral", ["to": "IR-23", "reason": "برای رسیدگی"])
            try await other.waitForCase(id, "referred") { $0["status"]?.string == "referred" }
            try await other.post("/cases/\(id)/refusal", ["reason": "در صلاحیت ما نیست"])
            try await home.waitForCase(id, "back at home") {
                $0["status"]?.string == "registered" && $0["holder"]?.string == "IR-03"
                    && $0["seat"]?.string == "IR-03" && $0["pending_transfer"]?.isNull == true
            }
            try await home.post("/cases/\(id)/answer", ["text": "یارانه وصل شد"])
            try await home.post("/cases/\(id)/dispute", ["text": "هنوز وصل نیست"])
            let disputed = try await home.caseDocument(id)
            #expect(disputed["status"]?.string == "disputed")
            let dispute = try #require(try disputed.list("disputes").first?.string)
            let review: JSON = ["dispute": .string(dispute), "upheld": true, "text": "حق با شهروند است"]
            let own = try await home.call("POST", "/api/v1/cases/\(id)/review", body: review.data)
            #expect(own.status == 409 || own.status == 403, "who decided first reviews himself: \(own.summary)")
            let second = try await demo.token(role: "supervisor", organization: "IR-03", at: "IR-03")
            let reviewer = home.with(token: second)
            let reviewed = try await reviewer.post("/cases/\(id)/review", review)
            #expect(reviewed["status"]?.string != "disputed")
            try await demo.hub.waitForCase(id, "reviewed") { $0["disputes"]?.array?.isEmpty == true }
        }

        @Test func `two registrations at once with one idempotency key are one case`() async throws {
            let node = try demo.server("IR-03")
            let before = try await node.status().number("cases")
            let key = "twice-\(UUID().uuidString)"
            let documents = try await withThrowingTaskGroup(of: JSON.self) { group in
                for _ in 0..<6 { group.addTask { try await node.register("دو بار فشردن دکمه", key: key) } }
                return try await group.reduce(into: [JSON]()) { $0.append($1) }
            }
            #expect(Set(try documents.map { try $0.text("id") }).count == 1)
            #expect(Set(documents.map { $0["receipt"]?["hash"]?.string }).count == 1)
            #expect(try await node.status().number("cases") == before + 1)
            let again = try await node.register("دو بار فشردن دکمه", key: key)
            #expect(again["id"] == documents.first?["id"])
        }

        @Test func `a receipt is proved by openssl with the node's certificate alone`() async throws {
            let node = try demo.server("IR-03")
            let receipt = try #require(try await node.register("رسید")["receipt"])
            let text = try [
                "peyvand-receipt-v1", receipt.text("origin"), receipt.text("incarnation"),
                String(receipt.number("seq")), receipt.text("hash"), receipt.text("tracking_code"),
                receipt.text("time"),
            ].joined(separator: "\n")
            let certificate = demo.folder.appending(path: "certs/node/IR-03/receipt.pem").path
            let key = try await Program.run("openssl", ["x509", "-in", certificate, "-noout", "-pubkey"])
            let keyFile = try Scratch.file("receipt.pub", Data(key.output.utf8))
            let hex = Array(try receipt.text("signature"))
            let pairs = stride(from: 0, to: hex.count - 1, by: 2).map { String(hex[$0...$0 + 1]) }
            let bytes = pairs.compactMap { UInt8($0, radix: 16) }
            let signature = try Scratch.file("receipt.sig", Data(bytes))
            func verify(_ text: String) async throws -> Int32 {
                let file = try Scratch.file("receipt.txt", Data(text.utf8))
                return try await Program.run(
                    "openssl",
                    [
                        "pkeyutl", "-verify", "-pubin", "-inkey", keyFile.path, "-rawin", "-in", file.path, "-sigfile",
                        signature.path,
                    ]
                ).code
            }
            #expect(try await verify(text) == 0)
            #expect(try await verify(text + " ") != 0)
        }
    }
}
