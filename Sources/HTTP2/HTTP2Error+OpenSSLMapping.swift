import COpenSSL

extension HTTP2Error {
    /// Takes every entry from this thread's OpenSSL error queue, so that none is blamed on a later call.
    static func drainOpenSSLQueue() -> [Underlying] {
        var causes: [Underlying] = []
        while true {
            let packed = ERR_get_error()
            guard packed != 0 else { return causes }
            let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
                ERR_error_string_n(packed, buffer.baseAddress, buffer.count)
                return String(cString: buffer.baseAddress!)
            }
            causes.append(Underlying(source: .openSSL, code: Int(ERR_GET_REASON(packed)), text: text))
        }
    }

    /// The one check of set-up calls that answer 1 for success.
    static func check(
        _ result: some BinaryInteger, _ message: String, file: String = #fileID, line: Int = #line
    ) throws(HTTP2Error) {
        guard result == 1 else {
            throw HTTP2Error(.configuration, message, underlying: drainOpenSSLQueue(), file: file, line: line)
        }
    }

    /// The error of a failed handshake, read or write, from OpenSSL's queue.
    static func tls(file: String = #fileID, line: Int = #line) -> HTTP2Error {
        let causes = drainOpenSSLQueue()
        let (code, message) =
            causes.lazy.compactMap { meaning(ofReason: Int32($0.code)) }.first
            ?? (.handshakeFailed, "TLS failed")
        return HTTP2Error(code, message, underlying: causes, file: file, line: line)
    }

    /// What OpenSSL's reason codes mean to us; reasons above 1000 are alerts that the peer sent.
    private static func meaning(ofReason reason: Int32) -> (Code, String)? {
        switch reason {
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            (.certificateMissing, "the peer presented no certificate")
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            (.peerRefused, "the peer's certificate did not pass")
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
            SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
            SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, SSL_R_TLSV1_ALERT_UNKNOWN_CA, SSL_R_TLSV1_ALERT_ACCESS_DENIED,
            SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
            (.certificateRefused, "the peer refused our certificate")
        case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, SSL_R_NO_APPLICATION_PROTOCOL:
            (.protocolMismatch, "no common application protocol")
        default:
            nil
        }
    }
}
