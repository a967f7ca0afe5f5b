import Foundation
import TestDoors

/// Certificates, tokens and empty databases, made once by the commands that an office uses. Countries are copies.
struct Template: Sendable {
    var folder: URL
    var certificates: URL
    /// PEM of the authority.
    var authority: String
    /// By office.
    var tokens: [String: String]
    /// Who owns the databases' files.
    var owner: (user: uid_t, group: gid_t)

    static let shared = Once { try await make() }

    private static func make() async throws -> Template {
        guard FileManager.default.isExecutableFile(atPath: Demo.binary) else {
            throw Fault("there is no program at \(Demo.binary); build it, or set PEYVAND_BINARY")
        }
        let folder = Scratch.folder.appending(path: "template")
        mkdir(folder.path, 0o755)
        let certificates = folder.appending(path: "certs")
        var template = Template(
            folder: folder, certificates: certificates, authority: certificates.appending(path: "ca.pem").path,
            tokens: [:], owner: (0, 0))
        try await Demo.succeed(["cert", "authority", certificates.path])
        for code in ["hub"] + Country.provinces + [Country.voiceless] {
            let name = code == "hub" ? ["hub"] : ["node", code]
            try await Demo.succeed(
                ["cert", "issue", certificates.path] + name + ["--host", Network.address(of: code)])
        }
        let (plain, port) = (template, try Ports.free())
        let made = try await withThrowingTaskGroup(of: (String, String).self) { group in
            for code in ["hub"] + Country.provinces {
                group.addTask { (code, try await first(start: code, plain, linkPort: port)) }
            }
            return try await group.reduce(into: [String: String]()) { $0[$1.0] = $1.1 }
        }
        template.tokens = made
        var status = stat()
        let data = folder.appending(path: "hub/postgres/data").path
        guard stat(data, &status) == 0 else { throw Fault("there is no \(data)") }
        template.owner = (status.st_uid, status.st_gid)
        return template
    }

    /// Starts an office for the first time, so that its database is made, and draws a token there.
    private static func first(start code: String, _ template: Template, linkPort: Int) async throws -> String {
        let office = try Country.office(code, in: template.folder, template, linkPort: linkPort, ground: .init())
        mkdir(office.folder.path, 0o755)
        try office.start()
        let outcome: Result<String, any Error>
        do {
            try await office.ready(within: .seconds(120))
            let (role, organization) = code == "hub" ? ("hub", "PRES") : ("supervisor", code)
            let token = try await Demo.succeed([
                "token", "add", "chaos \(code)", "--role", role, "--organization", organization, "--directory",
                office.folder.path,
            ])
            if code == "hub" {
                try await Demo.succeed(
                    ["cert", "import", template.certificates.path, "--directory", office.folder.path])
            }
            outcome = .success(token.trimmingCharacters(in: .whitespacesAndNewlines))
        } catch {
            outcome = .failure(Fault("\(error)\n\(office.log())"))
        }
        try await office.stop(SIGTERM)
        return try outcome.get()
    }
}

/// A value that is made at its first use, by one for all.
actor Once<Value: Sendable> {
    private let make: @Sendable () async throws -> Value
    private var task: Task<Value, any Error>?

    init(_ make: @escaping @Sendable () async throws -> Value) { self.make = make }

    func get() async throws -> Value {
        let task = task ?? Task { [make] in try await make() }
        self.task = task
        return try await task.value
    }
}
