import Glibc
import Synchronization

/// A program of the demonstration: started, watched, its output kept in a bounded log.
///
/// Its own thread starts it, reads its output and waits for its end. The thread lives as long as the program, because
/// the kernel's parent-death signal, by which no child outlives a demonstration that is killed, is sent when the
/// starting *thread* ends.
final class ChildProgram: Sendable {
    private struct State {
        var launched: Result<pid_t, Failure>?
        var isReady = false
        var status: Int32?
        /// When a program that was asked to stop is killed: seconds of the monotonic clock.
        var killAt: Int?
        var waiting: [CheckedContinuation<Int32, Never>] = []
    }

    private let state = Mutex(State())
    private let log: BoundedLog

    /// - Parameter readyWord: a line of output that begins with it means that the program is ready.
    /// - Throws: `Failure` when it cannot be started.
    init(_ arguments: [String], log: BoundedLog, readyWord: String) throws(Failure) {
        self.log = log
        let started = Started()
        try startThread { [self] in
            let result = Self.spawn(Self.command(arguments))
            state.withLock { state in state.launched = result.map(\.process) }
            started.signal()
            guard case .success(let (process, output)) = result else { return }
            finish(follow(process, output, readyWord: readyWord))
        }
        started.wait()
        if case .failure(let failure) = state.withLock({ $0.launched }) { throw failure }
    }

    var processID: pid_t {
        state.withLock { state in
            guard case .success(let process) = state.launched, state.status == nil else { return 0 }
            return process
        }
    }

    var isRunning: Bool { state.withLock { $0.status == nil } }
    var isReady: Bool { state.withLock { $0.isReady && $0.status == nil } }

    /// Its wait status, once it has ended. Cancelling asks it to stop, and kills it after `grace` seconds.
    func exited(grace: Int) async -> Int32 {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let status = state.withLock { state in
                    if state.status == nil { state.waiting.append(continuation) }
                    return state.status
                }
                if let status { continuation.resume(returning: status) }
            }
        } onCancel: {
            stop(grace: grace)
        }
    }

    /// Signals only while it runs: afterwards its number may be another's.
    func stop(grace: Int) {
        state.withLock { state in
            guard state.status == nil, case .success(let process) = state.launched else { return }
            kill(process, SIGTERM)
            state.killAt = Self.now + grace
        }
    }

    static func describe(_ status: Int32) -> String {
        status & 0x7F == 0 ? "exit code \(status >> 8 & 0xFF)" : "signal \(status & 0x7F)"
    }

    // MARK: - On its thread

    private func follow(_ process: pid_t, _ output: Int32, readyWord: String) -> Int32 {
        defer { close(output) }
        var chunk = [UInt8](repeating: 0, count: 16384)
        var line: [UInt8] = []
        while true {
            var watched = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            let isReadable = poll(&watched, 1, 250) > 0
            let count = isReadable ? read(output, &chunk, chunk.count) : 0
            if count > 0 {
                log.append(chunk[..<count])
                if !isReady { look(for: readyWord, in: chunk[..<count], line: &line) }
                continue
            }
            if let status = Self.reap(process, isLast: isReadable) { return status }
            let isOverdue = state.withLock { state in state.killAt.map { $0 <= Self.now } ?? false }
            if isOverdue { kill(process, SIGKILL) }
        }
    }

    private func look(for word: String, in bytes: ArraySlice<UInt8>, line: inout [UInt8]) {
        for byte in bytes {
            if byte != UInt8(ascii: "\n") {
                if line.count < 256 { line.append(byte) }
                continue
            }
            if line.starts(with: word.utf8) { state.withLock { $0.isReady = true } }
            line.removeAll(keepingCapacity: true)
        }
    }

    /// - Parameter isLast: its output is closed, so that its end is near: no point in polling for more.
    private static func reap(_ process: pid_t, isLast: Bool) -> Int32? {
        if isLast { usleep(10000) }
        var status: Int32 = 0
        let reaped = waitpid(process, &status, WNOHANG)
        if reaped == process { return status }
        // ECHILD: the kernel has reaped it already.
        return reaped < 0 && errno != EINTR ? 0 : nil
    }

    private func finish(_ status: Int32) {
        let waiting = state.withLock { state in
            state.status = status
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: status) }
    }

    private static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec
    }

    // MARK: - Starting

    /// `setpriv` (util-linux) asks the kernel to kill the program when we die, then becomes it under the same number.
    /// Where it is missing, `--exit-with-parent` alone has the program look after its parent.
    private static func command(_ arguments: [String]) -> [String] {
        let places: [String] = ["/usr/bin/setpriv", "/bin/setpriv"]
        let setpriv = places.first { access($0, X_OK) == 0 }
        return setpriv.map { [$0, "--pdeathsig=KILL", "--"] + arguments } ?? arguments
    }

    private static func spawn(_ arguments: [String]) -> Result<(process: pid_t, output: Int32), Failure> {
        // One at a time: between its making and its marking a pipe could slip into another's child.
        spawning.withLock { _ in spawnAlone(arguments) }
    }

    private static let spawning = Mutex(())

    private static func spawnAlone(_ arguments: [String]) -> Result<(process: pid_t, output: Int32), Failure> {
        var pipe: [Int32] = [-1, -1]
        guard Glibc.pipe(&pipe) == 0, pipe.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
            return .failure(Disk.failure("make a pipe for", arguments[0]))
        }
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
            close(pipe[1])
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, pipe[1], 1)
        posix_spawn_file_actions_adddup2(&actions, pipe[1], 2)
        // A process group of its own keeps the terminal's Ctrl-C away: the demonstration stops its parts in order.
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(truncatingIfNeeded: flags))
        var argv = arguments.map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        var process = pid_t()
        let code = posix_spawn(&process, arguments[0], &actions, &attributes, &argv, environ)
        guard code == 0 else {
            close(pipe[0])
            return .failure(Failure("cannot start \(arguments[0]): \(String(cString: strerror(code)))."))
        }
        return .success((process, pipe[0]))
    }
}

/// Set once by one thread, waited for by another.
private final class Started: Sendable {
    // The pointer never changes, and POSIX lets any thread post to and wait for what it points at.
    private nonisolated(unsafe) let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func signal() { sem_post(semaphore) }
    func wait() { while sem_wait(semaphore) != 0 {} }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func startThread(_ body: @escaping @Sendable () -> Void) throws(Failure) {
    var thread = pthread_t()
    let box = Unmanaged.passRetained(ThreadBody(body))
    let code = pthread_create(
        &thread, nil,
        { raw in
            if let raw { Unmanaged<ThreadBody>.fromOpaque(raw).takeRetainedValue().run() }
            return nil
        }, box.toOpaque())
    guard code == 0 else {
        box.release()
        throw Failure("cannot start a thread: \(String(cString: strerror(code))).")
    }
    pthread_detach(thread)
}
