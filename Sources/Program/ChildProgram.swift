public import Glibc
public import POSIX
import Synchronization

/// A program that runs beside this one: started, watched, its output kept in a bounded log.
///
/// Its own thread starts it, reads its output and waits for its end. The thread lives as long as the program, because
/// the kernel's parent-death signal, by which no child outlives a demonstration that is killed, is sent when the
/// starting *thread* ends.
public final class ChildProgram: Sendable {
    private struct State {
        var launched: Result<pid_t, SystemError>?
        var isReady = false
        var status: Int32?
        /// When a program that was asked to stop is killed: seconds of the monotonic clock.
        var killAt: Int?
        var waiting: [CheckedContinuation<Int32, Never>] = []
    }

    private let state = Mutex(State())
    private let log: BoundedLog

    /// - Parameter readyWord: a line of output that begins with it means that the program is ready.
    /// - Throws: `SystemError` when it cannot be started.
    public init(_ arguments: [String], log: BoundedLog, readyWord: String) throws(SystemError) {
        self.log = log
        let (receiver, sender) = try Spawn.pipe()
        let started = Semaphore()
        try startThread { [self] in
            let result = Result { () throws(SystemError) in
                try Spawn.start(Self.command(arguments), output: .descriptor(sender))
            }
            close(sender)
            state.withLock { state in state.launched = result }
            started.signal()
            switch result {
            case .success(let process): finish(follow(process, receiver, readyWord: readyWord))
            case .failure: close(receiver)
            }
        }
        started.wait()
        if case .failure(let error) = state.withLock({ $0.launched }) { throw error }
    }

    /// 0 once it has ended.
    public var processID: pid_t {
        state.withLock { state in
            guard case .success(let process) = state.launched, state.status == nil else { return 0 }
            return process
        }
    }

    /// Whether it has not ended yet.
    public var isRunning: Bool { state.withLock { $0.status == nil } }

    /// Whether it runs and has written its ready line.
    public var isReady: Bool { state.withLock { $0.isReady && $0.status == nil } }

    /// Its wait status, once it has ended. Cancelling asks it to stop, and kills it after `grace` seconds.
    public func exited(grace: Int) async -> Int32 {
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

    /// SIGTERM now, SIGKILL after `grace` seconds. Signals only while it runs: afterwards its number may be another's.
    public func stop(grace: Int) {
        state.withLock { state in
            guard state.status == nil, case .success(let process) = state.launched else { return }
            kill(process, SIGTERM)
            state.killAt = Self.now + grace
        }
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

    /// `setpriv` (util-linux) asks the kernel to kill the program when we die, then becomes it under the same number.
    /// Where it is missing, `--exit-with-parent` alone has the program look after its parent.
    private static func command(_ arguments: [String]) -> [String] {
        let setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].first(where: Files.isExecutable)
        return setpriv.map { [$0, "--pdeathsig=KILL", "--"] + arguments } ?? arguments
    }
}
