import COpenSSL
import NIOCore

/// One TLS connection without a socket: ciphertext and plaintext go in and come out through memory.
/// Confined to one event loop.
final class TLSSession {
    /// Answers nil to let the peer in, else the reason not to.
    typealias Authorize = @Sendable (PeerIdentity) -> String?

    private let context: TLSContext
    private let ssl: OpaquePointer
    /// Both belong to `ssl`.
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    private let authorize: Authorize?

    /// What the presented certificate says, known before it is accepted.
    private(set) var peer: PeerIdentity?
    /// Why `verify` said no; more exact than what OpenSSL tells afterwards.
    private var refusal: String?

    /// The place in an SSL where its session is found again.
    private static let index: Int32 = CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL, 0, nil, nil, nil, nil)

    init(context: TLSContext, authorize: Authorize? = nil) throws(HTTP2Error) {
        self.context = context
        self.authorize = authorize
        ssl = try context.makeSSL()
        guard let incoming = peyvand_bio_new_mem(), let outgoing = peyvand_bio_new_mem() else {
            SSL_free(ssl)
            throw HTTP2Error(.library, "no memory for a TLS session")
        }
        self.incoming = incoming
        self.outgoing = outgoing
        SSL_set_bio(ssl, incoming, outgoing)
        SSL_set_ex_data(ssl, Self.index, Unmanaged.passUnretained(self).toOpaque())
        switch context.role {
        case .server: SSL_set_accept_state(ssl)
        case .client: try prepareClient()
        }
    }

    deinit { SSL_free(ssl) }

    private func prepareClient() throws(HTTP2Error) {
        SSL_set_connect_state(ssl)
        guard let name = context.configuration.serverName else { return }
        let parameters = SSL_get0_param(ssl)
        let isAddress = name.contains(":") || name.allSatisfy { $0.isNumber || $0 == "." }
        // RFC 6066 forbids addresses in SNI.
        if !isAddress { try HTTP2Error.check(peyvand_ssl_set_server_name(ssl, name), "invalid server name \(name)") }
        guard context.configuration.verifiesServerName else { return }
        let set =
            isAddress
            ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name) : X509_VERIFY_PARAM_set1_host(parameters, name, 0)
        try HTTP2Error.check(set, "invalid server name \(name)")
    }

    /// The protocol that both sides chose; nil without ALPN.
    var selectedProtocol: ALPN? {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &length)
        guard let name, length > 0 else { return nil }
        return ALPN(rawValue: String(decoding: UnsafeBufferPointer(start: name, count: Int(length)), as: UTF8.self))
    }

    /// Takes ciphertext from the peer.
    func receive(_ bytes: UnsafeRawBufferPointer) throws(HTTP2Error) {
        guard bytes.count > 0 else { return }
        guard BIO_write(incoming, bytes.baseAddress, Int32(clamping: bytes.count)) == bytes.count else {
            throw HTTP2Error(.library, "no memory for TLS input", underlying: HTTP2Error.drainOpenSSLQueue())
        }
    }

    /// Goes on with the handshake as far as the input reaches; true once it is done.
    ///
    /// - Throws: as `HTTP2Error.tls` says; the alert for the peer is then in `takeOutput`.
    func handshake() throws(HTTP2Error) -> Bool {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 { return true }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return false
        default:
            let error = HTTP2Error.tls()
            guard let refusal else { throw error }
            throw HTTP2Error(.peerRefused, refusal, underlying: error.underlying)
        }
    }

    /// Appends the plaintext at hand to `buffer`; false once the peer has said that it sends no more.
    ///
    /// - Throws: `certificateRefused` when a TLS 1.3 server turns us away, which a client learns only here.
    func read(into buffer: inout ByteBuffer) throws(HTTP2Error) -> Bool {
        while true {
            var status: Int32 = 0
            ERR_clear_error()
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 16 << 10) { space in
                var count = 0
                status = SSL_read_ex(ssl, space.baseAddress, space.count, &count)
                return count
            }
            if status == 1 { continue }
            switch SSL_get_error(ssl, status) {
            case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return true
            case SSL_ERROR_ZERO_RETURN: return false
            default: throw HTTP2Error.tls()
            }
        }
    }

    /// Encrypts `bytes`; the result is in `takeOutput`.
    func write(_ bytes: UnsafeRawBufferPointer) throws(HTTP2Error) {
        guard bytes.count > 0 else { return }
        ERR_clear_error()
        var written = 0
        // A memory BIO always has room, so that one call takes everything.
        guard SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &written) == 1, written == bytes.count else {
            throw HTTP2Error.tls()
        }
    }

    /// Says to the peer that we send no more.
    func shutdown() {
        ERR_clear_error()
        // Fails only where nothing may be said any more, as after an alert.
        if SSL_shutdown(ssl) < 0 { ERR_clear_error() }
    }

    /// The ciphertext that waits for the peer; nil when there is none.
    func takeOutput(_ allocator: ByteBufferAllocator) -> ByteBuffer? {
        let pending = BIO_ctrl_pending(outgoing)
        guard pending > 0 else { return nil }
        var buffer = allocator.buffer(capacity: pending)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: pending) { space in
            Int(max(0, BIO_read(outgoing, space.baseAddress, Int32(clamping: pending))))
        }
        return buffer
    }

    // MARK: Called by OpenSSL, inside `handshake`

    private static func session(of ssl: OpaquePointer?) -> TLSSession? {
        guard let ssl, let pointer = SSL_get_ex_data(ssl, index) else { return nil }
        return Unmanaged<TLSSession>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Verifies the peer's chain, then who it is. The error left in `store` chooses the alert that the peer gets.
    static func verify(_ store: OpaquePointer?) -> Int32 {
        let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()).map { OpaquePointer($0) }
        guard let store, let session = session(of: ssl), let leaf = X509_STORE_CTX_get0_cert(store) else { return 0 }
        session.peer = PeerIdentity(reading: leaf)
        guard X509_verify_cert(store) == 1 else {
            let text = X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(store)))
            session.refusal = text.map { String(cString: $0) } ?? "the certificate did not pass"
            return 0
        }
        guard let (reason, error) = session.objection() else { return 1 }
        session.refusal = reason
        X509_STORE_CTX_set_error(store, error)
        return 0
    }

    /// What speaks against the peer once its chain has passed.
    private func objection() -> (reason: String, error: Int32)? {
        let needsIdentity = context.role == .server || context.configuration.expectedPeerURI != nil
        guard needsIdentity else { return nil }
        guard let peer, !peer.uri.isEmpty else {
            return ("the certificate does not name exactly one URI", X509_V_ERR_CERT_REJECTED)
        }
        if let expected = context.configuration.expectedPeerURI, context.role == .client, peer.uri != expected {
            return ("the certificate names \(peer.uri), not \(expected)", X509_V_ERR_CERT_REJECTED)
        }
        if let reason = authorize?(peer) { return (reason, X509_V_ERR_CERT_REVOKED) }
        return nil
    }

    /// Chooses by our preference; no common protocol is a fatal alert, else the peer would go on without one.
    static func selectProtocol(
        _ ssl: OpaquePointer?, _ out: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
        _ outLength: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ offeredLength: UInt32
    ) -> Int32 {
        guard let session = session(of: ssl), let out, let outLength else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        let list = UnsafeBufferPointer(start: offered, count: Int(offeredLength))
        for wanted in session.context.configuration.alpn {
            var at = 0
            while at < list.count {
                let length = Int(list[at])
                guard length > 0, at + 1 + length <= list.count else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                let name = UnsafeBufferPointer(rebasing: list[(at + 1)..<(at + 1 + length)])
                if name.elementsEqual(wanted.rawValue.utf8) {
                    // Points into the offer, which OpenSSL keeps until it has copied the choice.
                    out.pointee = name.baseAddress
                    outLength.pointee = UInt8(length)
                    return SSL_TLSEXT_ERR_OK
                }
                at += 1 + length
            }
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
}
