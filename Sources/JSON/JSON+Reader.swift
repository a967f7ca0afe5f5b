extension JSON {
    /// Where and why bytes are no JSON that this service takes.
    public struct SyntaxError: Error, Sendable, Hashable {
        /// Of the byte at fault, from 0.
        public var offset: Int
        public var reason: String
    }

    /// Bounds on what a peer may send.
    public struct Bounds: Sendable {
        /// Arrays and objects inside one another.
        public var depth: Int
        /// All values together, so that a small body cannot grow into much memory.
        public var values: Int

        public init(depth: Int = 16, values: Int = 250_000) { (self.depth, self.values) = (depth, values) }
    }

    /// Reads one value after RFC 8259, strictly: valid UTF-8, no repeated member, no lone surrogate, nothing behind.
    public init(parsing bytes: [UInt8], bounds: Bounds = Bounds()) throws(SyntaxError) {
        var reader = JSONReader(bytes: bytes, bounds: bounds)
        self = try reader.document()
    }
}

private struct JSONReader {
    let bytes: [UInt8]
    let bounds: JSON.Bounds
    var index = 0
    var depth = 0
    var count = 0

    init(bytes: [UInt8], bounds: JSON.Bounds) { (self.bytes, self.bounds) = (bytes, bounds) }

    func fault(_ reason: String) -> JSON.SyntaxError { JSON.SyntaxError(offset: index, reason: reason) }

    var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    mutating func document() throws(JSON.SyntaxError) -> JSON {
        let result = try value()
        skipSpace()
        guard index == bytes.count else { throw fault("there is something behind the value") }
        return result
    }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    mutating func value() throws(JSON.SyntaxError) -> JSON {
        skipSpace()
        count += 1
        guard count <= bounds.values else { throw fault("there are more than \(bounds.values) values") }
        guard let first = next else { throw fault("the value is missing") }
        switch first {
        case UInt8(ascii: "{"): return try nested { (reader) throws(JSON.SyntaxError) in try reader.object() }
        case UInt8(ascii: "["): return try nested { (reader) throws(JSON.SyntaxError) in try reader.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw fault("no JSON value starts with this character")
        }
    }

    mutating func nested(
        _ body: (inout JSONReader) throws(JSON.SyntaxError) -> JSON
    ) throws(JSON.SyntaxError) -> JSON {
        depth += 1
        guard depth <= bounds.depth else { throw fault("values are nested deeper than \(bounds.depth)") }
        index += 1
        let result = try body(&self)
        depth -= 1
        return result
    }

    mutating func object() throws(JSON.SyntaxError) -> JSON {
        var members = [JSON.Member]()
        var names = Set<String>()
        skipSpace()
        if accept(UInt8(ascii: "}")) { return .object([]) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw fault("a member's name in quotes is expected") }
            let name = try string()
            guard names.insert(name).inserted else { throw fault("the member \(name.prefix(50)) stands here twice") }
            skipSpace()
            guard accept(UInt8(ascii: ":")) else { throw fault("a colon is expected") }
            members.append(JSON.Member(name, try value()))
            skipSpace()
            if accept(UInt8(ascii: "}")) { return .object(members) }
            guard accept(UInt8(ascii: ",")) else { throw fault("a comma or } is expected") }
        }
    }

    mutating func array() throws(JSON.SyntaxError) -> JSON {
        var elements = [JSON]()
        skipSpace()
        if accept(UInt8(ascii: "]")) { return .array([]) }
        while true {
            elements.append(try value())
            skipSpace()
            if accept(UInt8(ascii: "]")) { return .array(elements) }
            guard accept(UInt8(ascii: ",")) else { throw fault("a comma or ] is expected") }
        }
    }

    mutating func accept(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        index += 1
        return true
    }

    mutating func word(_ word: String, _ value: JSON) throws(JSON.SyntaxError) -> JSON {
        guard bytes[index...].starts(with: word.utf8) else { throw fault("\(word) is expected") }
        index += word.utf8.count
        return value
    }

    mutating func number() throws(JSON.SyntaxError) -> JSON {
        let start = index
        var isWhole = true
        _ = accept(UInt8(ascii: "-"))
        if !accept(UInt8(ascii: "0")) { try digits() }
        if accept(UInt8(ascii: ".")) {
            isWhole = false
            try digits()
        }
        if accept(UInt8(ascii: "e")) || accept(UInt8(ascii: "E")) {
            isWhole = false
            if !accept(UInt8(ascii: "+")) { _ = accept(UInt8(ascii: "-")) }
            try digits()
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isWhole, let value = Int64(text) { return .int(value) }
        guard let value = Double(text), value.isFinite else { throw fault("the number is out of range") }
        return .double(value)
    }

    mutating func digits() throws(JSON.SyntaxError) {
        let start = index
        while let byte = next, byte >= 0x30, byte <= 0x39 { index += 1 }
        guard index > start else { throw fault("a digit is expected") }
    }

    mutating func string() throws(JSON.SyntaxError) -> String {
        index += 1
        let start = index
        // Most strings hold no escape: those are taken over in one piece.
        while let byte = next, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { index += 1 }
        var content = bytes[start..<index]
        while next == UInt8(ascii: "\\") {
            try escape(into: &content)
            let start = index
            while let byte = next, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { index += 1 }
            content += bytes[start..<index]
        }
        guard let byte = next else { throw fault("a string is not closed") }
        guard byte == UInt8(ascii: "\"") else { throw fault("control characters in a string must be escaped") }
        guard let text = String(validating: content, as: UTF8.self) else { throw fault("a string is not UTF-8") }
        index += 1
        return text
    }

    mutating func escape(into content: inout ArraySlice<UInt8>) throws(JSON.SyntaxError) {
        index += 1
        guard let byte = next else { throw fault("a string is not closed") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"): content += String(Character(try scalar())).utf8
        default: throw fault("this escape is unknown")
        }
    }

    mutating func scalar() throws(JSON.SyntaxError) -> Unicode.Scalar {
        let high = try unit()
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard high < 0xDC00, accept(UInt8(ascii: "\\")), accept(UInt8(ascii: "u")) else {
            throw fault("half a surrogate pair stands alone")
        }
        let low = try unit()
        guard (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (UInt32(high) - 0xD800) << 10 + UInt32(low) - 0xDC00)
        else { throw fault("half a surrogate pair stands alone") }
        return scalar
    }

    mutating func unit() throws(JSON.SyntaxError) -> UInt16 {
        guard index + 4 <= bytes.count, bytes[index..<index + 4].allSatisfy(isHexDigit),
            let value = UInt16(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16)
        else { throw fault("four hexadecimal digits are expected") }
        index += 4
        return value
    }

    func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
        default: false
        }
    }
}
