import NIOCore

/// Something with bytes for the wire that are written out once at the end of a cycle.
protocol Flushable: AnyObject {
    func flushPending()
}

/// Runs the tasks of request handlers on one event loop, so that a request never leaves its connection's thread.
///
/// Jobs queue up while bytes are read and run at the end of the read; then each connection that has something to say
/// is flushed once, so that the frames of many answers join into one write. Server time per request is about half of
/// what one `loop.execute` for each job costs.
final class LoopExecutor: TaskExecutor {
    let loop: any EventLoop

    // Touched on `loop` only: `enqueue` hops there first, all else is called from channel handlers.
    nonisolated(unsafe) private var jobs: [UnownedJob] = []
    nonisolated(unsafe) private var dirty: [any Flushable] = []
    nonisolated(unsafe) private var isReading = false
    nonisolated(unsafe) private var isScheduled = false
    nonisolated(unsafe) private var isCycling = false

    /// Jobs of one cycle, and cycles of one turn: beyond them other connections of the loop come first.
    private static let jobsPerRound = 512
    private static let rounds = 8

    init(loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if loop.inEventLoop {
            jobs.append(job)
            scheduleCycle()
        } else {
            loop.execute {
                self.jobs.append(job)
                self.scheduleCycle()
            }
        }
    }

    /// A channel began to read: everything waits for `endRead`.
    func beginRead() { isReading = true }

    func endRead() {
        isReading = false
        cycle()
    }

    /// Notes that `connection` has something to write.
    func markDirty(_ connection: any Flushable) {
        dirty.append(connection)
        scheduleCycle()
    }

    private func scheduleCycle() {
        guard !isReading, !isCycling, !isScheduled else { return }
        isScheduled = true
        loop.execute {
            self.isScheduled = false
            self.cycle()
        }
    }

    /// Runs the waiting jobs, then flushes; again while that makes new work.
    private func cycle() {
        guard !isCycling else { return }
        isCycling = true
        for _ in 0..<Self.rounds where !(jobs.isEmpty && dirty.isEmpty) {
            runJobs()
            let connections = dirty
            dirty.removeAll(keepingCapacity: true)
            for connection in connections { connection.flushPending() }
        }
        isCycling = false
        if !(jobs.isEmpty && dirty.isEmpty) { scheduleCycle() }
    }

    private func runJobs() {
        var done = 0
        while done < jobs.count, done < Self.jobsPerRound {
            jobs[done].runSynchronously(on: asUnownedTaskExecutor())
            done += 1
        }
        if done == jobs.count {
            jobs.removeAll(keepingCapacity: true)
        } else {
            jobs.removeFirst(done)
        }
    }
}
