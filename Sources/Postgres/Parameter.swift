/// A value for `$1`, `$2`, …, or for a COPY field; sent in PostgreSQL's binary format with its type's OID.
public enum Parameter: Sendable, Hashable {
    /// NULL of whatever type the statement wants there.
    case null
    case int64(Int64)
    case int32(Int32)
    case int16(Int16)
    case bool(Bool)
    case double(Double)
    case text(String)
    case bytea([UInt8])
    /// 16 bytes; the server refuses any other count.
    case uuid([UInt8])
    /// `timestamptz`, microseconds since 1970-01-01 UTC; `Int64.max` and `.min` are the infinities.
    case timestamp(Int64)
    /// JSON text.
    case jsonb(String)
    case textArray([String])
    case int64Array([Int64])
    case int32Array([Int32])
    case int16Array([Int16])
    case boolArray([Bool])
    case doubleArray([Double])
    case byteaArray([[UInt8]])
    case uuidArray([[UInt8]])
    case timestampArray([Int64])
    case jsonbArray([String])
    case textArrayOptional([String?])
    case int64ArrayOptional([Int64?])
    case int32ArrayOptional([Int32?])
    case int16ArrayOptional([Int16?])
    case boolArrayOptional([Bool?])
    case doubleArrayOptional([Double?])
    case byteaArrayOptional([[UInt8]?])
    case uuidArrayOptional([[UInt8]?])
    case timestampArrayOptional([Int64?])
    case jsonbArrayOptional([String?])

    public static func int(_ value: Int) -> Parameter { .int64(Int64(value)) }

    public init(_ value: Int64?) { self = value.map { .int64($0) } ?? .null }
    public init(_ value: Int?) { self = value.map { .int64(Int64($0)) } ?? .null }
    public init(_ value: Int32?) { self = value.map { .int32($0) } ?? .null }
    public init(_ value: Bool?) { self = value.map { .bool($0) } ?? .null }
    public init(_ value: Double?) { self = value.map { .double($0) } ?? .null }
    public init(_ value: String?) { self = value.map { .text($0) } ?? .null }
    public init(_ value: [UInt8]?) { self = value.map { .bytea($0) } ?? .null }
    public init(uuid value: [UInt8]?) { self = value.map { .uuid($0) } ?? .null }
    public init(timestamp value: Int64?) { self = value.map { .timestamp($0) } ?? .null }
    public init(jsonb value: String?) { self = value.map { .jsonb($0) } ?? .null }
}

extension Parameter: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByStringInterpolation,
    ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral, ExpressibleByNilLiteral
{
    public init(integerLiteral value: Int64) { self = .int64(value) }
    public init(stringLiteral value: String) { self = .text(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(nilLiteral: ()) { self = .null }
}

extension Parameter {
    /// The type's OID; 0 for NULL: the server infers it.
    var type: UInt32 {
        switch self {
        case .null: 0
        case .int64: TypeID.int8
        case .int32: TypeID.int4
        case .int16: TypeID.int2
        case .bool: TypeID.bool
        case .double: TypeID.float8
        case .text: TypeID.text
        case .bytea: TypeID.bytea
        case .uuid: TypeID.uuid
        case .timestamp: TypeID.timestamptz
        case .jsonb: TypeID.jsonb
        case .textArray, .textArrayOptional: TypeID.textArray
        case .int64Array, .int64ArrayOptional: TypeID.int8Array
        case .int32Array, .int32ArrayOptional: TypeID.int4Array
        case .int16Array, .int16ArrayOptional: TypeID.int2Array
        case .boolArray, .boolArrayOptional: TypeID.boolArray
        case .doubleArray, .doubleArrayOptional: TypeID.float8Array
        case .byteaArray, .byteaArrayOptional: TypeID.byteaArray
        case .uuidArray, .uuidArrayOptional: TypeID.uuidArray
        case .timestampArray, .timestampArrayOptional: TypeID.timestamptzArray
        case .jsonbArray, .jsonbArrayOptional: TypeID.jsonbArray
        }
    }

    /// Appends the value's bytes, without a length.
    /// - Returns: false for NULL, which has none.
    func encode(into bytes: inout [UInt8]) -> Bool {
        switch self {
        case .null: return false
        case .int64(let value): bytes.put(value)
        case .int32(let value): bytes.put(value)
        case .int16(let value): bytes.put(value)
        case .bool(let value): bytes.append(value ? 1 : 0)
        case .double(let value): bytes.put(value.bitPattern)
        case .text(let value): bytes.put(value)
        case .bytea(let value), .uuid(let value): bytes.append(contentsOf: value)
        case .timestamp(let value): bytes.put(Timestamp.toServer(value))
        case .jsonb(let value): bytes.put(jsonb: value)
        default: encodeArray(into: &bytes)
        }
        return true
    }

    private func encodeArray(into bytes: inout [UInt8]) {
        switch self {
        case .textArray(let values): bytes.putArray(values, type: TypeID.text) { $0.put($1) }
        case .int64Array(let values): bytes.putArray(values, type: TypeID.int8) { $0.put($1) }
        case .int32Array(let values): bytes.putArray(values, type: TypeID.int4) { $0.put($1) }
        case .int16Array(let values): bytes.putArray(values, type: TypeID.int2) { $0.put($1) }
        case .boolArray(let values): bytes.putArray(values, type: TypeID.bool) { $0.append($1 ? 1 : 0) }
        case .doubleArray(let values): bytes.putArray(values, type: TypeID.float8) { $0.put($1.bitPattern) }
        case .byteaArray(let values): bytes.putArray(values, type: TypeID.bytea) { $0.append(contentsOf: $1) }
        case .uuidArray(let values): bytes.putArray(values, type: TypeID.uuid) { $0.append(contentsOf: $1) }
        case .timestampArray(let values):
            bytes.putArray(values, type: TypeID.timestamptz) { $0.put(Timestamp.toServer($1)) }
        case .jsonbArray(let values): bytes.putArray(values, type: TypeID.jsonb) { $0.put(jsonb: $1) }
        default: encodeOptionalArray(into: &bytes)
        }
    }

    private func encodeOptionalArray(into bytes: inout [UInt8]) {
        switch self {
        case .textArrayOptional(let values): bytes.putOptionalArray(values, type: TypeID.text) { $0.put($1) }
        case .int64ArrayOptional(let values): bytes.putOptionalArray(values, type: TypeID.int8) { $0.put($1) }
        case .int32ArrayOptional(let values): bytes.putOptionalArray(values, type: TypeID.int4) { $0.put($1) }
        case .int16ArrayOptional(let values): bytes.putOptionalArray(values, type: TypeID.int2) { $0.put($1) }
        case .boolArrayOptional(let values):
            bytes.putOptionalArray(values, type: TypeID.bool) { $0.append($1 ? 1 : 0) }
        case .doubleArrayOptional(let values):
            bytes.putOptionalArray(values, type: TypeID.float8) { $0.put($1.bitPattern) }
        case .byteaArrayOptional(let values):
            bytes.putOptionalArray(values, type: TypeID.bytea) { $0.append(contentsOf: $1) }
        case .uuidArrayOptional(let values):
            bytes.putOptionalArray(values, type: TypeID.uuid) { $0.append(contentsOf: $1) }
        case .timestampArrayOptional(let values):
            bytes.putOptionalArray(values, type: TypeID.timestamptz) { $0.put(Timestamp.toServer($1)) }
        case .jsonbArrayOptional(let values):
            bytes.putOptionalArray(values, type: TypeID.jsonb) { $0.put(jsonb: $1) }
        default: preconditionFailure("scalars are encoded by encode(into:)")
        }
    }
}
