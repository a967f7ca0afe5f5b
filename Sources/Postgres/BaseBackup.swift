import CLibPQ
import Glibc
import POSIX

/// A physical copy of a whole server, taken while it works: `pg_basebackup` with the write-ahead log that makes it
/// consistent, and a manifest of SHA-256 sums that `pg_verifybackup` checks.
public enum BaseBackup {
    /// Copies the server behind `url`. The role needs `REPLICATION`, or to be a superuser.
    /// - Parameters:
    ///   - url: a libpq URL; its password, if any, reaches the tool by a file, not by its command line.
    ///   - major: the server's major version: tools of another version refuse to work.
    ///   - directory: must not exist, or be empty; files are on disk when this returns.
    ///   - scratch: an existing directory for the tool's log and the password.
    ///   - progress: gets pg_basebackup's last line now and then, such as `23104/46811 kB (49%), 0/1 tablespace`.
    /// - Throws: `PostgresError` (`serverUnavailable`) with what the tool said; `CancellationError`.
    public static func take(
        from url: String, major: Int, into directory: String, scratch: String,
        progress: @Sendable (String) -> Void = { _ in }
    ) async throws {
        let tools = try tools(major: major, scratch: scratch)
        let passwords = scratch + "/password"
        defer { unlink(passwords) }
        let connection = try Conninfo(url: url).text(passwordFile: passwords)
        try await run(
            [
                tools + "/pg_basebackup", "--dbname=" + connection, "--pgdata=" + directory, "--format=plain",
                "--wal-method=stream", "--checkpoint=fast", "--manifest-checksums=SHA256", "--label=peyvand",
                "--progress", "--no-password",
            ], log: scratch + "/pg_basebackup.log", progress: progress)
    }

    /// Reads the whole copy, and its write-ahead log, against its manifest.
    /// - Throws: `PostgresError` (`serverUnavailable`) that names the first damaged files; `CancellationError`.
    public static func verify(_ directory: String, scratch: String) async throws {
        guard let major = (try? Files.text(directory + "/PG_VERSION")).flatMap({ Int($0.prefix { $0.isNumber }) })
        else {
            throw PostgresError(.serverUnavailable, "\(directory) is no copy of a PostgreSQL server.")
        }
        try await run(
            [try tools(major: major, scratch: scratch) + "/pg_verifybackup", "--quiet", directory],
            log: scratch + "/pg_verifybackup.log"
        ) { _ in }
    }

    private static func tools(major: Int, scratch: String) throws -> String {
        let binaries = try ServerBinaries.find(major: major, log: scratch + "/version")
        for name in ["pg_basebackup", "pg_verifybackup", "pg_waldump"]
        where !Files.isExecutable(binaries.directory + "/" + name) {
            throw PostgresError(
                .serverUnavailable, "\(binaries.directory) has no \(name): apt install postgresql-\(major).")
        }
        return binaries.directory
    }

    /// The tool ends with us, however we end.
    private static func run(
        _ arguments: [String], log: String, progress: @Sendable (String) -> Void
    ) async throws {
        unlink(log)
        let account = ServerAccount(user: geteuid(), group: getegid(), isDropped: false)
        let process = try ChildProcess(try account.command(arguments), log: log)
        while process.isRunning {
            do {
                try await Task.sleep(for: .milliseconds(100))
            } catch {
                process.signal(SIGINT)
                break
            }
            progress(Files.tail(of: log, lines: 1))
        }
        let status = await process.exited()
        try Task.checkCancellation()
        guard status == 0 else {
            let name = arguments[0].split(separator: "/").last ?? ""
            throw PostgresError(
                .serverUnavailable, "\(name) failed (\(Spawn.describe(status))): \(Files.tail(of: log))")
        }
    }
}
