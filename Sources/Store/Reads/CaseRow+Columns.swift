import Casework
import Federation
import Postgres

extension CaseRow {
    /// The columns of `cases` that `init(columns:)` reads, each with the table's alias `c`.
    static let columns = [
        "id", "tracking_code", "home", "holder", "seat", "epoch", "status", "outcome", "kind", "channel", "category",
        "priority", "about", "subject", "registered_at", "deadline", "answered_at", "is_open", "counts_due", "imported",
        "conflicts", "proposals", "escalated", "revision", "position",
        "pending", "parked", "digest",
    ].map { "c." + $0 }.joined(separator: ", ")

    /// Reads a row that was selected by `columns`.
    /// - Throws: `StoreError.corrupt` for values that this version does not know.
    init(columns row: Row) throws {
        id = try row.caseID(0)
        trackingCode = try row.get(1)
        home = try row.origin(2)
        holder = try Self.value(row, 3) { OrganizationCode(rawValue: $0) }
        seat = try row.origin(4)
        epoch = try row.number(5)
        status = try Self.value(row, 6) { Status(rawValue: $0) }
        outcome = try row.isNull(7) ? nil : Self.value(row, 7) { Outcome(rawValue: $0) }
        kind = try Self.value(row, 8) { Kind(rawValue: $0) }
        channel = try Self.value(row, 9) { Channel(rawValue: $0) }
        category = try row.get(10)
        priority = try Self.value(row, 11) { Priority(rawValue: $0) }
        about = try row.isNull(12) ? nil : Self.value(row, 12) { OrganizationCode(rawValue: $0) }
        subject = try row.get(13)
        registeredAt = try row.optionalTimestamp(14).map { Instant(stored: $0) }
        deadline = try row.optionalTimestamp(15).map { Instant(stored: $0) }
        answeredAt = try row.optionalTimestamp(16).map { Instant(stored: $0) }
        isOpen = try row.get(17)
        countsDue = try row.get(18)
        imported = try row.get(19)
        conflicts = try row.get(20)
        proposals = try row.get(21)
        escalated = try row.get(22)
        revision = try row.get(23)
        position = try row.number(24)
        pending = try row.get(25)
        parked = try row.get(26)
        digest = try row.hash(27)
    }

    private static func value<Value>(_ row: Row, _ column: Int, _ read: (String) -> Value?) throws -> Value {
        let text = try row.get(column, as: String.self)
        guard let value = read(text) else { throw StoreError.corrupt(nil, "cases: \(text)") }
        return value
    }
}
