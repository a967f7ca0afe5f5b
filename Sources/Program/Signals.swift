import UnixSignals

/// Runs `body` until it ends or the process is told to stop: SIGINT, SIGTERM or SIGHUP cancel it, and its orderly end
/// is waited for.
public func untilSignalled(_ body: @escaping @Sendable () async throws -> Void) async throws {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            for await _ in signals {
                Terminal.line("stopping …")
                return
            }
        }
        group.addTask { try await body() }
        try await group.next()
        group.cancelAll()
        do {
            try await group.waitForAll()
        } catch is CancellationError {
            return
        }
    }
}
