import CNGHTTP2
import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// What all connections of one server share.
final class ServerCore: Sendable {
    let tls: TLSContext?
    let limits: Limits
    let fastPath: FastPath?
    let authorize: TLSSession.Authorize?
    let audit: @Sendable (RefusalRecord) -> Void
    let logger: Logger
    let handler: RequestHandler

    init(
        tls: TLSContext?, limits: Limits, fastPath: FastPath?, authorize: TLSSession.Authorize?,
        audit: @escaping @Sendable (RefusalRecord) -> Void, logger: Logger, handler: @escaping RequestHandler
    ) {
        self.tls = tls
        self.limits = limits
        self.fastPath = fastPath
        self.authorize = authorize
        self.audit = audit
        self.logger = logger
        self.handler = handler
    }
}

/// One accepted connection, from its handshake to its end. Confined to its event loop.
final class ServerConnection: H2ConnectionOwner {
    private enum Phase {
        /// TLS is being agreed on, or the first bytes of a plain connection are awaited. Can go to: http2, http1.
        case greeting(until: NIODeadline)
        case http2(H2Connection)
        case http1(H1Connection)
        /// Turned away; the channel is about to close.
        case refused
    }

    private let core: ServerCore
    private let channel: any Channel
    private let executor: LoopExecutor
    let remoteAddress: String
    private(set) var peer: PeerIdentity?
    private var phase: Phase
    private var hasRecord = false

    init(core: ServerCore, channel: any Channel, executor: LoopExecutor) {
        self.core = core
        self.channel = channel
        self.executor = executor
        remoteAddress = channel.remoteAddress.map(Self.text) ?? "unknown"
        phase = .greeting(until: .now() + TimeAmount(core.limits.handshakeTimeout))
    }

    private static func text(_ address: SocketAddress) -> String {
        guard let ip = address.ipAddress, let port = address.port else { return address.description }
        return ip.contains(":") ? "[\(ip)]:\(port)" : "\(ip):\(port)"
    }

    /// Adds the first handlers.
    func begin() throws {
        let pipeline = channel.pipeline.syncOperations
        guard let tls = core.tls else {
            try pipeline.addHandler(PrefaceSniffer { isHTTP2 in try self.speak(http2: isHTTP2) })
            return
        }
        let session = try TLSSession(context: tls, authorize: core.authorize)
        try pipeline.addHandler(
            TLSHandler(
                session: session, role: .server, established: { try self.established($0) },
                failed: { self.refuse($0, identity: $1) }))
    }

    private func established(_ session: TLSSession) throws {
        peer = session.peer
        let offered = core.tls?.configuration.alpn ?? []
        switch session.selectedProtocol {
        case .h2: try speak(http2: true)
        case .http1: try speak(http2: false)
        case nil where offered.contains(.http1):
            // A client without ALPN speaks HTTP/1.1.
            try speak(http2: false)
        case nil:
            // Without ALPN the selection callback never ran, so the refusal falls to us.
            throw HTTP2Error(.protocolMismatch, "the peer did not choose h2")
        }
    }

    private func speak(http2: Bool) throws {
        let pipeline = channel.pipeline.syncOperations
        guard !http2 else {
            let connection = try H2Connection(role: .server, executor: executor, limits: core.limits, owner: self)
            phase = .http2(connection)
            try pipeline.addHandler(connection)
            return
        }
        let connection = H1Connection(core: core, executor: executor, peer: peer, remoteAddress: remoteAddress) {
            [weak self] in self?.faulted($0)
        }
        phase = .http1(connection)
        // A name that HTTPTypes refuses, or a broken message, reaches `H1Connection.errorCaught`.
        try pipeline.addHandler(HTTPResponseEncoder())
        try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: core.tls != nil))
        try pipeline.addHandler(connection)
    }

    // MARK: Requests

    func opened(_ stream: H2Stream, on connection: H2Connection) {
        guard let head = stream.block.request() else {
            connection.session.reset(stream, NGHTTP2_PROTOCOL_ERROR)
            return
        }
        let exchange = H2Exchange(stream: stream, connection: connection, requestMethod: head.method)
        stream.exchange = exchange
        if stream.isBodiless { exchange.receivedEnd(nil) }
        if stream.remoteEnded, let (response, body) = core.fastPath?(head) {
            DoorMetrics.answeredFast()
            do {
                try exchange.sendWhole(response, body)
            } catch {
                exchange.reset(NGHTTP2_INTERNAL_ERROR)
            }
            return
        }
        DoorMetrics.handled()
        if !stream.remoteEnded, !isLongLived(head) {
            exchange.bodyDeadline = .now() + TimeAmount(core.limits.bodyTimeout)
        }
        let request = ServerRequest(
            head: head, body: RequestBody(exchange), peer: peer, remoteAddress: remoteAddress,
            isTLS: core.tls != nil, httpVersion: .http2)
        let handler = core.handler
        exchange.task = Task.immediateDetached(executorPreference: executor) {
            await handler(request, ResponseWriter(exchange))
            exchange.loop.run { exchange.handlerReturned() }
        }
    }

    /// gRPC streams of a verified peer stay open for weeks.
    private func isLongLived(_ head: HTTPRequest) -> Bool {
        peer != nil && head.headerFields[.contentType]?.hasPrefix("application/grpc") == true
    }

    // MARK: The end

    func ready(_ connection: H2Connection) {}
    func goingAway(_ connection: H2Connection) {}
    func closed(_ error: HTTP2Error?) {}

    func faulted(_ error: HTTP2Error) { record(error, peer) }

    private func refuse(_ error: HTTP2Error, identity: PeerIdentity?) {
        if case .greeting = phase { phase = .refused }
        record(error, identity)
    }

    private func record(_ error: HTTP2Error, _ identity: PeerIdentity?) {
        guard !hasRecord else { return }
        hasRecord = true
        DoorMetrics.refused(error.code)
        core.audit(
            RefusalRecord(
                remoteAddress: remoteAddress, code: error.code, reason: error.message, identity: identity))
    }

    func tick(_ now: NIODeadline) {
        switch phase {
        case .greeting(let until):
            guard now > until else { return }
            phase = .refused
            record(HTTP2Error(.timeout, "no handshake in time"), nil)
            channel.close(promise: nil)
        case .http2(let connection): connection.tick(now)
        case .http1(let connection): connection.tick(now)
        case .refused: return
        }
    }

    /// Lets open requests finish and takes no new ones.
    func shutDown() {
        switch phase {
        case .greeting, .refused: channel.close(promise: nil)
        case .http2(let connection): connection.shutDown()
        case .http1(let connection): connection.shutDown()
        }
    }

    /// Ends the connection at once.
    func closeNow(_ error: HTTP2Error) {
        switch phase {
        case .greeting, .refused, .http1: channel.close(promise: nil)
        case .http2(let connection): connection.closeNow(error)
        }
    }
}
