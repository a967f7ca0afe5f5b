import Casework
import Contract

/// The bodies that routes take. The limits of texts are those of the casework, which checks them once more.
enum Bodies {
    static let intake = intakeShape(citizen: citizen)

    static let empty = Shape.object([])
    static let referral = Shape.object([.init("to", organization), .init("reason", text)])
    static let refusal = Shape.object([.init("reason", text)])
    static let words = Shape.object([.init("text", text)])
    static let optionalText = Shape.object([.optional("text", text)])
    static let closure = Shape.object([
        .init("outcome", .string(values: outcomes)), .optional("text", text),
    ])
    /// All but the citizen's own, which the withdrawal route says.
    private static let outcomes = Outcome.allCases.filter { $0 != .withdrawn }.map(\.rawValue)
    static let review = Shape.object([
        .init("dispute", hash, "One of the case's open `disputes`."), .init("upheld", .boolean),
        .optional("text", text),
    ])
    static let rating = Shape.object([.init("score", .integer(1...5))])
    static let assessment = Shape.object([
        .init("lawful", .boolean), .init("within_means", .boolean), .init("done", .boolean),
    ])
    static let hiding = Shape.object([.init("event", hash), .init("hidden", .boolean)])
    static let duplicate = Shape.object([.init("of", .string(form: .uuid))])
    static let release = Shape.object([
        .optional(
            "keep", .string(limit: 16),
            "The incarnation that goes on, of the quarantine's `candidates`; left out when there is none to choose.")
    ])
    static let custody = Shape.object([.init("to", organization), .init("reason", text)])

    static let edit = Shape.object([
        .init("revision", .integer(0...Int64(Int32.max)), "That the page was loaded with."),
        .optional(
            "heads",
            .object([], allowed: .strings(Field.allCases.map(\.rawValue), of: .array(of: hash, limit: 100))),
            "The case document's `heads`; without it, those of the present state."),
        .optional("subject", .string(limit: Limits.subject)),
        .optional("description", text, "An empty text clears it; null leaves it."),
        .optional("category", category), .optional("priority", priority), .optional("tags", tags),
        .optional("citizen", citizen),
    ])

    static let login = Shape.object([
        .optional("name", .string(limit: Limits.name)), .optional("password", .string(limit: 1_000)),
        .optional("token", .string(limit: 1_000), "Instead of name and password."),
    ])

    static let importCases = Shape.object([
        .init(
            "cases",
            .array(
                of: .object([
                    .init("key", .string(limit: 190), "The row's own key: a second import of it adds nothing."),
                    .init("intake", intakeShape(citizen: importedCitizen)), .init("registered_at", time),
                    .optional("history", .array(of: historicEvent, limit: 200)),
                ]), limit: 500))
    ])

    static let importSteps = ["referred", "accepted", "acted", "answered", "closed", "noted"]

    private static let historicEvent = Shape.object([
        .init("at", time), .init("step", .string(values: importSteps)),
        .optional("text", text, "For acted, answered, noted and closed."),
        .optional("to", organization, "For referred."),
        .optional("outcome", .string(values: Outcome.allCases.map(\.rawValue)), "For closed."),
    ])

    private static func intakeShape(citizen: Shape) -> Shape {
        .object([
            .init("kind", .string(values: Kind.allCases.map(\.rawValue))),
            .optional("channel", .string(values: Casework.Channel.allCases.map(\.rawValue)), "Left out: api."),
            .optional("category", category, "Of `GET /categories`. Left out: other."),
            .init("subject", .string(limit: Limits.subject)),
            .optional("description", text),
            .optional("about", organization, "The organisation complained of."),
            .optional("priority", priority), .optional("tags", tags), .optional("citizen", citizen),
        ])
    }

    private static let citizen = Shape.object([
        .optional("name", .string(limit: Limits.name)),
        .optional("national_id", .string(limit: 32, form: .nationalID)),
        .optional("mobile", .string(limit: 32, form: .mobile)), .optional("address", .string(limit: Limits.address)),
    ])

    /// An older system's numbers are taken as they are: a case is not lost over one.
    private static let importedCitizen = Shape.object([
        .optional("name", .string(limit: Limits.name)), .optional("national_id", .string(limit: 32)),
        .optional("mobile", .string(limit: 32)), .optional("address", .string(limit: Limits.address)),
    ])

    private static let text = Shape.string(limit: Limits.text)
    private static let time = Shape.string(form: .dateTime)
    private static let hash = Shape.string(form: .hash)
    private static let organization = Shape.string(form: .organization)
    private static let category = Shape.string(limit: 64)
    private static let priority = Shape.string(values: Priority.allCases.map(\.rawValue))
    private static let tags = Shape.array(of: .string(limit: 50), limit: Limits.tags)
}
