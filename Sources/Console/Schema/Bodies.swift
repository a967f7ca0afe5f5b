import Casework
import Service

/// The bodies that routes take. The limits of texts are those of the casework, which checks them once more.
enum Bodies {
    static let intake = Schema.object(intakeProperties)

    static let empty = Schema.object([])
    static let referral = Schema.object([.init("to", organization), .init("reason", text)])
    static let refusal = Schema.object([.init("reason", text)])
    static let words = Schema.object([.init("text", text)])
    static let optionalText = Schema.object([.optional("text", text)])
    static let closure = Schema.object([
        .init("outcome", .string(values: Outcome.allCases.map(\.rawValue))), .optional("text", text),
    ])
    static let review = Schema.object([
        .init("dispute", hash, "One of the case's open `disputes`."), .init("upheld", .boolean),
        .optional("text", text),
    ])
    static let rating = Schema.object([.init("score", .integer(1...5))])
    static let assessment = Schema.object([
        .init("lawful", .boolean), .init("within_means", .boolean), .init("done", .boolean),
    ])
    static let hiding = Schema.object([.init("event", hash), .init("hidden", .boolean)])
    static let duplicate = Schema.object([.init("of", .string(form: .uuid))])
    static let release = Schema.object([
        .optional(
            "keep", .string(limit: 16),
            "The incarnation that goes on, of the quarantine's `candidates`; left out when there is none to choose."),
    ])
    static let custody = Schema.object([.init("to", organization), .init("reason", text)])

    static let edit = Schema.object([
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

    static let login = Schema.object([
        .optional("name", .string(limit: Limits.name)), .optional("password", .string(limit: 1_000)),
        .optional("token", .string(limit: 1_000), "Instead of name and password."),
    ])

    static let importCases = Schema.object([
        .init(
            "cases",
            .array(
                of: .object([
                    .init("key", .string(limit: 190), "The row's own key: a second import of it adds nothing."),
                    .init("intake", intake), .init("registered_at", time),
                    .optional("history", .array(of: historicEvent, limit: 200)),
                ]), limit: 500)),
    ])

    static let importSteps = ["referred", "accepted", "acted", "answered", "closed", "noted"]

    private static let historicEvent = Schema.object([
        .init("at", time), .init("step", .string(values: importSteps)),
        .optional("text", text, "For acted, answered, noted and closed."),
        .optional("to", organization, "For referred."),
        .optional("outcome", .string(values: Outcome.allCases.map(\.rawValue)), "For closed."),
    ])

    private static let intakeProperties: [Schema.Property] = [
        .init("kind", .string(values: Kind.allCases.map(\.rawValue))),
        .optional("channel", .string(values: Casework.Channel.allCases.map(\.rawValue)), "Left out: api."),
        .optional("category", category, "Of `GET /categories`. Left out: other."),
        .init("subject", .string(limit: Limits.subject)),
        .optional("description", text),
        .optional("about", organization, "The organisation complained of."),
        .optional("priority", priority), .optional("tags", tags), .optional("citizen", citizen),
    ]

    private static let citizen = Schema.object([
        .optional("name", .string(limit: Limits.name)), .optional("national_id", .string(limit: 32)),
        .optional("mobile", .string(limit: 32)), .optional("address", .string(limit: Limits.address)),
    ])

    private static let text = Schema.string(limit: Limits.text)
    private static let time = Schema.string(form: .dateTime)
    private static let hash = Schema.string(form: .hash)
    private static let organization = Schema.string(form: .organization)
    private static let category = Schema.string(limit: 64)
    private static let priority = Schema.string(values: Priority.allCases.map(\.rawValue))
    private static let tags = Schema.array(of: .string(limit: 50), limit: Limits.tags)
}
