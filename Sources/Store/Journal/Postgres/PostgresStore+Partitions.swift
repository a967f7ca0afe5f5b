import Casework
import Federation
import Postgres

/// One leaf of the partitioned journal: ten million events of one origin.
struct JournalPartition: Hashable, Comparable {
    static let size: UInt64 = 10_000_000

    let origin: Origin
    /// Holds `range * size ..< (range + 1) * size`.
    let range: UInt64

    init(origin: Origin, seq: UInt64) { (self.origin, range) = (origin, seq / Self.size) }

    static func < (left: JournalPartition, right: JournalPartition) -> Bool {
        (left.origin, left.range) < (right.origin, right.range)
    }

    static func needed(by numbered: [Commit.Numbered]) -> Set<JournalPartition> {
        var needed: Set<JournalPartition> = []
        var last: JournalPartition?
        for index in numbered.indices {
            let event = numbered[index].event
            let partition = JournalPartition(origin: event.origin, seq: event.place.seq)
            if partition != last { needed.insert(partition) }
            last = partition
        }
        return needed
    }

    /// The partition of all of an origin's events.
    static func table(of origin: Origin) -> String {
        "journal_" + String(origin.code.lowercased().map { $0 == "-" ? "_" : $0 })
    }

    private var parent: String { Self.table(of: origin) }

    private var name: String { "\(parent)_\(range)" }

    /// Makes the table unless it exists, in a transaction of its own: ATTACH does not keep readers out, where CREATE …
    /// PARTITION OF would wait for every one of them. A table left empty by a batch that failed is used by the next.
    func create(_ connection: isolated Connection) throws {
        if try exists(name, connection) { return }
        try connection.transaction { connection in
            try connection.query("SELECT pg_advisory_xact_lock($1)", [.int64(Migration.lock)])
            if try !exists(parent, connection) {
                try connection.execute(
                    """
                    CREATE TABLE \(parent) (LIKE journal) PARTITION BY RANGE (seq);
                    ALTER TABLE journal ATTACH PARTITION \(parent) FOR VALUES IN ('\(origin.code)')
                    """)
            }
            if try exists(name, connection) { return }
            let (end, overflow) = (range + 1).multipliedReportingOverflow(by: Self.size)
            let bound = overflow || end > UInt64(Int64.max) ? "MAXVALUE" : "\(end)"
            try connection.execute(
                """
                CREATE TABLE \(name) (LIKE journal);
                ALTER TABLE \(parent) ATTACH PARTITION \(name) FOR VALUES FROM (\(range * Self.size)) TO (\(bound))
                """)
        }
    }

    private func exists(_ table: String, _ connection: isolated Connection) throws -> Bool {
        try connection.query("SELECT to_regclass($1) IS NOT NULL", [.text(table)])[0].get(0)
    }
}
