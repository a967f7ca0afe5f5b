import Casework
import Contract
import JSON

/// Keeps `demo.json` true: what runs, where, and under which process number.
actor DemoRecord {
    private let cast: DemoCast
    private let state: DemoState
    private var processes: [String: Int32] = [:]
    /// Nothing is written before everything is ready: whoever waits for the file may use all that it names.
    private var isPublished = false

    init(cast: DemoCast, state: DemoState) { (self.cast, self.state) = (cast, state) }

    func publish() throws {
        isPublished = true
        try write()
    }

    /// - Parameter process: nil while there is none.
    func set(_ process: Int32?, for code: String) throws {
        guard processes[code] != process else { return }
        processes[code] = process
        if isPublished { try write() }
    }

    func process(of code: String) -> Int32? { processes[code] }

    private func write() throws {
        try Disk.replace(cast.folder.demoFile, with: document.bytes + [UInt8(ascii: "\n")], mode: 0o600)
    }

    private var document: JSON {
        var hub = server(DemoCast.hub)
        hub.insert(.init("link", .string("127.0.0.1:\(state.ports[DemoCast.hub]?.link ?? 0)")), at: 2)
        let nodes = cast.provinces.map { province -> JSON in
            let tokens = ["operator", "reviewer", "agency"].map { role in
                JSON.Member(role + "_token", JSON(state.tokens["\(province.code) \(role)"]))
            }
            return .object([.init("code", .string(province.code))] + server(province.code) + tokens)
        }
        let ministries = cast.ministries.compactMap { code -> JSON? in
            guard let identity = try? Identity(.ministry, code.rawValue) else { return nil }
            return [
                "code": .string(code.rawValue), "token": JSON(state.tokens[code.rawValue]),
                "certificate": .string(cast.certificates.file("cert.pem", of: identity)),
                "key": .string(cast.certificates.file("key.pem", of: identity)),
            ]
        }
        return [
            "hub": .object(hub), "nodes": .array(nodes), "ministries": .array(ministries),
            "ca": .string(cast.certificates.authorityCertificate),
        ]
    }

    private func server(_ code: String) -> [JSON.Member] {
        let ports = state.ports[code]
        return [
            .init("console", .string("https://127.0.0.1:\(ports?.console ?? 0)")),
            .init("plain", .string("http://127.0.0.1:\(ports?.plain ?? 0)")),
            .init("token", JSON(state.tokens[code])),
            .init("pid", processes[code].map { JSON(Int($0)) } ?? .null),
        ]
    }
}

/// `demo.json` as other commands read it.
struct DemoDocument: Sendable {
    struct Server: Sendable {
        var code: String
        var console: String
        var token: String
        /// Nil while the process is down.
        var process: Int32?
        /// `operator`, `reviewer`, `agency`; a node's only.
        var otherTokens: [String: String] = [:]
    }

    var hub: Server
    var nodes: [Server]
    /// Tokens of the ministries by their codes.
    var ministries: [String: String]
    var authority: String

    /// - Throws: `Failure` when there is none, which means that nothing is ready.
    init(reading folder: DemoFolder) throws {
        guard Disk.exists(folder.demoFile) else {
            throw Failure(
                "\(folder.demoFile) is not there; start the demonstration, or wait until it is ready: "
                    + "peyvand demo --directory \(folder.path)")
        }
        let json = try JSON(parsing: try Disk.read(folder.demoFile))
        guard let hub = Self.server(json["hub"], code: DemoCast.hub), let nodes = json["nodes"]?.array,
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

    func server(_ code: String) -> Server? { code == DemoCast.hub ? hub : nodes.first { $0.code == code } }

    func client(_ server: Server, token: String? = nil) throws(Failure) -> APIClient {
        APIClient(try Endpoint(url: server.console), token: token ?? server.token, trustRoots: authority)
    }
}
