/// Functions with their lengths, by their braces.
enum FunctionLengths {
    static let limit = 70

    /// Functions that do not fit a screen.
    static func findings(_ file: SourceFile) -> [Finding] {
        blocks(file).filter { $0.length > limit }.map { block in
            Finding(path: file.path, line: block.line, what: "the function has \(block.length) lines of \(limit)")
        }
    }

    private struct Block {
        /// Nil when it is no function's.
        var firstLine: Int?
        /// What the declaration says so far, where a closure stands among its parameters.
        var head = Head()
    }

    /// What stands before a brace since the last statement ended.
    private struct Head {
        var text: [UInt8] = []
        var line = 0
        /// Round and square brackets that are not closed.
        var opened = 0

        mutating func append(_ byte: UInt8, on number: Int) {
            if text.isEmpty {
                if byte == .space || byte == .newline { return }
                line = number
            }
            text.append(byte)
            switch byte {
            case UInt8(ascii: "("), UInt8(ascii: "["): opened += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): opened -= 1
            default: break
            }
        }
    }

    /// First line and length of every function.
    private static func blocks(_ file: SourceFile) -> [(line: Int, length: Int)] {
        let isSwift = file.path.hasSuffix(".swift")
        var (found, open): ([(line: Int, length: Int)], [Block]) = ([], [])
        var (line, head) = (1, Head())
        for byte in file.code {
            switch byte {
            case .brace:
                let isWithin = isSwift && head.opened > 0
                let isFunction = !isWithin && (isSwift ? isSwiftFunction(head.text) : isJavaScriptFunction(head.text))
                open.append(Block(firstLine: isFunction ? head.line : nil, head: isWithin ? head : Head()))
                head = Head()
            case .braceEnd:
                let block = open.popLast() ?? Block()
                if let begun = block.firstLine { found.append((begun, line - begun + 1)) }
                head = block.head
            case UInt8(ascii: ";") where !isSwift:
                head = Head()
            default:
                head.append(byte, on: line)
            }
            if byte == .newline {
                line += 1
                // A line that no bracket holds open ends its statement, unless a declaration goes on below it.
                if isSwift, head.opened <= 0, !words(head.text).contains(where: isFunctionWord) { head = Head() }
            }
        }
        return found
    }

    private static func words(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
        text.split { byte in !(byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) }
    }

    private static func isFunctionWord(_ word: ArraySlice<UInt8>) -> Bool {
        ["func", "init", "subscript", "deinit"].contains { word.elementsEqual($0.utf8) }
    }

    /// `func`, `init` and their like, or a computed property; behind an assignment stands a closure.
    private static func isSwiftFunction(_ head: [UInt8]) -> Bool {
        let words = words(head)
        if words.contains(where: isFunctionWord) {
            return !words.contains { $0.elementsEqual("self".utf8) || $0.elementsEqual("super".utf8) }
        }
        return words.contains { $0.elementsEqual("var".utf8) } && !head.contains(UInt8(ascii: "="))
    }

    /// A parameter list, or an arrow, before the brace.
    private static func isJavaScriptFunction(_ head: [UInt8]) -> Bool {
        let text = head.reversed().drop { $0 == .space || $0 == .newline }
        if text.starts(with: ">=".utf8) { return true }
        guard text.first == .roundEnd else { return false }
        var depth = 0
        let before = text.drop { byte in
            if byte == .roundEnd { depth += 1 }
            if byte == .round { depth -= 1 }
            return depth > 0 || byte == .round
        }
        let word = before.drop { $0 == .space }.prefix { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A }.reversed()
        return !["if", "for", "while", "switch", "catch"].contains { word.elementsEqual($0.utf8) }
    }
}
