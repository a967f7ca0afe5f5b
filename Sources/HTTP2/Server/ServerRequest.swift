public import HTTPTypes
public import NIOCore
import Synchronization

/// The HTTP version that a request came by.
public enum HTTPVersion: String, Sendable {
    case http1 = "HTTP/1.1"
    case http2 = "HTTP/2"
}

/// A request as its handler gets it: the head is complete, the body may still be on its way.
public struct ServerRequest: Sendable {
    public var head: HTTPRequest
    public let body: RequestBody
    /// Who presented a certificate that passed; nil without one.
    public let peer: PeerIdentity?
    /// Address and port of the other end.
    public let remoteAddress: String
    public let isTLS: Bool
    public let httpVersion: HTTPVersion

    public init(
        head: HTTPRequest, body: RequestBody, peer: PeerIdentity?, remoteAddress: String, isTLS: Bool,
        httpVersion: HTTPVersion
    ) {
        self.head = head
        self.body = body
        self.peer = peer
        self.remoteAddress = remoteAddress
        self.isTLS = isTLS
        self.httpVersion = httpVersion
    }
}

/// A body as it arrives, in chunks of any size, each byte once, for one reader. Taking a chunk opens the peer's window
/// by its size, so that a body which nobody takes stops at the window.
///
/// The iterator throws `HTTP2Error` (`streamReset`, `connectionClosed`, `timeout`) when the body will not be whole, and
/// `CancellationError` when the reading task is cancelled.
public struct InboundBody: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    private enum Source: Sendable {
        case exchange(any Exchange)
        case whole(Whole)
    }

    /// A body that is known from the start.
    private final class Whole: Sendable {
        let buffer: Mutex<ByteBuffer?>
        init(_ buffer: ByteBuffer) { self.buffer = Mutex(buffer.readableBytes == 0 ? nil : buffer) }
    }

    private let source: Source

    init(_ exchange: any Exchange) { source = .exchange(exchange) }

    /// A body that is already here, for tests and for requests made in the process itself.
    public init(buffer: ByteBuffer) { source = .whole(Whole(buffer)) }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: self) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let body: InboundBody

        public mutating func next() async throws -> ByteBuffer? { try await body.next() }
    }

    /// The next chunk; nil at the end.
    public func next() async throws -> ByteBuffer? {
        switch source {
        case .exchange(let exchange): return try await exchange.nextBody()
        case .whole(let whole):
            return whole.buffer.withLock { buffer in
                defer { buffer = nil }
                return buffer
            }
        }
    }

    /// The rest of the body in one buffer.
    ///
    /// - Parameter limit: in bytes.
    /// - Throws: `bodyTooLarge` as soon as more than `limit` bytes came.
    public func collect(upTo limit: Int) async throws -> ByteBuffer {
        var whole = ByteBuffer()
        while let chunk = try await next() {
            guard whole.readableBytes + chunk.readableBytes <= limit else {
                throw HTTP2Error(.bodyTooLarge, "the body is above \(limit) bytes")
            }
            if whole.readableBytes == 0 { whole = chunk } else { whole.writeImmutableBuffer(chunk) }
        }
        return whole
    }

    /// The fields after the body: known once the sequence has ended, nil before or without any.
    public var trailers: HTTPFields? {
        get async throws {
            guard case .exchange(let exchange) = source else { return nil }
            return try await exchange.loop.call { exchange.bodyTrailers }
        }
    }
}

/// The body of a request.
public typealias RequestBody = InboundBody

/// Answers one request; usable from any task, one call at a time. Every method throws `HTTP2Error` once the stream or
/// its connection is gone, and `misuse` for calls out of order.
public struct ResponseWriter: Sendable {
    private let exchange: any Exchange

    init(_ exchange: any Exchange) { self.exchange = exchange }

    /// Starts the response. Interim responses (1xx) may come before the final one.
    public func head(_ response: HTTPResponse) async throws {
        try await exchange.loop.call { [exchange] in try exchange.sendHead(response) }
    }

    /// Sends a piece of the body; suspends while more than `Limits.outboundHighWater` bytes wait for the peer.
    public func write(_ buffer: ByteBuffer) async throws {
        try await exchange.write(buffer)
    }

    /// Ends the response.
    public func finish(_ trailers: HTTPFields? = nil) async throws {
        try await exchange.loop.call { [exchange] in try exchange.sendEnd(trailers) }
    }

    /// The whole response at once, with the end of the stream joined to its last frame.
    public func respond(_ response: HTTPResponse, body: ByteBuffer = ByteBuffer()) async throws {
        if exchange.loop.inEventLoop { return try exchange.sendWhole(response, body) }
        try await exchange.loop.call { [exchange] in try exchange.sendWhole(response, body) }
    }
}

/// Answers one request. When it returns without a complete response, the peer gets status 500, or a reset if the
/// response had begun. Its task is cancelled when the peer gives up the request or its connection ends.
///
/// It starts, and goes on after each suspension, on its connection's event loop: what computes for long, or blocks,
/// belongs on an actor with a thread of its own.
public typealias RequestHandler = @Sendable (ServerRequest, ResponseWriter) async -> Void

/// Answers a request without a body at once, on the event loop and ahead of the handler; nil leaves it to the handler.
public typealias FastPath = @Sendable (HTTPRequest) -> (HTTPResponse, ByteBuffer)?
