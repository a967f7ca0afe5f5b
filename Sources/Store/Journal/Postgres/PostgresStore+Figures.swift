import Casework
import Federation
import Postgres

/// By how much a batch moves the figures: of each home, and of each home's days. They move in the transaction that moves
/// the cases.
struct MovedFigures {
    private var homes: [Origin: CountedCase] = [:]
    private var days: [Day: SIMD4<Int64>] = [:]

    private struct Day: Hashable, Comparable {
        /// Microseconds since 1970-01-01 UTC.
        let at: Int64
        let home: Origin

        static func < (left: Day, right: Day) -> Bool { (left.at, left.home) < (right.at, right.home) }
    }

    mutating func add(_ row: CaseRow) {
        homes[row.home, default: .none].add(CountedCase(row), times: 1)
        note(
            row.home, registered: row.registeredAt?.stored, answered: row.answeredAt?.stored,
            due: row.countsDue ? row.deadline?.stored : nil, times: 1)
    }

    /// What `subtract` reads of a stored case.
    static let columns = """
        home, is_open, status, conflicts, registered_at, answered_at, CASE WHEN counts_due THEN deadline END
        """

    mutating func subtract(_ row: Row) throws {
        let home = try row.origin(0)
        let registered: Int64? = try row.optionalTimestamp(4)
        let counted = CountedCase(
            isRegistered: registered != nil, isOpen: try row.get(1), status: Status(rawValue: try row.get(2)),
            conflicts: try row.get(3))
        homes[home, default: .none].add(counted, times: -1)
        note(
            home, registered: registered, answered: try row.optionalTimestamp(5),
            due: try row.optionalTimestamp(6), times: -1)
    }

    private mutating func note(_ home: Origin, registered: Int64?, answered: Int64?, due: Int64?, times factor: Int64) {
        count(registered.flatMap(Self.startOfDay), home, SIMD4(factor, 0, 0, 0))
        count(answered.flatMap(Self.startOfDay), home, SIMD4(0, factor, 0, 0))
        count(due, home, SIMD4(0, 0, factor, 0))
    }

    private mutating func count(_ at: Int64?, _ home: Origin, _ counts: SIMD4<Int64>) {
        if let at { days[Day(at: at, home: home), default: .zero] &+= counts }
    }

    /// As `date_bin('1 day', …)` finds it from 2000-01-01 20:30 UTC, when a day begins in Tehran. What people did before
    /// is not counted.
    private static func startOfDay(_ at: Int64) -> Int64? {
        let (first, day): (Int64, Int64) = (946_758_600_000_000, 86_400_000_000)
        return at < first ? nil : at - (at - first) % day
    }

    /// One statement for the homes and one for the days, where any of them moves.
    var statements: [Commit.Statement] { CountedCase.move(homes) + moveDays }

    private var moveDays: [Commit.Statement] {
        let moved = days.filter { $0.value != .zero }.sorted { $0.key < $1.key }
        guard !moved.isEmpty else { return [] }
        return [
            (
                """
                INSERT INTO days AS known (at, home, registered, answered, due)
                    SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
                ON CONFLICT (at, home) DO UPDATE SET registered = known.registered + excluded.registered,
                    answered = known.answered + excluded.answered, due = known.due + excluded.due
                """,
                [.timestampArray(moved.map(\.key.at)), .textArray(moved.map(\.key.home.code))]
                    + (0..<3).map { column in .int64Array(moved.map { $0.value[column] }) }
            )
        ]
    }
}

/// What a case adds to its home's figures.
struct CountedCase {
    /// In the order of `columns`; the rest is 0.
    private var counts = SIMD8<Int64>.zero

    static let columns = ["registered", "open", "answered", "closed", "disputed", "conflicts"]
    static let none = CountedCase()

    private init() {}

    /// `open` counts all that somebody must still act on, disputed and answered ones among them; `answered`, `closed` and
    /// `disputed` go by the status shown; `conflicts` counts cases that have any.
    init(isRegistered: Bool, isOpen: Bool, status: Status?, conflicts: Int) {
        counts[0] = isRegistered ? 1 : 0
        counts[1] = isOpen ? 1 : 0
        counts[2] = status == .answered ? 1 : 0
        counts[3] = status == .closed ? 1 : 0
        counts[4] = status == .disputed ? 1 : 0
        counts[5] = conflicts > 0 ? 1 : 0
    }

    init(_ row: CaseRow) {
        self.init(
            isRegistered: row.registeredAt != nil, isOpen: row.isOpen, status: row.status,
            conflicts: row.conflicts)
    }

    mutating func add(_ other: CountedCase, times factor: Int64) {
        counts &+= factor &* other.counts
    }

    /// Moves the figures of each home by a difference; one statement, or none when nothing moves.
    static func move(_ differences: [Origin: CountedCase]) -> [Commit.Statement] {
        let moved = differences.filter { $0.value.counts != .zero }.sorted { $0.key < $1.key }
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
