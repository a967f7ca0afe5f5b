import CNGHTTP2
import HTTPTypes
import NIOCore

/// One HTTP/2 stream's request and response.
///
/// `@unchecked Sendable`: every member but `loop` is touched on that loop only; the public types hop there first.
final class H2Exchange: Exchange, @unchecked Sendable {
    /// How far our side has come.
    private enum Outgoing {
        /// Nothing sent. Can go to: body, ended.
        case idle
        /// The head is sent; body bytes still owed when a length was promised. Can go to: ended.
        case body(owed: Int?)
        /// Our side is complete, or the stream is gone.
        case ended
    }

    let loop: any EventLoop
    let stream: H2Stream
    /// Nil once the stream is gone.
    private var connection: H2Connection?
    private var outgoing: Outgoing
    private(set) var inbound = BodyBuffer()
    private var room = RoomWaiters()
    /// The stream was gone before our side was complete.
    private var isAbandoned = false
    /// Why the stream is gone, if not in order.
    private var failure: HTTP2Error?
    private let answersHEAD: Bool

    /// Server: the handler's task.
    var task: Task<Void, Never>?
    /// Server: after this the rest of the request's body is too late; nil for streams that stay open.
    var bodyDeadline: NIODeadline?
    /// Bytes of the request that came when nobody wanted them any more.
    private var discarded = 0

    /// Client: the response's head, or who waits for it.
    private var response: HTTPResponse?
    private var responseWaiters: [Waiter<HTTPResponse>] = []

    /// - Parameter requestMethod: at a server, of the request to answer; nil at a client, whose head is sent already.
    init(stream: H2Stream, connection: H2Connection, requestMethod: HTTPRequest.Method?) {
        self.stream = stream
        self.connection = connection
        loop = connection.executor.loop
        answersHEAD = requestMethod == .head
        outgoing = requestMethod == nil ? (stream.outboundEnded ? .ended : .body(owed: nil)) : .idle
    }

    // MARK: Sending

    private func live() throws -> H2Connection {
        if let connection { return connection }
        throw failure ?? Self.ended
    }

    func sendHead(_ response: HTTPResponse) throws {
        let connection = try live()
        guard case .idle = outgoing else { throw HTTP2Error(.misuse, "a second response head") }
        if response.status.kind == .informational {
            try connection.session.respond(response, on: stream, endStream: false)
            connection.setDirty()
            return
        }
        let bodiless = answersHEAD || response.status.code == 204 || response.status.code == 304
        let owed = response.headerFields[.contentLength].flatMap { Int($0) }
        let ends = bodiless || owed == 0
        try connection.session.respond(response, on: stream, endStream: ends)
        outgoing = ends ? .ended : .body(owed: owed)
        connection.setDirty()
    }

    func send(_ buffer: ByteBuffer) throws -> Bool {
        let connection = try live()
        switch outgoing {
        case .idle: throw HTTP2Error(.misuse, "a body before its head")
        case .ended:
            guard answersHEAD || buffer.readableBytes == 0 else { throw HTTP2Error(.misuse, "a body after its end") }
            return true
        case .body(let owed):
            guard owed == nil || buffer.readableBytes <= owed ?? 0 else {
                throw HTTP2Error(.misuse, "the body is longer than its content-length")
            }
            connection.session.enqueue(buffer, on: stream)
            if let owed {
                // The last promised byte carries the end of the stream, which saves a frame.
                let left = owed - buffer.readableBytes
                if left == 0 { end(nil, connection) } else { outgoing = .body(owed: left) }
            }
            connection.setDirty()
            return stream.outbound.count < connection.limits.outboundHighWater
        }
    }

    func sendEnd(_ trailers: HTTPFields?) throws {
        if case .ended = outgoing {
            // A response whose promised length was sent has ended by itself, and its stream may be gone already.
            if isAbandoned { throw failure ?? Self.ended }
            return
        }
        let connection = try live()
        if case .idle = outgoing { throw HTTP2Error(.misuse, "an end before the head") }
        end(trailers, connection)
        connection.setDirty()
    }

    private func end(_ trailers: HTTPFields?, _ connection: H2Connection) {
        outgoing = .ended
        connection.session.end(stream, trailers: trailers)
    }

