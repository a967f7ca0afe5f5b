import Foundation
import TestDoors
import Testing

extension EndToEnd {
    /// The doors that DESIGN names: demo.json, probes, the OpenAPI document, pages, tracking.
    @Suite struct Doors {
        let demo: Demo

        init() throws { demo = try Demo.running() }

        @Test func `demo.json names the hub, every province, the ministries and the authority`() throws {
            let document = try demo.document
            let hub = try #require(document["hub"])
            #expect(try hub.text("console").hasPrefix("https://"))
            #expect(try hub.text("link").contains(":"))
            #expect(try hub.text("token").count >= 32)
            let nodes = try document.list("nodes")
            let provinces = (0...30).map { $0 < 10 ? "IR-0\($0)" : "IR-\($0)" }
            #expect(try nodes.map { try $0.text("code") }.sorted() == provinces)
            for server in nodes + [hub] {
                #expect(kill(pid_t(try server.number("pid")), 0) == 0, "\(server) is no running process")
            }
            for node in nodes {
                #expect(try node.text("console").hasPrefix("https://"))
                #expect(try node.text("token").count >= 32)
            }
            let everyone = nodes + [hub]
            #expect(Set(everyone.compactMap { $0["token"]?.string }).count == 32, "tokens are not shared")
            #expect(Set(everyone.compactMap { $0["pid"]?.int }).count == 32, "each is a process of its own")
            let ministries = try document.list("ministries")
            #expect(ministries.contains { $0["code"]?.string == "SAMT" })
            for ministry in ministries {
                #expect(try ministry.text("token").count >= 32)
                for file in [try ministry.text("certificate"), try ministry.text("key")] {
                    #expect(FileManager.default.fileExists(atPath: file))
                }
            }
            #expect(FileManager.default.fileExists(atPath: try document.text("ca")))
        }

        @Test func `a second demonstration in the same folder is refused, the first goes on`() async throws {
            let before = try demo.document
            let result = try await Demo.peyvand(["demo", "--directory", demo.folder.path, "--quiet"])
            #expect(result.code == 1)
            #expect(result.errors.split(separator: "\n").count == 1, "an error is one line: \(result.errors)")
            #expect(result.errors.contains(demo.folder.path))
            #expect(try demo.document == before)
            #expect(try await demo.hub.call("GET", "/readyz").status == 200)
        }

