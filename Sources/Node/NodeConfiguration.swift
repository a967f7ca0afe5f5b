public import Casework
public import Store

/// What a province's server needs to run. Paths are of PEM files.
public struct NodeConfiguration: Sendable {
    public var origin: Origin
    /// A libpq URL; with several hosts, "committed" includes a synchronous standby.
    public var database: String
    public var linkHost: String
    public var linkPort: Int
    public var certificate: String
    public var privateKey: String
    public var trustRoots: String
    /// The node's Ed25519 key that signs citizens' receipts.
    public var receiptKey: String
    /// The hub's receipt certificate: acknowledgements that it did not sign are refused.
    public var hubReceiptCertificate: String
    /// The directory of the cases' files; without one none are taken or given.
    public var attachments: String?
    /// Where files go: the hub's link, unless an office sends them by another line.
    public var attachmentsHost: String?
    public var attachmentsPort: Int?
    public var databaseConnections = 3
    /// The way to citizens. Without one no notice is sent, now or later, of what happens meanwhile.
    public var gateway: (any NoticeGateway)?

    public init(
        origin: Origin, database: String, linkHost: String, linkPort: Int, certificate: String, privateKey: String,
        trustRoots: String, receiptKey: String, hubReceiptCertificate: String
    ) {
        self.origin = origin
        self.database = database
        self.linkHost = linkHost
        self.linkPort = linkPort
        self.certificate = certificate
        self.privateKey = privateKey
        self.trustRoots = trustRoots
        self.receiptKey = receiptKey
        self.hubReceiptCertificate = hubReceiptCertificate
    }
}
