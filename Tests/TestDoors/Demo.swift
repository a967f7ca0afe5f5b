package import Foundation
import Synchronization

/// The demonstration under test: all 31 provinces and the hub, as `peyvand demo --quiet` runs them.
package final class Demo: Sendable {
    package let folder: URL
    private struct Run: Sendable {
        var program: Program
        var lifeline: Lifeline
    }
    private let run = Mutex<Run?>(nil)

    private let provinces: Int
    private let environment: [String: String]

    /// - Parameter environment: settings for all of its servers.
    package init(named name: String = "demo", provinces: Int = 31, environment: [String: String] = [:]) {
        folder = Scratch.folder.appending(path: name)
        (self.provinces, self.environment) = (provinces, environment)
    }

    // MARK: The program

    package static let binary: String = {
        if let path = ProcessInfo.processInfo.environment["PEYVAND_BINARY"] { return path }
        let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return repository.appending(path: ".build-debug/debug/peyvand").path
    }()

    /// A command of the program under test.
    package static func peyvand(
        _ arguments: [String], within limit: Duration = .seconds(120)
    ) async throws -> Program.Result {
        try await Program.run(binary, arguments, within: limit)
    }

    /// The same, which must succeed.
    @discardableResult
    package static func succeed(_ arguments: [String], within limit: Duration = .seconds(120)) async throws -> String {
        let result = try await peyvand(arguments, within: limit)
        guard result.code == 0 else {
            throw Fault(
                "'peyvand \(arguments.joined(separator: " "))' ended with \(result.code): "
                    + "\(result.output.suffix(1500)) \(result.errors.suffix(1500))")
        }
        return result.output
    }

    // MARK: Start and end

    /// Returns when `demo.json` is there, which is promised to mean that everything is ready.
    package func start(within limit: Duration = .seconds(240)) async throws {
        guard FileManager.default.isExecutableFile(atPath: Self.binary) else {
            throw Fault("there is no program at \(Self.binary); build it, or set PEYVAND_BINARY")
        }
        let stale = try? Data(contentsOf: demoFile)
        let program = try Program(
            Self.binary,
            [
                "demo", "--directory", folder.path, "--quiet", "--provinces", String(provinces),
            ], environment: environment)
        let lifeline = try Lifeline(of: program.process)
        run.withLock { $0 = Run(program: program, lifeline: lifeline) }
        _ = try await eventually("the demonstration is ready", within: limit, every: .milliseconds(200)) {
            if let code = program.exitCode {
                throw Fault.final("the demonstration ended with \(code): \(program.output) \(program.errors)")
            }
            let written = try? Data(contentsOf: demoFile)
            return written != nil && written != stale ? true : nil
        }
    }

    /// Ctrl-C: SIGINT for the demonstration and whatever shares its terminal's process group.
    /// - Returns: its exit code.
    package func interrupt(within limit: Duration = .seconds(90)) async throws -> Int32 {
        guard let current = run.withLock({ $0 }) else { throw Fault("the demonstration does not run") }
        current.program.signal(SIGINT, wholeGroup: true)
        let code = try await current.program.end(within: limit)
        current.lifeline.cut()
        run.withLock { $0 = nil }
        return code
    }

    /// For the end of the suite: in order if possible, and with force if not.
    package func end() async {
        guard let current = run.withLock({ $0 }) else { return }
        current.program.signal(SIGINT)
        // Whatever the outcome: a killed demonstration takes its processes with it, as the kernel was asked to.
        _ = try? await current.program.end(within: .seconds(60))
        current.lifeline.cut()
        run.withLock { $0 = nil }
    }

    package var isRunning: Bool { run.withLock { $0?.program.exitCode == nil && $0 != nil } }
    package var process: pid_t? { run.withLock { $0?.program.process } }

    // MARK: demo.json

    package var demoFile: URL { folder.appending(path: "demo.json") }
    package var document: JSON { get throws { try JSON(try Data(contentsOf: demoFile)) } }
    package var authority: String { get throws { try document.text("ca") } }

    /// `hub`, or a province's code; signed in by the token of demo.json.
    package func server(_ code: String) throws -> Server {
        let entry = try entry(code)
        return Server(
            code: code, console: try entry.text("console"), token: try entry.text("token"), authority: try authority)
    }

    package var hub: Server { get throws { try server("hub") } }
    package var codes: [String] { get throws { try document.list("nodes").map { try $0.text("code") } } }

    private func entry(_ code: String) throws -> JSON {
        let document = try document
        let entry = code == "hub" ? document["hub"] : try document.list("nodes").first { $0["code"]?.string == code }
        guard let entry else { throw Fault("demo.json names no \(code)") }
        return entry
    }

    /// Nil while there is none.
    package func processID(_ code: String) throws -> pid_t? { try entry(code)["pid"]?.int.map { pid_t($0) } }

    package func ministry(_ code: String) throws -> (token: String, certificate: (chain: String, key: String)) {
        guard let entry = try document.list("ministries").first(where: { $0["code"]?.string == code }) else {
            throw Fault("demo.json names no ministry \(code)")
        }
        return (try entry.text("token"), (try entry.text("certificate"), try entry.text("key")))
    }

    /// The certificate and key that a node shows the hub.
    package func identity(_ code: String) -> (chain: String, key: String) {
        let place = folder.appending(path: code == "hub" ? "certs/hub" : "certs/node/\(code)")
        return (place.appending(path: "cert.pem").path, place.appending(path: "key.pem").path)
    }

    /// A new bearer token of a role, by the command.
    package func token(role: String, organization: String, at code: String) async throws -> String {
        let output = try await Self.succeed([
            "token", "add", "test \(role)", "--role", role, "--organization", organization, "--directory",
            folder.path, "--code", code,
        ])
        return output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    // MARK: Plugs

    /// As kill -9 does. Returns when the process is gone.
    private func pull(_ code: String) async throws {
        let process = try processID(code)
        try await Self.succeed(["demo", "stop", code, "--directory", folder.path])
        guard let process else { return }
        // A dead process keeps its number until its parent has looked.
        _ = try await eventually("process \(process) of \(code) is gone", within: .seconds(5)) {
            kill(process, 0) != 0 ? true : nil
        }
    }

    /// Does something while a plug is pulled, and puts it back whatever comes of it.
    package func without<Value>(_ code: String, _ body: () async throws -> Value) async throws -> Value {
        let outcome: Result<Value, any Error>
        do {
            try await pull(code)
            outcome = .success(try await body())
        } catch {
            outcome = .failure(error)
        }
        try await plug(code)
        return try outcome.get()
    }

    private func plug(_ code: String) async throws {
        try await Self.succeed(["demo", "start", code, "--directory", folder.path])
    }

    /// Waits until the node's link is up and the hub has acknowledged all that the node wrote.
    @discardableResult
    package func settled(_ code: String, within limit: Duration = .seconds(90)) async throws -> JSON {
        let server = try server(code)
        return try await eventually("\(code) is connected and acknowledged", within: limit) {
            let status = try await server.status()
            return status["link"]?.string == "connected" && status["backlog"]?.int == 0 ? status : nil
        }
    }

    package func waitUntilReady(_ codes: [String], within limit: Duration = .seconds(60)) async throws {
        for code in codes {
            let server = try server(code)
            _ = try await eventually("\(code) is ready", within: limit) {
                try await server.call("GET", "/readyz").status == 200 ? true : nil
            }
        }
    }

    // MARK: What is inside

    private func database(_ code: String) -> Database {
        Database(
            postgres: folder.appending(path: "postgres"),
            name: "peyvand_" + code.lowercased().replacing("-", with: "_"))
    }

    /// Rows of a query in a server's database; columns as PostgreSQL prints them.
    package func rows(_ code: String, _ sql: String) async throws -> [[String]] {
        try await database(code).rows(sql)
    }

    /// The one number that a query gives.
    package func count(_ code: String, _ sql: String) async throws -> Int { try await database(code).count(sql) }

    /// The process that commands PostgreSQL.
    package var postmaster: pid_t { get throws { try database("hub").postmaster } }

    /// The last words of the demonstration, of the hub, and of the nodes that the tests use most.
    package func logTails() -> String {
        var parts: [String] = []
        if let program = run.withLock({ $0?.program }) {
            parts.append("demo: " + String((program.output + program.errors).suffix(1200)))
        }
        for code in ["hub", "IR-03", "IR-05", "IR-07", "IR-23"] {
            guard let data = try? Data(contentsOf: folder.appending(path: "log/\(code).log")) else { continue }
            parts.append("\(code).log: …" + String(decoding: data.suffix(1200), as: UTF8.self))
        }
        return parts.joined(separator: "\n--- ")
    }
}

/// Interrupts the demonstration when the tests die without a chance to do it: the shell reads a pipe that ends then.
final class Lifeline: Sendable {
    private let shell: Program
    private let descriptor: Int32

    init(of process: pid_t) throws {
        let fifo = Scratch.folder.appending(path: "lifeline-\(process)").path
        unlink(fifo)
        guard mkfifo(fifo, 0o600) == 0 else { throw Fault("cannot make \(fifo)") }
        // Read and write, so that neither end waits for the other to be opened.
        descriptor = open(fifo, O_RDWR | O_CLOEXEC)
        shell = try Program("/bin/sh", ["-c", "read line < '\(fifo)'; kill -INT \(process)"])
    }

    func cut() {
        shell.signal(SIGKILL)
        close(descriptor)
    }
}
