import Casework

/// The parameters of a request's query, decoded strictly: valid percent codes, valid UTF-8, no name twice.
struct QueryString: Sendable, Equatable {
    private(set) var values: [String: String] = [:]

    /// `query` is what stands behind the question mark; nil for none.
    init(_ query: String?) throws(Problem) {
        guard let query else { return }
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = QueryString.decode(parts[0], plusIsSpace: true),
                let value = QueryString.decode(parts.count > 1 ? parts[1] : "", plusIsSpace: true)
            else { throw .badRequest("The query is not percent-encoded UTF-8.") }
            guard values.updateValue(value, forKey: name) == nil else {
                throw .badRequest("The query parameter \(name.prefix(60)) stands there twice.")
            }
        }
    }

    subscript(name: String) -> String? { values[name] }

    /// Nil for a broken percent code or what is not UTF-8 when decoded.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        var bytes = [UInt8]()
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard rest.count >= 2,
                    let decoded = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self)), decoded.count == 1
                else { return nil }
                bytes += decoded
                rest = rest.dropFirst(2)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
