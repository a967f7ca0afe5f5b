public import Contract
import Postgres

/// Who did or read what. Append-only.
public struct Audit: Sendable {
    private let database: Database

    public init(_ database: Database) { self.database = database }

    /// Saves lines in their order, in one statement.
    public func record(_ lines: [AuditLine]) async throws {
        guard !lines.isEmpty else { return }
        let columns = [\AuditLine.actor, \.action, \.subject, \.remote, \.detail].map { column in
            Parameter.textArray(lines.map { $0[keyPath: column].stored })
        }
        _ = try await database.readers.run { connection in
            try connection.query(
                """
                INSERT INTO audit (actor, action, subject, remote, detail)
                SELECT actor, action, subject, remote, detail
                FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS line (actor, action, subject, remote, detail, place)
                ORDER BY place
                """, columns)
        }
    }
}
