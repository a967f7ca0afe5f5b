import Casework
import Contract
import HTTPTypes
import Hummingbird
import JSON
import NIOCore

/// Doors without a sign-in: tracking, probes, figures for Prometheus, pages.
struct PublicRoutes: Sendable {
    let service: ConsoleService
    let metrics: RequestMetrics
    let assets: Assets
    private let lookups: TokenBuckets
    private let page = TrackPage()

    init(service: ConsoleService, _ configuration: ConsoleConfiguration, metrics: RequestMetrics, assets: Assets) {
        (self.service, self.metrics, self.assets) = (service, metrics, assets)
        lookups = TokenBuckets(
            capacity: configuration.trackingPerMinute, perMinute: configuration.trackingPerMinute)
    }

    var all: [Route] { tracking + probes + pages }

    // MARK: Tracking

    private var tracking: [Route] {
        let mobile = Route.Parameter(
            "mobile", .string(limit: 32), "The mobile's last four digits, asked when a code is ambiguous.")
        let code = Route.Parameter("code", .string(limit: 100), "Answers as `/track/{code}`.")
        return [
            Route(
                .get, "/track", "Form to follow a case", .everyone, parameters: [code, mobile],
                answer: .other("text/html")
            ) { call in
                guard let code = call.query["code"], !code.isEmpty else { return page.response(.form) }
                return try await track(code, call)
            },
            Route(
                .get, "/track/{code}", "Follow a case: a page, or JSON where Accept prefers it", .everyone,
                parameters: [mobile], answer: .json(.named("Track"))
            ) { call in
                try await track(try call.path("code"), call)
            },
            Route(
                .get, "/api/v1/track/{code}", "Follow a case, as JSON", .everyone, parameters: [mobile],
                answer: .json(.named("Track"))
            ) { call in
                .json(try await document(try call.path("code"), call).json)
            },
        ]
    }

    private func track(_ code: String, _ call: APICall) async throws -> Response {
        if Self.prefersJSON(call.request.headers[.accept]) { return .json(try await document(code, call).json) }
        do {
            let document = try await document(code, call)
            return page.response(.found(document, mobile: call.query["mobile"]), tree: service.cases.tree)
        } catch {
            guard let problem = Problem(error) else { throw error }
            return page.response(.problem(problem, code: code))
        }
    }

    private func document(_ text: String, _ call: APICall) async throws -> TrackDocument {
        if let seconds = lookups.take(call.remoteAddress) { throw Problem.tooMany(retryAfter: seconds) }
        let code = try Self.code(text)
        let mobile = try call.query["mobile"].flatMap { try Self.lastDigits($0) }
        guard let document = try await service.cases.track(code, mobile: mobile) else {
            throw Problem(
                .notFound, .unknownCode, "No case has this tracking code",
                "Check the digits; a case of another province is found at its own office or at the hub.")
        }
        return document
    }

    private static func code(_ text: String) throws(Problem) -> TrackingCode {
        do {
            return try TrackingCode.parse(String(text.prefix(200)))
        } catch {
            let fault: FaultCode =
                switch error {
                case .empty: .codeWithoutDigits
                case .unexpectedCharacter: .codeOtherCharacters
                case .wrongLength: .codeLength
                case .wrongCheckDigit: .codeCheckDigit
                case .unknownProvince: .codeProvince
                }
            var problem = Problem.invalid("code", fault, limit: fault == .codeLength ? 13 : nil)
            problem.name = .badCode
            throw problem
        }
    }

    /// Nil for nothing typed.
    private static func lastDigits(_ text: String) throws(Problem) -> String? {
        let digits = PersianText.latinDigits(text).filter { $0.isASCII && $0.isNumber }
        if text.allSatisfy(\.isWhitespace) { return nil }
        guard digits.count >= 4 else { throw .invalid("mobile", .notFourDigits) }
        return String(digits.suffix(4))
    }

    /// True where JSON has a greater weight than HTML, named or by a range.
    static func prefersJSON(_ accept: String?) -> Bool {
        guard let accept else { return false }
        var weights: [String: Double] = [:]
        for entry in accept.lowercased().split(separator: ",") {
            let parts = entry.split(separator: ";").map { $0.filter { $0 != " " } }
            guard let type = parts.first else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            weights[type] = max(weights[type] ?? 0, weight)
        }
        let anything = weights["*/*"] ?? 0
        let json = weights["application/json"] ?? weights["application/*"] ?? anything
        let html = weights["text/html"] ?? weights["text/*"] ?? anything
        return json > html
    }

    // MARK: Probes

    private var probes: [Route] {
        [
            Route(.get, "/livez", "The process answers", .everyone, answer: .other("text/plain"), handle: embedded),
            Route(
                .get, "/readyz", "Ready for work; 503 with the reason otherwise", .everyone,
                answer: .json(.named("Ready"))
            ) { _ in
                guard let reason = await service.cases.readiness() else {
                    return .json(["ready": true, "reason": .null])
                }
                throw Problem.unavailable("Not ready: \(reason).", retryAfter: 5)
            },
            Route(.get, "/metrics", "Figures for Prometheus", .everyone, answer: .other("text/plain")) { _ in
                let text = metrics.text(try await service.cases.gauges())
                return Response(
                    status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
            },
        ]
    }

    // MARK: Pages

    private var pages: [Route] {
        Assets.pages(of: service).keys.sorted().map {
            Route(.get, $0, "Page", .everyone, answer: .other("text/html"), handle: embedded)
        } + [
            Route(
                .get, "/assets/{name}", "Styles and scripts of the pages", .everyone, answer: .other("*/*"),
                handle: embedded)
        ]
    }

    /// The fast path has answered already where there is something: this route tells the router of the path.
    @Sendable
    private func embedded(_ call: APICall) async throws -> Response {
        guard let (head, body) = assets.answer(to: call.request.head, isTLS: call.isTLS)
        else { throw Problem.notFound }
        return Response(status: head.status, headers: head.headerFields, body: ResponseBody(byteBuffer: body))
    }
}
