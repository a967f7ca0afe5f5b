public import Casework
public import Contract
import Postgres

/// Figures. Each call's numbers are those of one snapshot of the database.
extension CaseReads {
    /// Figures of all cases here.
    public func counts(now: Instant) async throws -> Counts { try await overview(now: now).counts }

    /// Figures of all cases here and by home, and the position that all of them reflect.
    public func overview(
        now: Instant
    ) async throws -> (position: UInt64, counts: Counts, byHome: [Origin: Counts]) {
        let today = JalaliDate(instant: now)
        let head = origin.code
        return try await database.readers.transaction(mode: .snapshot) { connection in
            let rows = try connection.pipeline([
                ("SELECT position FROM head WHERE origin = $1", [.text(head)]),
                ("SELECT home, registered, open, answered, closed, disputed, conflicts FROM figures", []),
                (
                    "SELECT home, sum(due)::bigint FROM days WHERE at < $1 AND due <> 0 GROUP BY home",
                    [.timestamp(now.stored)]
                ),
                ("SELECT home, registered FROM days WHERE at = $1", [.timestamp(today.startOfDay.stored)]),
            ])
            var byHome: [Origin: Counts] = [:]
            for row in rows[1] {
                byHome[try row.origin(0)] = Counts(
                    registered: try row.get(1), open: try row.get(2), answered: try row.get(3),
                    closed: try row.get(4), disputed: try row.get(5), conflicts: try row.get(6))
            }
            for row in rows[2] { byHome[try row.origin(0), default: Counts()].overdue = try row.get(1) }
            for row in rows[3] { byHome[try row.origin(0), default: Counts()].newToday = try row.get(1) }
            let position = try rows[0].first?.number(0) ?? 0
            return (position, byHome.values.reduce(into: Counts()) { $0.add($1) }, byHome)
        }
    }

    /// New cases and answers of each Tehran day, oldest first; the last is today.
    /// - Parameter days: 1–366.
    public func trend(days: Int, now: Instant) async throws -> [TrendPoint] {
        let last = JalaliDate(instant: now)
        let dates = (0..<min(max(days, 1), 366)).reversed().map { last.adding(days: -$0) }
        let starts = dates.map(\.startOfDay.stored)
        let counted = try await database.readers.run { connection in
            try connection.query(
                """
                SELECT at, sum(registered)::bigint, sum(answered)::bigint FROM days
                WHERE at = ANY ($1::timestamptz[]) GROUP BY at
                """, [.timestampArray(starts)]
            ).reduce(into: [Int64: (registered: Int, answered: Int)]()) {
                $0[try $1.timestamp(0)] = (try $1.get(1), try $1.get(2))
            }
        }
        return zip(dates, starts).map { date, start in
            TrendPoint(
                day: date.isoText, registered: counted[start]?.registered ?? 0, answered: counted[start]?.answered ?? 0)
        }
    }

    /// The cases whose deadline passed longest ago; for everybody's eyes, so without texts.
    public func overdueRanking(limit: Int, now: Instant) async throws -> [CaseDocument] {
        let limit = min(max(limit, 1), Self.maximumPage)
        let rows = try await database.readers.run { connection in
            try connection.query(
                """
                SELECT \(CaseRow.columns) FROM cases c WHERE c.counts_due AND c.deadline < $1
                ORDER BY c.deadline, c.id LIMIT \(limit)
                """, [.timestamp(now.stored)]
            ).map { try CaseRow(columns: $0) }
        }
        return try await items(rows, for: nil, now: now)
    }

    /// Cases that moved after a position, as they stand now, in the order of their last event.
    public func changes(after position: UInt64, limit: Int) async throws -> [CaseRow] {
        try await database.readers.run { connection in
            try connection.query(
                "SELECT \(CaseRow.columns) FROM cases c WHERE c.position > $1 ORDER BY c.position LIMIT $2",
                [.int64(position.stored), .int(max(0, limit))]
            ).map { try CaseRow(columns: $0) }
        }
    }
}

extension JalaliDate {
    /// `1405-08-30`
    fileprivate var isoText: String { description.split(separator: "/").joined(separator: "-") }
}

extension Counts {
    mutating func add(_ other: Counts) {
        registered += other.registered
        open += other.open
        overdue += other.overdue
        answered += other.answered
        closed += other.closed
        disputed += other.disputed
        conflicts += other.conflicts
        newToday += other.newToday
    }
}
