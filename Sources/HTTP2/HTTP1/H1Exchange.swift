import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// One HTTP/1.1 request and its response.
///
/// `@unchecked Sendable`: every member but `loop` is touched on that loop only; the public types hop there first.
final class H1Exchange: Exchange, @unchecked Sendable {
    private enum Outgoing {
        /// Nothing final sent. Can go to: body, ended.
        case idle
        /// The head is sent; body bytes still owed when a length was promised. Can go to: ended.
        case body(owed: Int?)
        /// The response is complete, or the connection is gone.
        case ended
    }

    let loop: any EventLoop
    /// Nil once the response is complete or the connection is gone.
    private var connection: H1Connection?
    private var outgoing = Outgoing.idle
    private var inbound = BodyBuffer()
    private var room = RoomWaiters()
    private var failure: (any Error)?
    private let answersHEAD: Bool
    private var keepAlive: Bool
    private var expectsContinue: Bool
    /// Bytes given to the connection since it was last flushed.
    private var unflushed = 0
    var task: Task<Void, Never>?
    var bodyDeadline: NIODeadline?

    init(connection: H1Connection, head: HTTPRequest, closes: Bool) {
        self.connection = connection
        loop = connection.executor.loop
        answersHEAD = head.method == .head
        let wish = head.headerFields[.connection]?.lowercased() ?? ""
        keepAlive = !closes && !wish.contains("close")
        expectsContinue = head.headerFields[.expect]?.lowercased() == "100-continue"
    }

    var buffered: Int { inbound.buffered }

    var hasBegun: Bool {
        if case .idle = outgoing { false } else { true }
    }

    // MARK: Sending

    private func live() throws -> H1Connection {
        if let connection { return connection }
        throw failure ?? HTTP2Error(.connectionClosed, "the connection is closed")
    }

    func closeAfterwards() { keepAlive = false }

    func sendHead(_ response: HTTPResponse) throws {
        let connection = try live()
        guard case .idle = outgoing else { throw HTTP2Error(.misuse, "a second response head") }
        if response.status.kind == .informational {
            connection.send(.head(response))
            return
        }
        var response = response
        if inbound.isOpen, expectsContinue {
            // The body was never asked for, and may or may not come: nothing after it could be told apart.
            keepAlive = false
        }
        if answersHEAD, response.headerFields[.contentLength] == nil {
            // The encoder would frame a body that a response to HEAD has not.
            response.headerFields[.contentLength] = "0"
        }
        if !keepAlive { response.headerFields[.connection] = "close" }
        connection.send(.head(response))
        let bodiless = answersHEAD || response.status.code == 204 || response.status.code == 304
        outgoing = .body(owed: bodiless ? 0 : response.headerFields[.contentLength].flatMap { Int($0) })
    }

    func send(_ buffer: ByteBuffer) throws -> Bool {
        guard case .body(let owed) = outgoing else {
            throw failure ?? HTTP2Error(.misuse, hasBegun ? "a body after its end" : "a body before its head")
        }
        let connection = try live()
        if answersHEAD || buffer.readableBytes == 0 { return true }
        if let owed {
            guard buffer.readableBytes <= owed else {
                throw HTTP2Error(.misuse, "the body is longer than its content-length")
            }
            outgoing = .body(owed: owed - buffer.readableBytes)
        }
        connection.send(.body(buffer))
        unflushed += buffer.readableBytes
        return hasRoom(connection)
    }

    private func hasRoom(_ connection: H1Connection) -> Bool {
        connection.isWritable && unflushed < connection.limits.outboundHighWater
    }

    func sendEnd(_ trailers: HTTPFields?) throws {
        switch outgoing {
        case .idle: throw HTTP2Error(.misuse, "an end before the head")
        case .ended:
            if let failure { throw failure }
        case .body(let owed):
            let connection = try live()
            guard answersHEAD || (owed ?? 0) == 0 else {
                connection.abort()
                throw HTTP2Error(.misuse, "the body is shorter than its content-length")
            }
            connection.send(.end(trailers))
            end(connection)
        }
    }

