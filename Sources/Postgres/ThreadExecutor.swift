import Glibc
import Synchronization

/// A POSIX semaphore: wakes the one thread that waits for work.
final class Semaphore: @unchecked Sendable {
    // Unchecked because of the pointer; a sem_t exists to be shared between threads.
    private let pointer: UnsafeMutablePointer<sem_t>

    init() {
        pointer = .allocate(capacity: 1)
        sem_init(pointer, 0, 0)
    }

    deinit {
        sem_destroy(pointer)
        pointer.deallocate()
    }

    func signal() { sem_post(pointer) }

    func wait() {
        while sem_wait(pointer) != 0 && errno == EINTR {}
    }
}

/// Starts a detached thread. All signals are blocked on it, so that handlers run elsewhere and its system calls are
/// not interrupted.
/// - Throws: `PostgresError` (`outOfMemory`) when the system gives no thread.
func startThread(_ body: @escaping @Sendable () -> Void) throws {
    final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let start = Unmanaged.passRetained(Start(body))
    var thread = pthread_t()
    let code = pthread_create(
        &thread, nil,
        { raw in
            guard let raw else { return nil }
            let body = Unmanaged<Start>.fromOpaque(raw).takeRetainedValue().body
            var all = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_BLOCK, &all, nil)
            body()
            return nil
        }, start.toOpaque())
    guard code == 0 else {
        start.release()
        throw PostgresError(.outOfMemory, "No thread could be started: \(String(cString: strerror(code))).")
    }
    pthread_detach(thread)
}

/// A serial executor that is one thread, for actors that make blocking calls.
///
/// The thread keeps the executor alive until ``stop()``. A stopped executor runs no further job, so an actor stops it
/// as the last act of its `isolated deinit`, when no job of its own can come any more.
final class ThreadExecutor: SerialExecutor {
    private struct Queue {
        var jobs: [UnownedJob] = []
        var stopped = false
    }

    private let queue = Mutex(Queue())
    private let wake = Semaphore()
    private let thread = Atomic<UInt>(0)

    init() throws {
        try startThread { [self] in serve() }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let wasEmpty = queue.withLock { queue in
            queue.jobs.append(job)
            return queue.jobs.count == 1
        }
        if wasEmpty { wake.signal() }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    func checkIsolated() {
        precondition(isCurrentThread, "not on the connection's own thread")
    }

    func isIsolatingCurrentContext() -> Bool? { isCurrentThread }

    /// Ends the thread after the job that calls this.
    func stop() {
        queue.withLock { $0.stopped = true }
        wake.signal()
    }

    private var isCurrentThread: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    private func serve() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        var jobs: [UnownedJob] = []
        while true {
            wake.wait()
            let stopped = queue.withLock { queue in
                swap(&jobs, &queue.jobs)
                return queue.stopped
            }
            for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
            jobs.removeAll(keepingCapacity: true)
            if stopped { return }
        }
    }
}
