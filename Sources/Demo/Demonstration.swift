import Casework
import Logging
import POSIX
import Postgres
import Program
import Store

/// A hub and its provinces on one machine, from certificates to the last started process.
struct Demonstration: Sendable {
    let cast: DemoCast
    /// Made-up cases a second; 0: none.
    let rate: Double

    private var folder: DemoFolder { cast.folder }
    private let begun = ContinuousClock.now

    init(cast: DemoCast, rate: Double) { (self.cast, self.rate) = (cast, rate) }

    /// Processes that start at the same time: more would only wait for each other.
    private static let startsAtATime = 4

    /// Returns once cancelled, when every process of it is gone.
    func run() async throws {
        try prepareFolder()
        var logger = Logger(label: "peyvand.demo")
        logger.logLevel = .warning
        var state = try DemoState(reading: folder)
        try state.choosePorts(for: cast.codes, in: folder)
        for code in cast.codes {
            for (holder, _) in cast.principals(at: code) { _ = state.token(of: holder) }
        }
        try state.write(to: folder)
        let made = try cast.issueCertificates(now: .now)
        say(made > 0 ? "certificates: \(made) identities made" : "certificates: all there")
        try Task.checkCancellation()
        let server = try await startDatabase(logger)
        // Not a child task: cancelling it together with the rest would take the database away from processes that
        // are still writing their last. It ends by `stop()`.
        let supervision = Task { await server.run() }
        let outcome: Result<Void, any Error>
        do {
            try await fill(server, state, logger)
            outcome = .success(try await runProcesses(server, state))
        } catch {
            outcome = .failure(error)
        }
        await server.stop()
        await supervision.value
        // Whoever starts it again and waits for this file must not take the present one for the next.
        try Files.remove(folder.demoFile)
        say("stopped")
        // Told to stop: whatever broke off because of it is no failure.
        if case .failure(let error) = outcome, !Task.isCancelled { throw error }
    }

    private func prepareFolder() throws {
        for path in [folder.logs, folder.stopped, folder.imports] { try Files.makeFolder(path, mode: 0o755) }
        // What an earlier run said is not true any more, and its pulled plugs are put back.
        try Files.remove(folder.demoFile)
        for name in Files.names(in: folder.stopped) { try Files.remove(folder.marker(of: name)) }
    }

    // MARK: - Database

    private func startDatabase(_ logger: Logger) async throws -> PrivateServer {
        let options = PrivateServer.Options(maximumConnections: 500)
        let server = try await PrivateServer.start(directory: folder.postgres, options: options, logger: logger)
        say("PostgreSQL runs, process \(server.pid)")
        return server
    }

    /// Databases, tokens, and the hub's registry. One database is migrated, the others are copies of it.
    private func fill(_ server: PrivateServer, _ state: DemoState, _ logger: Logger) async throws {
        let template = "peyvand_template"
        try await server.createDatabaseIfMissing(template)
        let database = try await Database.open(url: server.url(database: template), connections: 1, logger: logger)
        try await database.migrate()
        await database.close()
        // One after the other: a template takes one copy at a time, and none while somebody is connected to it.
        for code in cast.codes {
            let name = DemoFolder.database(of: code)
            try await patiently { try await server.createDatabaseIfMissing(name, template: template) }
        }
        let registry = try cast.registryEntries()
        try await cast.codes.forEachConcurrently(limit: Self.startsAtATime) { code in
            let url = server.url(database: DemoFolder.database(of: code))
            let database = try await Database.open(url: url, connections: 1, logger: logger)
            try await database.migrate()
            for (holder, principal) in cast.principals(at: code) {
                guard let token = state.tokens[holder] else { continue }
                try await Accounts(database).addToken(token, for: principal, expires: nil)
            }
            if code == DemoCast.hub { try await Registry(database).add(registry) }
            await database.close()
        }
        say("\(cast.codes.count) databases are ready")
    }

