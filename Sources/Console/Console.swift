import Casework
public import Contract
public import HTTPTypes
import Hummingbird
public import Logging
public import NIOCore

/// Web pages and REST routes over a node or the hub, moved by whatever transport calls `handle`.
///
/// No input traps or gives a 5xx: what a caller did wrong is a problem document of 4xx. 503 says that the service
/// behind is away; its caller repeats with the same idempotency key.
public struct Console: Sendable {
    let service: ConsoleService
    let routes: [Route]
    private let assets: Assets
    private let metrics: RequestMetrics
    private let responder: RouterResponder<ConsoleContext>
    private let configuration: ConsoleConfiguration
    private let logger: Logger

    public init(service: any NodeService, configuration: ConsoleConfiguration = .init(), logger: Logger) {
        self.init(.node(service), configuration, logger)
    }

    public init(service: any HubService, configuration: ConsoleConfiguration = .init(), logger: Logger) {
        self.init(.hub(service), configuration, logger)
    }

    private init(_ service: ConsoleService, _ configuration: ConsoleConfiguration, _ logger: Logger) {
        let metrics = RequestMetrics()
        let assets = Assets(of: service)
        let routes = Routes.all(of: service, configuration, metrics: metrics, assets: assets)
        let gate = Gate(service: service, authentication: Authentication(service: service))
        let router = Router(context: ConsoleContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: Finishing(routes: routes, metrics: metrics))
        for route in routes {
            router.on(RouterPath(route.path), method: route.method) { request, context in
                try await gate.serve(request, context, route)
            }
        }
        self.service = service
        self.assets = assets
        self.routes = routes
        self.metrics = metrics
        self.configuration = configuration
        self.logger = logger
        responder = router.buildResponder()
    }

    /// Answers one request. Returns when the answer has been written or the peer has gone; never throws, since nobody
    /// is left to tell.
    public func handle(_ request: ConsoleRequest, _ writer: some ConsoleResponseWriter) async {
        do {
            if let (response, body) = fastPath(request.head) {
                return try await writer.respond(response, body: body)
            }
            let response = await answer(request)
            let announced = response.body.contentLength
            try await response.body.write(OutboundBody(writer, head: response.head, announced: announced))
        } catch {
            logger.debug("answer not delivered", metadata: ["error": "\(error)", "remote": "\(request.remoteAddress)"])
        }
    }

    /// Probes, pages and assets, from memory and without a task: `nil` for everything else. They hold no data and need
    /// no sign-in. The scheme in the head says whether this is TLS.
    public func fastPath(_ head: HTTPRequest) -> (HTTPResponse, ByteBuffer)? {
        assets.answer(to: head, isTLS: head.scheme == "https")
    }

    private func answer(_ request: ConsoleRequest) async -> Response {
        var remoteAddress = request.remoteAddress
        if configuration.trustsForwardedFor, let list = request.head.headerFields[.forwardedFor],
            let last = list.split(separator: ",").last
        {
            remoteAddress = ConsoleRequest.host(of: String(last.filter { $0 != " " }.prefix(64)))
        }
        let response: Response
        do {
            // An origin-form path is the only form that the router reads.
            guard let path = request.head.path, path.hasPrefix("/"), path.utf8.count <= 8_192 else {
                throw Problem.badRequest("The path must begin with a slash and have at most 8192 bytes.")
            }
            let source = ConsoleContext.Source(logger: logger, request: request, remoteAddress: remoteAddress)
            response = try await responder.respond(
                to: Request(head: request.head, body: RequestBody(buffer: ByteBuffer())),
                context: ConsoleContext(source: source))
        } catch {
            // The middleware has answered all that comes from a route; only the guard above leads here.
            response = (Problem(error) ?? .failure).response
        }
        var finished = response
        SecurityHeaders.add(to: &finished.headers, isTLS: request.isTLS)
        // An answer without content has no length either.
        if [204, 304].contains(finished.status.code) { finished.headers[.contentLength] = nil }
        return finished
    }
}
