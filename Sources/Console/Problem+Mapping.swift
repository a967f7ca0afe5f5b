import Casework
import Contract
import Hummingbird
import NIOCore

extension Problem {
    /// The answer to an error. Nil for what no caller caused and nobody foresaw.
    init?(_ error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let refusal as Refusal: self = Problem(refusal)
        case let error as ServiceError: self = Problem(error)
        case let refusal as FileRefusal: self = Problem(refusal)
        case let fault as FieldFault: self = .invalid([fault])
        case let error as HTTPError where error.status == .notFound: self = .notFound
        case let error as any PassingError where error.isPassing:
            self = Problem(.unavailable("the database does not answer: try again"))
        default: return nil
        }
    }

    private init(_ error: ServiceError) {
        switch error {
        case .unavailable(let reason): self = .unavailable(Problem.sentence(reason), retryAfter: 5)
        case .halted(let reason): self = .unavailable(Problem.sentence(reason), name: .halted, retryAfter: 60)
        }
    }

    private init(_ refusal: FileRefusal) {
        switch refusal {
        case .unknown:
            self = Problem(
                .notFound, .unknownAttachment, "The case has no such file", "See GET /cases/{id}/attachments.")
        case .notHere(let present, let size):
            self = Problem(
                .conflict, .attachmentNotHere, "The file is still on its way to this server",
                "\(present) of \(size) bytes are here. Try again later.")
            (self.present, self.size) = (present, size)
            headers[.retryAfter] = "10"
        case .tooLarge(let limit):
            self = Problem(
                .contentTooLarge, .tooLarge, "The file is too large", "A file has at most \(limit) bytes.")
        case .diskFull:
            self = Problem(
                .init(code: 507, reasonPhrase: "Insufficient Storage"), .diskFull,
                "The server has no room for this file",
                "Nothing was kept. Tell the operator, and send it again when there is room.")
        case .brokenOff: self = .badRequest("The body ended before it was whole. Nothing was kept.")
        }
    }

    init(_ refusal: Refusal) {
        switch refusal {
        case .invalid(let field, let code, let limit): self = .invalid(field, code, limit: limit)
        case .unknownCase: self = .unknownCase
        case .unknownOrganization(let code):
            self = .invalid("to", .unknownOrganization, code)
            name = .unknownOrganization
        case .unknownCategory(let code):
            self = .invalid("category", .unknownCategory, String(code.prefix(64)))
            name = .unknownCategory
        case .unknownEvent(let hash):
            self = Problem(
                .notFound, .unknownEvent, "There is no such entry",
                "Load the case again: it has no open entry \(hash).")
        case .illegal(let reason, let status):
            self = Problem(
                .conflict, .illegal, "The case does not allow this now",
                "The case is \(status.rawValue): \(Vocabulary.standard.word(.reason, reason.rawValue, in: .en)). "
                    + "Load it again and choose another step.")
            self.reason = reason
        case .notTheSeat(let seat):
            self = Problem(
                .conflict, .notTheSeat, "Another office holds this case",
                "Custody lies at \(seat.code): ask there, or leave a note.")
        case .parked(let hash):
            self = Problem(
                .conflict, .parked, "The case waits for an upgrade of this server",
                "Event \(hash) is newer than this server. Notes and the citizen's voice go on; upgrade for the rest.")
        case .forbidden(let reason): self = .forbidden(Problem.sentence(reason))
        case .stale(let revision):
            self = Problem(
                .conflict, .stale, "The case has changed meanwhile",
                "Load it again, look at what changed, and send the edit with revision \(revision).")
            self.revision = revision
        case .awaiting(let origin):
            self = Problem(
                .conflict, .awaiting, "The hub was brought back from an older state",
                "It decides nothing about this case until \(origin.code) has said what it knows: try again then.")
        case .tooLarge(let bytes):
            self = Problem(
                .contentTooLarge, .tooLarge, "The texts are too long for one event",
                "They take \(bytes) bytes of at most 262144: shorten them, or send them in several notes.")
        case .notYet(let kind, let origin):
            let server = origin.isHub ? "the hub" : origin.code
            self = Problem(
                .conflict, .notYet, "Another server cannot read this yet",
                "An entry of the kind \(kind.rawValue) can be written once \(server) is upgraded.")
        case .keyReused:
            self = Problem(
                .unprocessableContent, .keyReused, "This Idempotency-Key belongs to another request",
                "Use a new key for a new request, and the old one only to repeat the very same.")
        }
    }

    private static func sentence(_ text: String) -> String {
        guard let first = text.first else { return "No reason was given." }
        return first.uppercased() + text.dropFirst() + (text.hasSuffix(".") ? "" : ".")
    }
}
