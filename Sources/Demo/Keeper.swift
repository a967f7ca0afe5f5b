import POSIX
import Program
import Synchronization

/// Keeps one process of a demonstration alive: starts it again whenever it ends, unless its plug was pulled.
final class Keeper: Sendable {
    let code: String
    private let folder: DemoFolder
    private let arguments: [String]
    private let log: BoundedLog
    private let record: DemoRecord
    private let program = Mutex<ChildProgram?>(nil)
    private let isAllowed = Atomic(false)

    /// Seconds that a process gets to stop by itself.
    static let grace = 15
    /// Starts in a row that end before the process was ever ready, after which it is not worth trying.
    private static let hopelessStarts = 3

    init(code: String, folder: DemoFolder, arguments: [String], record: DemoRecord) throws {
        self.code = code
        self.folder = folder
        self.arguments = arguments
        self.record = record
        log = try BoundedLog(folder.log(of: code))
    }

    /// All its doors are open.
    var isReady: Bool { program.withLock { $0?.isReady ?? false } }

    /// Lets the first start happen: a few processes at a time.
    func allow() { isAllowed.store(true, ordering: .releasing) }

    /// Returns once cancelled, when the process is gone.
    /// - Throws: `Failure` when the process cannot even be started for the first time.
    func run() async throws {
        var failures = 0
        var wasEverReady = false
        while !Task.isCancelled {
            if await mustWait() { continue }
            let begun = ContinuousClock.now
            let child = try ChildProgram(arguments, log: log, readyWord: "ready")
            program.withLock { $0 = child }
            try await record.set(child.processID, for: code)
            let watch = Task { [wasEverReady] in await self.report(child, whenAgain: wasEverReady) }
            let status = await child.exited(grace: Self.grace)
            watch.cancel()
            let wasReady = await watch.value
            wasEverReady = wasEverReady || wasReady
            program.withLock { $0 = nil }
            try await record.set(nil, for: code)
            if Task.isCancelled { return }
            if Files.exists(folder.marker(of: code)) { continue }
            failures = .now - begun > .seconds(30) ? 0 : failures + 1
            if !wasEverReady, failures >= Self.hopelessStarts {
                throw Failure("\(code) does not start; its log \(log.path) ends: \(Files.tail(of: log.path))")
            }
            let pause = min(10.0, 0.25 * Double(1 << min(failures, 6)))
            Terminal.line("\(code) ended (\(Spawn.describe(status))); it is started again")
            try? await Task.sleep(for: .seconds(pause))
        }
    }

    /// Says so when a process that was started again is ready.
    /// - Returns: whether it became ready at all.
    private func report(_ child: ChildProgram, whenAgain: Bool) async -> Bool {
        var wasReady = false
        while !Task.isCancelled, child.isRunning {
            if child.isReady {
                wasReady = true
                if whenAgain { Terminal.line("\(code) is back, process \(child.processID)") }
                break
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
        return wasReady
    }

    /// Waits a moment while it may not run. A look at the folder now and then is all that `demo start` needs.
    private func mustWait() async -> Bool {
        guard !isAllowed.load(ordering: .acquiring) || Files.exists(folder.marker(of: code)) else { return false }
        try? await Task.sleep(for: .milliseconds(100))
        return true
    }
}
