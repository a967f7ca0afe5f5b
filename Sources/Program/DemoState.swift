import Casework
import Cryptography
import Glibc
import JSON
public import POSIX

/// The ports and tokens of a demonstration, kept so that a second start is the same to whoever uses it.
public struct DemoState: Sendable, Equatable {
    /// The ports of one process, on loopback.
    public struct Ports: Sendable, Equatable {
        /// The console over TLS, and as plain HTTP.
        public var console, plain: Int
        /// The hub's only.
        public var link: Int?
    }

    /// By `hub`, `IR-03`.
    public var ports: [String: Ports] = [:]
    /// By `hub`, `IR-03`, `IR-03 operator`, `SAMT`.
    public var tokens: [String: String] = [:]

    /// Nothing chosen yet.
    public init() {}

    /// What an earlier start wrote; empty when there was none.
    public init(reading folder: DemoFolder) throws {
        guard Files.exists(folder.stateFile) else { return }
        guard let json = try? JSON(parsing: try Files.read(folder.stateFile)) else {
            throw Failure(
                "\(folder.stateFile) is damaged; remove it, and the demonstration draws new ports and tokens.")
        }
        for member in json["ports"]?.members ?? [] {
            guard let console = member.value["console"]?.int, let plain = member.value["plain"]?.int else { continue }
            ports[member.name] = Ports(
                console: Int(console), plain: Int(plain), link: member.value["link"]?.int.map { Int($0) })
        }
        for member in json["tokens"]?.members ?? [] { tokens[member.name] = member.value.string }
    }

    /// Keeps it for the next start, for the owner's eyes only.
    public func write(to folder: DemoFolder) throws(SystemError) {
        let ports = ports.sorted { $0.key < $1.key }.map { code, ports in
            JSON.Member(
                code,
                [
                    "console": JSON(ports.console), "plain": JSON(ports.plain),
                    "link": ports.link.map { JSON($0) } ?? .null,
                ])
        }
        let tokens = tokens.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) }
        let json: JSON = ["ports": .object(ports), "tokens": .object(tokens)]
        try Files.replace(folder.stateFile, with: json.bytes, mode: 0o600)
    }

    /// The token of that holder, drawn at the first call: 256 random bits.
    public mutating func token(of holder: String) -> String {
        if let token = tokens[holder] { return token }
        let token = hex(SecureRandom.bytes(32))
        tokens[holder] = token
        return token
    }

    /// Sees to it that every process has ports that are free now. A port that another program has taken since is
    /// replaced. They lie below the range from which the kernel takes ports for outgoing connections.
    public mutating func choosePorts(for codes: [String], in folder: DemoFolder) throws(Failure) {
        var taken = Set(ports.values.flatMap { [$0.console, $0.plain] + ($0.link.map { [$0] } ?? []) })
        var next = 20_000 + Int(folder.path.utf8.reduce(UInt64(0)) { ($0 &* 31 &+ UInt64($1)) % 100 }) * 100
        func draw(_ present: Int?) throws(Failure) -> Int {
            if let present, Self.isFree(present) { return present }
            for _ in 0..<12_000 {
                next = next >= 31_999 ? 20_000 : next + 1
                if taken.insert(next).inserted, Self.isFree(next) { return next }
            }
            throw Failure("no free port between 20000 and 32000; stop what uses them.")
        }
        for code in codes {
            let present = ports[code]
            ports[code] = Ports(
                console: try draw(present?.console), plain: try draw(present?.plain),
                link: code == Origin.hub.code ? try draw(present?.link) : nil)
        }
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
