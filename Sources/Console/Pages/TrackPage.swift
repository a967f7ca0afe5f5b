import Casework
import Contract
import HTTPTypes
import Hummingbird
import NIOCore

/// The public page on which a citizen follows a case, in the country's first language: without scripts, for any
/// telephone and any line.
struct TrackPage: Sendable {
    enum Content {
        case form
        case found(TrackDocument, mobile: String?)
        case problem(Problem, code: String)
    }

    private let persian = TrackPage.template(PackageResources.track_mustache)
    private let english = TrackPage.template(PackageResources.track_en_mustache)

    private static func template(_ bytes: [UInt8]) -> Template {
        do {
            return try Template(String(decoding: bytes, as: UTF8.self))
        } catch {
            // A fault of the embedded file, which the first test shows; no input leads here.
            preconditionFailure("a template of the track page does not parse: \(error)")
        }
    }

    func response(_ content: Content, network: Network) -> Response {
        let template = network.country.language == .english ? english : persian
        switch content {
        case .form: return Self.response(.ok, [:], template.render([:]))
        case .found(let document, let mobile):
            return Self.response(.ok, [:], template.render(Self.values(of: document, mobile: mobile, network: network)))
        case .problem(let problem, let code):
            let html = template.render([
                "typed": .text(String(code.prefix(60))),
                "error": .text(Self.sentence(for: problem, network.country.language)),
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
        of document: TrackDocument, mobile: String?, network: Network
    ) -> [String: Template.Value] {
        let code = TrackingCode(parsing: document.trackingCode)
        var values: [String: Template.Value] = [
            "typed": .text(code?.groupedPersian ?? document.trackingCode),
            "code": .text(code?.groupedPersian ?? document.trackingCode),
            "code_latin": .text(code?.grouped ?? document.trackingCode),
        ]
        if document.ambiguous {
            values["needs_mobile"] = true
            if mobile != nil {
                values["error"] =
                    network.country.language == .english
                    ? "No case was found with these four digits." : "با این چهار رقم پرونده‌ای پیدا نشد."
            }
            return values
        }
        let language = network.country.language
        var found: [String: Template.Value] = [
            "answered_word": .text(word(.status, Status.answered.rawValue, language)),
            "closed_word": .text(word(.status, Status.closed.rawValue, language)), "status": .text(document.status),
            "status_word": .text(word(.status, document.status, language)),
            "holder": .text(document.holder), "holder_word": .text(name(of: document.holder, in: network)),
            "overdue": .flag(document.overdue), "stages": .list(document.stages.map { stage($0, in: network) }),
        ]
        if let outcome = document.outcome {
            found["outcome"] = .text(outcome)
            found["outcome_word"] = .text(word(.outcome, outcome, language))
        }
        if let at = document.registeredAt { found["registered_at"] = .text(time(at, network)) }
        if let at = document.deadline { found["deadline"] = .text(time(at, network)) }
        values["case"] = .group(found)
        return values
    }

    private static func stage(_ stage: TrackDocument.Stage, in network: Network) -> [String: Template.Value] {
        [
            "type": .text(stage.type), "type_word": .text(word(.event, stage.type, network.country.language)),
            "at": .text(time(stage.at, network)), "office": .text(stage.office),
            "office_word": .text(name(of: stage.office, in: network)),
        ]
    }

    private static func word(_ family: Vocabulary.Family, _ code: String, _ language: Language) -> String {
        Vocabulary.standard.word(family, code, in: language == .english ? .en : .fa)
    }

    /// What is wrong with the code or the digits that were typed; else what went wrong.
    private static func sentence(for problem: Problem, _ language: Language) -> String {
        guard let fault = problem.faults.first else { return word(.problem, problem.name.rawValue, language) }
        return Vocabulary.standard.word(
            .fault, fault.code.rawValue, in: language == .english ? .en : .fa, limit: fault.limit)
    }

    /// By the country's calendar and clock.
    private static func time(_ text: String, _ network: Network) -> String {
        Instant(rfc3339: text).map { network.country.timestamp(of: $0, network.country.language) } ?? text
    }

    private static func name(of code: String, in network: Network) -> String {
        guard let office = OrganizationCode(rawValue: code).flatMap({ network.tree[$0] }) else { return code }
        return network.country.language == .english ? office.nameEN : office.nameFA
    }
}
