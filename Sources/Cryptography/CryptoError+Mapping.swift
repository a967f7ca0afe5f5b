import COpenSSL

/// One entry of OpenSSL's error queue.
public struct OpenSSLCause: Sendable, Equatable {
    /// The packed code, as `ERR_get_error` gives it.
    public let code: UInt
    /// OpenSSL's English text for it.
    public let text: String
}

extension CryptoError {
    /// Takes every entry from this thread's error queue, so that none is blamed on a later call.
    static func drainQueue() -> [OpenSSLCause] {
        var causes: [OpenSSLCause] = []
        while true {
            let code = ERR_get_error()
            guard code != 0 else { return causes }
            let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
                ERR_error_string_n(code, buffer.baseAddress, buffer.count)
                return String(cString: buffer.baseAddress!)
            }
            causes.append(OpenSSLCause(code: UInt(code), text: text))
        }
    }

    /// The one check of calls that answer 1 for success.
    static func check(
        _ result: Int32, _ code: Code, _ message: String, file: String = #fileID, line: Int = #line
    ) throws(CryptoError) {
        guard result == 1 else {
            throw CryptoError(code, message, causes: drainQueue(), file: file, line: line)
        }
    }

    /// The one check of calls that answer a pointer, or NULL for failure.
    static func check<Pointer>(
        _ pointer: Pointer?, _ code: Code, _ message: String, file: String = #fileID, line: Int = #line
    ) throws(CryptoError) -> Pointer {
        guard let pointer else {
            throw CryptoError(code, message, causes: drainQueue(), file: file, line: line)
        }
        return pointer
    }
}
