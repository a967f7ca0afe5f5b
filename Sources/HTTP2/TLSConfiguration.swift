/// An application protocol of RFC 7301.
public enum ALPN: String, Sendable {
    case h2 = "h2"
    case http1 = "http/1.1"
}

/// How one door, or one client, does TLS: at least version 1.2, AEAD ciphers only, no session is ever resumed.
public struct TLSConfiguration: Sendable {
    /// What a server asks of its clients.
    public enum ClientCertificate: Sendable {
        /// None is asked for.
        case none
        /// One may be presented; one that does not pass ends the handshake.
        case optional
        /// One that passes must be presented.
        case required
    }

    /// PEM: the own certificate, then its issuers but the root. Nil for a client without one.
    public var certificateChainFile: String?
    /// PEM, unencrypted.
    public var privateKeyFile: String?
    /// PEM: the authorities that the peer's certificate must lead to. Nil at a client: the system's.
    public var trustRootsFile: String?
    public var clientCertificate: ClientCertificate
    /// In order of preference. With `.h2` alone, a peer that does not choose it is refused.
    public var alpn: [ALPN]
    /// For clients: the name sent in SNI; nil sends none.
    public var serverName: String?
    /// For clients: whether the server's certificate must name `serverName`.
    public var verifiesServerName: Bool
    /// For clients: the one URI that the server's certificate must name.
    public var expectedPeerURI: String?

    public init(
        certificateChainFile: String?, privateKeyFile: String?, trustRootsFile: String? = nil,
        clientCertificate: ClientCertificate = .none, alpn: [ALPN] = [.h2], serverName: String? = nil,
        verifiesServerName: Bool = false, expectedPeerURI: String? = nil
    ) {
        self.certificateChainFile = certificateChainFile
        self.privateKeyFile = privateKeyFile
        self.trustRootsFile = trustRootsFile
        self.clientCertificate = clientCertificate
        self.alpn = alpn
        self.serverName = serverName
        self.verifiesServerName = verifiesServerName
        self.expectedPeerURI = expectedPeerURI
    }
}
