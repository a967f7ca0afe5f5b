import Casework
import Federation
import Postgres

/// The case rows of a batch: each case once, as it stands last.
struct CaseRows {
    private let rows: [CaseRow]
    /// Of cases that had none, and of those that may have one: where they stand in `rows`.
    private let new: Range<Int>
    private let known: [Int]

    init(_ batch: Commit) {
        rows = batch.cases
        new = 0..<batch.begun
        var seen: Set<CaseID> = []
        known = (batch.begun..<rows.count).reversed().filter { seen.insert(batch.cases[$0].id).inserted }
    }

    /// What the figures count of these cases until now.
    var selectOld: [Commit.Statement] {
        known.isEmpty
            ? []
            : [
                (
                    "SELECT \(MovedFigures.columns) FROM cases WHERE id = ANY ($1::uuid[])",
                    [.uuidArray(known.map { rows[$0].id.bytes })]
                )
            ]
    }

    /// New less old.
    /// - Parameter old: the answer to `selectOld`, where there is one.
    func figures(old: Rows?) throws -> MovedFigures {
        var figures = MovedFigures()
        for part in [Array(new), known] { for index in part { figures.add(rows[index]) } }
        if let old { for row in old { try figures.subtract(row) } }
        return figures
    }

    /// Rows that nothing stands in the way of.
    func copyNew(_ connection: isolated Connection) throws {
        guard !new.isEmpty else { return }
        let names = Self.columns.map(\.name).joined(separator: ", ")
        try connection.copyIn("COPY cases (\(names)) FROM STDIN (FORMAT binary)") { writer in
            for index in new {
                let row = rows[index]
                try writer.row { copied in for column in Self.columns { column.append(row, &copied) } }
            }
        }
    }

    var upsert: [Commit.Statement] {
        if known.isEmpty { return [] }
        let known = known.map { rows[$0] }
        return [(Self.sql, Self.columns.map { $0.array(known) })]
    }

    /// One column, as a field of a copied row and as an array over many rows.
    private struct Column: Sendable {
        let name: String
        let type: String
        let append: @Sendable (CaseRow, inout CopyRow) -> Void
        let array: @Sendable ([CaseRow]) -> Parameter

        static func text(_ name: String, _ value: @escaping @Sendable (CaseRow) -> String) -> Column {
            Column(name: name, type: "text") { $1.append(value($0)) } array: { .textArray($0.map(value)) }
        }

        static func text(optional name: String, _ value: @escaping @Sendable (CaseRow) -> String?) -> Column {
            Column(name: name, type: "text") { $1.append(optional: value($0)) }
                array: { .textArrayOptional($0.map(value)) }
        }

        static func bigint(_ name: String, _ value: @escaping @Sendable (CaseRow) -> Int64) -> Column {
            Column(name: name, type: "bigint") { $1.append(value($0)) } array: { .int64Array($0.map(value)) }
        }

        static func integer(_ name: String, _ value: @escaping @Sendable (CaseRow) -> Int32) -> Column {
            Column(name: name, type: "integer") { $1.append(value($0)) } array: { .int32Array($0.map(value)) }
        }

        static func bool(_ name: String, _ value: @escaping @Sendable (CaseRow) -> Bool) -> Column {
            Column(name: name, type: "boolean") { $1.append(value($0)) } array: { .boolArray($0.map(value)) }
        }

        static func time(_ name: String, _ value: @escaping @Sendable (CaseRow) -> Instant?) -> Column {
            Column(name: name, type: "timestamptz") { $1.append(timestamp: value($0)?.stored) }
                array: { .timestampArrayOptional($0.map { value($0)?.stored }) }
        }
    }

    private static let columns: [Column] = [
        Column(name: "id", type: "uuid") { $1.append($0.id) } array: { .uuidArray($0.map(\.id.bytes)) },
        .text("tracking_code") { $0.trackingCode },
        .text("home") { $0.home.code },
        .text("holder") { $0.holder.rawValue },
        .text("seat") { $0.seat.code },
        .bigint("epoch") { $0.epoch.stored },
        .text("status") { $0.status.rawValue },
        .text(optional: "outcome") { $0.outcome?.rawValue },
        .text("kind") { $0.kind.rawValue },
        .text("channel") { $0.channel.rawValue },
        .text("category") { $0.category.stored },
        .text("priority") { $0.priority.rawValue },
        .text(optional: "about") { $0.about?.rawValue },
        .text(optional: "subject") { $0.subject?.stored },
        .time("registered_at") { $0.registeredAt },
        .time("deadline") { $0.deadline },
        .time("answered_at") { $0.answeredAt },
        .bool("is_open") { $0.isOpen },
        .bool("counts_due") { $0.countsDue },
        .bool("imported") { $0.imported },
        .integer("conflicts") { $0.conflicts.stored },
        .integer("proposals") { $0.proposals.stored },
        Column(name: "escalated", type: "smallint") { $1.append(Int16(clamping: $0.escalated)) }
            array: { .int16Array($0.map { Int16(clamping: $0.escalated) }) },
        .integer("revision") { $0.revision.stored },
        .bigint("position") { $0.position.stored },
        .bool("pending") { $0.pending },
        .bool("parked") { $0.parked },
        Column(name: "digest", type: "bytea") { $1.append($0.digest) }
            array: { .byteaArray($0.map(\.digest.bytes)) },
    ]

    /// One statement for all rows of the batch.
    private static let sql: String = {
        let names = columns.map(\.name).joined(separator: ", ")
        let arrays = columns.enumerated().map { "$\($0 + 1)::\($1.type)[]" }.joined(separator: ", ")
        let changes = columns.dropFirst().map { "\($0.name) = excluded.\($0.name)" }.joined(separator: ", ")
        return """
            INSERT INTO cases (\(names)) SELECT * FROM unnest(\(arrays))
            ON CONFLICT (id) DO UPDATE SET \(changes)
            """
    }()
}
