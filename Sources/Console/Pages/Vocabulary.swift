import Casework
import Contract
import JSON

/// The words for every code that people see, in both languages: `Assets/vocabulary.json`, which the pages are served
/// as it is and the server's own pages read.
struct Vocabulary: Sendable {
    enum Language: String, Sendable, CaseIterable { case fa, en }

    enum Family: String, Sendable, CaseIterable {
        case kind, channel, priority, status, outcome, role, field, event, effect, reason, alarm, problem, fault, act
        case link, count, score, notice, recipient
    }

    static let standard = Vocabulary()

    private var words: [Family: [String: [Language: String]]] = [:]

    private init() {
        guard let document = try? JSON(parsing: PackageResources.vocabulary_json) else {
            // A fault of the embedded file, which the first test shows; no input leads here.
            preconditionFailure("vocabulary.json does not parse")
        }
        for family in Family.allCases {
            for entry in document[family.rawValue]?.members ?? [] {
                for language in Language.allCases {
                    words[family, default: [:]][entry.name, default: [:]][language] =
                        entry.value[language.rawValue]?.string
                }
            }
        }
    }

    /// `nil` for a code that has no word.
    func known(_ family: Family, _ code: String, in language: Language) -> String? {
        words[family]?[code]?[language]
    }

    /// All codes of a family that have an entry.
    func codes(_ family: Family) -> Set<String> { Set(words[family, default: [:]].keys) }

    /// A code without a word, such as a newer peer's, stands for itself.
    /// - Parameter limit: stands in the word in the place of `{limit}`; Persian digits in Persian.
    func word(_ family: Family, _ code: String, in language: Language, limit: Int64? = nil) -> String {
        guard let word = known(family, code, in: language) else { return code }
        guard let limit, let place = word.firstRange(of: "{limit}") else { return word }
        let number = language == .fa ? PersianText.persianDigits(String(limit)) : String(limit)
        return word[..<place.lowerBound] + number + word[place.upperBound...]
    }
}
