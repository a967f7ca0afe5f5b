/// Every cap and time-out of a connection. The defaults are those that the system is tested with.
public struct Limits: Sendable {
    /// Sum of name, value and 32 for each header field of one request, trailers included.
    public var maxHeaderBytes = 16 << 10
    /// Header fields of one request, trailers included.
    public var maxHeaderFields = 128
    /// Streams that a client may have open at once on one connection.
    public var maxConcurrentStreams = 128
    /// Body bytes that a peer may send on one stream before they are taken.
    public var streamWindow = 512 << 10
    /// Body bytes that a peer may send on one connection before they are taken.
    public var connectionWindow = 2 << 20
    /// Queued response bytes of one stream at which its writer suspends.
    public var outboundHighWater = 64 << 10
    /// Connections from one address at a time, on one server.
    public var connectionsPerAddress = 256
    /// Connections at a time, on one server.
    public var maxConnections = 8192
    /// Control frames that a peer may send at once, and how many more each second.
    public var frameBurst = 1000
    public var framesPerSecond = 100
    /// From accepting a connection to the end of its TLS handshake.
    public var handshakeTimeout: Duration = .seconds(5)
    /// From then to the HTTP/2 preface with its SETTINGS.
    public var prefaceTimeout: Duration = .seconds(5)
    /// From the first byte of a head to its last.
    public var headersTimeout: Duration = .seconds(10)
    /// For a body: this, and a second more for each `minBodyRate` bytes that came. gRPC streams of a verified peer
    /// are exempt: they stay open for weeks and are watched by PING.
    public var bodyTimeout: Duration = .seconds(60)
    /// Bytes a second.
    public var minBodyRate = 16 << 10
    /// For a peer that takes nothing of what is ready for it.
    public var stalledReaderTimeout: Duration = .seconds(30)
    /// For a connection without a stream.
    public var idleTimeout: Duration = .seconds(300)
    /// After this long without a byte from the peer a PING is sent …
    public var keepAliveInterval: Duration = .seconds(10)
    /// … and after this long without a byte in answer the connection is given up.
    public var keepAliveTimeout: Duration = .seconds(5)
    /// For connecting, handshake and first SETTINGS, at a client.
    public var connectTimeout: Duration = .seconds(5)
    /// Largest answer that `ClientConnection.send` collects, in bytes.
    public var maxResponseBody = 16 << 20
    /// How long `Server.run` lets requests finish once it is told to stop.
    public var shutdownGrace: Duration = .seconds(5)

    public init() {}
}
