import POSIX

/// Where things lie in a demonstration's folder.
public struct DemoFolder: Sendable {
    /// Absolute.
    public let path: String

    /// The folder may not be there yet.
    public init(_ path: String) { self.path = Files.absolute(path) }

    /// What runs, with its doors and tokens: written when all is ready, for people and programs.
    public var demoFile: String { path + "/demo.json" }
    /// Ports and tokens, for the next start.
    public var stateFile: String { path + "/state.json" }
    /// Locked while a demonstration works here.
    public var lockFile: String { path + "/demo.lock" }
    /// The authority, in the layout of `certs/`.
    public var certificates: String { path + "/certs" }
    /// The private PostgreSQL.
    public var postgres: String { path + "/postgres" }
    /// One log for each process.
    public var logs: String { path + "/log" }
    /// Markers of the pulled plugs.
    public var stopped: String { path + "/stopped" }
    /// How far imports have come.
    public var imports: String { path + "/import" }

    /// The log of one process.
    public func log(of code: String) -> String { logs + "/\(code).log" }
    /// The data folder of one process.
    public func home(of code: String) -> String { path + "/data/" + code }
    /// While this file exists the process stays down.
    public func marker(of code: String) -> String { stopped + "/" + code }

    /// The name of one process's database: `peyvand_ir_03`.
    public static func database(of code: String) -> String {
        "peyvand_" + code.lowercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }

    /// Whether a demonstration works in this folder now.
    public var isInUse: Bool {
        guard Files.exists(lockFile) else { return false }
        do {
            return try FileLock(lockFile) == nil
        } catch {
            return false
        }
    }
}
