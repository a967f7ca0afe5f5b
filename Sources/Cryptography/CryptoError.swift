/// Why a cryptographic operation failed.
public struct CryptoError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it was; stable, for `switch`.
    public enum Code: Sendable, Equatable {
        /// The file could not be opened or read.
        case unreadableFile
        /// The text or bytes are not a key of the wanted type.
        case invalidKey
        /// The text or bytes are not an X.509 certificate.
        case invalidCertificate
        /// OpenSSL refused the parameters, as scrypt does beyond its memory limit.
        case invalidParameters
        /// OpenSSL failed for a reason of its own, such as memory.
        case library
    }

    /// Where in this project's source the failing call stands.
    public struct Location: Sendable, Equatable, CustomStringConvertible {
        public let file: String
        public let line: Int
        public var description: String { "\(file):\(line)" }
    }

    public let code: Code
    public let message: String
    /// OpenSSL's own error queue at the time, oldest first.
    public let causes: [OpenSSLCause]
    public let location: Location

    init(_ code: Code, _ message: String, causes: [OpenSSLCause] = [], file: String = #fileID, line: Int = #line) {
        self.code = code
        self.message = message
        self.causes = causes
        self.location = Location(file: file, line: line)
    }

    public var description: String {
        let detail = causes.isEmpty ? "" : " (\(causes.map(\.text).joined(separator: "; ")))"
        return "\(message)\(detail) at \(location)"
    }
}
