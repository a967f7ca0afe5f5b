import CNGHTTP2
import HTTPTypes
import NIOCore

/// Whom an HTTP/2 connection tells what happens on it: a server's or a client's side of it.
protocol H2ConnectionOwner: AnyObject {
    /// The peer's SETTINGS came.
    func ready(_ connection: H2Connection)
    /// Server: a request began.
    func opened(_ stream: H2Stream, on connection: H2Connection)
    /// The peer will take no more streams.
    func goingAway(_ connection: H2Connection)
    /// The peer did something that ended the connection or a stream of it.
    func faulted(_ error: HTTP2Error)
    /// The channel is closed; `error` is nil after an orderly end.
    func closed(_ error: HTTP2Error?)
}

/// Moves bytes between a channel and an `H2Session`, events from it to exchanges, and keeps its time-outs.
final class H2Connection: ChannelInboundHandler, Flushable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let session: H2Session
    let executor: LoopExecutor
    let limits: Limits
    private weak var owner: (any H2ConnectionOwner)?
    private var context: ChannelHandlerContext?
    private var output = ByteBuffer()
    private var isDirty = false
    /// Why the connection ends, if not in order.
    private var error: HTTP2Error?

    private enum State {
        /// Can go to: draining, closing.
        case open
        /// GOAWAY is announced, then sent (`told`); streams finish. Can go to: closing.
        case draining(told: Bool)
        /// Our side is shut; the channel closes when the peer does, or at `until`.
        case closing(until: NIODeadline)
    }
    private var state = State.open

    private let started: NIODeadline
    private var lastReceived: NIODeadline
    private var pingSent: NIODeadline?
    private var unwritableSince: NIODeadline?
    private var idleSince: NIODeadline?

    init(
        role: H2Session.Role, executor: LoopExecutor, limits: Limits, owner: any H2ConnectionOwner
    ) throws(HTTP2Error) {
        let now = NIODeadline.now()
        session = try H2Session(role: role, limits: limits, now: now)
        self.executor = executor
        self.limits = limits
        self.owner = owner
        started = now
        lastReceived = now
        idleSince = now
    }

    /// Whether a new stream may be opened.
    var isOpen: Bool {
        if case .open = state, context != nil { true } else { false }
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        setDirty()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .closing = state { return }
        executor.beginRead()
        let now = NIODeadline.now()
        lastReceived = now
        pingSent = nil
        do {
            try unwrapInboundIn(data).withUnsafeReadableBytes { try session.receive($0, now: now) }
            processEvents()
            setDirty()
        } catch {
            processEvents()
            fail(HTTP2Error(error, else: .library))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        executor.endRead()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        unwritableSince = context.channel.isWritable ? nil : .now()
        if context.channel.isWritable { setDirty() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if self.error == nil {
            self.error = HTTP2Error(error, else: .connectionClosed)
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        if case .open = state, error == nil {
            error = HTTP2Error(.connectionClosed, "the peer closed the connection without GOAWAY")
        }
        let reason = error ?? HTTP2Error(.connectionClosed, "the connection is closed")
        processEvents()
        for stream in session.abandonStreams() { finish(stream, reason) }
        owner?.closed(error)
        executor.endRead()
        context.fireChannelInactive()
    }

    // MARK: Output

    /// Has the session's frames written at the end of this cycle.
    func setDirty() {
        guard !isDirty else { return }
        isDirty = true
        executor.markDirty(self)
    }

    func flushPending() {
        isDirty = false
        guard let context, context.channel.isWritable else { return }
        if case .closing = state { return }
        do {
            while true {
                output.clear()
                let wrote = try session.send(into: &output, limit: 64 << 10, now: .now())
                processEvents()
                guard wrote else { break }
                context.writeAndFlush(wrapOutboundOut(output), promise: nil)
                guard context.channel.isWritable else { return }
            }
        } catch {
            fail(error)
            return
        }
        if session.isFinished { finishConnection() }
    }

    /// nghttp2 has nothing more to read or to write: after GOAWAY, ours or the peer's.
    private func finishConnection() {
        if let code = session.goawaySent, code != NGHTTP2_NO_ERROR.rawValue, error == nil {
            let kind: HTTP2Error.Code = session.isFlooded ? .flood : .protocolViolation
            let text = String(cString: nghttp2_http2_strerror(code))
            report(HTTP2Error(kind, "ended with GOAWAY \(text)"))
        }
        startClosing()
    }

    // MARK: Events

    private func processEvents() {
        session.processEvents { process($0) }
    }

    private func process(_ event: H2Event) {
        switch event {
        case .head(let stream, _): receivedHead(stream)
        case .headTooLarge(let stream): refuseHead(stream)
        case .data(let stream, let buffer):
            guard let exchange = stream.exchange else {
                session.consume(buffer.readableBytes, of: stream)
                return
            }
            exchange.received(buffer)
        case .end(let stream, let trailers): stream.exchange?.receivedEnd(trailers)
        case .closed(let stream, let code): finish(stream, code == 0 ? nil : .reset(code))
        case .drained(let stream): stream.exchange?.drained()
        case .settings: owner?.ready(self)
        case .goaway(_, let code):
            if code != NGHTTP2_NO_ERROR.rawValue, error == nil {
                let text = String(cString: nghttp2_http2_strerror(code))
                error = HTTP2Error(
                    .goingAway, "the peer ended the connection with GOAWAY",
                    underlying: [.init(source: .frame, code: Int(code), text: text)])
            }
            owner?.goingAway(self)
            if case .open = state { state = .draining(told: true) }
        }
    }

    private func receivedHead(_ stream: H2Stream) {
        idleSince = nil
        switch session.role {
        case .server: owner?.opened(stream, on: self)
        case .client:
            guard let response = stream.block.response() else {
                session.reset(stream, NGHTTP2_PROTOCOL_ERROR)
                return
            }
            stream.exchange?.received(response)
        }
    }

    private func refuseHead(_ stream: H2Stream) {
        guard session.role == .server, !stream.headReceived else {
            session.reset(stream, NGHTTP2_ENHANCE_YOUR_CALM)
            return
        }
        do {
            let response = HTTPResponse(status: .requestHeaderFieldsTooLarge, headerFields: [.contentLength: "0"])
            try session.respond(response, on: stream, endStream: true)
        } catch {
            session.reset(stream, NGHTTP2_ENHANCE_YOUR_CALM)
        }
    }

    private func finish(_ stream: H2Stream, _ error: HTTP2Error?) {
        stream.exchange?.closed(error)
        // The two refer to each other until here.
        stream.exchange = nil
        if session.streams.isEmpty { idleSince = .now() }
    }

    // MARK: The end

    private func report(_ error: HTTP2Error) {
        if self.error == nil { self.error = error }
        owner?.faulted(error)
    }

    /// The peer is at fault: says GOAWAY, fails what is open, and closes.
    func fail(_ error: HTTP2Error) {
        guard context != nil else { return }
        report(error)
        session.terminate(error.code == .flood ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR)
        writeLast()
        startClosing()
    }

    /// Writes what the session still has to say, however little the peer reads.
    private func writeLast() {
        guard let context else { return }
        output.clear()
        do {
            if try session.send(into: &output, limit: 16 << 10, now: .now()) {
                context.writeAndFlush(wrapOutboundOut(output), promise: nil)
            }
        } catch {
            // The session is beyond saying GOAWAY; the close that follows says it.
            self.error = self.error ?? error
        }
    }

    /// Shuts our side, so that the peer can still read what was sent, and closes when it does, or after a second.
    private func startClosing() {
        guard let context else { return }
        if case .closing = state { return }
        state = .closing(until: .now() + .seconds(1))
        let reason = error ?? HTTP2Error(.goingAway, "the connection is closing")
        processEvents()
        for stream in session.abandonStreams() { finish(stream, reason) }
        context.close(mode: .output, promise: nil)
    }

    /// Closes at once, with GOAWAY: for a peer whose authority has ended.
    func closeNow(_ error: HTTP2Error) {
        guard context != nil else { return }
        if self.error == nil { self.error = error }
        session.terminate(NGHTTP2_NO_ERROR)
        writeLast()
        startClosing()
    }

    /// Announces the end; open streams may finish.
    func shutDown() {
        guard case .open = state else { return }
        state = .draining(told: session.role == .client)
        if session.role == .server { session.noticeShutdown() } else { session.goaway() }
        setDirty()
    }

    // MARK: Time

    /// Called about twice a second: keeps every time-out of this connection.
    func tick(_ now: NIODeadline) {
        guard let context else { return }
        switch state {
        case .closing(let until):
            if now > until { context.close(promise: nil) }
            return
        case .draining(told: false):
            // A round trip has passed since the announcement: what the peer sent before it is here.
            state = .draining(told: true)
            session.goaway()
            setDirty()
        case .open, .draining: break
        }
        if let error = lateness(now) {
            fail(error)
            return
        }
        keepAlive(now)
        if session.role == .server { checkStreams(now) }
    }

    private func lateness(_ now: NIODeadline) -> HTTP2Error? {
        if !session.settingsReceived, now > started + TimeAmount(limits.prefaceTimeout) {
            return HTTP2Error(.timeout, "no HTTP/2 preface in time")
        }
        if let since = unwritableSince, now > since + TimeAmount(limits.stalledReaderTimeout) {
            return HTTP2Error(.timeout, "the peer does not read")
        }
        if let sent = pingSent, now > sent + TimeAmount(limits.keepAliveTimeout) {
            return HTTP2Error(.peerUnresponsive, "no answer to PING")
        }
        return nil
    }

    private func keepAlive(_ now: NIODeadline) {
        if pingSent == nil, now > lastReceived + TimeAmount(limits.keepAliveInterval) {
            pingSent = now
            session.ping()
            setDirty()
        }
        if session.role == .server, let idleSince, now > idleSince + TimeAmount(limits.idleTimeout) {
            session.goaway()
            setDirty()
        }
    }

    private func checkStreams(_ now: NIODeadline) {
        for stream in session.streams.values {
            if let since = stream.headersSince, now > since + TimeAmount(limits.headersTimeout) {
                fail(HTTP2Error(.timeout, "the header fields did not come in time"))
                return
            }
            if !stream.outbound.isEmpty, now > stream.progress + TimeAmount(limits.stalledReaderTimeout) {
                report(HTTP2Error(.timeout, "the peer does not read a response"))
                session.reset(stream, NGHTTP2_CANCEL)
                setDirty()
            }
            if let exchange = stream.exchange { checkBody(exchange, now) }
        }
    }

    private func checkBody(_ exchange: H2Exchange, _ now: NIODeadline) {
        guard let deadline = exchange.bodyDeadline else { return }
        if exchange.stream.unconsumed > 0 {
            // It is our handler that is slow, not the peer.
            exchange.bodyDeadline = now + TimeAmount(limits.bodyTimeout)
            return
        }
        let earned = TimeAmount.seconds(Int64(exchange.inbound.received / max(1, limits.minBodyRate)))
        guard now > deadline + earned else { return }
        report(HTTP2Error(.timeout, "the body did not come in time"))
        exchange.reset(NGHTTP2_CANCEL)
    }
}
