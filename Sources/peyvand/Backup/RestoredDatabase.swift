import Casework
import Glibc
import Logging
import POSIX
import Postgres
import Program
import Store

/// The database of a backup that was copied to its new place: recovered, compared with what the backup says of itself,
/// and told that it was restored.
struct RestoredDatabase: Sendable {
    /// The private server's directory.
    let directory: String
    let record: BackupRecord

    private static let name = "peyvand"

    /// Starts the server once: it replays its log to the moment at which the copy was whole.
    /// - Throws: `Failure` when the database is another's, or ends before what the backup says.
    func mark(at now: Instant) async throws {
        let logger = Logger(label: "peyvand.restore", factory: { _ in SwiftLogNoOpLogHandler() })
        let server = try await PrivateServer.start(
            directory: directory, options: .init(maximumConnections: 40, role: record.superuser), logger: logger)
        let outcome: Result<Void, any Error>
        do {
            try await adopt(server)
            let connection = try await BackupSource.connect(server.url(database: Self.name))
            outcome = await Self.result { try await write(connection, now) }
            await connection.close()
        } catch {
            outcome = .failure(error)
        }
        await server.stop()
        try outcome.get()
    }

    private static func result(_ body: () async throws -> Void) async -> Result<Void, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    private func write(_ connection: Connection, _ now: Instant) async throws {
        let record = record
        try await connection.transaction { connection in
            let row = try connection.query("SELECT origin, seq, position FROM head").first
            guard let row, try row.get(0, as: String.self) == record.code,
                try row.get(1, as: Int64.self) >= Int64(record.seq),
                try row.get(2, as: Int64.self) >= Int64(record.position)
            else {
                throw Failure("the copy does not hold what the backup says of itself; take another backup.")
            }
            // By it a server knows at its next start that its journal may end earlier than what others have of it.
            try PostgresStore.noteRestored(connection, at: now)
        }
    }

    // MARK: The cluster of an office

    /// Settings of an office's own server name its paths, its archive and its standbys: none of that is here. A private
    /// server gives all it needs by its command line.
    static func makePrivate(_ data: String) throws {
        for name in ["postgresql.auto.conf", "postgresql.conf", "pg_hba.conf", "pg_ident.conf"]
        where Files.exists(data + "/" + name) {
            try FileTree.move(data + "/" + name, to: data + "/" + name + ".office")
        }
        try Files.replace(data + "/postgresql.conf", with: "wal_level = replica\n", mode: 0o600)
        try Files.replace(data + "/pg_ident.conf", with: "", mode: 0o600)
        // Only the server's own user reaches the socket.
        let access = "local all all trust\nlocal replication all trust\n"
        try Files.replace(data + "/pg_hba.conf", with: access, mode: 0o600)
    }

    /// Gives database and role the names that a private server uses.
    private func adopt(_ server: PrivateServer) async throws {
        guard record.source == .url else { return }
        let (database, superuser) = (record.database, record.superuser)
        let other = database == "postgres" ? "template1" : "postgres"
        let connection = try await BackupSource.connect(server.url(database: other))
        let outcome = await Self.result {
            try await connection.run { connection in
                if database != Self.name {
                    try connection.execute(
                        "ALTER DATABASE \"\(database.replacing("\"", with: "\"\""))\" RENAME TO \(Self.name)")
                }
                guard superuser != Self.name else { return }
                let role = try connection.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [.text(Self.name)])
                try connection.execute("\(role.isEmpty ? "CREATE" : "ALTER") ROLE peyvand SUPERUSER LOGIN")
            }
        }
        await connection.close()
        try outcome.get()
    }
}
