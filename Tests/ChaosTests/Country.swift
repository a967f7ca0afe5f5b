import Foundation
import Glibc
import Synchronization
import TestDoors
import Testing

/// A hub and some nodes, each with a private PostgreSQL of its own, so that each can lose, restore or copy its own.
final class Country: Sendable {
    static let provinces = ["IR-03", "IR-05", "IR-23"]
    /// Has a certificate and no node: its voice on the link is the test's own.
    static let voiceless = "IR-07"

    let folder: URL
    let certificates: URL
    let linkPort: Int
    let hub: Office
    let nodes: [Office]

    var offices: [Office] { [hub] + nodes }

    func node(_ code: String) throws -> Office {
        guard let node = nodes.first(where: { $0.code == code }) else { throw Fault("no \(code) in this country") }
        return node
    }

    /// The certificate and key that a node shows the hub.
    func identity(_ code: String) -> (chain: String, key: String) {
        let place = certificates.appending(path: "node/\(code)")
        return (place.appending(path: "cert.pem").path, place.appending(path: "key.pem").path)
    }

    /// What stands between the offices, and below them.
    struct Ground: Sendable {
        /// The network that they live in; nil: all on loopback.
        var network: Network?
        /// Nodes that reach the hub through a relay, by code.
        var relays: [String: Relay] = [:]
        /// Further options of an office, by code; the last of one name counts.
        var options: [String: [String]] = [:]
        /// Whose PostgreSQL lies on a small disk, with its bytes.
        var disks: [String: Int] = [:]
    }

    private init(_ template: Template, name: String, provinces: [String], ground: Ground) throws {
        let folder = Scratch.folder.appending(path: name)
        mkdir(folder.path, 0o755)
        let (certificates, linkPort) = (template.certificates, try Ports.free())
        (self.folder, self.certificates, self.linkPort) = (folder, certificates, linkPort)
        let office = { (code: String) in
            try Self.office(code, in: folder, template, linkPort: linkPort, ground: ground)
        }
        hub = try office("hub")
        nodes = try provinces.map(office)
    }

    /// An office with a data folder of that name, and ports of its own.
    static func office(
        _ code: String, in folder: URL, named name: String? = nil, _ template: Template, linkPort: Int, ground: Ground
    ) throws -> Office {
        let place = folder.appending(path: name ?? code)
        let address = ground.network?.address(of: code) ?? "127.0.0.1"
        let console = try Ports.free()
        let keys = template.certificates.appending(path: code == "hub" ? "hub" : "node/\(code)").path
        var command = code == "hub" ? ["hub", "serve"] : ["node", "serve", "--code", code]
        command += [
            "--directory", place.path, "--console-address", address, "--console-port", String(console),
            "--certificate", "\(keys)/chain.pem", "--private-key", "\(keys)/key.pem", "--trust-roots",
            template.authority, "--receipt-key", "\(keys)/receipt.key", "--receipt-certificate",
            "\(keys)/receipt.pem", "--exit-with-parent",
        ]
        if code == "hub" {
            command += ["--link-address", address, "--link-port", String(linkPort)]
        } else {
            command += [
                "--link-host", ground.network?.address(of: "hub") ?? "127.0.0.1", "--link-port",
                String(ground.relays[code]?.port ?? linkPort), "--hub-receipt-certificate",
                template.certificates.appending(path: "hub/receipt.pem").path,
            ]
        }
        command += ground.options[code] ?? []
        let prefix = ground.network?.entrance(of: code) ?? []
        return Office(
            code: code, folder: place,
            server: Server(
                code: code, console: "https://\(address):\(console)", token: template.tokens[code],
                authority: template.authority),
            command: prefix + [Demo.binary] + command)
    }

    /// Does something in a country of its own, and takes it down whatever comes of it.
    static func run(
        _ name: String, provinces: [String] = Country.provinces, ground: Ground = Ground(),
        _ body: @Sendable (Country) async throws -> Void
    ) async throws {
        let template = try await Template.shared.get()
        let country = try Country(template, name: name, provinces: provinces, ground: ground)
        for relay in ground.relays.values { try relay.start(to: country.linkPort) }
        let mounts = try await country.settle(template, ground.disks)
        let testimony = { @Sendable in country.offices.map { $0.log() }.joined(separator: "\n--- ") }
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(
                try await Testimony.$logs.withValue(testimony) {
                    try await country.keeping(country.offices) {
                        for office in country.offices { try office.start() }
                        for office in country.offices { try await office.ready() }
                        try await body(country)
                    }
                })
        } catch {
            outcome = .failure(error)
        }
        let end = await country.end()
        for relay in ground.relays.values { relay.stop() }
        for mount in mounts { try await mount.remove() }
        await ground.network?.remove()
        if ProcessInfo.processInfo.environment["PEYVAND_TEST_KEEP"] == nil {
            try FileManager.default.removeItem(at: country.folder)
        }
        try outcome.get()
        try end.get()
    }

    /// The data of each office, a copy of the template's, on its disk.
    private func settle(_ template: Template, _ disks: [String: Int]) async throws -> [SmallDisk] {
        var mounts: [SmallDisk] = []
        for office in offices {
            mkdir(office.folder.path, 0o755)
            let data = office.folder.appending(path: "postgres")
            if let bytes = disks[office.code] {
                mounts.append(try await SmallDisk.mount(at: data, bytes: bytes, owner: template.owner))
            }
            let source = template.folder.appending(path: "\(office.code)/postgres")
            _ = try await Program.succeed("cp", ["-aT", source.path, data.path])
        }
        return mounts
    }

    /// Looks after the offices while `body` runs: who dies is started again.
    func keeping(_ offices: [Office], _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    for office in offices { try office.tend() }
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            let outcome: Result<Void, any Error>
            do {
                try await body()
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            group.cancelAll()
            do {
                try await group.waitForAll()
            } catch is CancellationError {
                // As asked.
            }
            try outcome.get()
        }
    }

    /// In order, nodes first. Whoever does not end in time is killed.
    private func end() async -> Result<Void, any Error> {
        var outcome: Result<Void, any Error> = .success(())
        for office in nodes + [hub] {
            do {
                try await office.stop(office.process == nil ? SIGKILL : SIGTERM)
            } catch {
                outcome = .failure(error)
                office.losePower()
            }
        }
        return outcome
    }
}

/// Ports below the kernel's own range and above the demonstration's.
enum Ports {
    private static let given = Mutex(Set<Int>())

    static func free() throws -> Int {
        for _ in 0..<1000 {
            let port = Int.random(in: 12_000..<20_000)
            let isNew = given.withLock { $0.insert(port).inserted }
            if isNew, isFree(port) { return port }
        }
        throw Fault("no free port")
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in.loopback(port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

extension sockaddr_in {
    static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}

extension Program {
    /// - Throws: `Fault` with what it said unless it ends with 0.
    @discardableResult
    static func succeed(
        _ path: String, _ arguments: [String], within limit: Duration = .seconds(60)
    ) async throws -> String {
        let result = try await run(path, arguments, within: limit)
        guard result.code == 0 else {
            throw Fault("'\(path) \(arguments.joined(separator: " "))' ended with \(result.code): \(result.errors)")
        }
        return result.output
    }
}
