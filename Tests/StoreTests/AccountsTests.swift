import Casework
import Contract
import Postgres
import Testing

@testable import Store

@Suite struct AccountsTests {
    private let clerk = Principal(name: "maryam", role: .operator, organization: OrganizationCode(.hub))
    private let now = Instant(milliseconds: 1_800_000_000_000)

    private func open() async throws -> (Database, Accounts) {
        let database = try await ContractServer.open(ContractServer.newDatabase())
        return (database, Accounts(database))
    }

    @Test func `tokens are known by their hash until they expire or are revoked`() async throws {
        let (database, accounts) = try await open()
        try await accounts.addToken("secret-1", for: clerk, expires: now + Instant.hour)
        try await accounts.addToken("secret-1", for: clerk, expires: now + Instant.hour)
        try await accounts.addToken("secret-2", for: clerk, expires: nil)
        #expect(try await accounts.principal(token: "secret-1", now: now) == clerk)
        #expect(try await accounts.principal(token: "secret-1", now: now + Instant.hour) == nil)
        #expect(try await accounts.principal(token: "secret-2", now: now + 9000 * Instant.day) == clerk)
        #expect(try await accounts.principal(token: "secret-3", now: now) == nil)
        let stored = try await database.readers.run { connection in
            try connection.query("SELECT encode(hash, 'escape') || name FROM tokens")
                .map { try $0.get(0, as: String.self) }
        }
        #expect(stored.count == 2 && !stored.contains { $0.contains("secret") })
        // Another process's revocation is seen after five seconds at the latest, one's own at once.
        let other = Accounts(database)
        #expect(try await other.principal(token: "secret-2", now: now) == clerk)
        #expect(try await accounts.revokeToken("secret-2"))
        #expect(try await accounts.principal(token: "secret-2", now: now) == nil)
        #expect(try await other.principal(token: "secret-2", now: now + 4999) == clerk)
        #expect(try await other.principal(token: "secret-2", now: now + 5000) == nil)
        #expect(try await !accounts.revokeToken("secret-2"))
        await database.close()
    }

    @Test func `a session opens with the right password and ends by itself or by logout`() async throws {
        let (database, accounts) = try await open()
        try await accounts.addUser(name: "zahra", password: "درست", role: .supervisor, organization: .presidency)
        let session = try #require(try await accounts.login(name: "zahra", password: "درست", now: now))
        #expect(session.id.count == 64 && session.csrfToken.count == 64 && session.principal.role == .supervisor)
        #expect(try await accounts.session(id: session.id, now: now + 12 * Instant.hour - 1) == session)
        #expect(try await accounts.session(id: session.id, now: now + 12 * Instant.hour) == nil)
        #expect(try await accounts.session(id: session.id + "0", now: now) == nil)
        try await accounts.closeSession(id: session.id)
        #expect(try await accounts.session(id: session.id, now: now) == nil)
        for (name, password) in [("zahra", "غلط"), ("zahra", ""), ("nobody", "درست"), ("za\0hra", "درست")] {
            #expect(try await accounts.login(name: name, password: password, now: now) == nil)
        }
        #expect(try await accounts.users().map(\.failures) == [2])
        // A new password ends the sessions under the old one.
        let old = try #require(try await accounts.login(name: "zahra", password: "درست", now: now))
        try await accounts.addUser(name: "zahra", password: "تازه", role: .operator, organization: .presidency)
        #expect(try await accounts.session(id: old.id, now: now) == nil)
        #expect(try await accounts.login(name: "zahra", password: "درست", now: now) == nil)
        #expect(try await accounts.removeUser(name: "zahra"))
        #expect(try await !accounts.removeUser(name: "zahra"))
        #expect(try await accounts.login(name: "zahra", password: "تازه", now: now) == nil)
        await database.close()
    }

    @Test func `wrong passwords block a name for a while that doubles`() async throws {
        let (database, accounts) = try await open()
        try await accounts.addUser(name: "ali", password: "right", role: .operator, organization: .presidency)
        // All at once: counted one by one before the hash is computed.
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { [now] in
                    let session = try? await accounts.login(name: "ali", password: "wrong", now: now)
                    #expect(session == nil)
                }
            }
        }
        let user = try #require(try await accounts.users().first)
        #expect(user.failures == 5 && user.blockedUntil == now + 30 * Instant.second)
        #expect(try await accounts.login(name: "ali", password: "right", now: now + 29_999) == nil)
        #expect(try await accounts.users().first?.failures == 5, "a blocked attempt does not prolong the block")
        #expect(try await accounts.login(name: "ali", password: "wrong", now: now + 30_000) == nil)
        #expect(try await accounts.users().first?.blockedUntil == now + 90_000)
        try await database.readers.run { try $0.execute("UPDATE users SET failures = 40, blocked_until = NULL") }
        #expect(try await accounts.login(name: "ali", password: "wrong", now: now) == nil)
        #expect(try await accounts.users().first?.blockedUntil == now + 15 * Instant.minute)
        let after = now + 15 * Instant.minute
        #expect(try await accounts.login(name: "ali", password: "right", now: after) != nil)
        #expect(try await accounts.users().first?.failures == 0)
        await database.close()
    }

    @Test func `the registry keeps revocations`() async throws {
        let (database, _) = try await open()
        let registry = Registry(database)
        var entry = Registry.Entry(
            fingerprint: "ab12", uri: "spiffe://peyvand/node/IR-03", serial: "01", notAfter: now, use: "tls",
            state: "valid", pem: nil)
        try await registry.add([entry])
        #expect(try await registry.revoke(fingerprint: "ab12"))
        #expect(try await !registry.revoke(fingerprint: "ab12"))
        entry.pem = "PEM"
        try await registry.add([entry])
        let found = try #require(try await registry.entries().first)
        #expect(found.state == "revoked" && found.pem == "PEM" && found.notAfter == now)
        await database.close()
    }

    @Test func `audit lines are saved in order, whatever they contain`() async throws {
        let (database, _) = try await open()
        let lines = (0..<300).map {
            AuditLine(actor: "a\($0)", action: "read", subject: "x\0y", remote: "::1", detail: "'; DROP TABLE audit")
        }
        try await Audit(database).record(lines)
        try await Audit(database).record([])
        let actors = try await database.readers.run { connection in
            try connection.query("SELECT actor FROM audit ORDER BY id").map { try $0.get(0, as: String.self) }
        }
        #expect(actors == lines.map(\.actor))
        await database.close()
    }
}
