import Casework
import Federation
import Postgres

/// What a case adds to its home's figures.
struct CountedCase {
    /// In the order of `columns`.
    var counts: [Int64]

    static let columns = ["registered", "open", "answered", "closed", "disputed", "conflicts"]
    static let none = CountedCase(counts: columns.map { _ in 0 })

    private init(counts: [Int64]) { self.counts = counts }

    /// `open` counts all that somebody must still act on, disputed and answered ones among them; `answered`, `closed` and
    /// `disputed` go by the status shown; `conflicts` counts cases that have any.
    init(isRegistered: Bool, isOpen: Bool, status: String, conflicts: Int) {
        counts = [
            isRegistered, isOpen, status == Status.answered.rawValue, status == Status.closed.rawValue,
            status == Status.disputed.rawValue, conflicts > 0,
        ].map { $0 ? 1 : 0 }
    }

    init(_ row: CaseRow) {
        self.init(
            isRegistered: row.registeredAt != nil, isOpen: row.isOpen, status: row.status.rawValue,
            conflicts: row.conflicts)
    }

    mutating func add(_ other: CountedCase, times factor: Int64) {
        for index in counts.indices { counts[index] += factor * other.counts[index] }
    }

    /// Moves the figures of each home by a difference; one statement, or none when nothing moves.
    static func move(_ differences: [Origin: CountedCase]) -> [Commit.Statement] {
        let moved = differences.filter { $0.value.counts.contains { $0 != 0 } }.sorted { $0.key < $1.key }
        guard !moved.isEmpty else { return [] }
        let arrays = columns.indices.map { "$\($0 + 2)::bigint[]" }.joined(separator: ", ")
        let sums = columns.map { "\($0) = figures.\($0) + excluded.\($0)" }.joined(separator: ", ")
        return [
            (
                """
                INSERT INTO figures (home, \(columns.joined(separator: ", ")))
                    SELECT * FROM unnest($1::text[], \(arrays))
                ON CONFLICT (home) DO UPDATE SET \(sums)
                """,
                [.textArray(moved.map(\.key.code))]
                    + columns.indices.map { column in .int64Array(moved.map { $0.value.counts[column] }) }
            )
        ]
    }
}

/// The case rows of a batch: each case once, as it stands last.
struct CaseRows {
    private let rows: [CaseRow]

    init(_ batch: Commit) {
        var seen: Set<CaseID> = []
        rows = batch.cases.reversed().filter { seen.insert($0.id).inserted }
    }

    var isEmpty: Bool { rows.isEmpty }

    /// What the figures count of these cases until now.
    var selectOld: [Commit.Statement] {
        isEmpty
            ? []
            : [
                (
                    """
                    SELECT home, registered_at IS NOT NULL, is_open, status, conflicts
                    FROM cases WHERE id = ANY ($1::uuid[])
                    """,
                    [.uuidArray(rows.map(\.id.bytes))]
                )
            ]
    }

    /// New less old, by home.
    func figures(old: Rows) throws -> [Origin: CountedCase] {
        var differences: [Origin: CountedCase] = [:]
        for row in rows { differences[row.home, default: .none].add(CountedCase(row), times: 1) }
        for row in old {
            let counted = CountedCase(
                isRegistered: try row.get(1), isOpen: try row.get(2), status: try row.get(3),
                conflicts: try row.get(4))
            differences[try row.origin(0), default: .none].add(counted, times: -1)
        }
        return differences
    }

    var upsert: [Commit.Statement] {
        isEmpty ? [] : [(Self.sql, Self.columns.map { $0.values(rows) })]
    }

    private struct Column {
        let name: String
        let type: String
        let values: @Sendable ([CaseRow]) -> Parameter

        init(_ name: String, _ type: String, _ values: @escaping @Sendable ([CaseRow]) -> Parameter) {
            (self.name, self.type, self.values) = (name, type, values)
        }
    }

    private static let columns: [Column] = [
        Column("id", "uuid") { .uuidArray($0.map(\.id.bytes)) },
        Column("tracking_code", "text") { .textArray($0.map(\.trackingCode)) },
        Column("home", "text") { .textArray($0.map(\.home.code)) },
        Column("holder", "text") { .textArray($0.map(\.holder.rawValue)) },
        Column("seat", "text") { .textArray($0.map(\.seat.code)) },
        Column("epoch", "bigint") { .int64Array($0.map(\.epoch.stored)) },
        Column("status", "text") { .textArray($0.map(\.status.rawValue)) },
        Column("outcome", "text") { .textArrayOptional($0.map(\.outcome?.rawValue)) },
        Column("kind", "text") { .textArray($0.map(\.kind.rawValue)) },
        Column("channel", "text") { .textArray($0.map(\.channel.rawValue)) },
        Column("category", "text") { .textArray($0.map(\.category.stored)) },
        Column("priority", "text") { .textArray($0.map(\.priority.rawValue)) },
        Column("about", "text") { .textArrayOptional($0.map(\.about?.rawValue)) },
        Column("subject", "text") { .textArrayOptional($0.map(\.subject?.stored)) },
        Column("registered_at", "timestamptz") { .timestampArrayOptional($0.map(\.registeredAt?.stored)) },
        Column("deadline", "timestamptz") { .timestampArrayOptional($0.map(\.deadline?.stored)) },
        Column("answered_at", "timestamptz") { .timestampArrayOptional($0.map(\.answeredAt?.stored)) },
        Column("is_open", "boolean") { .boolArray($0.map(\.isOpen)) },
        Column("counts_due", "boolean") { .boolArray($0.map(\.countsDue)) },
        Column("imported", "boolean") { .boolArray($0.map(\.imported)) },
        Column("conflicts", "integer") { .int32Array($0.map(\.conflicts.stored)) },
        Column("proposals", "integer") { .int32Array($0.map(\.proposals.stored)) },
        Column("escalated", "smallint") { .int16Array($0.map { Int16(clamping: $0.escalated) }) },
        Column("revision", "integer") { .int32Array($0.map(\.revision.stored)) },
        Column("position", "bigint") { .int64Array($0.map(\.position.stored)) },
        Column("pending", "boolean") { .boolArray($0.map(\.pending)) },
        Column("parked", "boolean") { .boolArray($0.map(\.parked)) },
        Column("digest", "bytea") { .byteaArray($0.map(\.digest.bytes)) },
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
