/// A text with places to fill in, in the small part of Mustache that a page needs: `{{name}}`, always escaped for HTML;
/// `{{#name}}…{{/name}}` for each element of a list, or once where there is something; `{{^name}}…{{/name}}` where
/// there is nothing; `{{! comment}}`. A line break right behind a section's tag or a comment is not part of the text.
struct Template: Sendable {
    /// What a name stands for.
    enum Value: Sendable, ExpressibleByStringLiteral, ExpressibleByBooleanLiteral {
        case text(String)
        case flag(Bool)
        case group([String: Value])
        case list([[String: Value]])

        init(stringLiteral text: String) { self = .text(text) }
        init(booleanLiteral flag: Bool) { self = .flag(flag) }
    }

    /// The template is broken, near this text.
    struct SyntaxError: Error, Equatable {
        var near: String
    }

    private indirect enum Piece: Sendable {
        case text(Substring)
        case value(String)
        case section(String, isInverted: Bool, [Piece])
    }

    private let pieces: [Piece]

    init(_ text: String) throws(SyntaxError) {
        var rest = text[...]
        pieces = try Self.pieces(of: &rest, until: nil)
    }

    private static func pieces(of rest: inout Substring, until end: String?) throws(SyntaxError) -> [Piece] {
        var pieces = [Piece]()
        while let open = rest.firstRange(of: "{{") {
            let near = String(rest[open.lowerBound...].prefix(40))
            if open.lowerBound > rest.startIndex { pieces.append(.text(rest[..<open.lowerBound])) }
            guard let close = rest[open.upperBound...].firstRange(of: "}}") else { throw SyntaxError(near: near) }
            let tag = rest[open.upperBound..<close.lowerBound]
            rest = rest[close.upperBound...]
            let name = String(tag.dropFirst())
            switch tag.first {
            case "!": dropLineBreak(&rest)
            case "#", "^":
                dropLineBreak(&rest)
                let inner = try Self.pieces(of: &rest, until: name)
                pieces.append(.section(name, isInverted: tag.first == "^", inner))
            case "/":
                guard name == end else { throw SyntaxError(near: near) }
                dropLineBreak(&rest)
                return pieces
            default: pieces.append(.value(String(tag)))
            }
        }
        guard end == nil else { throw SyntaxError(near: "{{#\(end ?? "")}}") }
        if !rest.isEmpty { pieces.append(.text(rest)) }
        return pieces
    }

    private static func dropLineBreak(_ rest: inout Substring) {
        if rest.first == "\n" { rest.removeFirst() }
    }

    // MARK: Filling in

    /// A name without a value stands for nothing.
    func render(_ values: [String: Value]) -> String {
        var text = ""
        Self.render(pieces, [values], into: &text)
        return text
    }

    /// - Parameter scopes: the innermost last; it hides the names of those before it.
    private static func render(_ pieces: [Piece], _ scopes: [[String: Value]], into text: inout String) {
        for piece in pieces {
            switch piece {
            case .text(let part): text += part
            case .value(let name):
                if case .text(let value) = value(name, scopes) { escape(value, into: &text) }
            case .section(let name, let isInverted, let inner):
                let rounds = rounds(of: value(name, scopes))
                if isInverted {
                    if rounds.isEmpty { render(inner, scopes, into: &text) }
                } else {
                    for scope in rounds { render(inner, scopes + [scope], into: &text) }
                }
            }
        }
    }

    private static func value(_ name: String, _ scopes: [[String: Value]]) -> Value? {
        for scope in scopes.reversed() { if let value = scope[name] { return value } }
        return nil
    }

    /// What a section is repeated for.
    private static func rounds(of value: Value?) -> [[String: Value]] {
        switch value {
        case nil, .flag(false), .text(""): []
        case .text, .flag: [[:]]
        case .group(let values): [values]
        case .list(let elements): elements
        }
    }

    /// Harmless in text and in quoted attributes.
    static func escape(_ value: String, into text: inout String) {
        for scalar in value.unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "'": text += "&#39;"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
