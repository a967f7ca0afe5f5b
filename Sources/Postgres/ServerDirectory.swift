import Glibc
import Logging
import POSIX
import Synchronization

/// The paths of one private server, and the lock that makes us its owner.
final class ServerDirectory: Sendable {
    let root: String
    let account: ServerAccount
    /// Where the socket lies.
    let socket: String
    /// The lock's descriptor, until it is released.
    private let lock: Mutex<Int32?>

    var data: String { root + "/data" }
    var log: String { root + "/postgres.log" }
    var processFile: String { data + "/postmaster.pid" }

    /// Longest path of a unix socket, without the ending zero (`sockaddr_un`).
    private static let longestSocket = 107
    private static let shortPrefix = "/tmp/pg-"
    private static let socketName = "/.s.PGSQL.5432"
    private static let largestLog = 16 << 20

    /// - Throws: `serverUnavailable`: another process owns the directory, or the server's user cannot reach it.
    init(_ path: String, logger: Logger) throws {
        try Files.makeFolder(path)
        root = try Files.resolve(path)
        account = try ServerAccount.choose(directory: root, data: root + "/data")
        try account.openPassage(to: root, logger: logger)
        lock = Mutex(try Self.takeLock(root + "/lock"))
        socket = Self.socket(of: root)
        try account.makePrivate(socket)
        limitLog()
    }

    private static func socket(of root: String) -> String {
        let inside = root + "/run"
        let fits = inside.utf8.count + socketName.utf8.count <= longestSocket
        return fits ? inside : shortPrefix + String(hash(root), radix: 36)
    }

    deinit { release() }

    /// Gives the directory up to the next owner; the server must have ended.
    func release() {
        lock.withLock { descriptor in
            guard let open = descriptor else { return }
            // Outside our directory nothing is left; it fails, and may, while a killed server's socket lies there.
            if socket.hasPrefix(Self.shortPrefix) { rmdir(socket) }
            close(open)
            descriptor = nil
        }
    }

    /// The major version that made the data, nil when there is none yet.
    var dataMajor: Int? {
        (try? Files.text(data + "/PG_VERSION")).flatMap { Int($0.split(separator: "\n").first ?? "") }
    }

    func url(database: String, role: String) -> String { Self.url(socket: socket, database: database, role: role) }

    /// The address of a server that another process runs in this directory.
    /// - Throws: `SystemError` when there is no such directory.
    static func url(of path: String, database: String, role: String) throws(SystemError) -> String {
        url(socket: socket(of: try Files.resolve(path)), database: database, role: role)
    }

    private static func url(socket: String, database: String, role: String) -> String {
        "postgresql://\(encode(role))@/\(encode(database))?host=\(encode(socket))&port=5432"
    }

    /// The server processes that work on our data, whoever started them: each stands in the data directory, which
    /// is PostgreSQL's first act. A number in a stale file may belong to another process by now, or to a dead one
    /// that nobody has reaped; neither stands there.
    func serverProcesses() -> [pid_t] { Self.serverProcesses(on: data) }

    static func serverProcesses(on data: String) -> [pid_t] {
        guard let place = try? Files.resolve(data) else { return [] }
        return Files.names(in: "/proc").compactMap { pid_t($0) }.filter { process in
            Files.link(of: "/proc/\(process)/cwd") == place
                && (try? Files.text("/proc/\(process)/comm")) == "postgres\n"
        }
    }

    /// The one of them that commands the others; nil when it was killed and only children are left.
    func postmaster(among processes: [pid_t]) -> pid_t? {
        guard let first = (try? Files.text(processFile))?.split(separator: "\n").first, let process = pid_t(first)
        else {
            return nil
        }
        return processes.contains(process) ? process : nil
    }

    /// Removes what a killed postmaster left. Only when no server process is left: these files are PostgreSQL's guard
    /// against two servers on the same data. It would refuse to start when a number in them belongs to another
    /// process of its user.
    func removeStaleFiles() throws {
        for path in [processFile, socket + Self.socketName + ".lock", socket + Self.socketName] {
            guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
        }
    }

    private static func takeLock(_ path: String) throws -> Int32 {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open", path) }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            let owner = (try? Files.text(path))?.split(separator: "\n").first.map { " (process \($0))" } ?? ""
            close(descriptor)
            throw PostgresError(
                .serverUnavailable, "Another process\(owner) runs the database in this directory: \(path)")
        }
        let text = "\(getpid())\n"
        ftruncate(descriptor, 0)
        // For the message above only.
        _ = write(descriptor, text, text.utf8.count)
        return descriptor
    }

    /// The log of the run before the last is thrown away when it is large.
    private func limitLog() {
        if let size = Files.size(log), size > Self.largestLog { rename(log, log + ".1") }
    }

    /// FNV-1a, so that the same directory finds the same socket directory again.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    private static func encode(_ text: String) -> String {
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/".utf8)
        return text.utf8.reduce(into: "") { result, byte in
            if plain.contains(byte) {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}
