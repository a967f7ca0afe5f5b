import COpenSSL

/// The password hash of RFC 7914.
public enum Scrypt {
    /// The derived key.
    ///
    /// - Parameters:
    ///   - n: cost, a power of two above 1; memory used is about 128 · n · r bytes.
    ///   - r: block size.
    ///   - p: parallelism.
    ///   - maxMemory: bytes that the computation may take.
    ///   - length: bytes of the result.
    /// - Throws: `invalidParameters` for parameters that RFC 7914 forbids or that need more than `maxMemory`.
    public static func hash(
        password: [UInt8], salt: [UInt8], n: UInt64 = 1 << 15, r: UInt64 = 8, p: UInt64 = 1,
        maxMemory: UInt64 = 64 << 20, length: Int = 32
    ) throws(CryptoError) -> [UInt8] {
        guard length > 0 else { throw CryptoError(.invalidParameters, "scrypt needs a positive length") }
        var key = [UInt8](repeating: 0, count: length)
        let result = password.withUnsafeBytes { password in
            // A null password means "none" to EVP_PBE_scrypt and is an error there; an empty one is not.
            let text = password.bindMemory(to: CChar.self)
            return withUnsafePointer(to: CChar(0)) { empty in
                EVP_PBE_scrypt(
                    text.baseAddress ?? empty, text.count, salt, salt.count, n, r, p, maxMemory, &key, length)
            }
        }
        try CryptoError.check(result, .invalidParameters, "scrypt refused its parameters")
        return key
    }
}
