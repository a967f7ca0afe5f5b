/// What the hub needs to run. Paths are of PEM files.
public struct HubConfiguration: Sendable {
    /// A libpq URL; with several hosts, "committed" includes a synchronous standby.
    public var database: String
    public var linkAddress: String
    public var linkPort: Int
    public var certificate: String
    public var privateKey: String
    public var trustRoots: String
    /// The hub's Ed25519 key that signs acknowledgements.
    public var receiptKey: String
    /// The directory of the cases' files; without one none are taken or given.
    public var attachments: String?
    public var databaseConnections = 6

    public init(
        database: String, linkAddress: String, linkPort: Int, certificate: String, privateKey: String,
        trustRoots: String, receiptKey: String
    ) {
        self.database = database
        self.linkAddress = linkAddress
        self.linkPort = linkPort
        self.certificate = certificate
        self.privateKey = privateKey
        self.trustRoots = trustRoots
        self.receiptKey = receiptKey
    }
}
