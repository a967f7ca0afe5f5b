import Glibc
import Logging
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
        try Files.makeDirectory(path)
        root = try Files.resolve(path)
        account = try ServerAccount.choose(directory: root, data: root + "/data")
        try account.openPassage(to: root, logger: logger)
        lock = Mutex(try Self.takeLock(root + "/lock"))
        let inside = root + "/run"
        if inside.utf8.count + Self.socketName.utf8.count <= Self.longestSocket {
            socket = inside
        } else {
            socket = Self.shortPrefix + String(Self.hash(root), radix: 36)
        }
        try account.makePrivate(socket)
        limitLog()
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
        Files.read(data + "/PG_VERSION").flatMap { Int($0.split(separator: "\n").first ?? "") }
    }

    func url(database: String, role: String) -> String {
        "postgresql://\(Self.encode(role))@/\(Self.encode(database))?host=\(Self.encode(socket))&port=5432"
    }

    /// The postmaster that works on our data, whoever started it. PostgreSQL's first act is to change into its data
    /// directory, so a process that stands there is one; a number in a stale file that now belongs to another is not.
    func runningPostmaster() -> pid_t? {
        guard let text = Files.read(processFile), let first = text.split(separator: "\n").first,
            let process = pid_t(first), process > 1,
            let place = Files.link(of: "/proc/\(process)/cwd"), place == (try? Files.resolve(data))
        else { return nil }
        return process
    }

    /// Removes what a killed postmaster left; only when none runs. PostgreSQL itself would refuse to start if the
    /// number in the file now belonged to another process of its user.
    func removeStaleProcessFile() throws {
        guard Files.status(processFile) != nil, runningPostmaster() == nil else { return }
        guard unlink(processFile) == 0 || errno == ENOENT else { throw Files.failure("remove", processFile) }
    }

    private static func takeLock(_ path: String) throws -> Int32 {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Files.failure("open", path) }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            let owner = Files.read(path)?.split(separator: "\n").first.map { " (process \($0))" } ?? ""
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
        if let size = Files.status(log)?.st_size, size > Self.largestLog { rename(log, log + ".1") }
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
