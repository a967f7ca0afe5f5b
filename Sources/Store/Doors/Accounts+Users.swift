public import Casework
public import Contract
import Cryptography
import Postgres

extension Accounts {
    /// A person who logs in by name and password.
    public struct User: Sendable, Hashable {
        public var principal: Principal
        /// Wrong passwords since the last right one.
        public var failures: Int
        public var blockedUntil: Instant?

        public init(principal: Principal, failures: Int, blockedUntil: Instant?) {
            (self.principal, self.failures, self.blockedUntil) = (principal, failures, blockedUntil)
        }
    }

    /// Five wrong passwords block a name for 30 seconds, each further one for twice as long, at most 15 minutes.
    static let freeFailures = 5

    /// Adds a user, or gives a known one a new password, role and organisation; sessions under the old ones end.
    public func addUser(
        name: String, password: String, role: Role, organization: OrganizationCode
    ) async throws {
        let salt = SecureRandom.bytes(PasswordHashing.saltLength)
        let hash = try await passwords.hash(password, salt: salt)
        let principal = Principal(name: name, role: role, organization: organization)
        try await database.readers.transaction { connection in
            try Self.endSessions(ofUser: name, connection)
            try connection.query(
                """
                INSERT INTO users (name, role, organization, salt, hash) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (name) DO UPDATE SET salt = excluded.salt, hash = excluded.hash, role = excluded.role,
                    organization = excluded.organization, failures = 0, blocked_until = NULL
                """,
                principal.columns + [.bytea(salt), .bytea(hash)])
        }
    }

    /// Removes a user and ends the sessions under this name.
    /// - Returns: whether there was one.
    @discardableResult
    public func removeUser(name: String) async throws -> Bool {
        try await database.readers.transaction { connection in
            try Self.endSessions(ofUser: name, connection)
            return try connection.query("DELETE FROM users WHERE name = $1", [.text(name.stored)]).affected > 0
        }
    }

    /// Sessions of the user as he is now, so that one that a token of the same name opened for another role goes on.
    private static func endSessions(ofUser name: String, _ connection: isolated Connection) throws {
        try connection.query(
            """
            DELETE FROM sessions USING users WHERE users.name = $1 AND sessions.name = users.name
                AND sessions.role = users.role AND sessions.organization = users.organization
            """, [.text(name.stored)])
    }

    /// All users, by name.
    public func users() async throws -> [User] {
        try await database.readers.run { connection in
            let rows = try connection.query(
                "SELECT name, role, organization, failures, blocked_until FROM users ORDER BY name")
            return try rows.compactMap { row in
                guard let principal = try row.principal(0) else { return nil }
                return User(
                    principal: principal, failures: try row.get(3),
                    blockedUntil: try row.optionalTimestamp(4).map { Instant(stored: $0) })
            }
        }
    }

    /// Opens a session for the right password. `nil`: unknown name, wrong password, or a name that is blocked now;
    /// all three take the time of one hash, so that nobody can tell them apart.
    /// - Throws: `ServiceError.unavailable` when too many log in at once.
    public func login(name: String, password: String, now: Instant) async throws -> ConsoleSession? {
        let attempt = try await begin(name: name, now: now)
        let hash = try await passwords.hash(password, salt: attempt?.salt ?? Self.decoySalt)
        guard let attempt, constantTimeEqual(hash, attempt.hash) else { return nil }
        let isStillRight = try await database.readers.run { connection in
            // The password may have been changed, or the user removed, while the hash was computed.
            try connection.query(
                "UPDATE users SET failures = 0, blocked_until = NULL WHERE name = $1 AND hash = $2",
                [.text(name.stored), .bytea(hash)]
            ).affected > 0
        }
        guard isStillRight else { return nil }
        return try await openSession(for: attempt.principal, now: now)
    }

    private struct Attempt: Sendable {
        var principal: Principal
        var salt, hash: [UInt8]
    }

    private static let decoySalt = SecureRandom.bytes(PasswordHashing.saltLength)

    /// Counts the attempt as failed before the hash is computed: many at the same time get no further than one by one.
    private func begin(name: String, now: Instant) async throws -> Attempt? {
        try await database.readers.run { connection in
            let rows = try connection.query(
                """
                UPDATE users SET failures = failures + 1,
                    blocked_until = CASE WHEN failures + 1 >= $2
                        THEN $3 + least(interval '15 minutes', interval '30 seconds' * 2 ^ least(failures + 1 - $2, 10))
                        END
                WHERE name = $1 AND (blocked_until IS NULL OR blocked_until <= $3)
                RETURNING name, role, organization, salt, hash
                """,
                [.text(name.stored), .int32(Int32(Self.freeFailures)), .timestamp(now.stored)])
            guard let row = rows.first, let principal = try row.principal(0) else { return nil }
            return Attempt(principal: principal, salt: try row.get(3), hash: try row.get(4))
        }
    }
}
