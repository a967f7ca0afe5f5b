import Casework
import Federation
import Postgres

/// The columns of `cases`, the only place in Swift that lists them: what writes, reads or compares rows asks this table.
extension Table<CaseRow> {
    private static let columns: [Column] = [
        .id("id", { $0.id }, { $0.id = $1 }),
        .text("tracking_code", { $0.trackingCode }, { $0.trackingCode = $1 }),
        .origin("home", { $0.home }, { $0.home = $1 }),
        .word("holder", { $0.holder }, { $0.holder = $1 }),
        .origin("seat", { $0.seat }, { $0.seat = $1 }),
        .bigint("epoch", { $0.epoch }, { $0.epoch = $1 }),
        .word("status", { $0.status }, { $0.status = $1 }),
        .word(optional: "outcome", { $0.outcome }, { $0.outcome = $1 }),
        .word("kind", { $0.kind }, { $0.kind = $1 }),
        .word("channel", { $0.channel }, { $0.channel = $1 }),
        .text("category", { $0.category.stored }, { $0.category = $1 }),
        .word("priority", { $0.priority }, { $0.priority = $1 }),
        .word(optional: "about", { $0.about }, { $0.about = $1 }),
        .text(optional: "subject", { $0.subject?.stored }, { $0.subject = $1 }),
        .time("registered_at", { $0.registeredAt }, { $0.registeredAt = $1 }),
        .time("deadline", { $0.deadline }, { $0.deadline = $1 }),
        .time("answered_at", { $0.answeredAt }, { $0.answeredAt = $1 }),
        .bool("is_open", { $0.isOpen }, { $0.isOpen = $1 }),
        .bool("counts_due", { $0.countsDue }, { $0.countsDue = $1 }),
        .bool("imported", { $0.imported }, { $0.imported = $1 }),
        .integer("conflicts", { $0.conflicts }, { $0.conflicts = $1 }),
        .integer("proposals", { $0.proposals }, { $0.proposals = $1 }),
        .integer("revision", { $0.revision }, { $0.revision = $1 }),
        .bigint("position", { $0.position }, { $0.position = $1 }),
        .bool("pending", { $0.pending }, { $0.pending = $1 }),
        .bool("parked", { $0.parked }, { $0.parked = $1 }),
        .hash("digest", { $0.digest }, { $0.digest = $1 }),
    ]

    static let cases = Table(
        "cases",
        onConflict: """
            ON CONFLICT (id) DO UPDATE SET
            \(columns.dropFirst().map { "\($0.name) = excluded.\($0.name)" }.joined(separator: ", "))
            """, columns)
}

extension CaseRow {
    /// The columns of `cases` that `init(columns:)` reads, each with the table's alias `c`.
    static let columns = Table.cases.list("c")

    private static let blank = CaseRow(blank: Origin.hub)

    /// Reads a row that was selected by `columns`.
    /// - Throws: `StoreError.corrupt` for values that this version does not know.
    init(columns row: Row) throws { self = try Table.cases.read(row, into: Self.blank) }
}