    private func patiently(_ body: () async throws -> Void) async throws {
        var attempts = 0
        while true {
            do {
                return try await body()
            } catch let error as PostgresError where attempts < 50 && error.message.contains("being accessed") {
                attempts += 1
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    // MARK: - Processes

    private func runProcesses(_ server: PrivateServer, _ state: DemoState) async throws {
        let record = DemoRecord(cast: cast, state: state)
        let program = try OwnProgram.path()
        let keepers = try cast.codes.map { code in
            let database = server.url(database: DemoFolder.database(of: code))
            return try Keeper(
                code: code, folder: folder,
                arguments: try cast.arguments(of: code, state: state, program: program, database: database),
                record: record)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for keeper in keepers { group.addTask { try await keeper.run() } }
            group.addTask {
                try await startAll(keepers)
                try await record.publish()
                announce(state)
                if rate > 0 {
                    try await Trickle(document: try DemoDocument(reading: folder), rate: rate).run()
                }
                while true { try await Task.sleep(for: .seconds(3600)) }
            }
            // None of these ends by itself: the first that does brings the failure, or the cancellation.
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// The hub first, alone; then the nodes, a few at a time.
    private func startAll(_ keepers: [Keeper]) async throws {
        guard let hub = keepers.first else { return }
        try await start(hub)
        say("the hub is ready")
        let nodes = Array(keepers.dropFirst())
        let ready = Counter()
        try await nodes.forEachConcurrently(limit: Self.startsAtATime) { keeper in
            try await start(keeper)
            let count = await ready.increment()
            if Terminal.isInteractive {
                Terminal.progress("[\(seconds) s] \(count) of \(nodes.count) provinces are ready")
            } else if count % 5 == 0 || count == nodes.count {
                say("\(count) of \(nodes.count) provinces are ready")
            }
        }
        Terminal.flush()
    }

    /// Looking ten times a second costs nothing and cannot be missed.
    private func start(_ keeper: Keeper) async throws {
        keeper.allow()
        while !keeper.isReady { try await Task.sleep(for: .milliseconds(100)) }
    }

    // MARK: - Words

    private var seconds: String {
        let passed = String((ContinuousClock.now - begun).components.seconds)
        return String(repeating: " ", count: max(0, 3 - passed.count)) + passed
    }

    private func say(_ text: String) { Terminal.line("[\(seconds) s] \(text)") }

    private func announce(_ state: DemoState) {
        let hub = state.ports[DemoCast.hub]
        say("everything is ready: the hub and \(cast.provinces.count) provinces")
        Terminal.line()
        Terminal.line("  Dashboard        http://127.0.0.1:\(hub?.plain ?? 0)/  (plain, this machine only)")
        Terminal.line("                   https://127.0.0.1:\(hub?.console ?? 0)/")
        Terminal.line("  Certificate of   the authority: \(cast.certificates.authorityCertificate)")
        Terminal.line("  Log in with      \(state.tokens[DemoCast.hub] ?? "")")
        if let province = cast.provinces.first(where: { $0.code == "IR-03" }) ?? cast.provinces.first {
            Terminal.line("  \(province.nameEN)  http://127.0.0.1:\(state.ports[province.code]?.plain ?? 0)/")
            Terminal.line("  Log in with      \(state.tokens[province.code] ?? "")")
        }
        Terminal.line("  All addresses    \(folder.demoFile)")
        Terminal.line("  Pull a plug      peyvand demo stop IR-03 --directory \(folder.path)")
        Terminal.line("  Put it back      peyvand demo start IR-03 --directory \(folder.path)")
        Terminal.line("  Ctrl-C stops everything; the data stays.")
        Terminal.line()
    }
}

private actor Counter {
    private var count = 0

    func increment() -> Int {
        count += 1
        return count
    }
}

extension Array where Element: Sendable {
    /// Runs `body` for every element, at most `limit` at a time; the first error ends it.
    func forEachConcurrently(limit: Int, _ body: @escaping @Sendable (Element) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, element) in enumerated() {
                if index >= limit { try await group.next() }
                group.addTask { try await body(element) }
            }
            try await group.waitForAll()
        }
    }
}
