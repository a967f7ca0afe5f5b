public import Casework
public import Cryptography

extension Digest {
    /// SHA-256 as the core asks for it.
    public static let hashing: @Sendable ([UInt8]) -> EventHash = { bytes in
        bytes.withUnsafeBytes { bytes in
            guard let hash = withSHA256(bytes, { EventHash($0) }) else { preconditionFailure("SHA-256 has 32 bytes") }
            return hash
        }
    }
}
