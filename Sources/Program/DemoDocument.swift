import Casework
import JSON
import POSIX

/// `demo.json` as other commands read it.
public struct DemoDocument: Sendable {
    /// One process of the demonstration.
    public struct Server: Sendable {
        /// `hub`, `IR-03`.
        public var code: String
        /// `https://127.0.0.1:PORT`
        public var console: String
        /// The hub's, or a supervisor's.
        public var token: String
        /// Nil while the process is down.
        public var process: Int32?
        /// `operator`, `reviewer`, `agency`; a node's only.
        public var otherTokens: [String: String] = [:]
    }

    /// The hub.
    public var hub: Server
    /// The provinces, by their codes.
    public var nodes: [Server]
    /// Tokens of the ministries by their codes.
    public var ministries: [String: String]
    /// PEM file of the authority that signed all of them.
    public var authority: String

    /// - Throws: `Failure` when there is none, which means that nothing is ready.
    public init(reading folder: DemoFolder) throws {
        guard Files.exists(folder.demoFile) else {
            throw Failure(
                "\(folder.demoFile) is not there; start the demonstration, or wait until it is ready: "
                    + "peyvand demo --directory \(folder.path)")
        }
        let json = try JSON(parsing: try Files.read(folder.demoFile))
        guard let hub = Self.server(json["hub"], code: Origin.hub.code), let nodes = json["nodes"]?.array,
            let authority = json["ca"]?.string
        else { throw Failure("\(folder.demoFile) is damaged; start the demonstration again.") }
        self.hub = hub
        self.nodes = nodes.compactMap { node in node["code"]?.string.flatMap { Self.server(node, code: $0) } }
        self.authority = authority
        ministries = [:]
        for ministry in json["ministries"]?.array ?? [] {
            if let code = ministry["code"]?.string { ministries[code] = ministry["token"]?.string }
        }
    }

    private static func server(_ json: JSON?, code: String) -> Server? {
        guard let json, let console = json["console"]?.string, let token = json["token"]?.string else { return nil }
        var server = Server(
            code: code, console: console, token: token, process: json["pid"]?.int.flatMap { Int32(exactly: $0) })
        for role in ["operator", "reviewer", "agency"] { server.otherTokens[role] = json[role + "_token"]?.string }
        return server
    }

    /// The process of that code; nil when it takes no part.
    public func server(_ code: String) -> Server? { code == Origin.hub.code ? hub : nodes.first { $0.code == code } }

    /// A client of that process's console.
    /// - Parameter token: instead of the server's own.
    public func client(_ server: Server, token: String? = nil) throws(Failure) -> APIClient {
        APIClient(try Endpoint(url: server.console), token: token ?? server.token, trustRoots: authority)
    }
}
