import Casework
import Federation
import Postgres

/// A table to which a batch adds rows: many of them by COPY, few as arrays of one INSERT. COPY is the faster for each
/// row, but no part of a pipeline: it costs two round trips of its own.
struct Table<Element: Sendable>: Sendable {
    let name: String
    let columns: [Column]
    private let copyStatement, insertStatement, upsertStatement: String

    /// - Parameter onConflict: what becomes of a row that stands where a new one belongs; without it, that is an error.
    init(_ name: String, onConflict: String = "", _ columns: [Column]) {
        self.name = name
        self.columns = columns
        let names = columns.map(\.name).joined(separator: ", ")
        copyStatement = "COPY \(name) (\(names)) FROM STDIN (FORMAT binary)"
        insertStatement = "INSERT INTO \(name) AS known (\(names)) SELECT * FROM unnest(\(Self.arrays(columns)))"
        upsertStatement = insertStatement + " " + onConflict
    }

    /// The columns as parameters of one statement, each an array over the rows.
    private static func arrays(_ columns: [Column]) -> String {
        columns.enumerated().map { "$\($0 + 1)::\($1.type)[]" }.joined(separator: ", ")
    }

    // MARK: Writing

    /// Adds rows where none of theirs stand.
    func copy(_ rows: some Collection<Element>, _ connection: isolated Connection) throws {
        guard !rows.isEmpty else { return }
        try connection.copyIn(copyStatement) { writer in
            for row in rows {
                try writer.row { copied in for column in columns { column.append(row, &copied) } }
            }
        }
    }

    /// Adds rows where none of theirs stand.
    func insert(_ rows: [Element]) -> [Commit.Statement] { statement(insertStatement, rows) }

    /// Adds rows, or changes those that stand there.
    func upsert(_ rows: [Element]) -> [Commit.Statement] { statement(upsertStatement, rows) }

    private func statement(_ sql: String, _ rows: [Element]) -> [Commit.Statement] {
        rows.isEmpty ? [] : [(sql, columns.map { $0.array(rows) })]
    }

    // MARK: Reading

    /// What a SELECT lists, for `read`.
    /// - Parameter alias: of the table in that statement.
    func list(_ alias: String) -> String { columns.map { "\(alias).\($0.name)" }.joined(separator: ", ") }

    /// Reads a row that was selected by `list`.
    /// - Parameters:
    ///   - start: where the first of the columns stands in the row.
    ///   - element: any; all that has a column is replaced.
    /// - Throws: `StoreError.corrupt` for a value that this version does not know.
    func read(_ row: Row, from start: Int = 0, into element: Element) throws -> Element {
        var element = element
        for (index, column) in columns.enumerated() { try column.read(row, start + index, &element) }
        return element
    }
}
