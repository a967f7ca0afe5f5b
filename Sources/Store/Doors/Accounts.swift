public import Casework
public import Contract
import Cryptography
import Postgres
import Synchronization

/// Who may ask: bearer tokens, users with passwords, console sessions. Only hashes of secrets are kept.
public struct Accounts: Sendable {
    let database: Database
    let passwords = PasswordHashing.shared
    private let known = TokenCache()

    public init(_ database: Database) { self.database = database }

    // MARK: Tokens

    /// Keeps the SHA-256 of a token. The same token given again gets the new principal and expiry.
    public func addToken(_ token: String, for principal: Principal, expires: Instant?) async throws {
        let hash = Self.hash(token)
        _ = try await database.readers.run { connection in
            try connection.query(
                """
                INSERT INTO tokens (hash, name, role, organization, expires) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (hash) DO UPDATE SET name = excluded.name, role = excluded.role,
                    organization = excluded.organization, expires = excluded.expires
                """,
                [.bytea(hash)] + principal.columns + [Parameter(timestamp: expires?.stored)])
        }
        known.forget(hash)
    }

    /// - Returns: whether there was one. Other processes take it for at most ``TokenCache/lifetime`` longer.
    @discardableResult
    public func revokeToken(_ token: String) async throws -> Bool {
        let hash = Self.hash(token)
        let rows = try await database.readers.run { connection in
            try connection.query("DELETE FROM tokens WHERE hash = $1", [.bytea(hash)])
        }
        known.forget(hash)
        return rows.affected > 0
    }

    /// The principal of a bearer token; `nil` when it is unknown, revoked or expired.
    public func principal(token: String, now: Instant) async throws -> Principal? {
        let hash = Self.hash(token)
        if let entry = known.find(hash, now: now) { return entry.isValid(at: now) ? entry.principal : nil }
        let entry = try await database.readers.run { connection -> TokenCache.Entry? in
            let rows = try connection.query(
                "SELECT name, role, organization, expires FROM tokens WHERE hash = $1", [.bytea(hash)])
            guard let row = rows.first, let principal = try row.principal(0) else { return nil }
            let expires = try row.optionalTimestamp(3).map { Instant(stored: $0) }
            return TokenCache.Entry(principal: principal, expires: expires, readAt: now)
        }
        guard let entry else { return nil }
        known.keep(entry, for: hash)
        return entry.isValid(at: now) ? entry.principal : nil
    }

    static func hash(_ secret: String) -> [UInt8] { Digest.sha256(Array(secret.utf8)) }
}

/// Tokens looked up a moment ago, so that a busy client does not cost a query for each request. Unknown ones are not
/// kept: a token must work as soon as it is added.
final class TokenCache: Sendable {
    struct Entry: Sendable {
        var principal: Principal
        var expires: Instant?
        var readAt: Instant

        func isValid(at now: Instant) -> Bool { expires.map { now < $0 } ?? true }
    }

    static let lifetime = 5 * Instant.second
    private static let capacity = 4096
    private let entries = Mutex<[[UInt8]: Entry]>([:])

    func find(_ hash: [UInt8], now: Instant) -> Entry? {
        entries.withLock { entries in
            guard let entry = entries[hash] else { return nil }
            let age = now - entry.readAt
            return (0..<Self.lifetime).contains(age) ? entry : nil
        }
    }

    func keep(_ entry: Entry, for hash: [UInt8]) {
        entries.withLock { entries in
            if entries.count >= Self.capacity { entries.removeAll(keepingCapacity: true) }
            entries[hash] = entry
        }
    }

    func forget(_ hash: [UInt8]) { entries.withLock { _ = $0.removeValue(forKey: hash) } }
}

extension Principal {
    /// `name, role, organization`.
    var columns: [Parameter] { [.text(name.stored), .text(role.rawValue), .text(organization.rawValue)] }
}

extension Row {
    /// Of the columns name, role and organization; `nil` for a role or code that this version does not know.
    func principal(_ column: Int) throws -> Principal? {
        guard let role = Role(rawValue: try get(column + 1)),
            let organization = OrganizationCode(rawValue: try get(column + 2))
        else { return nil }
        return Principal(name: try get(column), role: role, organization: organization)
    }
}
