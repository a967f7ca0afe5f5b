public import Casework
public import Cryptography

extension Digest {
    /// SHA-256 as the core asks for it.
    public static let hashing: @Sendable ([UInt8]) -> EventHash = { bytes in
        guard let hash = EventHash(sha256(bytes)) else { preconditionFailure("SHA-256 has 32 bytes") }
        return hash
    }
}
