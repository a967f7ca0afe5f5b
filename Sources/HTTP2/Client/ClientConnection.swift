public import HTTPTypes
public import Logging
public import NIOCore
public import NIOPosix
import Synchronization

/// One HTTP/2 connection to a server, over TLS. Usable from any task; requests share it.
public final class ClientConnection: Sendable {
    private let channel: any Channel
    private let driver: ClientDriver
    private let limits: Limits
    /// Who the server's certificate says it is; nil when it does not name exactly one URI.
    public let peer: PeerIdentity?

    private init(channel: any Channel, driver: ClientDriver, limits: Limits, peer: PeerIdentity?) {
        self.channel = channel
        self.driver = driver
        self.limits = limits
        self.peer = peer
    }

    /// Connects, agrees on TLS and HTTP/2, and waits for the server's first frame: only then is it certain that a
    /// TLS 1.3 server has accepted our certificate.
    ///
    /// - Throws: `connectFailed`, `peerRefused` (we do not trust the server), `certificateRefused` (it does not trust
    ///   us), `protocolMismatch`, `timeout` after `Limits.connectTimeout`, `connectionClosed`, `configuration`.
    public static func connect(
        host: String, port: Int, tls: TLSConfiguration, limits: Limits = Limits(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger
    ) async throws -> ClientConnection {
        let context = try TLSContext(role: .client, configuration: tls)
        let loop = group.next()
        let driver = ClientDriver(loop: loop, limits: limits)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: loop)
                .connectTimeout(TimeAmount(limits.connectTimeout))
                .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try driver.begin(channel, context) }
                }
                .connect(host: host, port: port).get()
        } catch {
            throw HTTP2Error(
                .connectFailed, "cannot connect to \(host) port \(port)",
                underlying: [.init(source: .system, code: 0, text: String(describing: error))])
        }
        do {
            let peer = try await withTaskCancellationHandler {
                try await driver.ready.futureResult.get()
            } onCancel: {
                channel.close(promise: nil)
            }
            logger.debug("connected", metadata: ["host": "\(host)", "port": "\(port)", "peer": "\(peer?.uri ?? "")"])
            return ClientConnection(channel: channel, driver: driver, limits: limits, peer: peer)
        } catch {
            logger.debug("not connected", metadata: ["host": "\(host)", "port": "\(port)", "error": "\(error)"])
            channel.close(promise: nil)
            throw error
        }
    }

    /// Begins an exchange whose body the stream's `write` and `finish` bring, both ways at once.
    ///
    /// - Throws: `goingAway`, `connectionClosed`, `streamsExhausted`: connect anew.
    public func open(_ request: HTTPRequest) async throws -> ClientStream {
        try await open(request, endStream: false)
    }

    private func open(_ request: HTTPRequest, endStream: Bool) async throws -> ClientStream {
        let driver = driver
        return ClientStream(try await driver.loop.call { try driver.open(request, endStream: endStream) })
    }

    /// A whole exchange: the answer's head, body and trailers.
    ///
    /// - Throws: `bodyTooLarge` above `Limits.maxResponseBody`, and as `open` and `ClientStream` do.
    public func send(
        _ request: HTTPRequest, body: ByteBuffer? = nil
    ) async throws -> (HTTPResponse, ByteBuffer, HTTPFields?) {
        let hasBody = (body?.readableBytes ?? 0) > 0
        let stream = try await open(request, endStream: !hasBody)
        do {
            if hasBody, let body {
                try await stream.sendBody(body)
            }
            let response = try await stream.response()
            let answer = try await stream.inbound.collect(upTo: limits.maxResponseBody)
            return (response, answer, try await stream.trailers)
        } catch {
            stream.reset()
            throw error
        }
    }

    /// Says GOAWAY, lets open exchanges finish for `Limits.shutdownGrace`, and closes.
    public func close() async {
        let (driver, channel) = (driver, channel)
        channel.eventLoop.run { driver.shutDown() }
        let deadline = channel.eventLoop.scheduleTask(in: TimeAmount(limits.shutdownGrace)) {
            channel.close(promise: nil)
        }
        // A close has no failure that matters to who wanted it.
        _ = try? await channel.closeFuture.get()
        deadline.cancel()
    }

    /// Whether no new exchange can begin: the connection is closed, or the server is about to close it.
    public var isClosed: Bool { driver.isClosed.load(ordering: .acquiring) }

    /// Suspends until the connection is closed.
    ///
    /// - Returns: why, or nil after an orderly end.
    public func waitUntilClosed() async -> HTTP2Error? {
        _ = try? await channel.closeFuture.get()
        return driver.failure.withLock { $0 }
    }
}

