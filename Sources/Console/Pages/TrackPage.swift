import Casework
import Contract
import HTTPTypes
import Hummingbird
import NIOCore

/// The public page on which a citizen follows a case: Persian, without scripts, for any telephone and any line.
struct TrackPage: Sendable {
    enum Content {
        case form
        case found(TrackDocument, mobile: String?)
        case problem(Problem, code: String)
    }

    private let template: Template
    /// The empty form, which is the same for everybody.
    private let form: Response

    init() {
        do {
            template = try Template(String(decoding: PackageResources.track_mustache, as: UTF8.self))
        } catch {
            // A fault of the embedded file, which the first test shows; no input leads here.
            preconditionFailure("track.mustache does not parse: \(error)")
        }
        form = Self.response(.ok, [:], template.render([:]))
    }

    func response(_ content: Content, tree: OrganizationTree? = nil) -> Response {
        switch content {
        case .form: return form
        case .found(let document, let mobile):
            return Self.response(.ok, [:], template.render(Self.values(of: document, mobile: mobile, tree: tree)))
        case .problem(let problem, let code):
            let html = template.render([
                "typed": .text(String(code.prefix(60))), "error": .text(Self.sentence(for: problem)),
            ])
            return Self.response(problem.status, problem.headers, html)
        }
    }

    private static func response(_ status: HTTPResponse.Status, _ more: HTTPFields, _ html: String) -> Response {
        var headers: HTTPFields = [.contentType: "text/html; charset=utf-8"]
        headers.append(contentsOf: more)
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
    }

    private static func values(
        of document: TrackDocument, mobile: String?, tree: OrganizationTree?
    ) -> [String: Template.Value] {
        let code = TrackingCode(parsing: document.trackingCode)
        var values: [String: Template.Value] = [
            "typed": .text(code?.groupedPersian ?? document.trackingCode),
            "code": .text(code?.groupedPersian ?? document.trackingCode),
            "code_latin": .text(code?.grouped ?? document.trackingCode),
        ]
        if document.ambiguous {
            values["needs_mobile"] = true
            if mobile != nil { values["error"] = "با این چهار رقم پرونده‌ای پیدا نشد." }
            return values
        }
        var found: [String: Template.Value] = [
            "answered_fa": .text(word(.status, Status.answered.rawValue)),
            "closed_fa": .text(word(.status, Status.closed.rawValue)), "status": .text(document.status),
            "status_fa": .text(Self.word(.status, document.status)),
            "holder": .text(document.holder), "holder_fa": .text(name(of: document.holder, in: tree)),
            "overdue": .flag(document.overdue), "stages": .list(document.stages.map { stage($0, in: tree) }),
        ]
        if let outcome = document.outcome {
            found["outcome"] = .text(outcome)
            found["outcome_fa"] = .text(Self.word(.outcome, outcome))
        }
        if let at = document.registeredAt { found["registered_at"] = .text(time(at)) }
        if let at = document.deadline { found["deadline"] = .text(time(at)) }
        values["case"] = .group(found)
        return values
    }

    private static func stage(_ stage: TrackDocument.Stage, in tree: OrganizationTree?) -> [String: Template.Value] {
        [
            "type": .text(stage.type), "type_fa": .text(Self.word(.event, stage.type)), "at": .text(time(stage.at)),
            "office": .text(stage.office), "office_fa": .text(name(of: stage.office, in: tree)),
        ]
    }

    private static func word(_ family: Vocabulary.Family, _ code: String) -> String {
        Vocabulary.standard.word(family, code, in: .fa)
    }

    /// What is wrong with the code or the digits that were typed; else what went wrong.
    private static func sentence(for problem: Problem) -> String {
        guard let fault = problem.faults.first else { return word(.problem, problem.name.rawValue) }
        return Vocabulary.standard.word(.fault, fault.code.rawValue, in: .fa, limit: fault.limit)
    }

    /// Jalali, Tehran time.
    private static func time(_ text: String) -> String {
        Instant(rfc3339: text).map { Tehran.persianTimestamp(of: $0) } ?? text
    }

    private static func name(of code: String, in tree: OrganizationTree?) -> String {
        OrganizationCode(rawValue: code).flatMap { tree?[$0]?.nameFA } ?? code
    }
}
