import NIOCore

/// Moves bytes between a socket and a `TLSSession`: ciphertext below, plaintext above.
final class TLSHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// Can go to: open, failed.
        case handshaking
        /// Plaintext flows. Can go to: failed.
        case open
        /// An alert was sent or received; what still comes is dropped.
        case failed
    }

    private let session: TLSSession
    private let role: TLSContext.Role
    /// Adds the handlers above, before any plaintext reaches them.
    private let established: (TLSSession) throws -> Void
    /// Told once when the handshake fails, or when the peer's alert ends the connection.
    private let failed: (HTTP2Error, PeerIdentity?) -> Void
    private var state = State.handshaking
    private var promises: [EventLoopPromise<Void>] = []
    private var heardAnything = false

    init(
        session: TLSSession, role: TLSContext.Role, established: @escaping (TLSSession) throws -> Void,
        failed: @escaping (HTTP2Error, PeerIdentity?) -> Void
    ) {
        self.session = session
        self.role = role
        self.established = established
        self.failed = failed
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { start(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    private func start(_ context: ChannelHandlerContext) {
        guard role == .client, case .handshaking = state else { return }
        advance(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .failed = state { return }
        heardAnything = true
        do {
            try unwrapInboundIn(data).withUnsafeReadableBytes { try session.receive($0) }
        } catch {
            fail(context, error)
            return
        }
        if case .handshaking = state { advance(context) }
        if case .open = state { deliver(context) }
    }

    private func advance(_ context: ChannelHandlerContext) {
        do {
            let isDone = try session.handshake()
            writeOutput(context)
            guard isDone else { return }
            state = .open
            try established(session)
        } catch {
            fail(context, error)
        }
    }

    private func deliver(_ context: ChannelHandlerContext) {
        var plaintext = context.channel.allocator.buffer(capacity: 16 << 10)
        do {
            let isOpen = try session.read(into: &plaintext)
            if plaintext.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(plaintext)) }
            writeOutput(context)
            if !isOpen { context.close(promise: nil) }
        } catch {
            if plaintext.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(plaintext)) }
            fail(context, error)
        }
    }

    /// Ends the connection so that the peer still reads our alert: closing with unread input would discard it.
    private func fail(_ context: ChannelHandlerContext, _ error: any Error) {
        if case .failed = state { return }
        let wasOpen: Bool
        if case .open = state { wasOpen = true } else { wasOpen = false }
        state = .failed
        writeOutput(context)
        let failure = HTTP2Error(error, else: .handshakeFailed)
        failed(failure, session.peer)
        if wasOpen { context.fireErrorCaught(failure) }
        context.close(mode: .output, promise: nil)
        let channel = context.channel
        context.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .handshaking = state {
            state = .failed
            // A probe that connects and leaves without a byte is no refusal.
            if heardAnything || role == .client {
                failed(HTTP2Error(.handshakeFailed, "closed during the handshake"), session.peer)
            }
        }
        for promise in promises { promise.fail(ChannelError.ioOnClosedChannel) }
        promises.removeAll()
        context.fireChannelInactive()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .open = state else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        do {
            try unwrapOutboundIn(data).withUnsafeReadableBytes { try session.write($0) }
            if let promise { promises.append(promise) }
        } catch {
            promise?.fail(error)
            fail(context, error)
        }
    }

    func flush(context: ChannelHandlerContext) {
        writeOutput(context)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if case .open = state, mode != .input {
            session.shutdown()
            writeOutput(context)
        }
        context.close(mode: mode, promise: promise)
    }

    private func writeOutput(_ context: ChannelHandlerContext) {
        guard let output = session.takeOutput(context.channel.allocator) else {
            for promise in promises { promise.succeed() }
            promises.removeAll()
            return
        }
        let waiting = promises
        promises.removeAll()
        guard !waiting.isEmpty else {
            context.writeAndFlush(wrapOutboundOut(output), promise: nil)
            return
        }
        let written = context.eventLoop.makePromise(of: Void.self)
        for promise in waiting { written.futureResult.cascade(to: promise) }
        context.writeAndFlush(wrapOutboundOut(output), promise: written)
    }
}
