public import Logging
import POSIX

/// A PostgreSQL server of our own under a directory: made at the first start, reached by a unix socket only.
///
/// Inside the directory: `data` (PGDATA), `run` (the socket), `postgres.log`, `lock`. Whoever holds the lock owns the
/// server. One owner at a time: a second gets an error. A server that an earlier owner left behind is stopped first,
/// and its crash recovery is PostgreSQL's own. Access is limited by the directories' permissions: only the server's
/// user and root can reach the socket, so it asks for no password.
///
/// The server stops cleanly by ``stop()``, and also when this process dies in whatever way (see `ServerAccount`).
public struct PrivateServer: Sendable {
    public struct Options: Sendable {
        public var maximumConnections: Int
        /// In PostgreSQL's notation: `128MB`.
        public var sharedBuffers: String
        /// The database role that everybody uses; a superuser.
        public var role: String
        /// False: no fsync. For tests only: a power failure destroys the data.
        public var isDurable: Bool
        /// Further settings of `postgresql.conf`.
        public var settings: [String: String]
        /// How long a clean stop may take before the server is stopped by force (it then recovers at the next start).
        public var stopTimeout: Duration

        public init(
            maximumConnections: Int = 200, sharedBuffers: String = "128MB", role: String = "peyvand",
            isDurable: Bool = true, settings: [String: String] = [:], stopTimeout: Duration = .seconds(30)
        ) {
            self.maximumConnections = maximumConnections
            self.sharedBuffers = sharedBuffers
            self.role = role
            self.isDurable = isDurable
            self.settings = settings
            self.stopTimeout = stopTimeout
        }
    }

    private let postmaster: Postmaster
    private let logger: Logger

    /// Returns when the server takes connections; crash recovery may take a while first.
    /// - Throws: `PostgresError` (`serverUnavailable`); its message says what to do.
    public static func start(
        directory: String, options: Options = Options(), logger: Logger
    ) async throws -> PrivateServer {
        do {
            let postmaster = try Postmaster(directory: directory, options: options, logger: logger)
            try await postmaster.start()
            return PrivateServer(postmaster: postmaster, logger: logger)
        } catch let error as SystemError {
            throw PostgresError(.serverUnavailable, error.description)
        }
    }

    /// Starts the server again, with back-off, whenever it ends; returns after ``stop()``, which cancelling the task
    /// calls.
    public func run() async {
        await withTaskCancellationHandler {
            await postmaster.supervise()
        } onCancel: {
            postmaster.requestStop()
        }
        await postmaster.stop()
    }

    /// A clean stop: connections are ended, everything is written. Waits until the server is gone.
    public func stop() async { await postmaster.stop() }

    /// The server's process, 0 while there is none.
    public var pid: Int32 { postmaster.processID }

    /// A libpq URL.
    public func url(database: String) -> String { postmaster.url(database: database) }

    /// A libpq URL of a private server that another process runs in this directory now.
    /// - Throws: `serverUnavailable` when there is no such directory.
    public static func url(
        runningIn directory: String, database: String, options: Options = Options()
    ) throws -> String {
        do {
            return try ServerDirectory.url(of: directory, database: database, role: options.role)
        } catch {
            throw PostgresError(.serverUnavailable, error.description)
        }
    }

    /// Makes the database unless it exists. `template`: an existing database to copy, without connections to it.
    public func createDatabaseIfMissing(_ name: String, template: String? = nil) async throws {
        let configuration = ConnectionConfiguration(url: url(database: "postgres"), statementTimeout: nil)
        let connection = try await Connection.connect(configuration, logger: logger)
        let statement =
            "CREATE DATABASE \(SQL.identifier(name))" + (template.map { " TEMPLATE \(SQL.identifier($0))" } ?? "")
        do {
            try await connection.run { connection in
                let found = try connection.query("SELECT 1 FROM pg_database WHERE datname = $1", [.text(name)])
                if found.isEmpty { try connection.execute(statement) }
            }
        } catch let error as PostgresError where error.code == .duplicateDatabase || error.code == .uniqueViolation {
            logger.debug("somebody else made the database meanwhile", metadata: ["database": "\(name)"])
        }
        await connection.close()
    }

    public func dropDatabase(_ name: String) async throws {
        let configuration = ConnectionConfiguration(url: url(database: "postgres"), statementTimeout: nil)
        let connection = try await Connection.connect(configuration, logger: logger)
        try await connection.execute("DROP DATABASE IF EXISTS \(SQL.identifier(name)) WITH (FORCE)")
        await connection.close()
    }
}
