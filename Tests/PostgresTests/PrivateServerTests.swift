import Glibc
import Logging
import POSIX
import Testing

@testable import Postgres

/// The life of a server of one's own. Serialized: each test starts and kills servers.
@Suite(.serialized) struct PrivateServerTests {
    private static let options = PrivateServer.Options(
        maximumConnections: 20, sharedBuffers: "16MB", isDurable: false)

    private func start(_ directory: String) async throws -> PrivateServer {
        try await PrivateServer.start(directory: directory, options: Self.options, logger: TestServer.logger)
    }

    private func ask(_ server: PrivateServer, _ sql: String) async throws -> Int {
        let configuration = ConnectionConfiguration(url: server.url(database: "kept"))
        let connection = try await Connection.connect(configuration, logger: TestServer.logger)
        let rows = try await connection.query(sql)
        await connection.close()
        return try rows.first?.get(0) ?? rows.affected
    }

    @Test func lifeOfAServer() async throws {
        let directory = TestServer.directory("life")
        let first = try await start(directory)
        try await first.createDatabaseIfMissing("kept")
        try await first.createDatabaseIfMissing("kept")
        _ = try await ask(first, "CREATE TABLE t AS SELECT 42 AS a")
        try await first.createDatabaseIfMissing("copy", template: "kept")
        #expect(try await ask(first, "SELECT current_setting('data_checksums')::bool::int4") == 1)
        #expect(try await ask(first, "SELECT (current_setting('listen_addresses') = '')::int4") == 1)
        #expect(Files.status("/proc/\(first.pid)")?.st_uid != 0)
        #expect(Files.status(directory + "/data")?.st_mode == S_IFDIR | 0o700)
        #expect(Files.status(directory + "/run")?.st_mode == S_IFDIR | 0o700)
        // One owner at a time.
        #expect(await code { _ = try await start(directory) } == .serverUnavailable)
        let pid = first.pid
        await first.stop()
        #expect(first.pid == 0 && kill(pid, 0) != 0)
        #expect(Files.status(directory + "/data/postmaster.pid") == nil)

        // The second start goes on.
        let second = try await start(directory)
        #expect(try await ask(second, "SELECT a FROM t") == 42)

        // kill -9, and a supervisor brings it back; the pool waits meanwhile.
        let supervisor = Task { await second.run() }
        let pool = Pool(
            configuration: ConnectionConfiguration(url: second.url(database: "kept")), size: 2,
            logger: TestServer.logger)
        let query = "SELECT a FROM t"
        #expect(try await pool.run { try $0.query(query).first?.get(0, as: Int.self) } == 42)
        let killed = second.pid
        kill(killed, SIGKILL)
        while second.pid == killed { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try await retrying { try await pool.run { try $0.query(query).first?.get(0, as: Int.self) } } == 42)
        #expect(second.pid != killed && second.pid != 0)
        await pool.close()
        supervisor.cancel()
        await supervisor.value
        #expect(second.pid == 0)
        try Files.removeTree(directory)
    }

