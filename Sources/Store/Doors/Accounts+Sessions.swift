public import Casework
public import Contract
import Cryptography
import Postgres

extension Accounts {
    static let sessionLifetime = 12 * Instant.hour

    /// A console session of 12 hours.
    public func openSession(for principal: Principal, now: Instant) async throws -> ConsoleSession {
        let session = ConsoleSession(
            id: Hex.encode(SecureRandom.bytes(32)), csrfToken: Hex.encode(SecureRandom.bytes(32)),
            principal: principal, expires: now + Self.sessionLifetime)
        try await database.readers.transaction { connection in
            try connection.query("DELETE FROM sessions WHERE expires <= $1", [.timestamp(now.stored)])
            try connection.query(
                """
                INSERT INTO sessions (name, role, organization, hash, csrf, expires) VALUES ($1, $2, $3, $4, $5, $6)
                """,
                principal.columns + [
                    .bytea(Self.hash(session.id)), .text(session.csrfToken), .timestamp(session.expires.stored),
                ])
        }
        return session
    }

    /// `nil` when it is unknown, closed or expired.
    public func session(id: String, now: Instant) async throws -> ConsoleSession? {
        let hash = Self.hash(id)
        return try await database.readers.run { connection in
            let rows = try connection.query(
                """
                SELECT name, role, organization, csrf, expires FROM sessions WHERE hash = $1 AND expires > $2
                """, [.bytea(hash), .timestamp(now.stored)])
            guard let row = rows.first, let principal = try row.principal(0) else { return nil }
            return ConsoleSession(
                id: id, csrfToken: try row.get(3), principal: principal, expires: try row.instant(4))
        }
    }

    public func closeSession(id: String) async throws {
        let hash = Self.hash(id)
        _ = try await database.readers.run { connection in
            try connection.query("DELETE FROM sessions WHERE hash = $1", [.bytea(hash)])
        }
    }
}
