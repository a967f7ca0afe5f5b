import Casework
import Contract
import Postgres

/// The conditions of a list of cases, as SQL with its parameters. Values are always parameters, never in the text.
struct CaseFilter: Sendable {
    /// What follows the list's order: an index finds the place and goes on from there. By registration only the time and
    /// the identifier: a search applies it to its own rows.
    private(set) var stretch: [String] = []
    /// What else is asked of a case.
    private(set) var conditions: [String] = []
    /// Words looked for in `search`, aliased `s`.
    private(set) var words: [String] = []
    private(set) var parameters: [Parameter] = []
    /// The list is put together from those of each status: the index of what somebody holds goes by status first.
    var isByStatus = false

    static let maximumWords = 8
    /// How many cases of the stretch are looked at one by one before the trigram index is asked.
    static let walk = 4000
    /// As many again as this where the first walk has found some, so that the page is likely to fill.
    static let longestWalk = 24_000

    mutating func add(_ condition: (String) -> String, _ parameter: Parameter) {
        conditions.append(condition(place(parameter)))
    }

    mutating func follow(_ condition: String) { stretch.append(condition) }

    /// The parameter's name in the text.
    mutating func place(_ parameter: Parameter) -> String {
        parameters.append(parameter)
        return "$\(parameters.count)"
    }

    /// Every word must be in the document. Trigrams need three letters: a shorter word must begin one in the document,
    /// which an index can tell because documents begin with a space.
    mutating func add(words: [Substring]) {
        for word in words.prefix(Self.maximumWords) {
            let pattern = word.unicodeScalars.count < 3 ? "% \(word)%" : "%\(word)%"
            self.words.append("s.document LIKE \(place(.text(pattern)))")
        }
    }

    /// A list without words.
    func statement(_ order: CaseOrder, limit: Int) -> String {
        guard isByStatus else {
            return """
                SELECT \(CaseRow.columns) FROM cases c
                \(Self.clause(stretch + conditions)) ORDER BY \(order.of("c")) LIMIT \(limit)
                """
        }
        let statuses = Status.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        return """
            SELECT \(CaseRow.columns) FROM unnest(ARRAY[\(statuses)]) AS shown (status) CROSS JOIN LATERAL (
                SELECT * FROM cases c \(Self.clause(stretch + conditions + ["c.status = shown.status"]))
                ORDER BY \(order.of("c")) LIMIT \(limit)
            ) c ORDER BY \(order.of("c")) LIMIT \(limit)
            """
    }

    /// The first cases of the stretch, looked at one by one: quick for words that many cases have.
    func walkStatement(_ order: CaseOrder, limit: Int, over walk: Int = Self.walk) -> String {
        let walked = walked(order, "*", walk)
        let joined =
            switch order {
            case .latest: "(\(walked)) s CROSS JOIN LATERAL (SELECT * FROM cases c WHERE \(Self.isKnown) OFFSET 0) c"
            case .deadline: "(\(walked)) c CROSS JOIN LATERAL (SELECT * FROM search s WHERE \(Self.isKnown) OFFSET 0) s"
            }
        return """
            SELECT \(CaseRow.columns) FROM \(joined)
            \(Self.clause(words + conditions)) ORDER BY \(order.of(order.searched.alias)) LIMIT \(limit)
            """
    }

    /// How many cases the walk looks at.
    func walkCount(_ order: CaseOrder) -> String {
        "SELECT count(*) FROM (\(walked(order, "1", Self.walk))) walked"
    }

    private func walked(_ order: CaseOrder, _ columns: String, _ walk: Int) -> String {
        """
        SELECT \(columns) FROM \(order.searched.table) c \(Self.clause(stretch))
        ORDER BY \(order.of("c")) LIMIT \(walk)
        """
    }

    /// All cases with the words, found by their trigrams, then ordered: quick for words that few cases have. The planner
    /// alone would choose by each word's frequency, and walk a million cases for two frequent words that never meet.
    func indexStatement(_ order: CaseOrder, limit: Int) -> String {
        """
        WITH found AS MATERIALIZED (SELECT s.id, s.registered_at FROM search s WHERE \(Self.all(words)))
        SELECT \(CaseRow.columns) FROM found s JOIN cases c ON \(Self.isKnown)
        \(Self.clause(stretch + conditions)) ORDER BY \(order.of(order.searched.alias)) LIMIT \(limit)
        """
    }

    /// Search trails the cases: one that was registered after it was last looked at would stand at another place in its
    /// order, and pages would skip or repeat.
    private static let isKnown = "c.id = s.id AND c.registered_at IS NOT DISTINCT FROM s.registered_at"

    private static func all(_ conditions: [String]) -> String { conditions.joined(separator: " AND ") }

    private static func clause(_ conditions: [String]) -> String {
        conditions.isEmpty ? "" : "WHERE " + all(conditions)
    }
}

/// By what a list of cases is ordered.
enum CaseOrder: Sendable {
    /// Registered last comes first; before all, those of which only a code was given.
    case latest
    case deadline

    /// The table in whose order cases are searched for words. `search` has the time of registration itself: it may be far
    /// behind while a province's long journal comes in, and then `cases` begins with thousands that it does not know yet.
    /// By deadline such cases mostly come last.
    var searched: (table: String, alias: String) {
        switch self {
        case .latest: ("search", "s")
        case .deadline: ("cases", "c")
        }
    }

    /// The columns with their directions.
    func of(_ table: String) -> String {
        switch self {
        case .latest: "\(table).registered_at DESC, \(table).id DESC"
        case .deadline: "\(table).deadline, \(table).id"
        }
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
        if let mobile = MobileNumber(parsing: text) {
            self = .words([mobile.national[...]])
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
        if let mobile = values[.citizenMobile].flatMap({ MobileNumber(parsing: $0) }) {
            texts += [String(mobile.international.dropFirst()), mobile.national]
        }
        if let national = values[.citizenNationalID].flatMap({ NationalID(parsing: $0) }) {
            texts.append(national.digits)
        }
        texts.append(code)
        return " " + PersianText.normalizeForSearch(texts.joined(separator: " "))
    }
}
