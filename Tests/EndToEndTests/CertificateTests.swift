import Foundation
import TestDoors
import Testing

extension EndToEnd {
    /// Who may use the link, and what becomes of everybody else.
    @Suite struct Certificates {
        let demo: Demo

        init() throws { demo = try Demo.running() }

        static let python = ProcessInfo.processInfo.environment["PEYVAND_PYTHON"]
        static let needsPython: Comment = "PEYVAND_PYTHON names no Python that has grpcio and grpcio-tools"

        private var link: String { get throws { try #require(try demo.document["hub"]?["link"]?.string) } }

        /// Lines of the hub's audit since a number of lines.
        private func audit(after id: Int, like action: String) async throws -> [[String]] {
            try await demo.rows(
                "hub", "SELECT actor, action, subject, detail FROM audit WHERE id > \(id) AND action LIKE '\(action)'")
        }

        private func lastAudit() async throws -> Int {
            try await demo.count("hub", "SELECT coalesce(max(id), 0) FROM audit")
        }

        private func expectAudit(
            _ what: String, after id: Int, action: String, where isRight: ([String]) -> Bool = { _ in true }
        ) async throws -> [String] {
            try await eventually("an audit line: \(what)", within: .seconds(5)) {
                try await audit(after: id, like: action).first(where: isRight)
            }
        }

        /// What a client gets that dials the link over TLS and asks for anything at all.
        private func dial(_ certificate: (chain: String, key: String)?) async throws -> Answer {
            let server = Server(
                code: "link", console: "https://\(try link)", authority: try demo.authority, certificate: certificate)
            return try await server.call("GET", "/", options: ["--http2"])
        }

        /// A self-signed certificate that claims to be a node.
        private func foreign(_ uri: String) async throws -> (chain: String, key: String) {
            let (key, chain) = (try Scratch.file("foreign.key", Data()), try Scratch.file("foreign.pem", Data()))
            let made = try await Program.run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    key.path,
                    "-out", chain.path, "-days", "2", "-subj", "/CN=node", "-addext", "subjectAltName=URI:\(uri)",
                    "-addext", "extendedKeyUsage=clientAuth",
                ])
            guard made.code == 0 else { throw Fault("openssl: \(made.errors)") }
            return (chain.path, key.path)
        }

        private func fingerprint(_ certificate: String) async throws -> String {
            let result = try await Program.run(
                "openssl", ["x509", "-in", certificate, "-noout", "-fingerprint", "-sha256"])
            let hex = result.output.split(separator: "=").last ?? ""
            return hex.filter(\.isHexDigit).lowercased()
        }

        @Test func `without a certificate, or with a foreign one, nobody gets further than the handshake`()
            async throws
        {
            let good = try await dial(demo.identity("IR-05"))
            #expect(good.status != 0, "a good certificate is let in, so that the refusals below mean something")
            let strangers: [(String, (chain: String, key: String)?)] = [
                ("no certificate", nil), ("foreign", try await foreign("spiffe://peyvand/node/IR-05")),
            ]
            for (name, certificate) in strangers {
                let before = try await lastAudit()
                let answer = try await dial(certificate)
                #expect(answer.status == 0, "\(name): \(answer.summary)")
                #expect(!answer.complaint.isEmpty)
                let line = try await expectAudit(name, after: before, action: "link.refused")
                #expect(!line[3].isEmpty, "the line states a reason")
                #expect(try await audit(after: before, like: "link.refused").count == 1, "one line for one refusal")
            }
            // The console asks for no certificate, but one that is shown must be good.
            let before = try await lastAudit()
            let console = try demo.hub.with(certificate: try await foreign("spiffe://peyvand/ministry/SAMT"))
            #expect(try await console.call("GET", "/api/v1/cases").status == 0)
            _ = try await expectAudit("foreign at the console", after: before, action: "console.refused")
        }

        @Test func `a certificate without a name of ours is refused although our authority signed it`() async throws {
            let before = try await lastAudit()
            let answer = try await dial(
                (
                    demo.folder.appending(path: "certs/node/IR-05/receipt.pem").path,
                    demo.folder.appending(path: "certs/node/IR-05/receipt.key").path
                ))
            #expect(answer.status == 0, "a receipt's certificate is no client's: \(answer.summary)")
            _ = try await expectAudit("receipt certificate", after: before, action: "link.refused")
        }