    /// The response is complete.
    private func end(_ connection: H1Connection) {
        outgoing = .ended
        self.connection = nil
        bodyDeadline = nil
        // A body that did not come to its end has no place before the next request.
        let whole = !inbound.isOpen
        connection.finished(self, keepAlive: keepAlive && whole)
        _ = inbound.discard()
        inbound.fail(HTTP2Error(.misuse, "the response is complete"))
    }

    func sendWhole(_ response: HTTPResponse, _ body: ByteBuffer) throws {
        var response = response
        let mayHaveBody = response.status.code != 204 && response.status.code != 304
        if mayHaveBody, response.headerFields[.contentLength] == nil {
            response.headerFields[.contentLength] = String(body.readableBytes)
        }
        try sendHead(response)
        if mayHaveBody { _ = try send(body) }
        try sendEnd(nil)
    }

    /// The fast path's answer, to a request without a body.
    func answerFast(_ response: HTTPResponse, _ body: ByteBuffer) {
        do {
            try sendWhole(response, body)
        } catch {
            connection?.abort()
        }
    }

    func waitForRoom(_ waiter: Waiter<Void>) {
        guard let connection else {
            waiter.resume(throwing: failure ?? HTTP2Error(.connectionClosed, "the connection is closed"))
            return
        }
        if hasRoom(connection) { waiter.resume(returning: ()) } else { room.append(waiter) }
    }

    func cancelRoom(_ token: WaitToken) { room.cancel(token) }

    /// What was given has been flushed, and the channel takes more.
    func drained() {
        unflushed = 0
        room.resumeAll()
    }

    // MARK: Receiving

    func takeBody() throws -> BodyBuffer.Step {
        let step = try inbound.take()
        switch step {
        case .chunk: connection?.bodyTaken()
        case .wait: askForBody()
        case .end: break
        }
        return step
    }

    func waitForBody(_ waiter: Waiter<ByteBuffer?>) {
        if inbound.wait(waiter) > 0 { connection?.bodyTaken() } else if inbound.isOpen { askForBody() }
    }

    func cancelBody(_ token: WaitToken) { inbound.cancel(token) }
    var bodyTrailers: HTTPFields? { inbound.trailers }

    /// A client that asked first is told to send its body once somebody wants it.
    private func askForBody() {
        guard expectsContinue, case .idle = outgoing else { return }
        expectsContinue = false
        connection?.send(.head(HTTPResponse(status: .continue)))
    }

    func received(_ buffer: ByteBuffer) {
        expectsContinue = false
        if inbound.receive(buffer) > 0 { connection?.bodyTaken() }
    }

    func receivedEnd(_ trailers: HTTPFields?) {
        expectsContinue = false
        bodyDeadline = nil
        inbound.end(trailers)
    }

    /// Whether the body is later than `Limits` allows; while the handler leaves some of it untaken it is not.
    func isLate(_ now: NIODeadline) -> Bool {
        guard let deadline = bodyDeadline, let connection else { return false }
        if inbound.buffered > 0 {
            bodyDeadline = now + TimeAmount(connection.limits.bodyTimeout)
            return false
        }
        let earned = inbound.received / max(1, connection.limits.minBodyRate)
        return now > deadline + .seconds(Int64(earned))
    }

    // MARK: The end

    func handlerReturned() {
        task = nil
        guard let connection else { return }
        switch outgoing {
        case .idle:
            keepAlive = false
            do {
                try sendWhole(HTTPResponse(status: .internalServerError), ByteBuffer())
            } catch {
                connection.abort()
            }
        case .body: connection.abort()
        case .ended: break
        }
    }

    /// The connection is gone: who waits is told, and the handler is cancelled.
    func closed(_ error: HTTP2Error) {
        connection = nil
        outgoing = .ended
        failure = error
        inbound.fail(error)
        room.failAll(error)
        task?.cancel()
    }
}
