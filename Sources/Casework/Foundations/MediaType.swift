/// The syntax of a media type (RFC 9110, section 8.3.1): `type/subtype`, then parameters.
public enum MediaType {
    public static let maximumLength = 200

    /// Whether a text is a media type that may be kept and sent as a header's value.
    public static func isValid(_ text: String) -> Bool {
        guard text.utf8.count <= maximumLength else { return false }
        var rest = Array(text.utf8)[...]
        guard token(&rest), take(0x2F, &rest), token(&rest) else { return false }
        while !rest.isEmpty {
            spaces(&rest)
            guard take(0x3B, &rest) else { return false }
            spaces(&rest)
            guard token(&rest), take(0x3D, &rest), rest.first == 0x22 ? quoted(&rest) : token(&rest) else {
                return false
            }
        }
        return true
    }

    private static func take(_ byte: UInt8, _ rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.first == byte else { return false }
        rest.removeFirst()
        return true
    }

    private static func spaces(_ rest: inout ArraySlice<UInt8>) {
        while take(0x20, &rest) {}
    }

    private static func token(_ rest: inout ArraySlice<UInt8>) -> Bool {
        let end = rest.firstIndex { !isTokenByte($0) } ?? rest.endIndex
        defer { rest = rest[end...] }
        return end > rest.startIndex
    }

    /// A quoted string; an escape inside it is not taken.
    private static func quoted(_ rest: inout ArraySlice<UInt8>) -> Bool {
        rest.removeFirst()
        guard let end = rest.firstIndex(of: 0x22) else { return false }
        let isPlain = rest[..<end].allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x5C }
        rest = rest[(end + 1)...]
        return isPlain
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: symbols.contains(byte)
        }
    }

    private static let symbols = Set("!#$%&'*+-.^_`|~".utf8)
}
