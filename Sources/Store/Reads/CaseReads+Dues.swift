public import Casework
public import Contract
import Postgres

extension CaseReads {
    /// Open cases whose deadline lies on a closure's day, of those that it closes, and where the rules would put it
    /// now:
    /// a proposal, which a person confirms case by case.
    public func duesTouched(by closure: Closure) async throws -> [TouchedDue] {
        let network = network
        let zone = network.country.zone
        let rows = try await database.readers.run { connection in
            try connection.query(
                """
                SELECT id, tracking_code, home, seat, deadline FROM cases
                WHERE counts_due AND deadline >= $1 AND deadline < $2 AND ($3 = '' OR home = $3)
                ORDER BY deadline, id LIMIT 500
                """,
                [
                    .timestamp(zone.startOfDay(closure.day).stored),
                    .timestamp(zone.startOfDay(closure.day + 1).stored),
                    .text(closure.region?.code ?? ""),
                ])
        }
        return try rows.map { row in
            let (home, due) = (try row.origin(2), try row.instant(4))
            return TouchedDue(
                id: try row.caseID(0).description, trackingCode: try row.get(1), home: home.code,
                seat: try row.get(3), due: due.rfc3339,
                proposed: network.calendar(of: home).due(from: due, workingDays: 0).rfc3339)
        }
    }
}
