import Casework
import Contract
import Cryptography
import HTTPTypes
import Hummingbird
import JSON
import NIOCore

/// What every request passes before its route: who asks, may he, is the body whole and of the right shape. In this
/// order, so that strangers cost no memory, and the roles that a command asks for are left to the casework's rule.
struct Gate: Sendable {
    let service: ConsoleService
    let authentication: Authentication

    /// Lets a request through to its route, and leaves an audit line when somebody is refused for who he is.
    func serve(_ request: Request, _ context: ConsoleContext, _ route: Route) async throws -> Response {
        let caller = route.access == .everyone ? nil : try await authentication.caller(of: request, context)
        do {
            return try await route.handle(try await pass(request, context, to: route, caller))
        } catch {
            if let problem = Problem(error), problem.status == .forbidden {
                await service.cases.audit(
                    AuditLine(
                        actor: caller?.principal.name ?? "nobody", action: "refused", subject: request.uri.path,
                        remote: context.source.remoteAddress, detail: problem.detail))
            }
            throw error
        }
    }

    private func pass(
        _ request: Request, _ context: ConsoleContext, to route: Route, _ caller: Caller?
    ) async throws -> APICall {
        if route.access != .everyone {
            guard let caller else { throw Problem.unauthorized }
            if request.method != .get, request.method != .head { try Authentication.checkSameSite(caller, request) }
            if route.access == .writers, caller.principal.role == .auditor {
                throw Problem.forbidden("An auditor reads and changes nothing.")
            }
        }
        let query = try QueryString(request.uri.query)
        try check(query, against: route)
        var call = APICall(
            request: request, caller: caller, query: query, body: [:], bodyHash: [],
            idempotencyKey: try Gate.idempotencyKey(of: request), parameters: context.parameters,
            source: context.source)
        guard let body = route.body else { return call }
        let bytes = try await collect(context.source.request, limit: body.limit)
        call.body = try Gate.parse(bytes, body, request)
        call.bodyHash = Digest.sha256(Array((request.method.rawValue + " " + request.uri.path + "\n").utf8) + bytes)
        return call
    }

    private func check(_ query: QueryString, against route: Route) throws {
        if query.values.isEmpty { return }
        let known = route.parameters.map(\.name)
        // Messengers add parameters of their own to links that citizens share.
        let unknown = route.access == .everyone ? [] : query.values.keys.filter { !known.contains($0) }.sorted()
        let faults = unknown.prefix(20).map {
            FieldFault(String($0.prefix(60)), .unknownMember)
        }
        guard faults.isEmpty else { throw Problem.invalid(faults) }
        for parameter in route.parameters {
            guard let text = query[parameter.name] else { continue }
            var value = JSON.string(text)
            // A query holds texts only: what should be a number is read as one.
            if case .integer = parameter.schema { value = Int64(text).map(JSON.int) ?? value }
            let faults = parameter.schema.faults(of: value, at: parameter.name)
            guard faults.isEmpty else { throw Problem.invalid(faults) }
        }
    }

    /// Nil without the header.
    /// - Throws: 400 for an empty key, one of more than 200 characters, or with control characters.
    static func idempotencyKey(of request: Request) throws(Problem) -> String? {
        let keys = request.headers[values: .idempotencyKey]
        guard let key = keys.first else { return nil }
        guard keys.count == 1, (1...200).contains(key.unicodeScalars.count),
            !key.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) })
        else {
            throw .badRequest("Idempotency-Key must be one text of 1 to 200 characters, without control characters.")
        }
        return key
    }

    private func collect(_ request: ConsoleRequest, limit: Int) async throws -> [UInt8] {
        if let announced = request.head.headerFields[.contentLength].flatMap({ Int($0) }), announced > limit {
            throw Problem.tooLarge(limit: limit)
        }
        return try await Gate.collect(request.body, limit: limit)
    }

    private static func collect(
        _ body: some AsyncSequence<ByteBuffer, any Error>, limit: Int
    ) async throws -> [UInt8] {
        var bytes = [UInt8]()
        do {
            for try await chunk in body {
                guard bytes.count + chunk.readableBytes <= limit else { throw Problem.tooLarge(limit: limit) }
                bytes += chunk.readableBytesView
            }
        } catch let problem as Problem {
            throw problem
        } catch {
            // The peer went away or was too slow: whatever it is told, it did not send a whole request.
            throw Problem.badRequest("The body ended before it was whole.")
        }
        return bytes
    }

    private static func parse(_ bytes: [UInt8], _ body: Route.Body, _ request: Request) throws(Problem) -> JSON {
        if bytes.isEmpty {
            guard body.isOptional else { throw .badRequest("The request has no body; send a JSON object.") }
            return [:]
        }
        try checkType(request)
        let value: JSON
        do {
            value = try JSON(parsing: bytes)
        } catch {
            throw .badRequest("The body is no valid JSON: at byte \(error.offset), \(error.reason).")
        }
        let faults = body.schema.faults(of: value)
        guard faults.isEmpty else { throw .invalid(faults) }
        return value
    }

    private static func checkType(_ request: Request) throws(Problem) {
        let encoding = request.headers[.contentEncoding]?.lowercased() ?? "identity"
        guard encoding == "identity" else { throw .unsupportedType }
        guard let type = request.headers[.contentType] else { return }
        let parts = type.lowercased().split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
        let charset = parts.dropFirst().first { $0.hasPrefix("charset=") } ?? "charset=utf-8"
        guard let media = parts.first, media == "application/json" || media.hasSuffix("+json"),
            charset == "charset=utf-8" || charset == "charset=\"utf-8\""
        else { throw .unsupportedType }
    }
}

extension HTTPField.Name {
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    static let csrfToken = HTTPField.Name("X-CSRF-Token")!
    static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
    static let lastEventID = HTTPField.Name("Last-Event-ID")!
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
    static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
}
