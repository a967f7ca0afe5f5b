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

    /// New rows. One that stands in their way is an error: the figures would not lose what it counts.
    func copyNew(_ connection: isolated Connection) throws { try Table.cases.copy(rows[new], connection) }
    var insertNew: [Commit.Statement] { Table.cases.insert(Array(rows[new])) }

    /// The rows that may have to replace others.
    var upsert: [Commit.Statement] { Table.cases.upsert(known.map { rows[$0] }) }
}
