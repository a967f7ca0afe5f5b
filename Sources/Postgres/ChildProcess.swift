import Glibc
import Synchronization

/// A program started by us, with a thread that waits for its end.
///
/// The thread that starts the program lives as long as the program: the kernel's parent-death signal, which the
/// private server relies on, is sent when the starting *thread* ends.
final class ChildProcess: Sendable {
    private struct State {
        var launched: Result<pid_t, PostgresError>?
        var status: Int32?
        var waiting: [CheckedContinuation<Int32, Never>] = []
    }

    private let state = Mutex(State())

    /// Returns when the program has been started; its output is appended to the file `log`.
    /// - Throws: `PostgresError` (`serverUnavailable`) when it cannot be started.
    init(_ arguments: [String], log: String) throws {
        let started = Semaphore()
        try startThread { [self] in
            let result = Self.spawn(arguments, log: log)
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
        let process = try spawn(arguments, log: log).get()
        let status = wait(process)
        guard status == 0 else {
            throw PostgresError(
                .serverUnavailable,
                "\(arguments.joined(separator: " ")) failed (\(describe(status))): \(Files.tail(of: log))")
        }
    }

    static func describe(_ status: Int32) -> String {
        status & 0x7F == 0 ? "exit code \(status >> 8 & 0xFF)" : "signal \(status & 0x7F)"
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

    private static func spawn(_ arguments: [String], log: String) -> Result<pid_t, PostgresError> {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o640)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Our thread has all signals blocked; the program must not. A process group of its own keeps the terminal's
        // Ctrl-C away from it: the owner decides when and how it stops.
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(truncatingIfNeeded: flags))
        var process = pid_t()
        let code = withCStrings(arguments) { argv in
            withCStrings(environment) { envp in
                var argv = argv.map { UnsafeMutablePointer(mutating: $0) }
                var envp = envp.map { UnsafeMutablePointer(mutating: $0) }
                return posix_spawn(&process, arguments[0], &actions, &attributes, &argv, &envp)
            }
        }
        guard code == 0 else {
            let reason = String(cString: strerror(code))
            return .failure(PostgresError(.serverUnavailable, "\(arguments[0]) cannot be started: \(reason)."))
        }
        return .success(process)
    }
}
