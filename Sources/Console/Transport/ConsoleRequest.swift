public import HTTPTypes
public import NIOCore

/// A request as the transport hands it over.
public struct ConsoleRequest: Sendable {
    public var head: HTTPRequest
    /// Chunks in order; ends early, or throws, when the peer goes away.
    public var body: any AsyncSequence<ByteBuffer, any Error> & Sendable
    /// The one URI SAN of a client certificate that the handshake verified.
    public var certificateURI: String?
    /// The peer's address; a port behind it is cut off.
    public var remoteAddress: String
    public var isTLS: Bool

    public init(
        head: HTTPRequest, body: any AsyncSequence<ByteBuffer, any Error> & Sendable, certificateURI: String?,
        remoteAddress: String, isTLS: Bool
    ) {
        self.head = head
        self.body = body
        self.certificateURI = certificateURI
        self.remoteAddress = ConsoleRequest.host(of: remoteAddress)
        self.isTLS = isTLS
    }
}

extension ConsoleRequest {
    /// `192.0.2.1:5000` → `192.0.2.1`, `[2001:db8::1]:5000` → `2001:db8::1`: limits count
    /// by address, not by connection.
    static func host(of address: String) -> String {
        let bytes = address.utf8
        if bytes.first == UInt8(ascii: "["), let end = bytes.firstIndex(of: UInt8(ascii: "]")) {
            return String(address[bytes.index(after: bytes.startIndex)..<end])
        }
        // Two colons or more: an IPv6 address without a port.
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes.lastIndex(of: UInt8(ascii: ":")) == colon
        else { return address }
        return String(address[..<colon])
    }
}

/// Where an answer goes. The console calls either `respond`, or `head`, any number of `write` and one `finish`, one
/// call after the other. Every call returns when the peer can take more, and throws when it has gone away.
public protocol ConsoleResponseWriter: Sendable {
    func head(_ response: HTTPResponse) async throws
    func write(_ buffer: ByteBuffer) async throws
    func finish(_ trailers: HTTPFields?) async throws
    /// A whole answer at once.
    func respond(_ response: HTTPResponse, body: ByteBuffer) async throws
}
