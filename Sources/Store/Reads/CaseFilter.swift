import Casework
import Postgres
import Service

/// The conditions of a list of cases, as SQL with its parameters. Values are always parameters, never in the text.
struct CaseFilter: Sendable {
    private(set) var conditions: [String] = []
    private(set) var parameters: [Parameter] = []
    /// Words are looked for in `search`, aliased `s`.
    private(set) var searchesText = false

    static let maximumWords = 8

    mutating func add(_ condition: (String) -> String, _ parameter: Parameter) {
        parameters.append(parameter)
        conditions.append(condition("$\(parameters.count)"))
    }

    mutating func add(_ condition: String) { conditions.append(condition) }

    /// Parameters for a condition that is added next.
    mutating func append(_ parameters: [Parameter]) { self.parameters += parameters }

    /// Every word must be in the document. Trigrams need three letters: a shorter word must begin one in the document,
    /// which an index can tell because documents begin with a space.
    mutating func add(words: [Substring]) {
        searchesText = true
        for word in words.prefix(Self.maximumWords) {
            let pattern = word.unicodeScalars.count < 3 ? "% \(word)%" : "%\(word)%"
            add({ "s.document LIKE \($0)" }, .text(pattern))
        }
    }

    /// - Parameter order: the columns that the list is ordered by, with their directions.
    func statement(order: String, limit: Int) -> String {
        """
        SELECT \(CaseRow.columns) FROM cases c\(searchesText ? " JOIN search s ON s.id = c.id" : "")
        \(conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")) ORDER BY \(order) LIMIT \(limit)
        """
    }
}

/// What a person typed into the search field.
enum SearchText: Equatable {
    case code(TrackingCode)
    /// Normalised.
    case words([Substring])

    /// `nil` when nothing is left to look for.
    init?(_ text: String) {
        if let code = TrackingCode(parsing: text) {
            self = .code(code)
            return
        }
        if let mobile = PersianText.normalizeMobile(text) {
            self = .words(["0" + mobile.dropFirst(3)])
            return
        }
        let words = PersianText.normalizeForSearch(text).split(separator: " ")
        if words.isEmpty { return nil }
        self = .words(words)
    }

    /// A case's text as `search.document` holds it: a space, then the words of all its texts.
    static func document(_ values: CaseValues, code: String) -> String {
        var texts = [Field.subject, .description, .citizenName, .citizenMobile, .citizenNationalID]
            .compactMap { values[$0] }
        // However it was typed, a mobile is found by 0914… and by 98914…
        if let mobile = values[.citizenMobile].flatMap({ PersianText.normalizeMobile($0) }) {
            texts += [String(mobile.dropFirst()), "0" + mobile.dropFirst(3)]
        }
        if let national = values[.citizenNationalID].flatMap({ PersianText.normalizeNationalID($0) }) {
            texts.append(national)
        }
        texts.append(code)
        return " " + PersianText.normalizeForSearch(texts.joined(separator: " "))
    }
}
