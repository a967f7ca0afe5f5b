public import HTTPTypes
public import NIOCore

/// One exchange of a client: the request's body goes out while the response comes in. Usable from any task, one writer
/// and one reader at a time. Dropping it does not end it: `finish`, read to the end, or `reset`.
///
/// Calls throw `streamReset`, `connectionClosed` or `peerUnresponsive` once the stream is gone, and
/// `CancellationError` when their task is cancelled.
public struct ClientStream: Sendable {
    private let exchange: H2Exchange

    init(_ exchange: H2Exchange) { self.exchange = exchange }

    /// Sends a piece of the body; suspends while more than `Limits.outboundHighWater` bytes wait for the peer.
    public func write(_ buffer: ByteBuffer) async throws {
        try await exchange.write(buffer)
    }

    /// Ends the request's body.
    public func finish() async throws {
        let exchange = exchange
        try await exchange.loop.call { try exchange.sendEnd(nil) }
    }

    /// Sends a whole body; a server that answers before it has read it all has the last word.
    func sendBody(_ body: ByteBuffer) async throws {
        do {
            try await write(body)
            try await finish()
        } catch let error as HTTP2Error where error.code == .streamReset || error.code == .misuse {
            return
        }
    }

    /// The response's head, once it comes.
    public func response() async throws -> HTTPResponse {
        let exchange = exchange
        return try await exchange.loop.wait {
            exchange.waitForResponse($0)
        } cancel: {
            exchange.cancelResponse($0)
        }
    }

    /// The response's body, as it arrives; taking a chunk opens the server's window by its size.
    public var inbound: InboundBody { InboundBody(exchange) }

    /// The fields after the body: known once `inbound` has ended. A response without a body brings its trailers, as
    /// gRPC's `grpc-status`, in its head.
    public var trailers: HTTPFields? {
        get async throws { try await inbound.trailers }
    }

    /// Gives up the exchange, both ways.
    public func reset() {
        let exchange = exchange
        exchange.loop.run { exchange.reset() }
    }
}
