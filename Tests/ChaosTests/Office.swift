import Foundation
import Glibc
import Synchronization
import TestDoors

/// One server of a country under test: a process with its own data folder, private PostgreSQL, certificate and ports.
final class Office: Sendable {
    /// `hub`, `IR-03`.
    let code: String
    /// Its data folder; `postgres` lies in it.
    let folder: URL
    /// Its console, signed in.
    let server: Server
    /// How it is started: the program first.
    let words: [String]

    private struct State {
        var programs: [Program] = []
        /// Whether somebody should start it when it is down, as systemd does.
        var isWanted = false
        var diedAt: ContinuousClock.Instant?
    }
    private let state = Mutex(State())

    init(code: String, folder: URL, server: Server, command: [String]) {
        (self.code, self.folder, self.server, words) = (code, folder, server, command)
    }

    var database: Database { Database(postgres: folder.appending(path: "postgres")) }

    /// How often it was started.
    var starts: Int { state.withLock { $0.programs.count } }

    /// Nil while it is down.
    var process: pid_t? {
        state.withLock { state in
            guard let last = state.programs.last, last.exitCode == nil else { return nil }
            return last.process
        }
    }

    /// What its runs wrote, the end of it.
    func log(_ length: Int = 2500) -> String {
        let programs = state.withLock { $0.programs.suffix(3) }
        let text = programs.map { "\($0.output)\($0.errors)" }.joined(separator: "\n~~ started again ~~\n")
        return "\(code).log: …\(text.suffix(length))"
    }

    // MARK: Life

    /// Starts it, and from now on again whenever it dies.
    func start() throws {
        state.withLock { $0.isWanted = true }
        try tend()
    }

    private static let restartDelay = Duration.milliseconds(200)

    /// Starts it if it is down and should not be. Called again and again by the country's keeper.
    func tend() throws {
        try state.withLock { state in
            guard state.isWanted else { return }
            if let last = state.programs.last {
                guard last.exitCode != nil else { return }
                let diedAt = state.diedAt ?? .now
                state.diedAt = diedAt
                guard .now - diedAt > Self.restartDelay else { return }
            }
            state.diedAt = nil
            state.programs.append(try Program(words[0], Array(words.dropFirst()), folder: folder))
        }
    }

    /// kill -9 of its process; the keeper starts it again.
    func kill() {
        state.withLock { state in
            state.programs.last?.signal(SIGKILL)
        }
    }

    /// kill -9 of whoever commands its PostgreSQL.
    func killPostmaster() throws { Glibc.kill(try database.postmaster, SIGKILL) }

    /// kill -9 of the process and of every process of its PostgreSQL, as near to a lost power as a process can know.
    func losePower() {
        let processes = database.processes
        kill()
        for process in processes { Glibc.kill(process, SIGKILL) }
    }

    /// Takes it down for good, by force or in order, and waits until its PostgreSQL is gone too.
    func stop(_ signal: Int32 = SIGKILL) async throws {
        let last = state.withLock { state in
            state.isWanted = false
            return state.programs.last
        }
        last?.signal(signal)
        _ = try await last?.end(within: .seconds(40))
        _ = try await eventually("PostgreSQL of \(code) ends", within: .seconds(30)) {
            database.processes.isEmpty ? true : nil
        }
    }

    // MARK: Waiting

    @discardableResult
    func ready(within limit: Duration = .seconds(60)) async throws -> Office {
        _ = try await eventually("\(code) is ready", within: limit, every: .milliseconds(50)) {
            try await server.call("GET", "/readyz").status == 200 ? true : nil
        }
        return self
    }

    /// Its link is up and the hub has acknowledged all that it wrote. Back-off may keep a node away for a minute.
    @discardableResult
    func settled(within limit: Duration = .seconds(150)) async throws -> JSON {
        try await eventually("\(code) is connected and acknowledged", within: limit) {
            let status = try await server.status()
            return status["link"]?.string == "connected" && status["backlog"]?.int == 0 ? status : nil
        }
    }
}
