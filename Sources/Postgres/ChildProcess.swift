import Glibc
import POSIX
import Synchronization

/// A program started by us, with a thread that waits for its end.
///
/// The thread that starts the program lives as long as the program: the kernel's parent-death signal, which the
/// private server relies on, is sent when the starting *thread* ends.
final class ChildProcess: Sendable {
    private struct State {
        var launched: Result<pid_t, SystemError>?
        var status: Int32?
        var waiting: [CheckedContinuation<Int32, Never>] = []
    }

    private let state = Mutex(State())

    /// Returns when the program has been started; its output is appended to the file `log`.
    /// - Throws: `SystemError` when it cannot be started.
    init(_ arguments: [String], log: String) throws(SystemError) {
        let started = Semaphore()
        try startThread { [self] in
            let result = Result { () throws(SystemError) in try Self.spawn(arguments, log: log) }
            state.withLock { $0.launched = result }
            started.signal()
            guard case .success(let process) = result else { return }
            finish(Self.wait(process))
        }
        started.wait()
        if case .failure(let error) = state.withLock({ $0.launched }) { throw error }
    }

    /// The process ID; valid while ``isRunning``.
    var processID: pid_t {
        guard case .success(let process) = state.withLock({ $0.launched }) else { return 0 }
        return process
    }

    var isRunning: Bool { state.withLock { $0.status == nil } }

    /// The wait status as `waitpid` gives it.
    func exited() async -> Int32 {
        await withCheckedContinuation { continuation in
            let status = state.withLock { state in
                if state.status == nil { state.waiting.append(continuation) }
                return state.status
            }
            if let status { continuation.resume(returning: status) }
        }
    }

    /// Signals the program, unless it has ended: its number may then belong to another.
    func signal(_ number: Int32) {
        state.withLock { state in
            guard state.status == nil, case .success(let process) = state.launched else { return }
            kill(process, number)
        }
    }

    /// Runs a program to its end, blocking the thread.
    /// - Throws: `serverUnavailable` with the last lines of its output when it fails.
    static func run(_ arguments: [String], log: String) throws {
        let status = wait(try spawn(arguments, log: log))
        guard status == 0 else {
            throw PostgresError(
                .serverUnavailable,
                "\(arguments.joined(separator: " ")) failed (\(Spawn.describe(status))): \(Files.tail(of: log))")
        }
    }

    private func finish(_ status: Int32) {
        let waiting = state.withLock { state in
            state.status = status
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: status) }
    }

    private static func wait(_ process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            // ECHILD: somebody ignores SIGCHLD, so the kernel has reaped it already.
            if errno != EINTR { return 0 }
        }
        return status
    }

    /// Nothing of our environment reaches the program: PGDATA, PGOPTIONS and locale variables would steer it.
    private static let environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"]

    private static func spawn(_ arguments: [String], log: String) throws(SystemError) -> pid_t {
        try Spawn.start(arguments, environment: environment, output: .file(log))
    }
}
