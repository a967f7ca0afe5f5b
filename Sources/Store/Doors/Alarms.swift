public import Casework
public import Contract
public import Federation
import Postgres

/// What a person must look at, in the order in which it was noted. The writer adds the alarms of its batches; here what
/// a link hears is added, and all of it is read.
public struct Alarms: Sendable {
    /// Codes that say why an origin was quarantined, as SQL lists them.
    static let quarantining = "'tampering', 'two_copies', 'quarantined'"

    static let maximumPage = 500
    /// Among so many of the newest the same words are looked for, and an origin's last alarm.
    static let recent = 2_000

    private let database: Database

    public init(_ database: Database) { self.database = database }

    /// Notes what a peer said or a link found, unless the same was noted within the last hour: a link that comes back
    /// every minute says it every minute.
    public func note(_ alarm: Alarm, of origin: Origin, at now: Instant) async throws {
        let alarm = alarm.bounded
        _ = try await database.readers.run { connection in
            try connection.query(
                """
                INSERT INTO alarms (at, origin, code, detail, event)
                SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (
                    SELECT FROM (SELECT * FROM alarms ORDER BY id DESC LIMIT \(Self.recent)) AS recent
                    WHERE origin = $2 AND code = $3 AND detail = $4 AND event IS NOT DISTINCT FROM $5
                        AND at > $1 - interval '1 hour'
                )
                """,
                [
                    .timestamp(now.stored), .text(origin.code), .text(alarm.code.stored), .text(alarm.detail.stored),
                    alarm.event.map { .bytea($0.bytes) } ?? .null,
                ])
        }
    }

    /// A page, the newest first.
    /// - Throws: `Refusal.invalid` for a cursor of another list.
    public func page(cursor: String?, limit: Int) async throws -> Page<AlarmDocument> {
        let limit = min(max(limit, 1), Self.maximumPage)
        var before = Int64.max
        if let cursor { before = try Self.place(cursor) }
        let start = before
        let items = try await database.readers.run { connection in
            try connection.query(
                "SELECT \(Self.columns) FROM alarms WHERE id < $1 ORDER BY id DESC LIMIT \(limit + 1)",
                [.int64(start)]
            ).map { try AlarmDocument(columns: $0) }
        }
        let next = items.count > limit ? items.prefix(limit).last.map { Self.cursor(after: $0.id) } : nil
        return Page(items: Array(items.prefix(limit)), next: next)
    }

    static let columns = "id, at, origin, code, detail, event"

    // MARK: Cursors

    /// Five tells this list from those of `PageCursor`.
    private static func cursor(after id: Int64) -> String {
        Hex.encode([5] + withUnsafeBytes(of: id.bigEndian) { Array($0) })
    }

    private static func place(_ cursor: String) throws(Refusal) -> Int64 {
        guard let bytes = Hex.decode(cursor), bytes.count == 9, bytes[0] == 5 else { throw PageCursor.invalid }
        return Int64(bitPattern: bytes.dropFirst().reduce(0) { $0 << 8 | UInt64($1) })
    }
}

extension AlarmDocument {
    /// Reads a row of `Alarms.columns` that begin at `start`.
    init(columns row: Row, from start: Int = 0) throws {
        self.init(
            id: try row.get(start), at: try row.instant(start + 1).rfc3339, origin: try row.get(start + 2),
            code: try row.get(start + 3), detail: try row.get(start + 4),
            event: try row.isNull(start + 5) ? nil : row.hash(start + 5).description)
    }
}
