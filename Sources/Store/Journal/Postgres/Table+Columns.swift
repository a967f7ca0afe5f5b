import Casework
import Postgres

extension Table {
    /// One column: as a field of a copied row, as an array over many rows, and as a value that was read.
    struct Column: Sendable {
        typealias Get<Value> = @Sendable (Element) -> Value
        /// Where nobody reads the column, it is left out.
        typealias Set<Value> = @Sendable (inout Element, Value) throws -> Void

        let name: String
        let type: String
        let append: @Sendable (Element, inout CopyRow) -> Void
        let array: @Sendable ([Element]) -> Parameter
        let read: @Sendable (Row, Int, inout Element) throws -> Void
    }
}

extension Table.Column {
    static func text(_ name: String, _ get: @escaping Get<String>, _ set: Set<String>? = nil) -> Self {
        Self(name: name, type: "text") {
            $1.append(get($0))
        } array: {
            .textArray($0.map(get))
        } read: {
            try set?(&$2, $0.get($1))
        }
    }

    static func text(optional name: String, _ get: @escaping Get<String?>, _ set: Set<String?>? = nil) -> Self {
        Self(name: name, type: "text") {
            $1.append(optional: get($0))
        } array: {
            .textArrayOptional($0.map(get))
        } read: {
            try set?(&$2, $0.get($1))
        }
    }

    /// A value that has a text of its own: a status, a code.
    static func word<Value: RawRepresentable<String>>(
        _ name: String, _ get: @escaping Get<Value>, _ set: @escaping Set<Value>
    ) -> Self {
        text(name, { get($0).rawValue }, { try set(&$0, known($1, name)) })
    }

    static func word<Value: RawRepresentable<String>>(
        optional name: String, _ get: @escaping Get<Value?>, _ set: @escaping Set<Value?>
    ) -> Self {
        text(optional: name, { get($0)?.rawValue }, { try set(&$0, $1.map { try known($0, name) }) })
    }

    private static func known<Value: RawRepresentable<String>>(_ text: String, _ name: String) throws -> Value {
        guard let value = Value(rawValue: text) else { throw StoreError.corrupt(nil, "no \(name): \(text)") }
        return value
    }

    static func origin(_ name: String, _ get: @escaping Get<Origin>, _ set: Set<Origin>? = nil) -> Self {
        Self(name: name, type: "text") {
            $1.append(get($0).code)
        } array: {
            .textArray($0.map { get($0).code })
        } read: {
            try set?(&$2, $0.origin($1))
        }
    }

    static func bigint(_ name: String, _ get: @escaping Get<UInt64>, _ set: Set<UInt64>? = nil) -> Self {
        Self(name: name, type: "bigint") {
            $1.append(get($0).stored)
        } array: {
            .int64Array($0.map { get($0).stored })
        } read: {
            try set?(&$2, $0.number($1))
        }
    }

    /// What is greater than the column can hold is kept as the greatest that it can.
    static func integer(_ name: String, _ get: @escaping Get<Int>, _ set: Set<Int>? = nil) -> Self {
        Self(name: name, type: "integer") {
            $1.append(get($0).stored)
        } array: {
            .int32Array($0.map { get($0).stored })
        } read: {
            try set?(&$2, $0.get($1))
        }
    }

    static func smallint(_ name: String, _ get: @escaping Get<Int>, _ set: Set<Int>? = nil) -> Self {
        Self(name: name, type: "smallint") {
            $1.append(Int16(clamping: get($0)))
        } array: {
            .int16Array($0.map { Int16(clamping: get($0)) })
        } read: {
            try set?(&$2, $0.get($1))
        }
    }

    static func smallint(optional name: String, _ get: @escaping Get<Int?>) -> Self {
        Self(name: name, type: "smallint") {
            if let number = get($0) { $1.append(Int16(clamping: number)) } else { $1.appendNull() }
        } array: {
            .int16ArrayOptional($0.map { get($0).map { Int16(clamping: $0) } })
        } read: { _, _, _ in
        }
    }

    static func bool(_ name: String, _ get: @escaping Get<Bool>, _ set: Set<Bool>? = nil) -> Self {
        Self(name: name, type: "boolean") {
            $1.append(get($0))
        } array: {
            .boolArray($0.map(get))
        } read: {
            try set?(&$2, $0.get($1))
        }
    }

    static func time(_ name: String, _ get: @escaping Get<Instant?>, _ set: Set<Instant?>? = nil) -> Self {
        Self(name: name, type: "timestamptz") {
            $1.append(timestamp: get($0)?.stored)
        } array: {
            .timestampArrayOptional($0.map { get($0)?.stored })
        } read: {
            try set?(&$2, $0.optionalTimestamp($1).map { Instant(stored: $0) })
        }
    }

    static func bytea(_ name: String, _ get: @escaping Get<[UInt8]>) -> Self {
        Self(name: name, type: "bytea") {
            $1.append(get($0))
        } array: {
            .byteaArray($0.map(get))
        } read: { _, _, _ in
        }
    }

    static func bytea(optional name: String, _ get: @escaping Get<[UInt8]?>) -> Self {
        Self(name: name, type: "bytea") {
            $1.append(optional: get($0))
        } array: {
            .byteaArrayOptional($0.map(get))
        } read: { _, _, _ in
        }
    }

    static func hash(_ name: String, _ get: @escaping Get<EventHash>, _ set: Set<EventHash>? = nil) -> Self {
        Self(name: name, type: "bytea") {
            $1.append(get($0))
        } array: {
            .byteaArray($0.map { get($0).bytes })
        } read: {
            try set?(&$2, $0.hash($1))
        }
    }

    static func id(_ name: String, _ get: @escaping Get<CaseID>, _ set: Set<CaseID>? = nil) -> Self {
        Self(name: name, type: "uuid") {
            $1.append(get($0))
        } array: {
            .uuidArray($0.map { get($0).bytes })
        } read: {
            try set?(&$2, $0.caseID($1))
        }
    }

    static func id(optional name: String, _ get: @escaping Get<CaseID?>) -> Self {
        Self(name: name, type: "uuid") {
            if let id = get($0) { $1.append(id) } else { $1.appendNull() }
        } array: {
            .uuidArrayOptional($0.map { get($0)?.bytes })
        } read: { _, _, _ in
        }
    }
}
