/// Blanks out comments and texts, so that a search finds code alone. Bytes, because the whole house is read in a
/// second.
struct Blanking {
    private let input: [UInt8]
    private var output: [UInt8] = []
    private var index = 0
    private let isSwift: Bool

    static func swift(_ text: String) -> [UInt8] { Blanking(text, isSwift: true).result() }
    static func javaScript(_ text: String) -> [UInt8] { Blanking(text, isSwift: false).result() }

    private init(_ text: String, isSwift: Bool) {
        input = Array(text.utf8)
        output.reserveCapacity(input.count)
        self.isSwift = isSwift
    }

    private func result() -> [UInt8] {
        var copy = self
        copy.code(until: nil)
        return copy.output
    }

    private func at(_ place: Int) -> UInt8 { place < input.count ? input[place] : 0 }

    private func sees(_ word: [UInt8]) -> Bool {
        guard index + word.count <= input.count else { return false }
        for (offset, byte) in word.enumerated() where input[index + offset] != byte { return false }
        return true
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where index < input.count {
            output.append(input[index] == .newline ? .newline : .space)
            index += 1
        }
    }

    /// Copies code up to the bracket that closes an interpolation, or to the end.
    private mutating func code(until closing: UInt8?) {
        var depth = 0
        while index < input.count {
            let byte = input[index]
            switch byte {
            case .slash where at(index + 1) == .slash:
                while index < input.count, input[index] != .newline { blank() }
            case .slash where at(index + 1) == .star: comment()
            case .slash where beginsRegularExpression: regularExpression()
            case .pound where isSwift && poundCount != nil:
                let count = poundCount ?? 0
                literal(quote: input[index + count], pounds: count)
            case .quote: literal(quote: byte, pounds: 0)
            case .apostrophe where !isSwift, .backtick where !isSwift: literal(quote: byte, pounds: 0)
            default:
                if let closing {
                    if byte == closing, depth == 0 { return }
                    if byte == .round || byte == .brace { depth += 1 }
                    if byte == .roundEnd || byte == .braceEnd { depth -= 1 }
                }
                output.append(byte)
                index += 1
            }
        }
    }

    private mutating func comment() {
        var depth = 0
        repeat {
            if at(index) == .slash, at(index + 1) == .star, isSwift || depth == 0 {
                depth += 1
                blank(2)
            } else if at(index) == .star, at(index + 1) == .slash {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && index < input.count
    }

    /// How many `#` stand before a quote.
    private var poundCount: Int? {
        var end = index
        while at(end) == .pound { end += 1 }
        return at(end) == .quote || at(end) == .slash ? end - index : nil
    }

    private mutating func literal(quote: UInt8, pounds: Int) {
        blank(pounds)
        let isLong = isSwift && quote == .quote && sees([.quote, .quote, .quote])
        let marks = [UInt8](repeating: quote, count: isLong ? 3 : 1) + [UInt8](repeating: .pound, count: pounds)
        blank(isLong ? 3 : 1)
        let escape = [.backslash] + [UInt8](repeating: .pound, count: pounds)
        let opening = escape + [.round]
        while index < input.count, !sees(marks) {
            if isSwift, quote == .quote, sees(opening) {
                interpolation(opening.count, closing: .roundEnd)
            } else if quote == .backtick, sees([.dollar, .brace]) {
                interpolation(2, closing: .braceEnd)
            } else if quote != .slash, sees(escape) {
                blank(escape.count + 1)
            } else if !isLong, quote == .quote || quote == .apostrophe, input[index] == .newline {
                return
            } else {
                blank()
            }
        }
        blank(marks.count)
    }

    private mutating func interpolation(_ length: Int, closing: UInt8) {
        blank(length)
        code(until: closing)
        blank()
    }

    /// A slash divides only behind a value; in Swift also where a space or a bracket follows, as an operator does.
    private var beginsRegularExpression: Bool {
        if isSwift, [.space, .roundEnd, UInt8(ascii: ",")].contains(at(index + 1)) { return false }
        guard let before = output.last(where: { $0 != .space && $0 != .newline }) else { return true }
        return (isSwift ? "(,=:[" : "(,=:[!&|?{};>").utf8.contains(before)
            || output.suffix(7).elementsEqual("return ".utf8)
    }

    private mutating func regularExpression() {
        blank()
        var isInClass = false
        while index < input.count, input[index] != .newline, isInClass || input[index] != .slash {
            if input[index] == UInt8(ascii: "[") { isInClass = true }
            if input[index] == UInt8(ascii: "]") { isInClass = false }
            blank(input[index] == .backslash ? 2 : 1)
        }
        blank()
    }
}

extension UInt8 {
    static let newline = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")
    static let slash = UInt8(ascii: "/")
    static let star = UInt8(ascii: "*")
    static let pound = UInt8(ascii: "#")
    static let quote = UInt8(ascii: "\"")
    static let apostrophe = UInt8(ascii: "'")
    static let backtick = UInt8(ascii: "`")
    static let backslash = UInt8(ascii: "\\")
    static let dollar = UInt8(ascii: "$")
    static let round = UInt8(ascii: "(")
    static let roundEnd = UInt8(ascii: ")")
    static let brace = UInt8(ascii: "{")
    static let braceEnd = UInt8(ascii: "}")
}
