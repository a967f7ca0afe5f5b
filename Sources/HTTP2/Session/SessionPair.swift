package import HTTPTypes
package import NIOCore

/// A client's and a server's session that talk to each other in memory: what HTTP/2 itself costs, without sockets,
/// TLS or tasks.
package struct SessionPair {
    private let client, server: H2Session
    private let now = NIODeadline.now()
    private var bytes = ByteBuffer()

    package init() throws {
        client = try H2Session(role: .client, limits: Limits(), now: now)
        server = try H2Session(role: .server, limits: Limits(), now: now)
    }

    /// One request without a body, answered with `body`.
    ///
    /// - Throws: `misuse` unless the whole answer came back.
    package mutating func exchange(
        _ request: HTTPRequest, answer response: HTTPResponse, body: ByteBuffer
    ) throws {
        _ = try client.open(request, endStream: true)
        try move(from: client, to: server)
        let server = server
        try server.processEvents { event in
            guard case .head(let stream, _) = event, stream.block.request() != nil else { return }
            try server.respond(response, on: stream, endStream: false)
            server.enqueue(body, on: stream)
            server.end(stream, trailers: nil)
        }
        try move(from: server, to: client)
        var received = 0
        let client = client
        client.processEvents { event in
            guard case .data(let stream, let buffer) = event else { return }
            received += buffer.readableBytes
            client.consume(buffer.readableBytes, of: stream)
        }
        // What the client says of its windows and settings.
        try move(from: client, to: server)
        server.processEvents { _ in }
        guard received == body.readableBytes else { throw HTTP2Error(.misuse, "the answer did not come back") }
    }

    private mutating func move(from sender: H2Session, to receiver: H2Session) throws {
        bytes.clear()
        guard try sender.send(into: &bytes, limit: 1 << 20, now: now) else { return }
        try bytes.withUnsafeReadableBytes { try receiver.receive($0, now: now) }
    }
}
