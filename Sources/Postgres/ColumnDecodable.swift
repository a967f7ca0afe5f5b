/// A type that a column's value can be read as.
public protocol ColumnDecodable {
    static func decode(_ cell: Cell) throws -> Self
}

/// A type whose arrays can be read from a column.
public protocol ArrayElementDecodable: ColumnDecodable {
    static func decodeArray(_ cell: Cell) throws -> [Self]
}

extension ArrayElementDecodable {
    public static func decodeArray(_ cell: Cell) throws -> [Self] {
        var values: [Self] = []
        try cell.forEachElement { values.append(try decode($0)) }
        return values
    }
}

extension Cell {
    /// Any integer type, a whole `numeric` (what `sum(bigint)` gives), or a time in Unix microseconds.
    func integer() throws -> Int64 {
        let bytes = try present("an integer")
        if isText {
            guard let value = Int64(String(decoding: bytes, as: UTF8.self)) else { throw mismatch("integer") }
            return value
        }
        let value: Int64?
        switch type {
        case TypeID.int8, TypeID.int4, TypeID.int2, 0:
            switch bytes.count {
            case 8: value = bytes.bigEndian(at: 0)
            case 4: value = (bytes.bigEndian(at: 0) as Int32?).map(Int64.init)
            case 2: value = (bytes.bigEndian(at: 0) as Int16?).map(Int64.init)
            default: value = nil
            }
        case TypeID.oid, TypeID.xid: value = (bytes.bigEndian(at: 0) as UInt32?).map(Int64.init)
        case TypeID.timestamptz, TypeID.timestamp: value = try Timestamp.decode(self)
        case TypeID.numeric: value = Numeric(bytes).flatMap { Int64($0.text) }
        default: value = nil
        }
        guard let value else { throw mismatch("integer") }
        return value
    }
}

extension Int64: ArrayElementDecodable {
    public static func decode(_ cell: Cell) throws -> Int64 { try cell.integer() }
}

extension Int: ArrayElementDecodable {
    public static func decode(_ cell: Cell) throws -> Int { Int(try cell.integer()) }
}

extension Int32: ArrayElementDecodable {
    public static func decode(_ cell: Cell) throws -> Int32 {
        guard let value = Int32(exactly: try cell.integer()) else { throw cell.mismatch("32-bit integer") }
        return value
    }
}

extension Int16: ArrayElementDecodable {
    public static func decode(_ cell: Cell) throws -> Int16 {
        guard let value = Int16(exactly: try cell.integer()) else { throw cell.mismatch("16-bit integer") }
        return value
    }
}

extension Bool: ArrayElementDecodable {
    public static func decode(_ cell: Cell) throws -> Bool {
        let bytes = try cell.present("a boolean")
        guard bytes.count == 1, cell.type == TypeID.bool || cell.type == 0 else { throw cell.mismatch("boolean") }
        return cell.isText ? bytes[0] == UInt8(ascii: "t") : bytes[0] != 0
    }
}

extension Double: ArrayElementDecodable {
    public static func decode(_ cell: Cell) throws -> Double {
        let bytes = try cell.present("a number")
        if cell.isText {
            guard let value = Double(String(decoding: bytes, as: UTF8.self)) else { throw cell.mismatch("number") }
            return value
        }
        switch (cell.type, bytes.count) {
        case (TypeID.float8, 8), (0, 8):
            if let bits: UInt64 = bytes.bigEndian(at: 0) { return Double(bitPattern: bits) }
        case (TypeID.float4, 4), (0, 4):
            if let bits: UInt32 = bytes.bigEndian(at: 0) { return Double(Float(bitPattern: bits)) }
        case (TypeID.numeric, _):
            if let number = Numeric(bytes), let value = Double(number.text) { return value }
        case (TypeID.int2, _), (TypeID.int4, _), (TypeID.int8, _): return Double(try cell.integer())
        default: break
        }
        throw cell.mismatch("number")
    }
}

extension String: ArrayElementDecodable {
    /// Text types as they are; `jsonb` as its text; `uuid` as 8-4-4-4-12 in lower case; `numeric` in decimal digits.
    /// From COPY every value is taken as text.
    public static func decode(_ cell: Cell) throws -> String {
        let bytes = try cell.present("text")
        if !cell.isText {
            switch cell.type {
            case TypeID.jsonb where bytes.first == 1:
                return try validated(UnsafeRawBufferPointer(rebasing: bytes.dropFirst()), cell)
            case TypeID.uuid where bytes.count == 16: return uuid(bytes)
            case TypeID.numeric:
                guard let number = Numeric(bytes) else { throw cell.mismatch("number") }
                return number.text
            case TypeID.int8, TypeID.int4, TypeID.int2, TypeID.oid, TypeID.xid, TypeID.jsonb, TypeID.uuid,
                TypeID.bool, TypeID.bytea, TypeID.float4, TypeID.float8, TypeID.timestamp, TypeID.timestamptz,
                TypeID.date:
                throw cell.mismatch("text")
            default: break
            }
        }
        return try validated(bytes, cell)
    }

    private static func validated(_ bytes: UnsafeRawBufferPointer, _ cell: Cell) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw cell.mismatch("UTF-8 text") }
        return text
    }

    private static func uuid(_ bytes: UnsafeRawBufferPointer) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text.append(UInt8(ascii: "-")) }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// `[UInt8]` is a column's bytes as they came: `bytea`, `uuid`, anything.
extension UInt8: ArrayElementDecodable {
    public static func decode(_ cell: Cell) throws -> UInt8 {
        guard let value = UInt8(exactly: try cell.integer()) else { throw cell.mismatch("8-bit integer") }
        return value
    }

    public static func decodeArray(_ cell: Cell) throws -> [UInt8] {
        if cell.isText { throw cell.mismatch("byte string (use query, not execute)") }
        return Array(try cell.present("bytes"))
    }
}

extension Array: ColumnDecodable where Element: ArrayElementDecodable {
    public static func decode(_ cell: Cell) throws -> [Element] { try Element.decodeArray(cell) }
}

extension Array: ArrayElementDecodable where Element == UInt8 {}

extension Optional: ColumnDecodable where Wrapped: ColumnDecodable {
    public static func decode(_ cell: Cell) throws -> Wrapped? {
        cell.bytes == nil ? nil : try Wrapped.decode(cell)
    }
}

extension Optional: ArrayElementDecodable where Wrapped: ColumnDecodable {}
