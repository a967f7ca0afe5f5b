import Glibc
import POSIX
import Synchronization

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
