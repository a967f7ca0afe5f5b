import Casework
import Federation
import Postgres

/// The table `attempts`, and what of the outbox goes with it.
struct AttemptTable: Sendable {
    private let database: Database

    init(_ database: Database) { self.database = database }

    // MARK: What is to be done

    /// Since when there is a gateway: from now on, where nobody has noted it.
    func since(_ now: Instant) async throws -> Instant {
        let text = try await database.readers.run { connection in
            try connection.query("INSERT INTO facts VALUES ('outbox', $1) ON CONFLICT DO NOTHING", [.text(now.rfc3339)])
            return try connection.query("SELECT value FROM facts WHERE name = 'outbox'")[0].get(0, as: String.self)
        }
        guard let since = Instant(rfc3339: text) else { throw StoreError.corrupt(nil, "facts outbox: \(text)") }
        return since
    }

    /// There is no gateway: what happens until there is one again is not sent later.
    func forgetSince() async throws {
        _ = try await database.readers.run { try $0.query("DELETE FROM facts WHERE name = 'outbox'") }
    }

    /// Notices of which the journal says nothing yet, the oldest first.
    func owed(after last: OwedNotice?, since: Instant, limit: Int) async throws -> [OwedNotice] {
        try await database.lookups.run { connection in
            try connection.query(
                """
                SELECT \(OutboxProjection.table.list("o")) FROM outbox o
                WHERE o.outcome IS NULL AND (o.at, o.event) > ($1, $2) ORDER BY o.at, o.event LIMIT \(limit)
                """,
                [
                    .timestamp(max(since.stored, last?.at.stored ?? .min)),
                    .bytea(last?.key.event.bytes ?? []),
                ]
            ).map { try OutboxProjection.table.read($0, into: OutboxProjection.blank) }
        }
    }

    /// Notices of which an attempt knows more than the journal says, as far as the outbox has been made.
    func untold(limit: Int) async throws -> [OwedNotice] {
        try await database.lookups.run { connection in
            try connection.query(
                """
                SELECT DISTINCT \(OutboxProjection.table.list("o")) FROM attempts a JOIN outbox o ON o.case_id = a.case_id
                    AND o.event = a.event AND o.recipient = a.recipient AND o.template = a.template
                WHERE a.result IN ('sent', 'delivered', 'failed') AND NOT a.is_told LIMIT \(limit)
                """
            ).map { try OutboxProjection.table.read($0, into: OutboxProjection.blank) }
        }
    }

    func attempts(of notices: [OwedNotice]) async throws -> [NoticeKey: [Attempt]] {
        guard !notices.isEmpty else { return [:] }
        let rows = try await database.lookups.run { connection in
            try connection.query(
                """
                SELECT event, recipient, template, number, begun_at, result FROM attempts
                WHERE event = ANY ($1::bytea[]) ORDER BY number
                """, [.byteaArray(notices.map(\.key.event.bytes))])
        }
        var attempts: [NoticeKey: [Attempt]] = [:]
        for row in rows {
            guard let recipient = NoticeRecipient(rawValue: try row.get(1)) else { continue }
            let key = NoticeKey(event: try row.hash(0), recipient: recipient, template: try row.get(2))
            attempts[key, default: []].append(
                Attempt(number: try row.get(3), begunAt: try row.instant(4), result: try Self.result(row, 5)))
        }
        return attempts
    }

    // MARK: What was done

    /// Writes an attempt down before its call.
    /// - Returns: false when it stands there: another process makes it.
    func begin(_ id: AttemptID, of caseID: CaseID, by gateway: String, at now: Instant) async throws -> Bool {
        try await database.readers.run { connection in
            try connection.query(
                """
                INSERT INTO attempts (event, recipient, template, number, case_id, gateway, begun_at, result, detail, is_told)
                VALUES ($1, $2, $3, $4, $5, $6, $7, 'under_way', '', false) ON CONFLICT DO NOTHING
                """,
                Self.key(id.notice) + [
                    .int(id.number), .uuid(caseID.bytes), .text(gateway.stored), .timestamp(now.stored),
                ]
            ).affected == 1
        }
    }

    /// Notes what is known of an attempt by now.
    /// - Returns: false when there is no such attempt.
    @discardableResult
    func note(_ later: AttemptResult, _ detail: String, of id: AttemptID) async throws -> Bool {
        let place = Self.key(id.notice) + [.int(id.number)]
        return try await database.readers.transaction { connection in
            let rows = try connection.query(
                """
                SELECT result FROM attempts
                WHERE event = $1 AND recipient = $2 AND template = $3 AND number = $4 FOR UPDATE
                """, place)
            guard let row = rows.first else { return false }
            let known = try Self.result(row, 0)
            let merged = known.merged(with: later)
            guard merged != known else { return true }
            _ = try connection.query(
                """
                UPDATE attempts SET result = $5, detail = $6, is_told = false
                WHERE event = $1 AND recipient = $2 AND template = $3 AND number = $4
                """, place + [.text(merged.rawValue), .text(detail.stored)])
            return true
        }
    }

    /// The journal says what is known of this notice's attempts.
    func noteTold(_ key: NoticeKey) async throws {
        _ = try await database.readers.run { connection in
            try connection.query(
                "UPDATE attempts SET is_told = true WHERE event = $1 AND recipient = $2 AND template = $3",
                Self.key(key))
        }
    }

    private static func key(_ key: NoticeKey) -> [Parameter] {
        [.bytea(key.event.bytes), .text(key.recipient.rawValue), .text(key.template)]
    }

    private static func result(_ row: Row, _ column: Int) throws -> AttemptResult {
        let text = try row.get(column, as: String.self)
        guard let result = AttemptResult(rawValue: text) else { throw StoreError.corrupt(nil, "attempts: \(text)") }
        return result
    }
}
