import Casework
import Federation
import Postgres

/// A table to which a batch adds rows: many of them by COPY, few as arrays of one INSERT. COPY is the faster for each
/// row, but no part of a pipeline: it costs two round trips of its own.
struct Table<Row>: Sendable {
    private let columns: [Column]
    private let copyStatement, insertStatement, upsertStatement: String

    /// - Parameter onConflict: what becomes of a row that stands where a new one belongs; without it, that is an error.
    init(_ name: String, onConflict: String = "", _ columns: [Column]) {
        self.columns = columns
        let names = columns.map(\.name).joined(separator: ", ")
        let arrays = columns.enumerated().map { "$\($0 + 1)::\($1.type)[]" }.joined(separator: ", ")
        copyStatement = "COPY \(name) (\(names)) FROM STDIN (FORMAT binary)"
        insertStatement = "INSERT INTO \(name) AS known (\(names)) SELECT * FROM unnest(\(arrays))"
        upsertStatement = insertStatement + " " + onConflict
    }

    /// Adds rows where none of theirs stand.
    func copy(_ rows: some Collection<Row>, _ connection: isolated Connection) throws {
        guard !rows.isEmpty else { return }
        try connection.copyIn(copyStatement) { writer in
            for row in rows {
                try writer.row { copied in for column in columns { column.append(row, &copied) } }
            }
        }
    }

    /// Adds rows where none of theirs stand.
    func insert(_ rows: [Row]) -> [Commit.Statement] { statement(insertStatement, rows) }

    /// Adds rows, or changes those that stand there.
    func upsert(_ rows: [Row]) -> [Commit.Statement] { statement(upsertStatement, rows) }

    private func statement(_ sql: String, _ rows: [Row]) -> [Commit.Statement] {
        rows.isEmpty ? [] : [(sql, columns.map { $0.array(rows) })]
    }

    /// One column, as a field of a copied row and as an array over many rows.
    struct Column: Sendable {
        let name: String
        let type: String
        let append: @Sendable (Row, inout CopyRow) -> Void
        let array: @Sendable ([Row]) -> Parameter

        static func text(_ name: String, _ value: @escaping @Sendable (Row) -> String) -> Column {
            Column(name: name, type: "text") {
                $1.append(value($0))
            } array: {
                .textArray($0.map(value))
            }
        }

        static func text(optional name: String, _ value: @escaping @Sendable (Row) -> String?) -> Column {
            Column(name: name, type: "text") {
                $1.append(optional: value($0))
            } array: {
                .textArrayOptional($0.map(value))
            }
        }

        static func bigint(_ name: String, _ value: @escaping @Sendable (Row) -> Int64) -> Column {
            Column(name: name, type: "bigint") {
                $1.append(value($0))
            } array: {
                .int64Array($0.map(value))
            }
        }

        static func integer(_ name: String, _ value: @escaping @Sendable (Row) -> Int32) -> Column {
            Column(name: name, type: "integer") {
                $1.append(value($0))
            } array: {
                .int32Array($0.map(value))
            }
        }

        static func smallint(_ name: String, _ value: @escaping @Sendable (Row) -> Int16) -> Column {
            Column(name: name, type: "smallint") {
                $1.append(value($0))
            } array: {
                .int16Array($0.map(value))
            }
        }

        static func smallint(optional name: String, _ value: @escaping @Sendable (Row) -> Int16?) -> Column {
            Column(name: name, type: "smallint") {
                if let number = value($0) { $1.append(number) } else { $1.appendNull() }
            } array: {
                .int16ArrayOptional($0.map(value))
            }
        }

        static func bool(_ name: String, _ value: @escaping @Sendable (Row) -> Bool) -> Column {
            Column(name: name, type: "boolean") {
                $1.append(value($0))
            } array: {
                .boolArray($0.map(value))
            }
        }

        static func time(_ name: String, _ value: @escaping @Sendable (Row) -> Instant?) -> Column {
            Column(name: name, type: "timestamptz") {
                $1.append(timestamp: value($0)?.stored)
            } array: {
                .timestampArrayOptional($0.map { value($0)?.stored })
            }
        }

        static func bytea(_ name: String, _ value: @escaping @Sendable (Row) -> [UInt8]) -> Column {
            Column(name: name, type: "bytea") {
                $1.append(value($0))
            } array: {
                .byteaArray($0.map(value))
            }
        }

        static func bytea(optional name: String, _ value: @escaping @Sendable (Row) -> [UInt8]?) -> Column {
            Column(name: name, type: "bytea") {
                $1.append(optional: value($0))
            } array: {
                .byteaArrayOptional($0.map(value))
            }
        }

        static func hash(_ name: String, _ value: @escaping @Sendable (Row) -> EventHash) -> Column {
            Column(name: name, type: "bytea") {
                $1.append(value($0))
            } array: {
                .byteaArray($0.map { value($0).bytes })
            }
        }

        static func id(_ name: String, _ value: @escaping @Sendable (Row) -> CaseID) -> Column {
            Column(name: name, type: "uuid") {
                $1.append(value($0))
            } array: {
                .uuidArray($0.map { value($0).bytes })
            }
        }

        static func id(optional name: String, _ value: @escaping @Sendable (Row) -> CaseID?) -> Column {
            Column(name: name, type: "uuid") {
                if let id = value($0) { $1.append(id) } else { $1.appendNull() }
            } array: {
                .uuidArrayOptional($0.map { value($0)?.bytes })
            }
        }
    }
}
