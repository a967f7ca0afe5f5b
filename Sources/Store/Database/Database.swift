public import Logging
public import Postgres

/// Why a database cannot be used as it is. Each says what to do.
public enum DatabaseError: Error, Sendable, Equatable, CustomStringConvertible {
    /// It has migrations that this code does not know.
    case newer(found: Int, known: Int)
    /// The server's version, as `server_version` says it.
    case unsupportedServer(String)
    /// The URL is none that libpq understands.
    case badURL(String)

    public var description: String {
        switch self {
        case .newer(let found, let known):
            "The database has migration \(found), this program knows \(known): start the newer program."
        case .unsupportedServer(let version): "PostgreSQL \(version) is too old: 15 or later is needed."
        case .badURL(let reason): "The database's URL cannot be read: \(reason)"
        }
    }
}

/// One PostgreSQL database: connections for readers, one for the writer, and its tables.
///
/// When the URL names several hosts, "committed" includes a synchronous standby, and connections go to the host that
/// takes writes.
public final class Database: Sendable {
    /// As given to `open`, with `target_session_attrs=read-write` added when it names several hosts.
    public let url: String
    /// For everything but the writer's transactions. Its connections may write.
    public let readers: Pool
    /// For reads that are all probes of an index: see `probing`.
    let lookups: Pool
    let logger: Logger

    private init(url: String, connections: Int, logger: Logger) {
        self.url = url
        self.logger = logger
        readers = Pool(
            configuration: ConnectionConfiguration(url: url, settings: Self.planning), size: connections,
            logger: logger)
        lookups = Pool(
            configuration: ConnectionConfiguration(url: url, settings: Self.probing), size: (connections + 1) / 2,
            logger: logger)
    }

    /// A plan for any value takes all to be equally frequent: it would walk the cases for a status that hardly one has.
    /// Making a plan each time takes a fraction of a millisecond. Compiling it (`jit`) takes longer than any of them.
    private static let planning = ["jit": "off", "plan_cache_mode": "force_custom_plan"]

    /// A plan that is kept from when a table was small reads it whole for ever after; these statements shall always use
    /// their index.
    private static let probing = [
        "jit": "off", "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
    ]

    /// Waits up to 30 seconds for a server that does not answer yet.
    /// - Parameters:
    ///   - url: a libpq URL or conninfo string.
    ///   - connections: the most that readers hold at a time; half as many for the store's own
    ///     lookups, and the writer's two, come on top.
    /// - Throws: `StoreError.noStandby`, `DatabaseError`, `PostgresError`.
    public static func open(url: String, connections: Int, logger: Logger) async throws -> Database {
        let conninfo: Conninfo
        do { conninfo = try Conninfo(url: url) } catch { throw DatabaseError.badURL(error.message) }
        let database = Database(url: conninfo.writableURL, connections: connections, logger: logger)
        do {
            try await database.check(needsStandby: conninfo.hasSeveralHosts)
        } catch {
            await database.close()
            throw error
        }
        return database
    }

    private func check(needsStandby: Bool) async throws {
        let settings = try await readers.run { connection in
            let row = try connection.query(
                """
                SELECT current_setting('server_version_num')::int4, current_setting('server_version'),
                    current_setting('synchronous_standby_names')
                """)[0]
            return (
                number: try row.get(0, as: Int.self), version: try row.get(1, as: String.self),
                standbys: try row.get(2, as: String.self)
            )
        }
        guard settings.number >= 150_000 else { throw DatabaseError.unsupportedServer(settings.version) }
        guard !needsStandby || settings.standbys.contains(where: { !$0.isWhitespace }) else {
            throw StoreError.noStandby
        }
    }

    /// What a batch writes while it waits for the one before, a writer that came since waits for: not longer than this, should
    /// the process be frozen or cut off. Two batches may wait for each other through somebody else's lock on a table, which
    /// the server cannot see: neither waits for long, and is tried again.
    private static let writing = [
        "synchronous_commit": "on", "idle_in_transaction_session_timeout": "30s", "lock_timeout": "5s",
        "default_transaction_isolation": "read committed",
    ]

    /// A new connection for the writer: its commits are on disk, at the standby too if there is one, when they return.
    public func writer() async throws -> Connection {
        let configuration = ConnectionConfiguration(
            url: url, applicationName: "peyvand writer",
            settings: Self.probing.merging(Self.writing) { $1 })
        return try await Connection.connect(configuration, logger: logger)
    }

    public func close() async {
        await readers.close()
        await lookups.close()
    }
}
