import Foundation
import TestDoors
import Testing

/// A node that has no hub within reach: its own process, data folder and certificate. Backups need no network.
final class BackupOffice {
    let code: String
    /// Its data folder.
    let folder: URL
    private let certificates: URL
    /// A libpq URL of a PostgreSQL of its own; nil: a private one below `folder`.
    private let url: String?
    private var program: Program?
    private var token: String?

    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    init(_ code: String = "IR-05", in place: URL, database url: String? = nil) async throws {
        (self.code, self.url) = (code, url)
        folder = place.appending(path: "data")
        certificates = place.appending(path: "certs")
        mkdir(place.path, 0o755)
        let script = Self.repository.appending(path: "certs").path
        for words in [["authority"], ["issue", "hub"], ["issue", "node", code]] {
            let arguments = [certificates.path] + words.dropFirst()
            let result = try await Program.run("\(script)/\(words[0])", arguments)
            guard result.code == 0 else { throw Fault("certs/\(words[0]): \(result.errors)") }
        }
    }

    var database: Database { Database(postgres: folder.appending(path: "postgres")) }

    /// What its commands say of its database.
    var place: [String] { url.map { ["--database", $0] } ?? ["--directory", folder.path] }

    func start() async throws -> Server {
        let own = certificates.appending(path: "node/\(code)").path
        let program = try Program(
            Demo.binary,
            [
                "node", "serve", "--code", code, "--directory", folder.path, "--console-address", "127.0.0.1",
                // A port at which nobody listens: the office is offline.
                "--console-port", "0", "--link-host", "127.0.0.1", "--link-port", "1",
                "--certificate", own + "/chain.pem", "--private-key", own + "/key.pem",
                "--receipt-key", own + "/receipt.key", "--trust-roots", certificates.appending(path: "ca.pem").path,
                "--hub-receipt-certificate", certificates.appending(path: "hub/receipt.pem").path,
            ] + (url.map { ["--database", $0] } ?? []))
        self.program = program
        let port = try await eventually("\(code) is ready", within: .seconds(60)) {
            if let code = program.exitCode {
                throw Fault.final("it ended with \(code): \(program.output) \(program.errors)")
            }
            return program.output.firstMatch(of: /ready .*console=(\d+)/)?.1
        }
        let server = Server(
            code: code, console: "https://127.0.0.1:\(port)", authority: certificates.appending(path: "ca.pem").path)
        if token == nil {
            let words = ["token", "add", "supervisor", "--role", "supervisor", "--organization", code]
            token = try await Demo.succeed(words + place).trimmingCharacters(in: .whitespacesAndNewlines)
        }
        return server.with(token: token)
    }

    func stop() async throws {
        program?.signal(SIGTERM)
        _ = try await program?.end(within: .seconds(40))
        program = nil
    }

    /// For the end of a test, whatever came of it.
    func end() async {
        program?.signal(SIGTERM)
        _ = try? await program?.end(within: .seconds(40))
    }
}

/// Leaves no files of a suite behind, whatever came of it.
struct ScratchTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        defer { Scratch.remove() }
        try await function()
    }
}

extension Trait where Self == ScratchTrait {
    static var scratch: Self { Self() }
}
