package import Foundation

/// Many registrations by one curl, over a few connections at once, each under its own idempotency key.
package struct Batch {
    package let server: Server
    package let count: Int
    private let folder: URL
    private let configuration: URL

    package init(_ count: Int, at server: Server) throws {
        (self.server, self.count) = (server, count)
        let name = "batch-\(UUID().uuidString)"
        folder = Scratch.folder.appending(path: name)
        mkdir(folder.path, 0o700)
        configuration = folder.appending(path: "curl")
        var text = "silent\nparallel\nparallel-max = 16\n"
        for index in 0..<count {
            if index > 0 { text += "next\nsilent\n" }
            let body = folder.appending(path: "\(index).request")
            try Citizen.intake("پرونده شماره \(index)").data.write(to: body)
            text += """
                url = "\(server.console)/api/v1/cases"
                cacert = "\(server.authority)"
                max-time = 30
                header = "Authorization: Bearer \(server.token ?? "")"
                header = "Content-Type: application/json"
                header = "Idempotency-Key: \(name)-\(index)"
                data-binary = "@\(body.path)"
                output = "\(folder.path)/\(index).answer"
                write-out = "\(index) %{http_code}\\n"

                """
        }
        try Data(text.utf8).write(to: configuration)
    }

    package func start() throws -> Program { try Program("/usr/bin/curl", ["-K", configuration.path]) }

    /// How many answers have come so far.
    package var progress: Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.count { $0.hasSuffix(".answer") }
    }

    /// Waits for the end; answers the status of each request and, where it was acknowledged, its case.
    package func outcome(of curl: Program, within limit: Duration = .seconds(120)) async throws -> [Outcome] {
        _ = try await curl.end(within: limit)
        var outcomes = [Outcome](repeating: Outcome(status: 0), count: count)
        for line in curl.output.split(separator: "\n") {
            let words = line.split(separator: " ").compactMap { Int($0) }
            guard words.count == 2, outcomes.indices.contains(words[0]) else { continue }
            let file = folder.appending(path: "\(words[0]).answer")
            let document = words[1] == 201 ? try JSON(try Data(contentsOf: file)) : nil
            outcomes[words[0]] = Outcome(status: words[1], document: document)
            unlink(file.path)
        }
        return outcomes
    }

    package struct Outcome: Equatable {
        /// 0: no answer.
        package var status: Int
        /// The case, where it was acknowledged.
        package var document: JSON?
        package var id: String? { document?["id"]?.string }
    }

    /// Sends all of it once.
    package func send() async throws -> [Outcome] { try await outcome(of: try start()) }

    /// Sends all of it once; every request must succeed.
    package func documents() async throws -> [JSON] {
        try await send().map { outcome in
            guard let document = outcome.document else {
                throw Fault("\(server.code): one of \(count) registrations got \(outcome.status)")
            }
            return document
        }
    }
}
