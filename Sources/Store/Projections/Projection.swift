import Casework
import Federation
import Postgres

/// A table that trails the cases: it is made of nothing else, so that it can be dropped and made anew at any time.
///
/// A projection is a folder with this value and the SQL file of its table, and a line in ``Projections/all``; the rest
/// (when it advances, how far it has come, its lag, rebuilding, verification) is done by ``ProjectionFrame``. Most say
/// only which rows a case has: see `CaseProjection`.
protocol Projection: Sendable {
    /// Its table; also what it is called in `projections`, in metrics and in reports.
    var name: String { get }
    /// The SQL file that creates the table and its indexes. Where its bytes change, the table is dropped and made anew
    /// at the next start: whoever changes what rows say changes the file, if only in its comment.
    var definition: [UInt8] { get }
    /// The columns that tell its rows apart; the first of them names the case.
    var keys: [String] { get }
    /// The statements that bring the table to what these cases say now, whatever they said before. They run in the
    /// transaction that saves how far the projection has come.
    func advance(_ step: ProjectionStep) -> [Commit.Statement]
    /// Those of the cases that the projection has reached and whose rows are not what `advance` would make of them.
    /// `connection` is in a snapshot.
    func differences(_ step: ProjectionStep, _ connection: isolated Connection) throws -> [CaseID]
}

/// Cases that moved, each as it stands now with all its events, in their order here.
///
/// Whole cases instead of the events alone: a case that moves twice before it is looked at comes once, and one whose
/// part arrives late comes without an event of its own. So a row must follow from its case, never from the steps. Events
/// that concern no case come to no projection.
struct ProjectionStep: Sendable {
    /// This server.
    let origin: Origin
    let cases: [CaseRecord]
}

/// A projection whose rows each belong to one case, and follow from it alone.
protocol CaseProjection: Projection {
    associatedtype Element: Hashable, Sendable

    static var table: Table<Element> { get }
    /// To read columns into.
    static var blank: Element { get }
    func rows(of record: CaseRecord, at origin: Origin) -> [Element]
    func caseID(of row: Element) -> CaseID
}

extension CaseProjection {
    var name: String { Self.table.name }

    func advance(_ step: ProjectionStep) -> [Commit.Statement] {
        let rows = step.cases.flatMap { self.rows(of: $0, at: step.origin) }
        let replacement = Self.table.replacement(keys: keys)
        let keyed = Self.table.columns.filter { keys.contains($0.name) }
        return [
            (replacement.delete, [.uuidArray(step.cases.map(\.id.bytes))] + keyed.map { $0.array(rows) }),
            (replacement.upsert, Self.table.columns.map { $0.array(rows) }),
        ]
    }

    func differences(_ step: ProjectionStep, _ connection: isolated Connection) throws -> [CaseID] {
        let ids = Parameter.uuidArray(step.cases.map(\.id.bytes))
        let answers = try connection.pipeline([
            (
                """
                SELECT c.id FROM cases c JOIN projections p ON p.name = $1 AND c.position <= p.position
                WHERE c.id = ANY ($2::uuid[])
                """, [.text(name), ids]
            ),
            ("SELECT \(Self.table.list("t")) FROM \(name) t WHERE t.\(keys[0]) = ANY ($1::uuid[])", [ids]),
        ])
        let reached = Set(try answers[0].map { try $0.caseID(0) })
        var stored: [CaseID: Set<Element>] = [:]
        for row in answers[1] {
            let element = try Self.table.read(row, into: Self.blank)
            stored[caseID(of: element), default: []].insert(element)
        }
        return step.cases.filter { record in
            reached.contains(record.id) && stored[record.id] ?? [] != Set(rows(of: record, at: step.origin))
        }.map(\.id)
    }
}

extension Table {
    /// Statements that make the rows of some cases those given. Rows that stand as they are cost no write.
    /// - Parameter keys: columns of this table; the first names the case.
    /// - Returns: the first takes the cases' identifiers and arrays of the keys, the second arrays of all columns.
    fileprivate func replacement(keys: [String]) -> (delete: String, upsert: String) {
        let keyed = columns.filter { keys.contains($0.name) }
        func arrays(_ columns: [Column], from first: Int) -> String {
            columns.enumerated().map { "$\($0 + first)::\($1.type)[]" }.joined(separator: ", ")
        }
        func list(_ columns: [Column], _ prefix: String = "") -> String {
            columns.map { prefix + $0.name }.joined(separator: ", ")
        }
        func isSame(_ left: String, _ right: String) -> String {
            keyed.map { "\(left).\($0.name) = \(right).\($0.name)" }.joined(separator: " AND ")
        }
        let values = columns.filter { !keys.contains($0.name) }
        let delete = """
            DELETE FROM \(name) old WHERE old.\(keys[0]) = ANY ($1::uuid[]) AND NOT EXISTS (
                SELECT FROM unnest(\(arrays(keyed, from: 2))) AS kept (\(list(keyed))) WHERE \(isSame("kept", "old")))
            """
        let upsert = """
            INSERT INTO \(name) (\(list(columns)))
                SELECT \(list(columns, "new.")) FROM unnest(\(arrays(columns, from: 1))) AS new (\(list(columns)))
                    LEFT JOIN \(name) old ON \(isSame("old", "new"))
                WHERE (\(list(columns, "old."))) IS DISTINCT FROM (\(list(columns, "new.")))
            ON CONFLICT (\(list(keyed))) DO UPDATE SET (\(list(values))) = ROW (\(list(values, "excluded.")))
            """
        return (delete, upsert)
    }
}
