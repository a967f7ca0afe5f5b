import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// One HTTP/1.1 connection: a request at a time, in order, kept alive between them. Confined to its event loop.
final class H1Connection: ChannelDuplexHandler, Flushable {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let core: ServerCore
    let executor: LoopExecutor
    private let peer: PeerIdentity?
    private let remoteAddress: String
    private let faulted: (HTTP2Error) -> Void
    private var context: ChannelHandlerContext?

    /// The request that is being answered.
    private var current: H1Exchange?
    /// What came after the request that is being answered.
    private var waiting: [HTTPRequestPart] = []
    private var isDirty = false
    private var isClosing = false
    private var isReadHeld = false
    private var isDraining = false

    /// Since when a head is awaited of which bytes may have come.
    private var headSince: NIODeadline?
    private var idleSince: NIODeadline
    private var unwritableSince: NIODeadline?
    private var closeAt: NIODeadline?

    init(
        core: ServerCore, executor: LoopExecutor, peer: PeerIdentity?, remoteAddress: String,
        faulted: @escaping (HTTP2Error) -> Void
    ) {
        self.core = core
        self.executor = executor
        self.peer = peer
        self.remoteAddress = remoteAddress
        self.faulted = faulted
        idleSince = .now()
        headSince = idleSince
    }

    var limits: Limits { core.limits }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        executor.beginRead()
        let part = unwrapInboundIn(data)
        if case .head = part { headSince = nil }
        accept(part)
    }

    /// Gives a part to the request that is being answered, begins one, or keeps it for later.
    private func accept(_ part: HTTPRequestPart) {
        guard current == nil || waiting.isEmpty else {
            waiting.append(part)
            return
        }
        switch part {
        case .head(let head):
            if current == nil { begin(head) } else { waiting.append(part) }
        case .body(let buffer): current?.received(buffer)
        case .end(let trailers): current?.receivedEnd(trailers)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Bytes came and no head is complete: a head is on its way.
        if current == nil, waiting.isEmpty, headSince == nil { headSince = .now() }
        executor.endRead()
        context.fireChannelReadComplete()
    }

    /// Reading stops while more lies here than the handler takes; the peer's TCP window does the rest.
    func read(context: ChannelHandlerContext) {
        let buffered = current?.buffered ?? 0
        if buffered >= limits.outboundHighWater || waiting.count >= 64 {
            isReadHeld = true
        } else {
            context.read()
        }
    }

    /// The handler took some of the body.
    func bodyTaken() {
        guard isReadHeld, (current?.buffered ?? 0) < limits.outboundHighWater, waiting.count < 64 else { return }
        isReadHeld = false
        context?.read()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        unwritableSince = context.channel.isWritable ? nil : .now()
        if context.channel.isWritable { current?.drained() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isClosing else { return }
        faulted(HTTP2Error(.protocolViolation, "not HTTP/1.1: \(error)"))
        if let current, current.hasBegun {
            context.close(promise: nil)
        } else {
            refuse(.badRequest)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        isClosing = true
        current?.closed(HTTP2Error(.connectionClosed, "the connection is closed"))
        current = nil
        executor.endRead()
        context.fireChannelInactive()
    }

    // MARK: Requests

    private func begin(_ head: HTTPRequest) {
        let size = head.headerFields.reduce((head.path?.utf8.count ?? 0) + (head.authority?.utf8.count ?? 0)) {
            $0 + $1.name.rawName.utf8.count + $1.value.utf8.count + 32
        }
        guard size <= limits.maxHeaderBytes, head.headerFields.count <= limits.maxHeaderFields else {
            faulted(HTTP2Error(.headersTooLarge, "the header fields are too large"))
            refuse(.requestHeaderFieldsTooLarge)
            return
        }
        let exchange = H1Exchange(connection: self, head: head, closes: isDraining)
        current = exchange
        let hasBody =
            head.headerFields[.transferEncoding] != nil || (head.headerFields[.contentLength] ?? "0") != "0"
        // The end of a request without a body comes as a part of its own, perhaps after the answer.
        if !hasBody { exchange.receivedEnd(nil) }
        if !hasBody, let (response, body) = core.fastPath?(head) {
            DoorMetrics.answeredFast()
            exchange.answerFast(response, body)
            return
        }
        DoorMetrics.handled()
        if hasBody { exchange.bodyDeadline = .now() + TimeAmount(limits.bodyTimeout) }
        let request = ServerRequest(
            head: head, body: RequestBody(exchange), peer: peer, remoteAddress: remoteAddress,
            isTLS: core.tls != nil, httpVersion: .http1)
        let handler = core.handler
        exchange.task = Task.immediateDetached(executorPreference: executor) {
            await handler(request, ResponseWriter(exchange))
            exchange.loop.run { exchange.handlerReturned() }
        }
    }

    /// Answers what is no request, and closes.
    private func refuse(_ status: HTTPResponse.Status) {
        guard let context else { return }
        let fields: HTTPFields = [.contentLength: "0", .connection: "close"]
        context.write(wrapOutboundOut(.head(HTTPResponse(status: status, headerFields: fields))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        startClosing()
    }

    // MARK: Output, called by the exchange

    func send(_ part: HTTPResponsePart) {
        context?.write(wrapOutboundOut(part), promise: nil)
        guard !isDirty else { return }
        isDirty = true
        executor.markDirty(self)
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func flushPending() {
        isDirty = false
        guard let context else { return }
        context.flush()
        if context.channel.isWritable { current?.drained() }
    }

    /// The response is complete. The connection goes on to the next request, or ends.
    func finished(_ exchange: H1Exchange, keepAlive: Bool) {
        guard exchange === current else { return }
        current = nil
        idleSince = .now()
        guard keepAlive, !isDraining else {
            flushPending()
            startClosing()
            return
        }
        let parts = waiting
        waiting = []
        for part in parts { accept(part) }
        bodyTaken()
    }

    /// Shuts our side, so that the peer can still read what was sent, and closes when it does, or after a second.
    func startClosing() {
        guard !isClosing, let context else { return }
        isClosing = true
        waiting = []
        closeAt = .now() + .seconds(1)
        context.close(mode: .output, promise: nil)
        // What still comes is read and dropped: unread bytes would turn the close into a reset.
        if isReadHeld { context.read() }
    }

    /// The response cannot be completed: the peer must not take it for whole.
    func abort() {
        guard let context else { return }
        isClosing = true
        context.close(promise: nil)
    }

    func shutDown() {
        isDraining = true
        if current == nil { startClosing() } else { current?.closeAfterwards() }
    }

    // MARK: Time

    func tick(_ now: NIODeadline) {
        if let closeAt {
            if now > closeAt { context?.close(promise: nil) }
            return
        }
        if let since = unwritableSince, now > since + TimeAmount(limits.stalledReaderTimeout) {
            faulted(HTTP2Error(.timeout, "the peer does not read"))
            abort()
        } else if let current {
            guard current.isLate(now) else { return }
            faulted(HTTP2Error(.timeout, "the body did not come in time"))
            if current.hasBegun { abort() } else { refuse(.requestTimeout) }
        } else if let since = headSince, now > since + TimeAmount(limits.headersTimeout) {
            faulted(HTTP2Error(.timeout, "the header fields did not come in time"))
            refuse(.requestTimeout)
        } else if now > idleSince + TimeAmount(limits.idleTimeout) {
            startClosing()
        }
    }
}
