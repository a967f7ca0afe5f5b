import Casework
import Contract
import JSON
import POSIX
import Program

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
        try Files.replace(cast.folder.demoFile, with: document.bytes + [UInt8(ascii: "\n")], mode: 0o600)
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
