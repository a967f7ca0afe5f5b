public import Casework
import Postgres

/// The clocks that run in the cases of this server, as far as their projection has come.
public struct Clocks: Sendable {
    /// The levels of escalation that there are: the seat's and the hub's.
    public static let levels = 2

    private let database: Database

    public init(_ database: Database) { self.database = database }

    /// Clocks that end before an instant, past or to come, the earliest first.
    /// - Parameters:
    ///   - level: only those that were escalated to less than this. By default, all.
    ///   - seats: only of cases that are worked on there.
    public func due(
        before end: Instant, below level: Int = levels + 1, seats: [Origin], limit: Int
    ) async throws -> [RunningClock] {
        try await database.lookups.run { connection in
            try connection.query(
                Self.statement,
                [
                    .timestamp(end.stored), .int16Array((0..<Int16(clamping: level)).map { $0 }),
                    .textArray(seats.map(\.code)), .int(max(0, limit)),
                ]
            ).map { try ClockProjection.table.read($0, into: ClockProjection.blank) }
        }
    }

    /// The first of each level, then the first of these.
    private static let statement = """
        SELECT \(ClockProjection.table.list("c")) FROM unnest($2::smallint[]) AS asked (level) CROSS JOIN LATERAL (
            SELECT * FROM clocks WHERE level = asked.level AND due < $1 AND seat = ANY ($3::text[])
            ORDER BY due, case_id LIMIT $4
        ) c ORDER BY c.due, c.case_id LIMIT $4
        """
}

extension [RunningClock] {
    /// The cases that have them, each once, in the clocks' order.
    public var cases: [CaseID] {
        var seen: Set<CaseID> = []
        return map(\.caseID).filter { seen.insert($0).inserted }
    }
}
