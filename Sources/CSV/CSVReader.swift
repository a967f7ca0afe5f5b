/// Reads RFC 4180: quoted fields with line breaks and doubled quotes, CRLF or LF, a byte order mark.
///
/// A row that is not well formed is a row with a fault; reading goes on with the next line, so that one stray quote
/// costs one row and not the rest of the file.
public struct CSVReader {
    /// A record, well formed or not.
    public struct Row: Sendable, Equatable {
        /// Of its first byte, from 1.
        public var line: Int
        /// As they are meant, without quotes.
        public var fields: [String]
        /// What is wrong with it; then `fields` holds what was read.
        public var fault: String?
        /// Of the byte after it.
        public var end: Int

        /// A row as it would be read.
        public init(line: Int, fields: [String], fault: String?, end: Int) {
            (self.line, self.fields, self.fault, self.end) = (line, fields, fault, end)
        }
    }

    private let bytes: [UInt8]
    private var index = 0
    private var line = 1

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")
    /// No sane field is longer; a quote that is never closed would swallow the file.
    private static let longestRow = 1 << 20

    /// Reads a whole file.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
    }

    /// The next row; nil at the end. Empty lines are passed over.
    public mutating func next() -> Row? {
        skipEmptyLines()
        guard index < bytes.count else { return nil }
        let (start, firstLine) = (index, line)
        var fields: [String] = []
        while true {
            let field = readField()
            switch field {
            case .success(let text): fields.append(text)
            case .failure(let fault):
                return recover(from: start, line: firstLine, fields: fields, fault: fault.reason)
            }
            guard index - start <= Self.longestRow else {
                return recover(from: start, line: firstLine, fields: fields, fault: "is longer than 1 MiB")
            }
            guard index < bytes.count, bytes[index] == Self.comma else { break }
            index += 1
        }
        skipLineBreak()
        return Row(line: firstLine, fields: fields, fault: nil, end: index)
    }

    private struct Fault: Error { var reason: String }

    private mutating func readField() -> Result<String, Fault> {
        guard index < bytes.count, bytes[index] == Self.quote else { return readPlainField() }
        index += 1
        var content: [UInt8] = []
        var start = index
        while index < bytes.count {
            guard bytes[index] == Self.quote else {
                if bytes[index] == Self.lineFeed { line += 1 }
                index += 1
                guard index - start <= Self.longestRow else { break }
                continue
            }
            content += bytes[start..<index]
            index += 1
            guard index < bytes.count, bytes[index] == Self.quote else { return closed(content) }
            start = index
            index += 1
        }
        return .failure(Fault(reason: "a quote is not closed"))
    }

    private func closed(_ content: [UInt8]) -> Result<String, Fault> {
        if index < bytes.count, ![Self.comma, Self.lineFeed, Self.carriageReturn].contains(bytes[index]) {
            return .failure(Fault(reason: "there is text behind a closing quote"))
        }
        return decoded(content[...])
    }

    private mutating func readPlainField() -> Result<String, Fault> {
        let start = index
        while index < bytes.count {
            switch bytes[index] {
            case Self.comma, Self.lineFeed: return decoded(bytes[start..<index])
            case Self.carriageReturn where index + 1 == bytes.count || bytes[index + 1] == Self.lineFeed:
                return decoded(bytes[start..<index])
            case Self.quote: return .failure(Fault(reason: "a quote stands inside a field without quotes"))
            default: index += 1
            }
        }
        return decoded(bytes[start..<index])
    }

    private func decoded(_ content: ArraySlice<UInt8>) -> Result<String, Fault> {
        guard let text = String(validating: content, as: UTF8.self) else {
            return .failure(Fault(reason: "a field is not UTF-8"))
        }
        return .success(text)
    }

    /// Goes on behind the line in which the faulty row began.
    private mutating func recover(from start: Int, line first: Int, fields: [String], fault: String) -> Row {
        index = start
        line = first
        while index < bytes.count, bytes[index] != Self.lineFeed { index += 1 }
        skipLineBreak()
        return Row(line: first, fields: fields, fault: fault, end: index)
    }

    private mutating func skipLineBreak() {
        if index < bytes.count, bytes[index] == Self.carriageReturn { index += 1 }
        guard index < bytes.count, bytes[index] == Self.lineFeed else { return }
        index += 1
        line += 1
    }

    private mutating func skipEmptyLines() {
        while index < bytes.count, bytes[index] == Self.lineFeed || bytes[index] == Self.carriageReturn {
            if bytes[index] == Self.lineFeed { line += 1 }
            index += 1
        }
    }
}