        @Test func `revoking a certificate closes its live link within five seconds, and its handshake is refused`()
            async throws
        {
            let identity = demo.identity("IR-05")
            let fingerprint = try await fingerprint(identity.chain)
            try await demo.settled("IR-05")
            func isConnected() async throws -> Bool {
                let provinces = try await demo.hub.get("/provinces").list("items")
                return provinces.contains { $0["code"]?.string == "IR-05" && $0["state"]?.string == "connected" }
            }
            #expect(try await isConnected())
            let before = try await lastAudit()
            try await Demo.succeed(["cert", "revoke", fingerprint, "--directory", demo.folder.path])
            let outcome: Result<Void, any Error>
            do {
                _ = try await eventually("the live link is closed", within: .seconds(5)) {
                    try await isConnected() ? nil : true
                }
                #expect(try await dial(identity).status == 0)
                let line = try await expectAudit("revoked", after: before, action: "link.refused") {
                    $0[2] == fingerprint
                }
                #expect(line[0] == "spiffe://peyvand/node/IR-05")
                // Local work goes on meanwhile.
                _ = try await demo.server("IR-05").register("بی‌پیوند")
                #expect(try await !isConnected())
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            // No command gives a revoked certificate its authority back; the other tests need the province.
            _ = try await demo.rows(
                "hub", "UPDATE registry SET state = 'valid' WHERE fingerprint = '\(fingerprint)' RETURNING 1")
            try outcome.get()
            try await demo.settled("IR-05")
        }

        @Test func `revoking a ministry's certificate closes the console to it`() async throws {
            let ministry = try demo.hub.with(certificate: demo.ministry("SPORT").certificate)
            #expect(try await ministry.call("GET", "/api/v1/cases").status == 200)
            let chain = try #require(ministry.certificate?.chain)
            try await Demo.succeed([
                "cert", "revoke", try await fingerprint(chain), "--directory", demo.folder.path,
            ])
            _ = try await eventually("the console refuses the handshake", within: .seconds(5)) {
                try await ministry.call("GET", "/api/v1/cases").status == 0 ? true : nil
            }
        }

        // MARK: Over gRPC

        private func client(_ code: String, _ mode: [String]) async throws -> JSON {
            let here = URL(filePath: #filePath).deletingLastPathComponent()
            let protos = here.appending(path: "../../Sources/Federation/Wire").standardized.path
            let identity = demo.identity(code)
            let result = try await Program.run(
                try #require(Self.python),
                [
                    here.appending(path: "link_client.py").path, protos, try link, try demo.authority, identity.chain,
                    identity.key,
                ] + mode)
            guard result.code == 0 else { throw Fault("link_client.py \(mode): \(result.errors.suffix(2000))") }
            return try JSON(Data(result.output.utf8))
        }

        /// While a node's own process is away its certificate is in the hands of the test alone.
        private func inPlace(of code: String, _ body: () async throws -> Void) async throws {
            try await demo.settled(code)
            try await demo.without(code, body)
            try await demo.settled(code)
        }

        @Test(.enabled(if: python != nil, needsPython))
        func `a Python client generated from the proto completes Hello and Welcome over mutual TLS`() async throws {
            _ = try await demo.server("IR-05").register("برای زنجیره")
            let head = try #require(try await demo.settled("IR-05")["head"])
            try await inPlace(of: "IR-05") {
                let answer = try await client("IR-05", ["hello", "IR-05"])
                let welcome = try #require(answer["welcome"], "\(answer)")
                #expect(welcome["version"]?.int == 1)
                #expect(welcome["schemas"]?.array?.isEmpty == false)
                #expect(try welcome.text("incarnation").count == 16)
                let heads = try welcome.list("heads")
                let newest = try #require(heads.max { ($0.array?[1].int ?? 0) < ($1.array?[1].int ?? 0) })
                #expect(newest == [head["incarnation"] ?? .null, head["seq"] ?? .null, head["hash"] ?? .null])
            }
        }

        @Test(.enabled(if: python != nil, needsPython))
        func `a certificate of IR-05 cannot write as IR-07`() async throws {
            let victim = try demo.server("IR-07")
            let id = try await victim.register("هدف جعل").text("id")
            let head = try #require(try await demo.settled("IR-07")["head"])
            let rows = "SELECT count(*) FROM journal WHERE origin = 'IR-07'"
            let before = try await demo.count("hub", rows)
            var audited = try await lastAudit()
            try await inPlace(of: "IR-05") {
                let impostor = try await client("IR-05", ["hello", "IR-07"])
                #expect(impostor["welcome"]?.isNull == true, "\(impostor)")
                let identity = try await expectAudit("impostor", after: audited, action: "alarm.identity")
                #expect(identity[0].contains("IR-05"))
                #expect(identity[3].contains("IR-07"))

                audited = try await lastAudit()
                let forger = try await client(
                    "IR-05",
                    [
                        "forge", "IR-05", "IR-07", try head.text("incarnation"), String(try head.number("seq")),
                        try head.text("hash"), id,
                    ])
                #expect(forger["welcome"]?.isNull == false, "\(forger)")
                #expect(try forger.list("frames").contains("alarm"), "the origin is told: \(forger)")
                let line = try await expectAudit("forger", after: audited, action: "alarm.%")
                #expect(line[0].contains("IR-05"), "charged to who sent it: \(line)")
            }
            #expect(try await demo.count("hub", rows) == before, "no row was written")
            #expect(try await demo.count("hub", "SELECT count(*) FROM nodes WHERE quarantined") == 0)
            // The victim's own next event takes the place that the forger wanted.
            try await victim.post("/cases/\(id)/notes", ["text": "ادامه"])
            try await demo.settled("IR-07")
            #expect(try await demo.count("hub", rows) == before + 1)
            #expect(try await demo.hub.get("/cases/\(id)/events").list("items").count == 2)
        }
    }
}
