/// Why a connection, a stream or a handshake failed.
public struct HTTP2Error: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it was; stable, for `switch`.
    public enum Code: String, Sendable, Equatable {
        /// A certificate, key or trust file is missing or unusable, or an option makes no sense.
        case configuration
        /// The TCP connection could not be made.
        case connectFailed
        /// The TLS handshake failed for a reason that no other case names.
        case handshakeFailed
        /// The peer presented no certificate where one is required.
        case certificateMissing
        /// The peer's certificate did not pass: expired, foreign, of another usage, revoked, or another identity.
        case peerRefused
        /// The peer refused our certificate by a TLS alert.
        case certificateRefused
        /// The two sides share no application protocol.
        case protocolMismatch
        /// The connection closed, on either side.
        case connectionClosed
        /// The peer, or we, said GOAWAY: no new stream on this connection.
        case goingAway
        /// The peer, or we, reset the stream.
        case streamReset
        /// This connection's stream numbers are used up; connect anew.
        case streamsExhausted
        /// The peer broke the protocol.
        case protocolViolation
        /// The peer sent more control frames than the frame bucket allows.
        case flood
        /// A time-out of `Limits` passed.
        case timeout
        /// A PING went unanswered for `Limits.keepAliveTimeout`.
        case peerUnresponsive
        /// More addresses or connections than `Limits` allows.
        case tooManyConnections
        /// A body is above the cap that its reader gave.
        case bodyTooLarge
        /// Header fields are above `Limits.maxHeaderBytes` or `maxHeaderFields`.
        case headersTooLarge
        /// Our own mistake: a second head, a write after the end, an invalid field.
        case misuse
        /// OpenSSL or nghttp2 failed by itself, such as for memory.
        case library
    }

    /// A code of a library or of the protocol that stands behind the failure.
    public struct Underlying: Sendable, Equatable {
        public enum Source: String, Sendable { case openSSL, nghttp2, frame, system }
        public let source: Source
        public let code: Int
        public let text: String
    }

    /// Where in this project's source the failure was found.
    public struct Location: Sendable, Equatable, CustomStringConvertible {
        public let file: String
        public let line: Int
        public var description: String { "\(file):\(line)" }
    }

    public let code: Code
    public let message: String
    public let underlying: [Underlying]
    public let location: Location

    init(
        _ code: Code, _ message: String, underlying: [Underlying] = [], file: String = #fileID, line: Int = #line
    ) {
        self.code = code
        self.message = message
        self.underlying = underlying
        self.location = Location(file: file, line: line)
    }

    /// `error` itself if it is one of ours, else one that names it.
    init(_ error: any Error, else code: Code, file: String = #fileID, line: Int = #line) {
        self =
            error as? HTTP2Error
            ?? HTTP2Error(code, String(describing: error), file: file, line: line)
    }

    public var description: String {
        let detail = underlying.isEmpty ? "" : " (\(underlying.map(\.text).joined(separator: "; ")))"
        return "\(code.rawValue): \(message)\(detail) at \(location)"
    }
}
