/// A declaration outside function bodies, as a rule needs it.
struct Declaration: Equatable, Sendable {
    var line: Int
    /// `struct`, `func`, `var`…
    var keyword: String
    var name: String
    /// `public`, `static`…
    var modifiers: Set<String>
    var isDocumented: Bool
    /// Whether it stands in no type and no extension.
    var isTopLevel: Bool
    /// Whether a requirement of a protocol.
    var isRequirement: Bool
    /// Whether others see the type in which it stands.
    var isOfPublicType: Bool

    var isPublic: Bool { modifiers.contains("public") || (isRequirement && isOfPublicType) }
    var isPrivate: Bool { modifiers.contains("private") || modifiers.contains("fileprivate") }

    private static let types: Set<String> = ["struct", "class", "enum", "actor", "protocol", "extension"]
    private static let keywords = types.union(["func", "typealias", "var", "subscript", "init"])
    private static let modifiers: Set<String> = [
        "public", "private", "fileprivate", "package", "internal", "static", "class", "final", "override", "mutating",
        "nonisolated", "isolated", "convenience", "required", "consuming", "borrowing", "indirect", "prefix", "postfix",
    ]

    private struct Scope {
        var keyword: String
        var isPublic: Bool
    }

    /// Line by line; the repository is formatted, so that each declaration begins a line.
    static func all(code: [UInt8], text: String) -> [Declaration] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var found: [Declaration] = []
        // Of each open brace, the type that it belongs to; nil for another brace, in which nothing is looked at.
        var open: [Scope?] = []
        var pending: Scope?
        for (index, line) in code.split(separator: .newline, omittingEmptySubsequences: false).enumerated() {
            if open.allSatisfy({ $0 != nil }), let (keyword, name, modifiers) = read(line) {
                let owner = open.last ?? nil
                let declaration = Declaration(
                    line: index + 1, keyword: keyword, name: name, modifiers: modifiers,
                    isDocumented: isDocumented(index, lines), isTopLevel: open.isEmpty,
                    isRequirement: owner?.keyword == "protocol", isOfPublicType: owner?.isPublic ?? false)
                if keyword != "extension" { found.append(declaration) }
                if types.contains(keyword) {
                    pending = Scope(keyword: keyword, isPublic: declaration.isPublic || keyword == "extension")
                }
            }
            for byte in line where byte == .brace || byte == .braceEnd {
                if byte == .braceEnd {
                    _ = open.popLast()
                } else {
                    open.append(pending)
                    pending = nil
                }
            }
        }
        return found
    }

    /// `public static func name(` and the like.
    private static func read(_ line: ArraySlice<UInt8>) -> (keyword: String, name: String, modifiers: Set<String>)? {
        var found: Set<String> = []
        let words = line.split(separator: .space)
        for (index, bytes) in words.enumerated() {
            let word = String(decoding: bytes.prefix { $0 != .round }, as: UTF8.self)
            if word.hasPrefix("@") { continue }
            let isLast = index + 1 == words.count
            if modifiers.contains(word), !(word == "class" && !isLast && !keywords.contains(first(words[index + 1]))) {
                found.insert(word)
                continue
            }
            guard keywords.contains(word) else { return nil }
            return (word, isLast ? word : first(words[index + 1]), found)
        }
        return nil
    }

    /// The name at the beginning, or the operator.
    private static func first(_ word: ArraySlice<UInt8>) -> String {
        let name = word.prefix { byte in
            byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".") || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
                || (byte >= 0x30 && byte <= 0x39)
        }
        return String(decoding: name.isEmpty ? word.prefix { $0 != .round } : name, as: UTF8.self)
    }

    /// A doc comment ends on the line above, or above attributes and plain comments.
    private static func isDocumented(_ index: Int, _ lines: [Substring]) -> Bool {
        var above = index - 1
        while above >= 0 {
            let line = lines[above].drop { $0 == " " }
            if line.hasPrefix("///") || line.hasSuffix("*/") { return true }
            guard line.hasPrefix("@") || line.hasPrefix("//") || line == ")" else { return false }
            above -= 1
        }
        return false
    }
}
