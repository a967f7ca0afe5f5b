public import Logging
public import NIOCore
import NIOPosix
import Synchronization

/// One door: HTTP/2 and, where its ALPN allows, HTTP/1.1, over TLS or plain, on one address and port.
public final class Server: Sendable {
    private let address: String
    private let port: Int
    private let core: ServerCore
    private let group: any EventLoopGroup
    private let ownsGroup: Bool
    private let state = Mutex(State())

    private struct State {
        var listener: (any Channel)?
        var loops: [ServerLoop] = []
        var perAddress: [String: Int] = [:]
        var open = 0
        var isShutDown = false
    }

    /// - Parameters:
    ///   - address: to listen on, numeric; `0.0.0.0` and `::` mean every interface.
    ///   - port: 0 lets the kernel choose.
    ///   - tls: nil for a plain door, which speaks HTTP/1.1 and HTTP/2 with prior knowledge.
    ///   - threads: event loops of its own; ignored when `eventLoopGroup` is given.
    ///   - authorize: asked with every certificate that passed; a reason ends the handshake.
    ///   - audit: gets one record for every connection that was refused or ended for its peer's fault. Called on an
    ///     event loop: it must not block.
    ///   - handler: answers requests, on their connection's event loop.
    /// - Throws: `configuration` when a certificate, key or trust file cannot be used.
    public init(
        address: String, port: Int, tls: TLSConfiguration?, limits: Limits = Limits(), threads: Int = 1,
        eventLoopGroup: (any EventLoopGroup)? = nil, fastPath: FastPath? = nil,
        authorize: (@Sendable (PeerIdentity) -> String?)? = nil,
        audit: @escaping @Sendable (RefusalRecord) -> Void = { _ in }, logger: Logger,
        handler: @escaping RequestHandler
    ) throws {
        self.address = address
        self.port = port
        core = ServerCore(
            tls: try tls.map { try TLSContext(role: .server, configuration: $0) }, limits: limits, fastPath: fastPath,
            authorize: authorize, audit: audit, logger: logger, handler: handler)
        ownsGroup = eventLoopGroup == nil
        group = eventLoopGroup ?? MultiThreadedEventLoopGroup(numberOfThreads: max(1, threads))
    }

    /// Begins to listen.
    ///
    /// - Returns: the bound port.
    /// - Throws: `connectFailed` when the address cannot be bound.
    public func start() async throws -> Int {
        let loops = group.makeIterator().map { ServerLoop(loop: $0, core: core) }
        let byLoop = Dictionary(loops.map { (ObjectIdentifier($0.loop), $0) }) { first, _ in first }
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(ChannelOptions.backlog, value: 1024)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(ChannelOptions.socketOption(.so_keepalive), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.accept(channel, byLoop) }
            }
        do {
            let listener = try await bootstrap.bind(host: address, port: port).get()
            state.withLock { state in
                state.listener = listener
                state.loops = loops
            }
            return listener.localAddress?.port ?? port
        } catch {
            throw HTTP2Error(
                .connectFailed, "cannot listen on \(address) port \(port)",
                underlying: [.init(source: .system, code: 0, text: String(describing: error))])
        }
    }

    private func accept(_ channel: any Channel, _ loops: [ObjectIdentifier: ServerLoop]) throws {
        guard let loop = loops[ObjectIdentifier(channel.eventLoop)] else {
            throw HTTP2Error(.misuse, "a connection on a foreign event loop")
        }
        let ip = channel.remoteAddress?.ipAddress ?? ""
        let limits = core.limits
        let admitted = state.withLock { state in
            guard state.open < limits.maxConnections, state.perAddress[ip, default: 0] < limits.connectionsPerAddress
            else { return false }
            state.open += 1
            state.perAddress[ip, default: 0] += 1
            DoorMetrics.open(state.open)
            return true
        }
        guard admitted else {
            let error = HTTP2Error(.tooManyConnections, "too many connections from this address, or in all")
            DoorMetrics.refused(error.code)
            core.audit(RefusalRecord(remoteAddress: ip, code: error.code, reason: error.message, identity: nil))
            throw error
        }
        DoorMetrics.accepted()
        channel.closeFuture.whenComplete { _ in self.left(ip) }
        try loop.accept(channel)
    }

    private func left(_ ip: String) {
        state.withLock { state in
            state.open -= 1
            let count = state.perAddress[ip, default: 1] - 1
            state.perAddress[ip] = count > 0 ? count : nil
            DoorMetrics.open(state.open)
        }
    }

    /// Listens, if `start` was not called before, until `shutdown` is called or the task is cancelled, which shuts
    /// down with `Limits.shutdownGrace`.
    public func run() async throws {
        if state.withLock({ $0.listener == nil && !$0.isShutDown }) { _ = try await start() }
        guard let listener = state.withLock({ $0.listener }) else { return }
        await withTaskCancellationHandler {
            // Its close has no failure that matters here.
            _ = try? await listener.closeFuture.get()
        } onCancel: {
            listener.close(promise: nil)
        }
        await shutdown(grace: core.limits.shutdownGrace)
    }

    /// Stops listening, says GOAWAY, lets open requests finish for `grace`, then closes what is left.
    public func shutdown(grace: Duration) async {
        let (listener, loops, first) = state.withLock { state in
            defer { state.isShutDown = true }
            return (state.listener, state.loops, !state.isShutDown)
        }
        guard first else { return }
        listener?.close(promise: nil)
        do {
            for loop in loops { try await loop.shutDown() }
            try await waitUntilEmpty(loops, grace)
            let error = HTTP2Error(.goingAway, "the server has shut down")
            for loop in loops { _ = try await loop.close(where: { _ in true }, error) }
            try await waitUntilEmpty(loops, .seconds(2))
            if ownsGroup { try await group.shutdownGracefully() }
        } catch {
            core.logger.warning("shutdown was cut short", metadata: ["error": "\(error)"])
        }
    }

    private func waitUntilEmpty(_ loops: [ServerLoop], _ limit: Duration) async throws {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            var open = 0
            for loop in loops { open += try await loop.count() }
            if open == 0 { return }
            // Not `Task.sleep`: a cancelled task still has connections to wait for.
            try await group.next().scheduleTask(in: .milliseconds(20)) {}.futureResult.get()
        }
    }

    /// Closes at once every connection whose peer `matches`: for a certificate whose authority has ended.
    ///
    /// - Returns: how many.
    public func closeConnections(where matches: @escaping @Sendable (PeerIdentity?) -> Bool) async -> Int {
        let loops = state.withLock { $0.loops }
        let error = HTTP2Error(.goingAway, "the connection was closed by authority")
        var closed = 0
        for loop in loops {
            do {
                closed += try await loop.close(where: matches, error)
            } catch {
                // The loop has shut down, and with it its connections.
                core.logger.debug("an event loop is gone", metadata: ["error": "\(error)"])
            }
        }
        return closed
    }
}
