import Casework
import HTTPTypes
import Hummingbird
import Mustache
import NIOCore
import Service

/// The public page on which a citizen follows a case: Persian, without scripts, for any telephone and any line.
struct TrackPage: Sendable {
    enum Content {
        case form
        case found(TrackDocument, mobile: String?)
        case problem(Problem, code: String)
    }

    private let template: MustacheTemplate

    init() {
        do {
            template = try MustacheTemplate(string: String(decoding: PackageResources.track_mustache, as: UTF8.self))
        } catch {
            // A fault of the embedded file, which the first test shows; no input leads here.
            preconditionFailure("track.mustache does not parse: \(error)")
        }
    }

    func response(_ content: Content, tree: OrganizationTree? = nil) -> Response {
        let status: HTTPResponse.Status
        var headers: HTTPFields = [.contentType: "text/html; charset=utf-8"]
        let context: [String: Any]
        switch content {
        case .form: (status, context) = (.ok, [:])
        case .found(let document, let mobile):
            (status, context) = (.ok, TrackPage.context(of: document, mobile: mobile, tree: tree))
        case .problem(let problem, let code):
            status = problem.status
            headers.append(contentsOf: problem.headers)
            context = [
                "typed": String(code.prefix(60)), "error": PersianTerms.sentence(for: problem),
                "error_en": problem.detail,
            ]
        }
        let html = template.render(context)
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
    }

    private static func context(of document: TrackDocument, mobile: String?, tree: OrganizationTree?) -> [String: Any] {
        let code = TrackingCode(parsing: document.trackingCode)
        var context: [String: Any] = [
            "typed": code?.groupedPersian ?? document.trackingCode,
            "code": code?.groupedPersian ?? document.trackingCode,
            "code_latin": code?.grouped ?? document.trackingCode,
        ]
        if document.ambiguous {
            context["needs_mobile"] = true
            if mobile != nil { context["error"] = "با این چهار رقم پرونده‌ای پیدا نشد." }
            return context
        }
        var found: [String: Any] = [
            "status": document.status, "status_fa": PersianTerms.status(document.status),
            "holder": document.holder, "holder_fa": name(of: document.holder, in: tree),
            "overdue": document.overdue, "stages": document.stages.map { stage($0, in: tree) },
        ]
        if let outcome = document.outcome {
            found["outcome"] = outcome
            found["outcome_fa"] = PersianTerms.outcome(outcome)
        }
        if let at = document.registeredAt { found["registered_at"] = time(at) }
        if let at = document.deadline { found["deadline"] = time(at) }
        context["case"] = found
        return context
    }

    private static func stage(_ stage: TrackDocument.Stage, in tree: OrganizationTree?) -> [String: Any] {
        [
            "type": stage.type, "type_fa": PersianTerms.stage(stage.type), "at": time(stage.at),
            "office": stage.office, "office_fa": name(of: stage.office, in: tree),
        ]
    }

    /// Jalali, Tehran time.
    private static func time(_ text: String) -> String {
        Instant(rfc3339: text).map { Tehran.persianTimestamp(of: $0) } ?? text
    }

    private static func name(of code: String, in tree: OrganizationTree?) -> String {
        OrganizationCode(rawValue: code).flatMap { tree?[$0]?.nameFA } ?? code
    }
}
