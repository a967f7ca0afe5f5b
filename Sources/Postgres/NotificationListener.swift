import Logging

/// Listens on channels by a connection of its own, which reconnects by itself.
///
/// What was notified while no connection stood is lost to PostgreSQL. So each ``Event/listening`` means: whatever the
/// notifications announce may have changed, look at all of it.
public final class NotificationListener: Sendable {
    public enum Event: Sendable, Hashable {
        /// All channels are listened to from now on: after the start, after a reconnection, and after the consumer was
        /// so slow that notifications were dropped.
        case listening
        case notification(Notification)
    }

    /// For one consumer; finishes when ``run()`` ends.
    public let events: AsyncStream<Event>

    private let configuration: ConnectionConfiguration
    private let channels: [String]
    private let logger: Logger
    private let continuation: AsyncStream<Event>.Continuation
    private let interruption: Interruption

    /// Unread events beyond this many are dropped, oldest first, and a `listening` follows.
    private static let capacity = 1024
    /// An idle connection is looked at this often, so that a dead one is noticed.
    private static let idleCheck = Duration.seconds(30)

    public init(configuration: ConnectionConfiguration, channels: [String], logger: Logger) throws {
        self.configuration = configuration
        self.channels = channels
        self.logger = logger
        interruption = try Interruption()
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.capacity))
    }

    /// Listens until the task is cancelled.
    public func run() async {
        defer { continuation.finish() }
        var backOff = BackOff()
        while !Task.isCancelled {
            do {
                try await listen { backOff = BackOff() }
            } catch {
                if Task.isCancelled { return }
                logger.warning(
                    "the notification connection broke, it is made anew", metadata: ["error": "\(error)"])
            }
            guard await backOff.pause() else { return }
        }
    }

    private func listen(connected: () -> Void) async throws {
        let connection = try await Connection.connect(configuration, logger: logger)
        let channels = channels
        try await connection.run { connection in
            for channel in channels { try connection.listen(channel) }
        }
        connected()
        yield([.listening])
        let interruption = interruption
        try await withTaskCancellationHandler {
            while !Task.isCancelled {
                let list = try await connection.waitForNotifications(
                    timeout: Self.idleCheck, interruption: interruption)
                if list.isEmpty { try await connection.execute("SELECT 1") }
                yield(list.map { .notification($0) })
            }
        } onCancel: {
            interruption.signal()
        }
        await connection.close()
    }

    private func yield(_ list: [Event]) {
        var dropped = false
        for event in list {
            if case .dropped = continuation.yield(event) { dropped = true }
        }
        if dropped { continuation.yield(.listening) }
    }
}

/// Waiting times between attempts: doubling, with full jitter.
struct BackOff {
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
