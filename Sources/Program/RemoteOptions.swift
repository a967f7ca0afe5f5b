public import ArgumentParser

/// How a command reaches a server: flags, else the environment.
public struct RemoteOptions: ParsableArguments {
    @Option(help: "The node's or hub's address, https://HOST:PORT (environment: PEYVAND_NODE).")
    public var node: String?

    @Option(help: "A bearer token (environment: PEYVAND_TOKEN).")
    public var token: String?

    @Option(help: "PEM file of the authority that signed the server (environment: PEYVAND_TRUST_ROOTS).")
    public var ca: String?

    public init() {}

    /// A client of the server that is named.
    /// - Throws: `Failure` when no address or no token is given.
    public func client() throws(Failure) -> APIClient {
        guard let url = node ?? Environment["PEYVAND_NODE"] else {
            throw .usedWrongly("no server is named; give --node https://HOST:PORT, or --directory for a demonstration.")
        }
        guard let token = token ?? Environment["PEYVAND_TOKEN"] else {
            throw .usedWrongly("no token is given; give --token, or set PEYVAND_TOKEN.")
        }
        return APIClient(try Endpoint(url: url), token: token, trustRoots: ca ?? Environment["PEYVAND_TRUST_ROOTS"])
    }
}
