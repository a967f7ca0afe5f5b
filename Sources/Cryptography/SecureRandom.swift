import COpenSSL

/// Unpredictable bytes from OpenSSL's generator. A generator that fails stops the process: a guessable key or token
/// would be worse than none.
public enum SecureRandom {
    /// `count` random bytes.
    public static func bytes(_ count: Int) -> [UInt8] {
        precondition(count >= 0 && count <= Int(Int32.max))
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            guard count == 0 || RAND_bytes(buffer.baseAddress, Int32(count)) == 1 else {
                fatalError("the random generator failed")
            }
            filled = count
        }
    }

    /// A random number over the whole range.
    public static func uint64() -> UInt64 {
        var value: UInt64 = 0
        withUnsafeMutableBytes(of: &value) { buffer in
            guard RAND_bytes(buffer.baseAddress, Int32(buffer.count)) == 1 else {
                fatalError("the random generator failed")
            }
        }
        return value
    }
}
