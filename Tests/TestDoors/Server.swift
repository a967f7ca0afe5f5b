package import Foundation

/// What a server answered to one request of curl.
package struct Answer: Sendable {
    /// 0 when no answer came: no connection, or a handshake that failed.
    package var status: Int
    /// `2` or `1.1`.
    package var version: String
    /// By lower-case names.
    package var headers: [String: String]
    package var body: Data
    /// What curl said of a failure.
    package var complaint: String

    package var text: String { String(decoding: body, as: UTF8.self) }
    package var json: JSON { get throws { try JSON(body) } }
    package var isSuccess: Bool { (200..<300).contains(status) }
    package var summary: String { "status \(status) \(complaint) \(text.prefix(800))" }
}

/// One console, with whom we are there.
package struct Server: Sendable {
    /// `hub`, `IR-03`.
    package var code: String
    /// `https://127.0.0.1:…`
    package var console: String
    package var token: String?
    /// PEM file of the authority.
    package var authority: String
    /// PEM files of a client certificate.
    package var certificate: (chain: String, key: String)?

    package init(
        code: String, console: String, token: String? = nil, authority: String,
        certificate: (chain: String, key: String)? = nil
    ) {
        (self.code, self.console, self.token, self.authority) = (code, console, token, authority)
        self.certificate = certificate
    }

    package func with(token: String?) -> Server {
        var server = self
        server.token = token
        return server
    }

    package func with(certificate: (chain: String, key: String)) -> Server {
        var server = self
        (server.token, server.certificate) = (nil, certificate)
        return server
    }

    /// One request; also an answer that is an error is an answer.
    package func call(
        _ method: String, _ path: String, body: Data? = nil, headers: [String: String] = [:],
        options: [String] = [], within limit: Duration = .seconds(30)
    ) async throws -> Answer {
        let name = UUID().uuidString
        let bodyFile = Scratch.folder.appending(path: name + ".body")
        let headFile = Scratch.folder.appending(path: name + ".head")
        defer { for file in [bodyFile, headFile] { unlink(file.path) } }
        var arguments = credentials + ["-X", method, "-o", bodyFile.path, "-D", headFile.path]
        arguments += ["-w", "%{http_code} %{http_version}"]
        if method == "HEAD" { arguments.append("--head") }
        // curl leaves out a header without a value unless it is written like this.
        for (name, value) in headers { arguments += ["-H", value.isEmpty ? name + ";" : "\(name): \(value)"] }
        if body != nil, headers["Content-Type"] == nil { arguments += ["-H", "Content-Type: application/json"] }
        if body != nil { arguments += ["--data-binary", "@-"] }
        let url = path.hasPrefix("http") ? path : console + path
        let result = try await Program.run(
            "/usr/bin/curl", arguments + options + [url], input: body, within: limit)
        let words = result.output.split(separator: " ")
        return Answer(
            status: words.first.flatMap { Int($0) } ?? 0, version: words.count > 1 ? String(words[1]) : "",
            headers: Self.headers(try? Data(contentsOf: headFile)), body: (try? Data(contentsOf: bodyFile)) ?? Data(),
            complaint: result.errors.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    package var credentials: [String] {
        var arguments = ["-sS", "--cacert", authority, "--max-time", "25"]
        if let token { arguments += ["-H", "Authorization: Bearer " + token] }
        if let certificate { arguments += ["--cert", certificate.chain, "--key", certificate.key] }
        return arguments
    }

    private static func headers(_ data: Data?) -> [String: String] {
        var headers: [String: String] = [:]
        for line in String(decoding: data ?? Data(), as: UTF8.self).split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            headers[line[..<colon].lowercased()] = value
        }
        return headers
    }

    // MARK: What must succeed

    /// - Throws: `Fault` with the whole answer unless it is a success.
    package func get(_ path: String) async throws -> JSON { try await success("GET", path, nil, nil) }

    @discardableResult
    package func post(_ path: String, _ body: JSON, key: String? = nil) async throws -> JSON {
        try await success("POST", path, body, key)
    }

    @discardableResult
    package func patch(_ path: String, _ body: JSON) async throws -> JSON {
        try await success("PATCH", path, body, nil)
    }

    private func success(_ method: String, _ path: String, _ body: JSON?, _ key: String?) async throws -> JSON {
        let headers = key.map { ["Idempotency-Key": $0] } ?? [:]
        let answer = try await call(method, "/api/v1" + path, body: body?.data, headers: headers)
        guard answer.isSuccess else { throw Fault("\(code): \(method) \(path) got \(answer.summary)") }
        return try answer.json
    }

    // MARK: Casework

    /// Registers a case; answers the case with its receipt.
    package func register(_ subject: String = "چراغ خیابان خاموش است", key: String? = nil) async throws -> JSON {
        try await post("/cases", Citizen.intake(subject), key: key)
    }

    package func caseDocument(_ id: String) async throws -> JSON { try await get("/cases/" + id) }

    /// Waits until this server shows the case as wanted.
    @discardableResult
    package func waitForCase(
        _ id: String, _ what: String, within limit: Duration = .seconds(30), until isRight: (JSON) -> Bool
    ) async throws -> JSON {
        var last = "nothing yet"
        do {
            return try await eventually("case \(id) at \(code): \(what)", within: limit) {
                let answer = try await call("GET", "/api/v1/cases/" + id)
                last = answer.summary
                guard answer.isSuccess else { return nil }
                let document = try answer.json
                return isRight(document) ? document : nil
            }
        } catch let fault as Fault {
            throw Fault("\(fault)\nThe last answer was \(last)")
        }
    }

    package func status() async throws -> JSON { try await get("/status") }
}

/// The made-up citizen of these tests: every value is easy to find where it must not be.
package enum Citizen {
    package static let name = "زهرا آزمون‌پور"
    package static let mobile = "09121234567"
    package static let nationalID = "0012345679"
    package static let address = "تبریز، کوی نمونه، پلاک ۷"
    package static let description = "سه هفته است که کسی نیامده است."

    package static func intake(_ subject: String) -> JSON {
        [
            "kind": "complaint", "channel": "phone", "subject": .string(subject), "description": .string(description),
            "citizen": [
                "name": .string(name), "mobile": .string(mobile), "national_id": .string(nationalID),
                "address": .string(address),
            ],
        ]
    }
}

/// What the programs under test last wrote, for the report of a wait that was in vain.
package enum Testimony {
    @TaskLocal package static var logs: (@Sendable () -> String)?
}

/// Looks again and again until there is a value, and says after the limit what was missing.
package func eventually<Value>(
    _ what: String, within limit: Duration = .seconds(30), every pause: Duration = .milliseconds(100),
    _ look: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    var lastError = ""
    while true {
        do {
            if let value = try await look() { return value }
            lastError = ""
        } catch let error as Fault where !error.isFinal {
            lastError = "\nThe last error was: \(error)"
        }
        guard ContinuousClock.now < deadline else {
            throw Fault("waited \(limit) in vain: \(what).\(lastError)\n\(Testimony.logs?() ?? "")")
        }
        try await Task.sleep(for: pause)
    }
}
