import Logging
import Postgres

/// One numbered change of the tables. A released one never changes.
struct Migration: Sendable {
    let number: Int
    let sql: String

    /// All files of `Migrations/`, in their order. SwiftPM names embedded files so: the first digit becomes `_`.
    static let all: [Migration] = [
        (1, PackageResources._01_tables_sql)
    ].map { Migration(number: $0, sql: String(decoding: $1, as: UTF8.self)) }

    /// The advisory lock that migrating processes take: "peyvand" in ASCII.
    static let lock: Int64 = 0x70_6579_7661_6E64
}

extension Database {
    /// Brings the tables up to this code, one transaction for each migration, then those of the projections; processes
    /// that come at once wait for each other.
    /// - Throws: `DatabaseError.newer` when the database is ahead of this code; `PostgresError`.
    public func migrate() async throws { try await migrate(Migration.all) }

    func migrate(_ migrations: [Migration]) async throws {
        let configuration = ConnectionConfiguration(
            url: url, applicationName: "peyvand migrate", statementTimeout: nil)
        let connection = try await Connection.connect(configuration, logger: logger)
        let applied: [Int]
        do {
            applied = try await connection.run { connection in
                let applied = try Self.apply(migrations, connection)
                try Projections.prepare(connection)
                return applied
            }
        } catch {
            // Ending the connection frees its advisory lock.
            await connection.close()
            throw error
        }
        await connection.close()
        for number in applied { logger.notice("database migrated", metadata: ["migration": "\(number)"]) }
    }

    private static func apply(_ migrations: [Migration], _ connection: isolated Connection) throws -> [Int] {
        try connection.query("SELECT pg_advisory_lock($1)", [.int64(Migration.lock)])
        try connection.execute(
            """
            -- Which numbered files were applied.
            CREATE TABLE IF NOT EXISTS migrations (
                number     integer     PRIMARY KEY,
                applied_at timestamptz NOT NULL DEFAULT now()
            )
            """)
        let found = Set(try connection.query("SELECT number FROM migrations").map { try $0.get(0, as: Int.self) })
        let (newest, known) = (found.max() ?? 0, migrations.last?.number ?? 0)
        guard newest <= known else { throw DatabaseError.newer(found: newest, known: known) }
        let missing = migrations.filter { !found.contains($0.number) }
        for migration in missing {
            try connection.transaction { connection in
                try connection.execute(migration.sql)
                try connection.query(
                    "INSERT INTO migrations (number) VALUES ($1)", [.int32(Int32(migration.number))])
            }
        }
        return missing.map(\.number)
    }
}