/// What a client does on its connection's event loop.
///
/// `@unchecked Sendable`: every `var` is touched on `loop` only.
final class ClientDriver: H2ConnectionOwner, @unchecked Sendable {
    let loop: any EventLoop
    let ready: EventLoopPromise<PeerIdentity?>
    let isClosed = Atomic<Bool>(false)
    let failure = Mutex<HTTP2Error?>(nil)
    private let limits: Limits
    private let executor: LoopExecutor
    private var connection: H2Connection?
    private var peer: PeerIdentity?
    private var clock: RepeatedTask?

    init(loop: any EventLoop, limits: Limits) {
        self.loop = loop
        self.limits = limits
        executor = LoopExecutor(loop: loop)
        ready = loop.makePromise()
    }

    func begin(_ channel: any Channel, _ context: TLSContext) throws {
        let session = try TLSSession(context: context)
        let handler = TLSHandler(
            session: session, role: .client, established: { try self.established($0, channel) },
            failed: { error, _ in self.fail(error) })
        try channel.pipeline.syncOperations.addHandler(handler)
        // Ends an attempt that gets stuck; once ready, the failure finds no one.
        loop.scheduleTask(in: TimeAmount(limits.connectTimeout)) {
            self.ready.fail(HTTP2Error(.timeout, "the server did not complete the handshake in time"))
        }
        channel.closeFuture.whenComplete { _ in
            self.fail(HTTP2Error(.connectionClosed, "the server closed the connection"))
            self.clock?.cancel()
            self.connection = nil
        }
    }

    private func established(_ session: TLSSession, _ channel: any Channel) throws {
        guard session.selectedProtocol == .h2 else {
            throw HTTP2Error(.protocolMismatch, "the server did not choose h2")
        }
        peer = session.peer.flatMap { $0.uri.isEmpty ? nil : $0 }
        let connection = try H2Connection(role: .client, executor: executor, limits: limits, owner: self)
        self.connection = connection
        try channel.pipeline.syncOperations.addHandler(connection)
        let interval = ServerLoop.tickInterval
        clock = loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { [weak self] _ in
            self?.connection?.tick(.now())
        }
    }

    private func fail(_ error: HTTP2Error) {
        isClosed.store(true, ordering: .releasing)
        ready.fail(error)
    }

    func open(_ request: HTTPRequest, endStream: Bool) throws -> H2Exchange {
        guard let connection, connection.isOpen else {
            throw failure.withLock { $0 } ?? HTTP2Error(.goingAway, "the connection takes no new requests")
        }
        let stream = try connection.session.open(request, endStream: endStream)
        let exchange = H2Exchange(stream: stream, connection: connection, requestMethod: nil)
        stream.exchange = exchange
        connection.setDirty()
        return exchange
    }

    func shutDown() {
        isClosed.store(true, ordering: .releasing)
        connection?.shutDown()
    }

    func ready(_ connection: H2Connection) { ready.succeed(peer) }
    func opened(_ stream: H2Stream, on connection: H2Connection) {}
    func goingAway(_ connection: H2Connection) { isClosed.store(true, ordering: .releasing) }

    func faulted(_ error: HTTP2Error) {
        failure.withLock { $0 = $0 ?? error }
        fail(error)
    }

    func closed(_ error: HTTP2Error?) {
        if let error { faulted(error) } else { fail(HTTP2Error(.connectionClosed, "the connection is closed")) }
    }
}
