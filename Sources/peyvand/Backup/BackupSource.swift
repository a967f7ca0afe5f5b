import Casework
import Federation
import Logging
import POSIX
import Postgres
import Program

/// The database that a backup copies, reachable: a server's private one, running or started for this, or a named one.
struct BackupSource: Sendable {
    let url: String
    let kind: BackupRecord.Source
    /// The data folder, with what lies beside the database; nil when there is none.
    let directory: String?
    private let started: PrivateServer?

    private static let logger = Logger(label: "peyvand.backup", factory: { _ in SwiftLogNoOpLogHandler() })

    /// - Parameters:
    ///   - database: of a flag, before all else.
    ///   - directory: of a flag, before what the settings say of a database.
    static func open(
        database: String?, directory: String?, _ settings: Settings
    ) async throws -> BackupSource {
        let folder = (directory ?? settings.optional("directory")).map { Files.absolute($0) }
        if let url = database ?? (directory == nil ? settings.optional("database") : nil) {
            let beside = folder.flatMap { Files.exists($0) ? $0 : nil }
            return BackupSource(url: url, kind: .url, directory: beside, started: nil)
        }
        guard let folder else {
            throw Failure.usedWrongly("nothing to back up is named; give --directory DATA, or --database URL.")
        }
        guard !Files.exists(DemoFolder(folder).stateFile) else {
            throw Failure("\(folder) is a demonstration, many servers in one database; stop it and copy the folder.")
        }
        let postgres = DemoFolder(folder).postgres
        guard Files.exists(postgres + "/data/PG_VERSION") else {
            throw Failure("there is no database below \(folder); name the server's data folder, or --database URL.")
        }
        if PrivateServer.isInUse(postgres) {
            let url = try PrivateServer.url(runningIn: postgres, database: "peyvand")
            return BackupSource(url: url, kind: .private, directory: folder, started: nil)
        }
        let server = try await PrivateServer.start(
            directory: postgres, options: .init(maximumConnections: 40), logger: logger)
        return BackupSource(
            url: server.url(database: "peyvand"), kind: .private, directory: folder, started: server)
    }

    /// Whether a folder lies in the data folder, and is copied with it.
    func holds(_ path: String) -> Bool { directory.map { (path + "/").hasPrefix($0 + "/") } ?? false }

    func close() async { await started?.stop() }

    /// Whose database this is and how far it is now; the files are not counted yet.
    func record(at now: Instant, withKeys: Bool) async throws -> BackupRecord {
        let kind = kind
        let connection = try await Self.connect(url)
        let outcome: Result<BackupRecord?, any Error>
        do {
            outcome = .success(
                try await connection.run { connection in
                    guard let row = try connection.query(Self.facts).first else { return nil }
                    return BackupRecord(
                        code: try row.get(0), madeAt: now.rfc3339, source: kind,
                        postgresql: try row.get(4, as: Int.self) / 10_000, database: try row.get(5),
                        superuser: try row.get(6), migration: try row.get(7),
                        incarnation: Receipt.hex(UInt64(bitPattern: try row.get(1))),
                        seq: UInt64(bitPattern: try row.get(2)), position: UInt64(bitPattern: try row.get(3)),
                        files: 0, filesHash: "", withKeys: withKeys)
                })
        } catch let error as PostgresError where error.code == .undefinedTable {
            outcome = .success(nil)
        } catch {
            outcome = .failure(error)
        }
        await connection.close()
        guard let record = try outcome.get() else {
            throw Failure("the database has no journal yet; serve it once before you back it up.")
        }
        return record
    }

    private static let facts = """
        SELECT h.origin, h.incarnation, h.seq, h.position, current_setting('server_version_num')::int4,
            current_database()::text, (SELECT rolname::text FROM pg_roles WHERE oid = 10),
            (SELECT max(number) FROM migrations)
        FROM head h
        """

    static func connect(_ url: String) async throws -> Connection {
        try await Connection.connect(
            ConnectionConfiguration(url: url, applicationName: "peyvand backup", statementTimeout: nil), logger: logger)
    }
}
