/// Waiting times between attempts: doubling, with full jitter.
struct RetryDelay {
    private var limit: Duration
    private let cap: Duration

    init(first: Duration = .milliseconds(50), cap: Duration = .seconds(2)) {
        limit = first
        self.cap = cap
    }

    mutating func next() -> Duration {
        defer { limit = min(limit * 2, cap) }
        return .microseconds(Int64.random(in: 1000...max(1001, limit.milliseconds * 1000)))
    }

    /// - Returns: false when the task was cancelled meanwhile.
    mutating func pause() async -> Bool {
        do {
            try await Task.sleep(for: next())
            return true
        } catch {
            return false
        }
    }
}
