import Casework
import Demo
import Glibc
import Logging
import POSIX
import Postgres
import Program
import Store

/// A hub and some provinces as offices run them: real processes of this program, each with a PostgreSQL of its own.
///
/// The order of a test is its own: `prepare` makes certificates, `open` starts a server's PostgreSQL, `start` its process.
actor BenchNetwork {
    /// A server's database: as long as it is open nobody else may copy its folder.
    struct Office: Sendable {
        let postgres: PrivateServer
        let url: String
    }

    let cast: DemoCast
    private(set) var state: DemoState
    private let logger: Logger
    /// Settings of every PostgreSQL of this network, besides those of our private servers.
    private let settings: [String: String]
    /// The provinces that share one PostgreSQL, where there are many.
    private let sharing: Set<String>
    private var sharedServer: PrivateServer?
    private var offices: [String: Office] = [:]
    private var programs: [String: ChildProgram] = [:]

    /// - Parameters:
    ///   - provinces: how many; the first is East Azerbaijan, IR-03.
    ///   - isShared: whether they share one PostgreSQL, but those `apart`.
    init(
        folder: String, provinces: Int, isShared: Bool = false, apart: Set<String> = [],
        settings: [String: String] = [:], logger: Logger
    ) throws {
        self.settings = settings
        let folder = DemoFolder(folder)
        cast = DemoCast(folder: folder, provinces: provinces)
        sharing = isShared ? Set(cast.codes).subtracting(apart.union([DemoCast.hub])) : []
        state = DemoState()
        self.logger = logger
        for path in [folder.path, folder.logs] { try Files.makeFolder(path) }
        try state.choosePorts(for: cast.codes, in: folder)
        for code in cast.codes { for (holder, _) in cast.principals(at: code) { _ = state.token(of: holder) } }
        _ = try cast.issueCertificates(now: .now)
    }

    nonisolated var folder: DemoFolder { cast.folder }

    /// Where a server's PostgreSQL lies: `postgres` below it may be copied while it is closed.
    nonisolated func home(of code: String) -> String { folder.home(of: code) }

    /// Starts the server's PostgreSQL and sees to it that its database is as an office's: migrated, with its tokens and,
    /// at the hub, every certificate.
    @discardableResult
    func open(_ code: String) async throws -> Office {
        if let office = offices[code] { return office }
        try Files.makeFolder(home(of: code))
        let office = try await makeOffice(code)
        offices[code] = office
        let database = try await Database.open(url: office.url, connections: 1, logger: logger)
        try await database.migrate()
        for (holder, principal) in cast.principals(at: code) {
            guard let token = state.tokens[holder] else { continue }
            try await Accounts(database).addToken(token, for: principal, expires: nil)
        }
        if code == DemoCast.hub { try await Registry(database).add(try cast.registryEntries()) }
        await database.close()
        return office
    }

    private func makeOffice(_ code: String) async throws -> Office {
        guard sharing.contains(code) else {
            let postgres = try await PrivateServer.start(
                directory: home(of: code) + "/postgres", options: .init(maximumConnections: 60, settings: settings),
                logger: logger)
            try await postgres.createDatabaseIfMissing("peyvand")
            return Office(postgres: postgres, url: postgres.url(database: "peyvand"))
        }
        if sharedServer == nil {
            sharedServer = try await PrivateServer.start(
                directory: folder.postgres, options: .init(maximumConnections: 500, settings: settings), logger: logger)
        }
        guard let server = sharedServer else { throw Failure("the provinces' shared PostgreSQL is gone.") }
        let name = DemoFolder.database(of: code)
        try await server.createDatabaseIfMissing(name)
        return Office(postgres: server, url: server.url(database: name))
    }

    /// The shared PostgreSQL gives way to all else until cancelled, as if it stood on another machine. Each of its processes
    /// begins a session, and Linux weighs sessions (`sched_autogroup`), within which alone a nice value counts: so each
    /// session is lowered, also those that come.
    func keepSharedLow() async throws {
        guard let sharedServer else { return }
        let postmaster = sharedServer.pid
        var lowered: Set<Substring> = []
        while !Task.isCancelled {
            let children = try Files.text("/proc/\(postmaster)/task/\(postmaster)/children").split(separator: " ")
            for child in Set(children).subtracting(lowered) where try Self.lower(child) { lowered.insert(child) }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return }
        }
    }

    /// - Returns: whether it is done; if not, it is to be tried again unless the process has ended.
    private static func lower(_ process: Substring) throws -> Bool {
        guard let id = id_t(process) else { return false }
        guard setpriority(Int32(PRIO_PROCESS.rawValue), id, 19) == 0 else {
            if errno == ESRCH { return false }
            throw SystemError("lower", "/proc/\(process)")
        }
        let path = "/proc/\(process)/autogroup"
        let session = Glibc.open(path, O_WRONLY | O_CLOEXEC)
        guard session >= 0 else {
            // A kernel without such groups has no such file.
            if errno == ENOENT || errno == ESRCH { return true }
            throw SystemError("open", path)
        }
        defer { Glibc.close(session) }
        if Glibc.write(session, "19", 2) == 2 { return true }
        // The kernel lets nobody ask too often.
        if errno == EAGAIN || errno == EINTR || errno == ESRCH { return false }
        throw SystemError("lower", path)
    }

    /// Starts the server's process and waits until its doors are open.
    /// - Parameter isRemote: whether it gives way to all else, as if it stood on another machine.
    @discardableResult
    func start(_ code: String, isRemote: Bool = false) async throws -> ChildProgram {
        let office = try await open(code)
        let log = try BoundedLog(folder.log(of: code))
        let arguments = try cast.arguments(
            of: code, state: state, program: OwnProgram.path(), database: office.url)
        let program = try ChildProgram(
            (isRemote ? ["/usr/bin/nice", "-n", "19"] : []) + arguments, log: log, readyWord: "ready")
        programs[code] = program
        while !program.isReady {
            guard program.isRunning else {
                throw Failure("\(code) does not start; its log \(log.path) ends: \(Files.tail(of: log.path))")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        return program
    }

    /// Ends the server's process in order; its PostgreSQL goes on.
    func stop(_ code: String) async {
        guard let program = programs.removeValue(forKey: code) else { return }
        program.stop(grace: 20)
        _ = await program.exited(grace: 20)
    }

    /// Ends the server's process and its PostgreSQL, with everything on disk.
    func close(_ code: String) async {
        await stop(code)
        guard let office = offices.removeValue(forKey: code) else { return }
        if !sharing.contains(code) { await office.postgres.stop() }
    }

    func closeAll() async {
        for code in cast.codes { await close(code) }
        await sharedServer?.stop()
        sharedServer = nil
    }

    /// A connection of its own to the server's REST interface.
    func line(_ code: String) async throws -> BenchLine {
        try await BenchLine(
            port: state.ports[code]?.console ?? 0, token: state.tokens[code] ?? "",
            trustRoots: cast.certificates.authorityCertificate, logger: logger)
    }

    /// A client of the server's REST interface.
    func client(_ code: String) throws -> APIClient {
        APIClient(
            try Endpoint(url: "https://127.0.0.1:\(state.ports[code]?.console ?? 0)"), token: state.tokens[code],
            trustRoots: cast.certificates.authorityCertificate)
    }

    /// `peyvand verify` over an open server: fast and wrong is wrong.
    func verify(_ code: String) async throws {
        let office = try await open(code)
        var arguments = [try OwnProgram.path(), "verify", "--database", office.url]
        if code != DemoCast.hub {
            arguments += ["--hub-receipt-certificate", cast.certificates.file("receipt.pem", of: .hub)]
        }
        try await Tool.run(arguments, log: folder.logs + "/verify-\(code).log")
    }
}

/// Programs that are run to their end.
enum Tool {
    /// - Returns: what it wrote, to both outputs.
    /// - Throws: `Failure` with its last lines when it fails.
    @discardableResult
    static func run(_ arguments: [String], log: String) async throws -> String {
        try Files.remove(log)
        let program = try ChildProgram(arguments, log: try BoundedLog(log, limit: 64 << 20), readyWord: "\u{0}")
        let status = await program.exited(grace: 5)
        try Task.checkCancellation()
        guard status == 0 else {
            throw Failure(
                "\(arguments.prefix(3).joined(separator: " ")) failed (\(Spawn.describe(status))): "
                    + Files.tail(of: log))
        }
        return try Files.text(log)
    }

    /// - Throws: `Failure` that says how to get it.
    static func path(of name: String, package: String) throws(Failure) -> String {
        for place in ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/bin", "/sbin"] {
            if access("\(place)/\(name)", X_OK) == 0 { return "\(place)/\(name)" }
        }
        throw Failure("\(name) is not installed; run deploy/bench, or install the package \(package).")
    }
}
