public import Casework
public import Contract
import Postgres

extension CaseReads {
    /// Figures of the cases registered in a period, as they stand at `now`: a share of them can never exceed the
    /// whole, and work on older cases cannot hide what this period left open. By home at the hub, by holder at a
    /// node.
    public func report(_ period: ReportPeriod, now: Instant) async throws -> ReportDocument {
        let jalali =
            switch period {
            case .month(let year, let month): JalaliPeriod.month(year: year, month: month)
            case .quarter(let year, let quarter): JalaliPeriod.quarter(year: year, quarter: quarter)
            }
        let range = jalali.range
        let organization = origin.isHub ? "home" : "holder"
        let head = origin.code
        let (position, groups) = try await database.readers.transaction(mode: .snapshot) { connection in
            let position = try connection.query("SELECT position FROM head WHERE origin = $1", [.text(head)])
            let rows = try connection.query(
                Self.reportStatement(organization: organization),
                [
                    .timestamp(range.lowerBound.stored), .timestamp(range.upperBound.stored), .timestamp(now.stored),
                ])
            return (try position.first?.number(0) ?? 0, try rows.map { try ReportRow($0) })
        }
        func rows(_ kind: ReportRow.Kind) -> [ReportDocument.Row] {
            groups.filter { $0.kind == kind }.map(\.row).sorted { $0.key < $1.key }
        }
        let none = ReportDocument.Row(
            key: "total", registered: 0, answered: 0, closed: 0, disputed: 0, overdue: 0, medianDays: nil)
        return ReportDocument(
            period: jalali.code, from: range.lowerBound.rfc3339, to: range.upperBound.rfc3339, asOf: now.rfc3339,
            position: position, total: rows(.total).first ?? none, byOrganization: rows(.organization),
            byCategory: rows(.category))
    }

    private static func reportStatement(organization: String) -> String {
        """
        SELECT CASE grouping(\(organization), category) WHEN 3 THEN 'total' WHEN 1 THEN 'organization'
                ELSE 'category' END,
            coalesce(\(organization), category, 'total'), count(*), count(answered_at),
            count(*) FILTER (WHERE status = 'closed'), count(*) FILTER (WHERE status = 'disputed'),
            count(*) FILTER (WHERE counts_due AND deadline < $3),
            percentile_cont(0.5) WITHIN GROUP (
                ORDER BY extract(epoch FROM answered_at - registered_at)::float8 / 86400)
        FROM cases WHERE registered_at >= $1 AND registered_at < $2
        GROUP BY GROUPING SETS ((), (\(organization)), (category))
        """
    }
}

private struct ReportRow: Sendable {
    enum Kind: String, Sendable { case total, organization, category }

    var kind: Kind
    var row: ReportDocument.Row

    init(_ columns: Row) throws {
        guard let kind = Kind(rawValue: try columns.get(0)) else {
            throw StoreError.corrupt(nil, "report: unknown group")
        }
        self.kind = kind
        row = ReportDocument.Row(
            key: try columns.get(1), registered: try columns.get(2), answered: try columns.get(3),
            closed: try columns.get(4), disputed: try columns.get(5), overdue: try columns.get(6),
            medianDays: try columns.get(7))
    }
}
