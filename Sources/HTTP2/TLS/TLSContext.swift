import COpenSSL

/// What all sessions of one door or client share: keys, trust and rules.
final class TLSContext: Sendable {
    enum Role: Sendable { case server, client }

    // After `init` nothing changes the SSL_CTX, and OpenSSL lets many threads make sessions from one.
    nonisolated(unsafe) private let context: OpaquePointer
    let role: Role
    let configuration: TLSConfiguration

    /// - Throws: `configuration` for a file that is missing or unusable.
    init(role: Role, configuration: TLSConfiguration) throws(HTTP2Error) {
        guard let context = SSL_CTX_new(role == .server ? TLS_server_method() : TLS_client_method()) else {
            throw HTTP2Error(.library, "no TLS context", underlying: HTTP2Error.drainOpenSSLQueue())
        }
        self.context = context
        self.role = role
        self.configuration = configuration
        try applyRules()
        try loadIdentity()
        try loadTrust()
        try applyALPN()
    }

    deinit { SSL_CTX_free(context) }

    /// A new SSL, owned by the caller.
    func makeSSL() throws(HTTP2Error) -> OpaquePointer {
        guard let ssl = SSL_new(context) else {
            throw HTTP2Error(.library, "no TLS session", underlying: HTTP2Error.drainOpenSSLQueue())
        }
        return ssl
    }

    private func applyRules() throws(HTTP2Error) {
        try HTTP2Error.check(peyvand_ssl_ctx_set_min_proto(context, TLS1_2_VERSION), "cannot require TLS 1.2")
        try HTTP2Error.check(
            SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20"), "cannot require AEAD ciphers")
        SSL_CTX_set_options(
            context,
            peyvand_ssl_op_no_ticket() | peyvand_ssl_op_no_renegotiation() | peyvand_ssl_op_no_compression()
                | peyvand_ssl_op_server_preference())
        // A resumed session would bypass the registry: no tickets (TLS 1.3 needs its own switch), no cache.
        SSL_CTX_set_num_tickets(context, 0)
        _ = peyvand_ssl_ctx_set_session_cache_mode(context, Int(SSL_SESS_CACHE_OFF))
        _ = peyvand_ssl_ctx_set_mode(context, Int(SSL_MODE_RELEASE_BUFFERS))
        // A longer or larger chain than any that we issue is refused before it is verified.
        SSL_CTX_set_verify_depth(context, 4)
        _ = peyvand_ssl_ctx_set_max_cert_list(context, 32 << 10)
    }

    private func loadIdentity() throws(HTTP2Error) {
        guard let chain = configuration.certificateChainFile, let key = configuration.privateKeyFile else {
            guard role == .client else { throw HTTP2Error(.configuration, "a server needs a certificate and a key") }
            return
        }
        try HTTP2Error.check(
            SSL_CTX_use_certificate_chain_file(context, chain), "cannot use the certificate in \(chain)")
        SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in -1 }
        try HTTP2Error.check(
            SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM), "cannot use the key in \(key)")
        try HTTP2Error.check(SSL_CTX_check_private_key(context), "the key in \(key) is not that of \(chain)")
    }

    private func loadTrust() throws(HTTP2Error) {
        if let roots = configuration.trustRootsFile {
            try HTTP2Error.check(
                SSL_CTX_load_verify_locations(context, roots, nil), "cannot use the authorities in \(roots)")
        } else if role == .client {
            try HTTP2Error.check(SSL_CTX_set_default_verify_paths(context), "no system authorities")
        }
        switch (role, configuration.clientCertificate) {
        case (.client, _): SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        case (.server, .none): return
        case (.server, let wanted):
            guard let roots = configuration.trustRootsFile else {
                throw HTTP2Error(.configuration, "a server that asks for certificates needs authorities")
            }
            let strict = wanted == .required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER | strict, nil)
            // The context takes over the list; clients choose their certificate by these names.
            SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(roots))
        }
        SSL_CTX_set_cert_verify_callback(context, { store, _ in TLSSession.verify(store) }, nil)
    }

    private func applyALPN() throws(HTTP2Error) {
        switch role {
        case .client:
            let wire = Self.wire(configuration.alpn)
            // Zero means success here, unlike everywhere else in OpenSSL.
            guard SSL_CTX_set_alpn_protos(context, wire, UInt32(wire.count)) == 0 else {
                throw HTTP2Error(.configuration, "cannot offer application protocols")
            }
        case .server:
            SSL_CTX_set_alpn_select_cb(
                context,
                { ssl, out, outLength, offered, offeredLength, _ in
                    TLSSession.selectProtocol(ssl, out, outLength, offered, offeredLength)
                }, nil)
        }
    }

    /// RFC 7301's list: each name after its length.
    static func wire(_ protocols: [ALPN]) -> [UInt8] {
        protocols.flatMap { [UInt8($0.rawValue.utf8.count)] + Array($0.rawValue.utf8) }
    }
}
