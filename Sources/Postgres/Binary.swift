/// Object identifiers of PostgreSQL's built-in types (`pg_type.dat`), which never change.
enum TypeID {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let oid: UInt32 = 26
    static let xid: UInt32 = 28
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let date: UInt32 = 1082
    static let timestamp: UInt32 = 1114
    static let timestamptz: UInt32 = 1184
    static let numeric: UInt32 = 1700
    static let uuid: UInt32 = 2950
    static let jsonb: UInt32 = 3802

    static let boolArray: UInt32 = 1000
    static let byteaArray: UInt32 = 1001
    static let int2Array: UInt32 = 1005
    static let int4Array: UInt32 = 1007
    static let textArray: UInt32 = 1009
    static let int8Array: UInt32 = 1016
    static let float8Array: UInt32 = 1022
    static let timestamptzArray: UInt32 = 1185
    static let uuidArray: UInt32 = 2951
    static let jsonbArray: UInt32 = 3807
}

/// PostgreSQL counts microseconds from 2000-01-01 UTC, we from 1970-01-01 UTC.
/// `Int64.max` and `.min` are `infinity` and `-infinity` on both sides.
enum Timestamp {
    private static let epoch: Int64 = 946_684_800_000_000

    static func toServer(_ microseconds: Int64) -> Int64 {
        if microseconds == .max || microseconds == .min { return microseconds }
        let (value, overflow) = microseconds.subtractingReportingOverflow(epoch)
        return overflow ? .min : value
    }

    static func fromServer(_ microseconds: Int64) -> Int64 {
        if microseconds == .max || microseconds == .min { return microseconds }
        let (value, overflow) = microseconds.addingReportingOverflow(epoch)
        return overflow ? .max : value
    }
}

/// Writing PostgreSQL's binary formats (each type's `*_send` function in the server's source).
extension [UInt8] {
    @inline(__always)
    mutating func put<T: FixedWidthInteger>(_ value: T) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    mutating func put(_ value: String) { append(contentsOf: value.utf8) }

    /// jsonb is its text behind the format's version, 1.
    mutating func put(jsonb text: String) {
        append(1)
        append(contentsOf: text.utf8)
    }

    /// Writes a length, then what `body` writes.
    @inline(__always)
    mutating func putSized(_ body: (inout [UInt8]) -> Void) {
        let start = count
        put(Int32(0))
        body(&self)
        // A value beyond 2 GiB cannot be said in this format; the clamped length makes the server refuse it.
        let length = Int32(clamping: count - start - 4)
        Swift.withUnsafeBytes(of: length.bigEndian) { bytes in
            for index in 0..<4 { self[start + index] = bytes[index] }
        }
    }

    /// One dimension, lower bound 1; an empty array has no dimension. A nil element is NULL.
    @inline(__always)
    mutating func putArray<T>(_ values: [T], type: UInt32, _ element: (inout [UInt8], T) -> Void) {
        putArrayHeader(count: values.count, type: type, hasNull: false)
        for value in values { putSized { element(&$0, value) } }
    }

    @inline(__always)
    mutating func putOptionalArray<T>(_ values: [T?], type: UInt32, _ element: (inout [UInt8], T) -> Void) {
        putArrayHeader(count: values.count, type: type, hasNull: values.contains { $0 == nil })
        for value in values {
            if let value { putSized { element(&$0, value) } } else { put(Int32(-1)) }
        }
    }

    private mutating func putArrayHeader(count: Int, type: UInt32, hasNull: Bool) {
        put(Int32(count == 0 ? 0 : 1))
        put(Int32(hasNull ? 1 : 0))
        put(type)
        if count > 0 {
            put(Int32(clamping: count))
            put(Int32(1))
        }
    }
}
