public import Logging
import Synchronization

/// Connections shared by many tasks; at most `size` exist at a time.
///
/// A broken connection is replaced. While no server answers, a caller waits with back-off for ``patience``, then gets
/// the error. A body that has begun is never run a second time: only its author knows whether that is safe.
public final class Pool: Sendable {
    public let configuration: ConnectionConfiguration
    public let size: Int
    /// How long a caller waits for a server that does not answer.
    public let patience: Duration

    private struct State {
        var idle: [Connection] = []
        /// Open or being opened, idle ones included.
        var total = 0
        var waiting: [(id: UInt64, continuation: CheckedContinuation<Grant, any Error>)] = []
        /// Waiters cancelled before they were registered.
        var cancelled: Set<UInt64> = []
        var nextID: UInt64 = 0
        var isClosed = false
    }

    private enum Grant: Sendable {
        case connection(Connection)
        /// The right to open a connection, counted in `total`.
        case open
    }

    private let state = Mutex(State())
    private let logger: Logger

    public init(
        configuration: ConnectionConfiguration, size: Int, logger: Logger, patience: Duration = .seconds(30)
    ) {
        precondition(size > 0, "a pool needs at least one connection")
        self.configuration = configuration
        self.size = size
        self.logger = logger
        self.patience = patience
    }

    /// Runs a synchronous body on a connection's thread. A transaction that the body leaves open is rolled back.
    /// - Throws: what `body` throws; `connectionLost` when no server answered in time; `misuse` after ``close()``.
    public func run<T: Sendable>(_ body: @Sendable (isolated Connection) throws -> T) async throws -> T {
        let deadline = ContinuousClock.now + patience
        var delay = RetryDelay()
        while true {
            let connection = try await acquire(until: deadline, &delay)
            let lease = await connection.lease(body)
            await giveBack(connection, isUsable: lease.isUsable)
            if let outcome = lease.outcome { return try outcome.get() }
        }
    }

    /// BEGIN, `body`, COMMIT, as ``Connection/transaction(mode:_:)``.
    public func transaction<T: Sendable>(
        mode: TransactionMode = .standard, _ body: @Sendable (isolated Connection) throws -> T
    ) async throws -> T {
        try await run { connection in try connection.transaction(mode: mode, body) }
    }

    /// Closes idle connections now and the others when they come back; waiting and later callers get `misuse`.
    public func close() async {
        let (idle, waiting) = state.withLock { state in
            state.isClosed = true
            let all = (state.idle, state.waiting)
            state.total -= state.idle.count
            state.idle = []
            state.waiting = []
            return all
        }
        for waiter in waiting { waiter.continuation.resume(throwing: Self.closed) }
        for connection in idle { await connection.close() }
    }

    private static var closed: PostgresError { PostgresError(.misuse, "The connection pool was closed.") }

    // MARK: - Lending

    private func acquire(until deadline: ContinuousClock.Instant, _ delay: inout RetryDelay) async throws -> Connection
    {
        while true {
            switch try await grant() {
            case .connection(let connection): return connection
            case .open:
                do {
                    return try await Connection.connect(configuration, logger: logger)
                } catch {
                    returnSlot()
                    let error = error as? PostgresError
                    guard let error, error.isConnectionFailure || error.code == .tooManyConnections,
                        ContinuousClock.now < deadline
                    else { throw error ?? PostgresError(.connectionLost, "No connection could be made.") }
                    logger.debug("the database does not answer yet", metadata: ["error": "\(error)"])
                    guard await delay.pause() else { throw CancellationError() }
                }
            }
        }
    }

    private func grant() async throws -> Grant {
        let (id, grant) = try state.withLock { state -> (UInt64, Grant?) in
            if state.isClosed { throw Self.closed }
            if let connection = state.idle.popLast() { return (0, .connection(connection)) }
            if state.total < size {
                state.total += 1
                return (0, .open)
            }
            state.nextID += 1
            return (state.nextID, nil)
        }
        if let grant { return grant }
        // A cancellation that came after the grant has left its mark.
        defer { state.withLock { _ = $0.cancelled.remove(id) } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { enqueue(id, $0) }
        } onCancel: {
            cancel(id)
        }
    }

    private func enqueue(_ id: UInt64, _ continuation: CheckedContinuation<Grant, any Error>) {
        let outcome = state.withLock { state -> Result<Grant, any Error>? in
            if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
            if state.isClosed { return .failure(Self.closed) }
            // Something may have come back since `grant()` looked.
            if let connection = state.idle.popLast() { return .success(.connection(connection)) }
            if state.total < size {
                state.total += 1
                return .success(.open)
            }
            state.waiting.append((id, continuation))
            return nil
        }
        if let outcome { continuation.resume(with: outcome) }
    }

    private func cancel(_ id: UInt64) {
        let waiter = state.withLock { state -> CheckedContinuation<Grant, any Error>? in
            if let index = state.waiting.firstIndex(where: { $0.id == id }) {
                return state.waiting.remove(at: index).continuation
            }
            state.cancelled.insert(id)
            return nil
        }
        waiter?.resume(throwing: CancellationError())
    }

    private func giveBack(_ connection: Connection, isUsable: Bool) async {
        guard isUsable else {
            await connection.close()
            returnSlot()
            return
        }
        let (waiter, isClosed) = state.withLock { state -> (CheckedContinuation<Grant, any Error>?, Bool) in
            if state.isClosed {
                state.total -= 1
                return (nil, true)
            }
            if !state.waiting.isEmpty { return (state.waiting.removeFirst().continuation, false) }
            state.idle.append(connection)
            return (nil, false)
        }
        waiter?.resume(returning: .connection(connection))
        if isClosed { await connection.close() }
    }

    /// One connection fewer: whoever waits longest may open another.
    private func returnSlot() {
        let waiter = state.withLock { state -> CheckedContinuation<Grant, any Error>? in
            guard !state.waiting.isEmpty else {
                state.total -= 1
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        waiter?.resume(returning: .open)
    }
}
