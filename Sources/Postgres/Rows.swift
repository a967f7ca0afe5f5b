import CLibPQ

/// Owns a `PGresult`.
///
/// Unchecked because of the pointer: "PGresult objects are normally read-only after creation, and so can be passed
/// around freely between threads" (libpq manual, "Behavior in Threaded Programs"); nothing here modifies one.
final class ResultHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { PQclear(pointer) }
}

/// A statement's result. Rows keep the whole result alive; take values out before keeping them for long.
public struct Rows: Sendable, RandomAccessCollection {
    private let result: ResultHandle?
    public let count: Int

    static let empty = Rows(nil)

    init(_ result: ResultHandle?) {
        self.result = result
        count = result.map { Int(PQntuples($0.pointer)) } ?? 0
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { count }

    public subscript(position: Int) -> Row {
        precondition(position >= 0 && position < count, "row index out of range")
        guard let result else { preconditionFailure("an empty result has no row") }
        return Row(.result(result, Int32(position)))
    }

    /// Rows inserted, updated, deleted, selected or copied.
    public var affected: Int {
        guard let result, let text = PQcmdTuples(result.pointer) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }

    /// What the server did: `COMMIT`, `INSERT 0 1`.
    public var commandTag: String {
        guard let result, let text = PQcmdStatus(result.pointer) else { return "" }
        return String(cString: text)
    }

    public var columnNames: [String] {
        guard let result else { return [] }
        return (0..<PQnfields(result.pointer)).map { index in
            PQfname(result.pointer, index).map { String(cString: $0) } ?? ""
        }
    }
}

/// One row: of a result, or of `copyOut` (which knows neither names nor types).
public struct Row: Sendable {
    enum Storage: Sendable {
        case result(ResultHandle, Int32)
        case copy(CopyTuple)
    }

    private let storage: Storage

    init(_ storage: Storage) { self.storage = storage }

    /// The number of columns.
    public var count: Int {
        switch storage {
        case .result(let result, _): Int(PQnfields(result.pointer))
        case .copy(let tuple): tuple.fields.count
        }
    }

    public var columnNames: [String] {
        guard case .result(let result, _) = storage else { return [] }
        return (0..<PQnfields(result.pointer)).map { index in
            PQfname(result.pointer, index).map { String(cString: $0) } ?? ""
        }
    }

    /// The column's value.
    /// - Throws: `PostgresError` (`decoding`) for NULL where `T` is not optional, for a type that becomes no `T`,
    ///   and for a column that does not exist.
    public func get<T: ColumnDecodable>(_ column: Int, as type: T.Type = T.self) throws -> T {
        try withCell(column) { try T.decode($0) }
    }

    /// The value of the first column of that name.
    public func get<T: ColumnDecodable>(_ name: String, as type: T.Type = T.self) throws -> T {
        guard case .result(let result, _) = storage else {
            throw PostgresError(.decoding, "COPY gives no column names; column \"\(name)\" was asked for.")
        }
        for index in 0..<PQnfields(result.pointer) {
            if let found = PQfname(result.pointer, index), String(cString: found) == name {
                return try get(Int(index))
            }
        }
        throw PostgresError(.decoding, "The result has no column \"\(name)\".")
    }

    public func isNull(_ column: Int) throws -> Bool {
        try withCell(column) { $0.bytes == nil }
    }

    /// A `timestamptz`, `timestamp` (taken as UTC) or `date`, in microseconds since 1970-01-01 UTC.
    public func timestamp(_ column: Int) throws -> Int64 {
        try withCell(column) { try Timestamp.decode($0) }
    }

    public func optionalTimestamp(_ column: Int) throws -> Int64? {
        try withCell(column) { $0.bytes == nil ? nil : try Timestamp.decode($0) }
    }

    public func timestamps(_ column: Int) throws -> [Int64] {
        try withCell(column) { cell in
            var values: [Int64] = []
            try cell.forEachElement { values.append(try Timestamp.decode($0)) }
            return values
        }
    }

    /// Lends the value's bytes as they came, without a copy; nil for NULL.
    public func withBytes<R>(_ column: Int, _ body: (UnsafeRawBufferPointer?) throws -> R) throws -> R {
        try withCell(column) { try body($0.bytes) }
    }

    private func withCell<R>(_ column: Int, _ body: (Cell) throws -> R) throws -> R {
        guard column >= 0 && column < count else {
            throw PostgresError(.decoding, "The row has \(count) columns; column \(column) was asked for.")
        }
        switch storage {
        case .result(let result, let row):
            let index = Int32(column)
            let type = UInt32(PQftype(result.pointer, index))
            let isText = PQfformat(result.pointer, index) == 0
            if PQgetisnull(result.pointer, row, index) == 1 {
                return try body(Cell(type: type, isText: isText, bytes: nil))
            }
            let length = Int(PQgetlength(result.pointer, row, index))
            let bytes = UnsafeRawBufferPointer(start: PQgetvalue(result.pointer, row, index), count: length)
            // The bytes belong to the result, which must outlive the body.
            return try withExtendedLifetime(result) { try body(Cell(type: type, isText: isText, bytes: bytes)) }
        case .copy(let tuple):
            guard let range = tuple.fields[column] else { return try body(Cell(type: 0, isText: false, bytes: nil)) }
            return try tuple.bytes.withUnsafeBytes { bytes in
                try body(Cell(type: 0, isText: false, bytes: UnsafeRawBufferPointer(rebasing: bytes[range])))
            }
        }
    }
}
