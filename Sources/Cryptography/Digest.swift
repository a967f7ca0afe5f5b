import COpenSSL
import Glibc

/// Algorithms fetched once: OpenSSL 3 otherwise looks each one up by name on every use.
enum DigestAlgorithm {
    // A fetched EVP_MD is immutable and its reference count is atomic, so that all threads may share it.
    nonisolated(unsafe) static let sha256: OpaquePointer = {
        guard let algorithm = EVP_MD_fetch(nil, "SHA256", nil) else { fatalError("OpenSSL has no SHA-256") }
        return algorithm
    }()
}

/// A digest context of the calling thread's own, freed at its end: `EVP_Digest` allocates one for every hash.
private enum ThreadContext {
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        guard pthread_key_create(&key, { EVP_MD_CTX_free(OpaquePointer($0)) }) == 0 else {
            fatalError("no room for thread-local values")
        }
        return key
    }()

    static var current: OpaquePointer {
        if let context = pthread_getspecific(key) { return OpaquePointer(context) }
        guard let context = EVP_MD_CTX_new(), pthread_setspecific(key, UnsafeRawPointer(context)) == 0 else {
            fatalError("no memory for a digest context")
        }
        return context
    }
}

/// One-shot digests, callable from any thread.
public enum Digest {
    /// Bytes in a SHA-256 digest.
    public static let sha256Length = 32

    /// The 32-byte SHA-256 of `bytes`.
    public static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBytes { sha256($0) }
    }

    /// The 32-byte SHA-256 of `bytes`, which may be empty.
    public static func sha256(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        withSHA256(bytes) { [UInt8]($0) }
    }

    /// Lends the 32-byte SHA-256 of `bytes`, which may be empty. Inlinable: the runtime otherwise looks up the
    /// metadata of `Result` for every hash.
    @inlinable
    public static func withSHA256<Result>(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(byteCount: sha256Length, alignment: 8) { digest in
            sha256(bytes, into: digest)
            return body(UnsafeRawBufferPointer(digest))
        }
    }

    /// Writes the SHA-256 of `bytes`, which may be empty, to a buffer of 32 bytes.
    public static func sha256(_ bytes: UnsafeRawBufferPointer, into digest: UnsafeMutableRawBufferPointer) {
        precondition(digest.count == sha256Length, "a SHA-256 has 32 bytes")
        let context = ThreadContext.current
        guard EVP_DigestInit_ex2(context, DigestAlgorithm.sha256, nil) == 1,
            EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1,
            EVP_DigestFinal_ex(context, digest.baseAddress?.assumingMemoryBound(to: UInt8.self), nil) == 1
        else { fatalError("SHA-256 is unusable") }
    }

    /// The 32-byte HMAC-SHA-256 of `message` under `key` (RFC 2104); both may be empty.
    public static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        // HMAC() takes a null key to mean "the previous key", so an empty one must still have an address.
        let storedKey = key.isEmpty ? [0] : key
        return [UInt8](unsafeUninitializedCapacity: sha256Length) { buffer, count in
            let digest = HMAC(
                DigestAlgorithm.sha256, storedKey, Int32(key.count), message, message.count, buffer.baseAddress, nil)
            guard digest != nil else { fatalError("HMAC-SHA-256 is unusable") }
            count = sha256Length
        }
    }
}

/// Whether `a` and `b` are equal, in a time that depends on their lengths only: for secrets.
public func constantTimeEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    return CRYPTO_memcmp(a, b, a.count) == 0
}