        @Test func `commands used wrongly end with 2, commands that fail end with 1, each in one line`() async throws {
            for arguments in [["fly"], ["demo", "--provinces", "99", "--directory", "/nonexistent"], ["import"]] {
                let result = try await Demo.peyvand(arguments)
                #expect(result.code == 2, "\(arguments): \(result)")
                #expect(result.errors.split(separator: "\n").count == 1, "\(arguments): \(result.errors)")
            }
            let result = try await Demo.peyvand(["demo", "stop", "hub", "--directory", "/nonexistent"])
            #expect(result.code == 1)
            #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        }

        @Test(arguments: ["hub", "IR-03"])
        func `probes and figures are open to whoever looks after the server`(code: String) async throws {
            let server = try demo.server(code).with(token: nil)
            #expect(try await server.call("GET", "/livez").status == 200)
            let ready = try await server.call("GET", "/readyz")
            #expect(ready.status == 200)
            let metrics = try await server.call("GET", "/metrics")
            #expect(metrics.status == 200)
            #expect(metrics.headers["content-type"]?.hasPrefix("text/plain") == true)
            #expect(metrics.text.contains("# TYPE peyvand_"))
            #expect(!metrics.text.contains(Citizen.mobile))
        }

        @Test func `what the alert rules rest on is served`() async throws {
            let file = URL(filePath: #filePath).appending(path: "../../../deploy/prometheus/peyvand.rules.yml")
            let rules = try String(contentsOf: file.standardized, encoding: .utf8)
            let names = Set(rules.matches(of: /peyvand_[a-z_]+/).map { String($0.output) })
            #expect(names.count > 5)
            var served = ""
            for server in [try demo.hub, try demo.server("IR-03")] {
                served += try await server.call("GET", "/metrics").text
            }
            for name in names.sorted() { #expect(served.contains("# TYPE \(name) gauge"), "\(name) is not served") }
            let lag = try #require(
                served.firstMatch(of: /peyvand_projection_lag_seconds\{projection="search"\} ([0-9.]+)/))
            #expect(try #require(Double(lag.output.1)) < 60)
        }

        @Test(arguments: ["hub", "IR-03"])
        func `the OpenAPI document names every promised route and is true`(code: String) async throws {
            let server = try demo.server(code)
            let document = try await server.get("/openapi.json")
            #expect(try document.text("openapi").hasPrefix("3.1"))
            let paths = try #require(document["paths"]?.members)
            let common =
                [
                    "/cases", "/cases/{id}", "/cases/{id}/events", "/conflicts", "/proposals", "/organizations",
                ]
                + [
                    "notes", "assessment", "referral", "acceptance", "refusal", "actions", "answer", "closure",
                    "dispute",
                    "review", "rating", "withdrawal", "hiding",
                ].map { "/cases/{id}/" + $0 }
            let own =
                code == "hub"
                ? ["/overview", "/provinces", "/feed", "/cases/{id}/custody"]
                : ["/status", "/conflicts/{id}/restore", "/proposals/{id}/apply"]
            for path in common + own {
                #expect(paths["/api/v1" + path] != nil || paths[path] != nil, "\(path) is not described")
            }
            // What takes no parameter must answer as described: with success, and with its own media type.
            for (path, item) in paths where item["get"] != nil && !path.contains("{") && !path.hasSuffix("/feed") {
                let answer = try await server.call("GET", path)
                #expect(answer.status == 200, "GET \(path): \(answer.summary)")
                let described = item["get"]?["responses"]?["200"]?["content"]?.members?.keys.map { $0 } ?? []
                let sent = answer.headers["content-type"]?.split(separator: ";").first.map { String($0) } ?? ""
                #expect(described.contains(sent) || described.contains("*/*"), "GET \(path): \(sent), not \(described)")
            }
        }

        @Test(arguments: ["--http2", "--http1.1"])
        func `curl uses the console over HTTP 2 and over HTTP 1.1`(option: String) async throws {
            let server = try demo.server("IR-03")
            let read = try await server.call("GET", "/api/v1/status", options: [option])
            #expect(read.status == 200)
            #expect(read.version == (option == "--http2" ? "2" : "1.1"))
            let body = Citizen.intake("از راه \(option)").data
            let written = try await server.call("POST", "/api/v1/cases", body: body, options: [option])
            #expect(written.status == 201, "\(written.summary)")
            #expect(written.headers["location"] == "/api/v1/cases/\(try written.json.text("id"))")
        }

        @Test(arguments: ["hub", "IR-03"])
        func `the page is Persian, right to left, guarded, and asks no other host`(code: String) async throws {
            let server = try demo.server(code).with(token: nil)
            let page = try await server.call("GET", "/")
            #expect(page.status == 200)
            #expect(page.headers["content-type"]?.hasPrefix("text/html") == true)
            let policy = page.headers["content-security-policy"] ?? ""
            #expect(policy.contains("default-src 'none'"))
            #expect(!policy.contains("unsafe"))
            #expect(page.headers["x-content-type-options"] == "nosniff")
            #expect(page.text.contains("dir=\"rtl\""))
            #expect(page.text.contains("lang=\"fa\""))
            let assets = Self.links(in: page.text)
            #expect(!assets.isEmpty)
            for asset in assets {
                #expect(asset.hasPrefix("/"), "\(asset) lies at another host")
                #expect(!asset.hasPrefix("//"), "\(asset) lies at another host")
                if asset.hasPrefix("/assets/") {
                    #expect(try await server.call("GET", asset).status == 200, "\(asset)")
                }
            }
        }

        private static func links(in html: String) -> [String] {
            html.matches(of: /(?:src|href)="([^"#][^"]*)"/).map { String($0.output.1) }
        }

        @Test func `the tracking page and its JSON show stages and no personal data`() async throws {
            let node = try demo.server("IR-03")
            let subject = "موضوع محرمانه"
            let document = try await node.register(subject)
            let id = try document.text("id")
            try await node.post("/cases/\(id)/notes", ["text": "یادداشت کارشناس"])
            let code = try document.text("tracking_code")
            let digits = Array("۰۱۲۳۴۵۶۷۸۹")
            let persian =
                String(code.map { $0.wholeNumberValue.map { digits[$0] } ?? $0 })
                .addingPercentEncoding(withAllowedCharacters: .alphanumerics.intersection(.urlPathAllowed)) ?? ""
            let hub = try demo.hub
            _ = try await hub.waitForCase(id, "known at the hub") { $0["status"]?.string == "registered" }
            for server in [node.with(token: nil), hub.with(token: nil)] {
                for path in ["/track/" + code, "/api/v1/track/" + code, "/track/" + Self.escaped(persian)] {
                    let answer = try await server.call("GET", path, headers: ["Accept": "text/html"])
                    #expect(answer.status == 200, "\(server.code) \(path): \(answer.summary)")
                    for secret in [
                        Citizen.name, Citizen.mobile, Citizen.nationalID, Citizen.address,
                        Citizen.description, subject, "یادداشت",
                    ] {
                        #expect(!answer.text.contains(secret), "\(server.code) \(path) shows '\(secret)'")
                    }
                }
            }
            let json = try await node.with(token: nil).call("GET", "/api/v1/track/" + code).json
            #expect(json["status"]?.string == "registered")
            #expect(json["deadline"]?.string == document["deadline"]?.string)
            #expect(try json.list("stages").isEmpty == false)
            let mistyped = String(code.dropLast()) + (code.hasSuffix("0") ? "1" : "0")
            #expect(try await node.with(token: nil).call("GET", "/api/v1/track/" + mistyped).status == 422)
        }

        private static func escaped(_ text: String) -> String {
            text.contains("%")
                ? text : text.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? text
        }

        @Test func `tracking lookups are limited by address, and nothing else is`() async throws {
            let node = try demo.server("IR-07").with(token: nil)
            var refusal: Answer?
            for _ in 0..<80 {
                let answer = try await node.call("GET", "/api/v1/track/0700000000000")
                #expect(answer.status < 500)
                if answer.status == 429 {
                    refusal = answer
                    break
                }
            }
            let answer = try #require(refusal, "80 lookups in a row were all answered")
            #expect(answer.headers["content-type"] == "application/problem+json")
            #expect(answer.headers["retry-after"].flatMap { Int($0) } ?? 0 > 0)
            #expect(try await demo.server("IR-07").call("GET", "/api/v1/status").status == 200)
        }

        @Test func `peyvand status lists every province with its link`() async throws {
            let output = try await Demo.succeed(["status", "--directory", demo.folder.path])
            for code in try demo.codes { #expect(output.contains(code)) }
            #expect(output.contains("connected"))
        }
    }
}