    func sendWhole(_ response: HTTPResponse, _ body: ByteBuffer) throws {
        let connection = try live()
        guard case .idle = outgoing else { throw HTTP2Error(.misuse, "a second response head") }
        let bodiless = answersHEAD || body.readableBytes == 0
        var response = response
        if answersHEAD, response.headerFields[.contentLength] == nil {
            response.headerFields[.contentLength] = String(body.readableBytes)
        }
        try connection.session.respond(response, on: stream, endStream: bodiless)
        outgoing = .ended
        if !bodiless {
            connection.session.enqueue(body, on: stream)
            connection.session.end(stream, trailers: nil)
        }
        connection.setDirty()
    }

    func waitForRoom(_ waiter: Waiter<Void>) {
        guard let connection else {
            waiter.resume(throwing: failure ?? Self.ended)
            return
        }
        guard stream.outbound.count >= connection.limits.outboundHighWater else {
            waiter.resume(returning: ())
            return
        }
        stream.wantsDrained = true
        room.append(waiter)
    }

    func cancelRoom(_ token: WaitToken) { room.cancel(token) }

    func drained() { room.resumeAll() }

    func reset(_ code: nghttp2_error_code = NGHTTP2_CANCEL) {
        guard let connection else { return }
        connection.session.reset(stream, code)
        connection.setDirty()
    }

    // MARK: Receiving

    func takeBody() throws -> BodyBuffer.Step {
        let step = try inbound.take()
        if case .chunk(let buffer) = step { taken(buffer.readableBytes) }
        return step
    }

    func waitForBody(_ waiter: Waiter<ByteBuffer?>) { taken(inbound.wait(waiter)) }
    func cancelBody(_ token: WaitToken) { inbound.cancel(token) }
    var bodyTrailers: HTTPFields? { inbound.trailers }

    private func taken(_ count: Int) {
        guard count > 0, let connection else { return }
        connection.session.consume(count, of: stream)
        connection.setDirty()
    }

    func received(_ buffer: ByteBuffer) {
        guard inbound.isOpen else {
            discarded += buffer.readableBytes
            // More than any door takes: this client does not listen.
            if discarded > 32 << 20 { reset(NGHTTP2_NO_ERROR) } else { taken(buffer.readableBytes) }
            return
        }
        taken(inbound.receive(buffer))
    }

    func receivedEnd(_ trailers: HTTPFields?) {
        inbound.end(trailers)
        bodyDeadline = nil
    }

    // MARK: The server's handler

    /// The handler is done: what it left open is closed for it.
    func handlerReturned() {
        task = nil
        guard let connection else { return }
        switch outgoing {
        case .idle:
            do {
                try sendWhole(HTTPResponse(status: .internalServerError), ByteBuffer())
            } catch {
                reset(NGHTTP2_INTERNAL_ERROR)
            }
        case .body: reset(NGHTTP2_INTERNAL_ERROR)
        case .ended: break
        }
        // Nobody reads the rest of the request: its bytes go back to the connection's window.
        let unread = inbound.discard()
        inbound.fail(HTTP2Error(.misuse, "the request's handler has returned"))
        if unread > 0 {
            connection.session.consume(unread, of: stream)
            connection.setDirty()
        }
    }

    // MARK: The client's response

    func received(_ response: HTTPResponse) {
        self.response = response
        for waiter in responseWaiters { waiter.resume(returning: response) }
        responseWaiters.removeAll()
    }

    func waitForResponse(_ waiter: Waiter<HTTPResponse>) {
        if let response {
            waiter.resume(returning: response)
        } else if connection == nil {
            waiter.resume(throwing: failure ?? Self.ended)
        } else {
            responseWaiters.append(waiter)
        }
    }

    func cancelResponse(_ token: WaitToken) {
        responseWaiters.removeAll { waiter in
            guard waiter.token === token else { return false }
            waiter.resume(throwing: CancellationError())
            return true
        }
    }

    // MARK: The end

    private static var ended: HTTP2Error { HTTP2Error(.streamReset, "the stream has ended") }

    /// The stream is gone: in order (`error` nil) or not. Who waits is told; a handler that still works is cancelled.
    func closed(_ error: HTTP2Error?) {
        guard connection != nil else { return }
        connection = nil
        let unfinished: Bool
        if case .ended = outgoing {
            unfinished = error != nil
        } else {
            unfinished = true
            isAbandoned = true
        }
        outgoing = .ended
        failure = error
        inbound.fail(error ?? Self.ended)
        if !room.isEmpty { room.failAll(error ?? Self.ended) }
        for waiter in responseWaiters { waiter.resume(throwing: error ?? Self.ended) }
        responseWaiters.removeAll()
        if unfinished { task?.cancel() }
    }
}
