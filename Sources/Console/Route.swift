import Casework
import Contract
import HTTPTypes
import Hummingbird
import JSON

/// One door: how it is found, who may pass, what it takes and gives. The router and the OpenAPI document are both made
/// from these, so that neither knows a door that the other does not.
struct Route: Sendable {
    enum Access: Sendable, Equatable {
        case everyone
        /// Anyone who is signed in.
        case readers
        /// Anyone who is signed in, but auditors, who only read.
        case writers
    }

    struct Parameter: Sendable {
        var name: String
        var schema: Shape
        var note: String?

        init(_ name: String, _ schema: Shape, _ note: String? = nil) {
            (self.name, self.schema, self.note) = (name, schema, note)
        }
    }

    struct Body: Sendable {
        var schema: Shape
        /// Bytes; more is refused before it is read.
        var limit: Int
        /// May be left out: the same as `{}`.
        var isOptional: Bool

        init(_ schema: Shape, limit: Int = 1 << 20, optional: Bool = false) {
            (self.schema, self.limit, self.isOptional) = (schema, limit, optional)
        }
    }

    /// What a success looks like.
    enum Answer: Sendable {
        case json(Shape, HTTPResponse.Status = .ok)
        case other(String)
        case nothing
    }

    var method: HTTPRequest.Method
    /// `/api/v1/cases/{id}`
    var path: String
    var summary: String
    var access: Access
    var parameters: [Parameter]
    var body: Body?
    /// The body is a file of any type, read by the route itself as it comes.
    var takesFile = false
    var answer: Answer
    var handle: @Sendable (APICall) async throws -> Response

    init(
        _ method: HTTPRequest.Method, _ path: String, _ summary: String, _ access: Access,
        parameters: [Parameter] = [], body: Body? = nil, takesFile: Bool = false, answer: Answer,
        handle: @escaping @Sendable (APICall) async throws -> Response
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.access = access
        self.parameters = parameters
        self.body = body
        self.takesFile = takesFile
        self.answer = answer
        self.handle = handle
    }
}

extension Route {
    /// The route of an act. Its answer is the case where nothing else is said.
    init(
        _ act: Act, _ summary: String, parameters: [Parameter] = [], answer: Answer = .json(.named("Case")),
        handle: @escaping @Sendable (APICall) async throws -> Response
    ) {
        let route = ActRoute(act)
        self.init(
            route.method, route.path, summary, .writers, parameters: parameters, body: route.body,
            takesFile: route.body == nil, answer: answer, handle: handle)
    }
}

/// A request that has passed its route's gate: who asks, and what was read and checked.
struct APICall: Sendable {
    var request: Request
    var caller: Caller?
    var query: QueryString
    /// Checked against the route's schema; an empty object where there is none.
    var body: JSON
    /// SHA-256 over method, path and body.
    var bodyHash: [UInt8]
    var idempotencyKey: String?
    var parameters: Parameters
    /// What the transport brings: who it is, and the body for a route that takes a file.
    var source: ConsoleContext.Source

    var remoteAddress: String { source.remoteAddress }
    var isTLS: Bool { source.request.isTLS }

    /// - Throws: the 401 problem; only a route for everyone has no caller.
    var principal: Principal {
        get throws {
            guard let caller else { throw Problem.unauthorized }
            return caller.principal
        }
    }

    /// A part of the path, decoded.
    func path(_ name: String) throws -> String {
        guard let raw = parameters.get(name), let text = QueryString.decode(raw) else { throw Problem.notFound }
        return text
    }

    /// The case named by the path.
    var caseID: CaseID {
        get throws {
            guard let id = CaseID(try path("id")) else { throw Problem.unknownCase }
            return id
        }
    }
}

/// Who asks, and how it was shown.
struct Caller: Sendable, Equatable {
    enum Proof: Sendable, Equatable {
        case token, certificate
        case session(ConsoleSession)
    }

    var principal: Principal
    var proof: Proof
}

extension Response {
    static func json(_ value: JSON, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(
            status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.bytes)))
    }
}
