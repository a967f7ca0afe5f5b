import COpenSSL

/// Owner of one EVP_PKEY.
///
/// The pointer is `nonisolated(unsafe)` because an EVP_PKEY is never changed after it is made, and OpenSSL lets
/// several threads sign and verify with one key at a time, each with its own EVP_MD_CTX.
final class KeyHandle: Sendable {
    nonisolated(unsafe) private let key: OpaquePointer

    /// Takes over `key`.
    init(owning key: OpaquePointer) { self.key = key }

    deinit { EVP_PKEY_free(key) }

    func withKey<Result, Failure: Error>(
        _ body: (OpaquePointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(key)
    }
}

/// An Ed25519 private key (RFC 8032).
public final class SigningKey: Sendable {
    /// Bytes in a signature.
    public static let signatureLength = 64

    private let handle: KeyHandle
    /// The 32 bytes of the public key.
    public let publicKey: [UInt8]

    private init(owning key: OpaquePointer) throws(CryptoError) {
        handle = KeyHandle(owning: key)
        guard EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 else {
            throw CryptoError(.invalidKey, "not an Ed25519 private key")
        }
        publicKey = try rawPublicKey(key)
    }

    /// Reads an unencrypted PKCS #8 key in PEM from the file at `path`.
    ///
    /// - Throws: `unreadableFile`, `invalidKey`.
    public convenience init(pemFile path: String) throws(CryptoError) {
        try self.init(pem: PEM.contents(ofFile: path))
    }

    /// Reads an unencrypted PKCS #8 key in PEM.
    ///
    /// - Throws: `invalidKey`.
    public convenience init(pem: String) throws(CryptoError) {
        let key = try PEM.withReader(pem) { (bio) throws(CryptoError) in
            // The callback answers "no passphrase"; without one OpenSSL would ask on the terminal.
            try CryptoError.check(
                PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil), .invalidKey, "not a private key in PEM")
        }
        try self.init(owning: key)
    }

    /// A new key from the secure random generator.
    public static func generate() -> SigningKey {
        let seed = SecureRandom.bytes(32)
        guard let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count),
            let signing = try? SigningKey(owning: key)
        else { fatalError("OpenSSL has no Ed25519") }
        return signing
    }

    /// The key as unencrypted PKCS #8 in PEM: keep it in a file of mode 0600.
    public func pem() -> String {
        let text = try? PEM.text { (bio) throws(CryptoError) in
            let result = handle.withKey { PEM_write_bio_PKCS8PrivateKey(bio, $0, nil, nil, 0, nil, nil) }
            try CryptoError.check(result, .library, "cannot write a key")
        }
        guard let text else { fatalError("no memory to write a key") }
        return text
    }

    /// The 64-byte signature of `message`.
    ///
    /// - Throws: `library` when OpenSSL fails, which means memory.
    public func sign(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
        let created = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(created) }
        let context = try CryptoError.check(created, .library, "no memory to sign")
        try CryptoError.check(
            handle.withKey { EVP_DigestSignInit(context, nil, nil, nil, $0) }, .library, "cannot sign")
        var signature = [UInt8](repeating: 0, count: Self.signatureLength)
        var length = signature.count
        let result = EVP_DigestSign(context, &signature, &length, message, message.count)
        try CryptoError.check(result, .library, "cannot sign")
        return signature
    }
}

/// An Ed25519 public key (RFC 8032).
public struct VerifyingKey: Sendable, Equatable {
    private let handle: KeyHandle
    /// The 32 bytes of the key.
    public let raw: [UInt8]

    public static func == (a: VerifyingKey, b: VerifyingKey) -> Bool { a.raw == b.raw }

    private init(owning key: OpaquePointer) throws(CryptoError) {
        handle = KeyHandle(owning: key)
        guard EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 else {
            throw CryptoError(.invalidKey, "not an Ed25519 public key")
        }
        raw = try rawPublicKey(key)
    }

    /// - Parameter raw: the key's 32 bytes.
    /// - Throws: `invalidKey` for another length.
    public init(raw: [UInt8]) throws(CryptoError) {
        let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, raw, raw.count)
        try self.init(owning: CryptoError.check(key, .invalidKey, "not an Ed25519 public key"))
    }

    /// The subject's key of a certificate in PEM; the certificate itself is not verified.
    ///
    /// - Throws: `invalidCertificate`, or `invalidKey` when its key is not Ed25519.
    public init(certificatePEM pem: String) throws(CryptoError) {
        let key = try Certificate.withX509(pem: pem) { (x509) throws(CryptoError) in
            try CryptoError.check(X509_get_pubkey(x509), .invalidKey, "the certificate's key is unreadable")
        }
        try self.init(owning: key)
    }

    /// The subject's key of the certificate in the PEM file at `path`.
    ///
    /// - Throws: `unreadableFile`, and as `init(certificatePEM:)`.
    public init(certificateFile path: String) throws(CryptoError) {
        try self.init(certificatePEM: PEM.contents(ofFile: path))
    }

    /// Whether `signature` is this key's signature of `message`. Any other bytes, of any length, are simply not.
    public func verify(_ signature: [UInt8], _ message: [UInt8]) -> Bool {
        guard signature.count == SigningKey.signatureLength, let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        let verified =
            handle.withKey { EVP_DigestVerifyInit(context, nil, nil, nil, $0) } == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
        // A wrong signature leaves an entry in the thread's queue, which would be blamed on a later call.
        if !verified { ERR_clear_error() }
        return verified
    }
}

private func rawPublicKey(_ key: OpaquePointer) throws(CryptoError) -> [UInt8] {
    var raw = [UInt8](repeating: 0, count: 32)
    var length = raw.count
    try CryptoError.check(
        EVP_PKEY_get_raw_public_key(key, &raw, &length), .invalidKey, "the key has no public part")
    return raw
}
