import CLibPQ
import Glibc
import Logging
import POSIX
import Synchronization

/// Makes, starts, watches and stops the server process; an actor on a thread of its own, since all of it blocks.
actor Postmaster {
    private nonisolated let executor: ThreadExecutor
    private nonisolated let directory: ServerDirectory
    private nonisolated let state = Mutex(State())
    private nonisolated let options: PrivateServer.Options
    private let logger: Logger

    /// What others may see while the actor's thread is blocked.
    private struct State {
        var process: ChildProcess?
        var isStopping = false
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(directory: String, options: PrivateServer.Options, logger: Logger) throws {
        self.directory = try ServerDirectory(directory, logger: logger)
        self.options = options
        self.logger = logger
        executor = try ThreadExecutor()
    }

    isolated deinit { executor.stop() }

    nonisolated var processID: pid_t {
        guard let process = state.withLock({ $0.process }), process.isRunning else { return 0 }
        return process.processID
    }

    nonisolated func url(database: String) -> String { directory.url(database: database, role: options.role) }

    nonisolated func requestStop() {
        let process = state.withLock { state in
            state.isStopping = true
            return state.process
        }
        // SIGINT is PostgreSQL's fast shutdown: ends connections, writes a checkpoint.
        process?.signal(SIGINT)
    }

    private nonisolated var isStopping: Bool { state.withLock { $0.isStopping } }

    // MARK: - Life

    func start() throws {
        guard !isStopping else { throw PostgresError(.serverUnavailable, "The database was stopped.") }
        let binaries = try ServerBinaries.find(major: directory.dataMajor, log: directory.log)
        try initialize(binaries)
        try stopPredecessor()
        // Shared memory counts as in use until the kernel has cleared away the last process of a killed server.
        var attempts = 0
        while true {
            do {
                return try launch(binaries)
            } catch let error as PostgresError where attempts < 40 && error.message.contains("shared memory block") {
                attempts += 1
                usleep(250_000)
            }
        }
    }

    /// Starts the server again whenever it ends; returns once a stop is asked for.
    func supervise() async {
        var delay = Self.restartDelay
        while !isStopping {
            if let process = state.withLock({ $0.process }) {
                let begun = ContinuousClock.now
                let status = await process.exited()
                if isStopping { return }
                logger.error("the database ended", metadata: ["how": "\(Spawn.describe(status))"])
                // A server that ran for a while has earned a quick start.
                if .now - begun > .seconds(30) { delay = Self.restartDelay }
            }
            guard await delay.pause(), !isStopping else { return }
            do {
                try start()
                logger.notice("the database was started again", metadata: ["pid": "\(processID)"])
            } catch {
                state.withLock { $0.process = nil }
                logger.error("the database cannot be started", metadata: ["error": "\(error)"])
            }
        }
    }

    private static var restartDelay: RetryDelay { RetryDelay(first: .milliseconds(100), cap: .seconds(5)) }

    /// Fast shutdown, then by force after the options' time; then the directory is free for the next owner.
    func stop() {
        requestStop()
        if let process = state.withLock({ $0.process }) {
            let deadline = ContinuousClock.now + options.stopTimeout
            var forced = false
            while process.isRunning {
                if ContinuousClock.now > deadline {
                    process.signal(forced ? SIGKILL : SIGQUIT)
                    if !forced { logger.warning("the database does not stop; it is stopped by force") }
                    forced = true
                    usleep(500_000)
                }
                usleep(5000)
            }
        }
        directory.release()
    }

    // MARK: - Steps

    /// initdb into a side directory that is renamed when complete: a half-made one is never taken for a whole one.
    private func initialize(_ binaries: ServerBinaries) throws {
        guard directory.dataMajor == nil else { return }
        let data = directory.data
        if Files.status(data) != nil, !Files.names(in: data).isEmpty {
            throw PostgresError(.serverUnavailable, "\(data) is neither empty nor a PostgreSQL data directory.")
        }
        logger.info("making the database", metadata: ["path": "\(data)", "version": "\(binaries.major)"])
        let fresh = data + ".new"
        try Files.removeTree(fresh)
        try Files.removeTree(data)
        try directory.account.makePrivate(fresh)
        // C.UTF-8 orders by code point, as C does by bytes: the same order for UTF-8, but C needs no library call for it.
        var arguments = [
            binaries.initdb, "-D", fresh, "--username=\(options.role)", "--encoding=UTF8", "--locale=C.UTF-8",
            "--lc-collate=C", "--data-checksums", "--auth=trust", "--no-instructions",
        ]
        if !options.isDurable { arguments.append("--no-sync") }
        try ChildProcess.run(try directory.account.command(arguments), log: directory.log)
        guard rename(fresh, data) == 0 else { throw SystemError("rename", fresh) }
    }

    /// Stops what an earlier owner, or a killed postmaster, left running on our data. We hold the owner's lock, so
    /// nobody needs it; taking it over instead would leave a server with old settings and no parent that hears of its
    /// end. Children without a postmaster must go before a new one comes: they could still write.
    private func stopPredecessor() throws {
        let found = directory.serverProcesses()
        if let process = directory.postmaster(among: found) {
            logger.notice("stopping the database that an earlier run left", metadata: ["pid": "\(process)"])
            kill(process, SIGINT)
            waitForPredecessor(options.stopTimeout)
        }
        for number in [SIGQUIT, SIGKILL] {
            for process in directory.serverProcesses() { kill(process, number) }
            waitForPredecessor(.seconds(5))
        }
        let left = directory.serverProcesses()
        guard left.isEmpty else {
            throw PostgresError(.serverUnavailable, "Processes of an earlier PostgreSQL do not end: \(left)")
        }
        try directory.removeStaleFiles()
    }

    private func waitForPredecessor(_ limit: Duration) {
        let deadline = ContinuousClock.now + limit
        while !directory.serverProcesses().isEmpty, ContinuousClock.now < deadline { usleep(20000) }
    }

    private func launch(_ binaries: ServerBinaries) throws {
        let account = directory.account
        if account.isDropped, Files.status(directory.data)?.st_uid == 0 {
            // Restored from a backup by root.
            try Files.giveTree(directory.data, to: account.user, group: account.group)
        }
        let process = try ChildProcess(
            try account.command([binaries.postgres, "-D", directory.data] + settings), log: directory.log)
        state.withLock { $0.process = process }
        // A stop that came between is not to be lost.
        if isStopping { process.signal(SIGINT) }
        try waitUntilReady(process)
    }

    private func waitUntilReady(_ process: ChildProcess) throws {
        let begun = ContinuousClock.now
        var nextReport = begun + .seconds(5)
        let url = directory.url(database: "postgres", role: options.role) + "&connect_timeout=5"
        while process.isRunning {
            if Task.isCancelled { requestStop() }
            // PQPING_REJECT: it is up and still recovering.
            if PQping(url) == PQPING_OK { return }
            if ContinuousClock.now > nextReport {
                logger.notice("the database is still starting", metadata: ["for": "\(ContinuousClock.now - begun)"])
                nextReport = .now + .seconds(5)
            }
            usleep(10000)
        }
        state.withLock { $0.process = nil }
        throw PostgresError(
            .serverUnavailable,
            "PostgreSQL did not start; its log \(directory.log) ends: \(Files.tail(of: directory.log))")
    }

    private var settings: [String] {
        var all = [
            "listen_addresses": "", "port": "5432", "unix_socket_directories": directory.socket,
            "unix_socket_permissions": "0700", "max_connections": "\(options.maximumConnections)",
            "shared_buffers": options.sharedBuffers, "log_checkpoints": "off", "log_min_messages": "warning",
            "log_line_prefix": "%m [%p] ", "lc_messages": "C", "logging_collector": "off",
        ]
        if !options.isDurable {
            for name in ["fsync", "synchronous_commit", "full_page_writes"] { all[name] = "off" }
        }
        all.merge(options.settings) { _, given in given }
        return all.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
    }
}
