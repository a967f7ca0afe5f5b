public import Casework
import Postgres

/// The authority to connect: certificates that this server knows. The hub reads `entries()` anew each second.
public struct Registry: Sendable {
    private let database: Database

    public init(_ database: Database) { self.database = database }

    public struct Entry: Sendable, Hashable {
        /// Lower-case SHA-256 of the certificate's DER form.
        public var fingerprint: String
        public var uri, serial: String
        public var notAfter: Instant
        /// `tls` or `receipt`.
        public var use: String
        /// `valid` or `revoked`.
        public var state: String
        public var pem: String?

        public init(
            fingerprint: String, uri: String, serial: String, notAfter: Instant, use: String, state: String,
            pem: String?
        ) {
            self.fingerprint = fingerprint
            self.uri = uri
            self.serial = serial
            self.notAfter = notAfter
            self.use = use
            self.state = state
            self.pem = pem
        }
    }

    /// Adds certificates. One that is known keeps its revocation; a missing PEM text is filled in.
    public func add(_ entries: [Entry]) async throws {
        guard !entries.isEmpty else { return }
        try await database.readers.transaction { connection in
            for entry in entries { try Self.add(entry, connection) }
        }
    }

    private static func add(_ entry: Entry, _ connection: isolated Connection) throws {
        _ = try connection.query(
            """
            INSERT INTO registry (fingerprint, uri, serial, not_after, use, state, pem)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (fingerprint) DO UPDATE SET pem = coalesce(excluded.pem, registry.pem),
                state = CASE registry.state WHEN 'revoked' THEN 'revoked' ELSE excluded.state END, changed_at = now()
            WHERE (registry.pem IS NULL AND excluded.pem IS NOT NULL)
                OR (registry.state <> 'revoked' AND registry.state <> excluded.state)
            """,
            [
                .text(entry.fingerprint), .text(entry.uri), .text(entry.serial), .timestamp(entry.notAfter.stored),
                .text(entry.use), .text(entry.state), Parameter(entry.pem),
            ])
    }

    /// - Returns: whether there was a valid one.
    @discardableResult
    public func revoke(fingerprint: String) async throws -> Bool {
        try await database.readers.transaction { connection in
            let rows = try connection.query(
                """
                UPDATE registry SET state = 'revoked', changed_at = now() WHERE fingerprint = $1 AND state <> 'revoked'
                """, [.text(fingerprint.stored)])
            return rows.affected > 0
        }
    }

    /// All of them, also revoked and expired ones: receipts are checked for ever.
    public func entries() async throws -> [Entry] {
        try await database.readers.run { connection in
            let rows = try connection.query(
                """
                SELECT fingerprint, uri, serial, not_after, use, state, pem FROM registry ORDER BY uri, fingerprint
                """)
            return try rows.map { row in
                Entry(
                    fingerprint: try row.get(0), uri: try row.get(1), serial: try row.get(2),
                    notAfter: try row.instant(3), use: try row.get(4), state: try row.get(5), pem: try row.get(6))
            }
        }
    }
}
