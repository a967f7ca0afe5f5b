import Casework
import Contract
import JSON

/// One thing wrong with a body or a query, by the name of its field.
struct FieldFault: Error, Sendable, Hashable {
    /// `citizen.mobile`, `history[0].at`; empty for the body as a whole.
    var field: String
    var code: FaultCode
    /// The bound that was passed.
    var limit: Int64?
    /// What was sent, or what may be sent.
    var detail: String?

    init(_ field: String, _ code: FaultCode, limit: Int64? = nil, _ detail: String? = nil) {
        (self.field, self.code, self.limit, self.detail) = (field, code, limit, detail)
    }

    /// For programmers, in English; pages show the code's word in their language.
    var reason: String {
        let word = Vocabulary.standard.word(.fault, code.rawValue, in: .en, limit: limit)
        return word + (detail.map { " (\($0))" } ?? "")
    }

    var json: JSON {
        var members: [JSON.Member] = [.init("field", .string(field)), .init("code", .string(code.rawValue))]
        if let limit { members.append(.init("limit", JSON(limit))) }
        return .object(members + [.init("reason", .string(reason))])
    }
}