    /// The first use after the kill may find its connection broken in the middle.
    private func retrying<T>(_ body: () async throws -> T) async throws -> T {
        while true {
            do {
                return try await body()
            } catch let error as PostgresError where error.isRetryable {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    /// What kill -9 leaves: files whose process number now belongs to another process of the same user, and a child
    /// too busy to notice that its postmaster is gone.
    @Test func filesAndChildrenOfAKilledServer() async throws {
        let directory = TestServer.directory("stale")
        let first = try await start(directory)
        try await first.createDatabaseIfMissing("kept")
        let text = try Files.text(directory + "/data/postmaster.pid")
        let busy = try await Connection.connect(
            ConnectionConfiguration(url: first.url(database: "kept")), logger: TestServer.logger)
        let child = await busy.processID
        let work = Task { try await busy.query("SELECT count(*) FROM generate_series(1, 100000000) a") }
        try await Task.sleep(for: .milliseconds(100))
        kill(first.pid, SIGKILL)
        await first.stop()
        let account = try ServerAccount.choose(directory: directory, data: directory + "/data")
        let other = try ChildProcess(try account.command(["/bin/sleep", "60"]), log: "/dev/null")
        let rest = text.split(separator: "\n", omittingEmptySubsequences: false).dropFirst().map(String.init)
        let stale = (["\(other.processID)"] + rest).joined(separator: "\n")
        for path in ["/data/postmaster.pid", "/run/.s.PGSQL.5432.lock"] {
            let file = try #require(fopen(directory + path, "w"))
            fputs(stale, file)
            fclose(file)
        }
        let second = try await start(directory)
        #expect(try await ask(second, "SELECT 1") == 1)
        #expect(other.isRunning)
        #expect(Files.link(of: "/proc/\(child)/cwd") == nil)
        #expect(await code { _ = try await work.value } == .connectionLost)
        other.signal(SIGKILL)
        await second.stop()
        try Files.removeTree(directory)
    }

    /// A server that an earlier owner left running is stopped, and ours takes its place.
    @Test func survivorOfAnEarlierOwner() async throws {
        let directory = TestServer.directory("survivor")
        let first = try await start(directory)
        try await first.createDatabaseIfMissing("kept")
        await first.stop()
        let binaries = try ServerBinaries.find(major: nil, log: directory + "/postgres.log")
        let account = try ServerAccount.choose(directory: directory, data: directory + "/data")
        let survivor = try ChildProcess(
            try account.command([
                binaries.postgres, "-D", directory + "/data", "-c", "listen_addresses=", "-c",
                "unix_socket_directories=\(directory)/run",
            ]), log: directory + "/postgres.log")
        while Files.status(directory + "/data/postmaster.pid") == nil { usleep(10000) }
        let second = try await start(directory)
        #expect(!survivor.isRunning)
        #expect(try await ask(second, "SELECT 1") == 1)
        await second.stop()
        try Files.removeTree(directory)
    }

    /// A path too long for a socket, below a directory that shuts everybody else out.
    @Test func longPathBelowAPrivateDirectory() async throws {
        let top = TestServer.directory("long")
        try Files.makeFolder(top, mode: 0o700)
        let directory = top + "/" + String(repeating: "داده", count: 15)
        let server = try await start(directory)
        try await server.createDatabaseIfMissing("kept")
        #expect(try await ask(server, "SELECT 1") == 1)
        #expect((Files.status(top)?.st_mode ?? 0o777) & 0o007 == 0)
        let socket = try ServerPaths.socket(in: server.url(database: "kept"))
        #expect(socket.hasPrefix("/tmp/pg-") && Files.status(socket)?.st_mode == S_IFDIR | 0o700)
        await server.stop()
        #expect(Files.status(socket) == nil)
        try Files.removeTree(top)
    }

    /// "Committed" includes the standby: a server that gives up waiting for it reports success with a warning, and
    /// one that waits on is given up by us.
    @Test func commitWithoutItsStandbyIsUnknown() async throws {
        let directory = TestServer.directory("standby")
        var options = Self.options
        options.settings = ["synchronous_standby_names": "nobody", "synchronous_commit": "local"]
        let server = try await PrivateServer.start(directory: directory, options: options, logger: TestServer.logger)
        try await server.createDatabaseIfMissing("kept")
        let configuration = ConnectionConfiguration(
            url: server.url(database: "kept"), statementTimeout: .milliseconds(300),
            silenceGrace: .milliseconds(500), settings: ["synchronous_commit": "on"])
        let connection = try await Connection.connect(configuration, logger: TestServer.logger)
        let process = await connection.processID
        let commit = Task {
            try await connection.transaction { try $0.execute("CREATE TABLE t (a int4)") }
        }
        try await Task.sleep(for: .milliseconds(200))
        _ = try await ask(server, "SELECT pg_cancel_backend(\(process))::int4")
        #expect(await code { try await commit.value } == .commitOutcomeUnknown)
        #expect(
            await code { try await connection.transaction { try $0.execute("CREATE TABLE u (a int4)") } }
                == .commitOutcomeUnknown)
        await server.stop()
        try Files.removeTree(directory)
    }

    @Test func refusesWhatItCannotServe() async throws {
        let directory = TestServer.directory("foreign")
        try Files.makeFolder(directory + "/data")
        let file = try #require(fopen(directory + "/data/letter.txt", "w"))
        fclose(file)
        #expect(await code { _ = try await start(directory) } == .serverUnavailable)
        #expect(Files.names(in: directory + "/data") == ["letter.txt"])
        try Files.removeTree(directory)
    }
}

private enum ServerPaths {
    static func socket(in url: String) throws -> String {
        let after = try #require(url.split(separator: "host=").last)
        return String(after.prefix { $0 != "&" })
    }
}
