public import Logging

/// One connection to PostgreSQL: an actor on a thread of its own, which its calls block.
///
/// Many statements belong in one ``run(_:)`` or ``transaction(mode:_:)``: each is one hop to the thread and back.
/// Cancelling the Swift task cancels the running statement, within about 50 ms. A broken connection stays broken;
/// ``Pool`` replaces it.
public actor Connection {
    private nonisolated let executor: ThreadExecutor
    private let logger: Logger
    private var session: Session?

    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private init(logger: Logger) throws {
        executor = try ThreadExecutor()
        self.logger = logger
    }

    isolated deinit {
        session = nil
        // This is the last job that can come: every other one keeps the actor alive.
        executor.stop()
    }

    /// - Throws: `PostgresError`: `connectionLost` when no host answers, `invalidAuthorization`, `invalidDatabase`.
    public static func connect(_ configuration: ConnectionConfiguration, logger: Logger) async throws -> Connection {
        let connection = try Connection(logger: logger)
        try await connection.open(configuration)
        return connection
    }

    private func open(_ configuration: ConnectionConfiguration) throws {
        session = try Session(configuration, logger: logger)
    }

    /// Ends the connection; later calls throw `misuse`.
    public func close() { session = nil }

    private func opened() throws -> Session {
        guard let session else { throw PostgresError(.misuse, "The connection was closed.") }
        return session
    }

    // MARK: - State

    /// Open, and not known to be broken.
    public var isUsable: Bool { session?.isUsable ?? false }

    /// Whether a transaction is open, failed or not.
    public var isInTransaction: Bool { session.map { !$0.isIdle } ?? false }

    /// The server process of this connection, as in `pg_stat_activity`; 0 when closed.
    public var processID: Int32 { session?.processID ?? 0 }

    // MARK: - Many statements in one hop

    /// Runs a synchronous body on the connection's own thread.
    public func run<T: Sendable>(_ body: @Sendable (isolated Connection) throws -> T) async throws -> T {
        try body(self)
    }

    /// BEGIN, `body`, COMMIT; ROLLBACK when `body` throws. COMMIT is not cancelled with the task.
    /// - Throws: what `body` throws; `commitOutcomeUnknown` when COMMIT was sent and its outcome is not known.
    public func transaction<T: Sendable>(_ body: @Sendable (isolated Connection) throws -> T) throws -> T {
        try transaction(mode: .standard, body)
    }

    public func transaction<T: Sendable>(
        mode: TransactionMode, _ body: @Sendable (isolated Connection) throws -> T
    ) throws -> T {
        let session = try opened()
        try session.beginTransaction(mode)
        let value: T
        do {
            value = try body(self)
        } catch {
            session.rollback()
            throw error
        }
        try commit(session)
        return value
    }

    /// BEGIN, `first`, and once `ready` has returned, `last` and COMMIT; ROLLBACK when one of them throws. Nobody else may
    /// use the connection meanwhile.
    /// - Throws: as ``transaction(_:)``.
    public func transaction(
        _ first: @Sendable (isolated Connection) throws -> Void, once ready: @Sendable () async throws -> Void,
        _ last: @Sendable (isolated Connection) throws -> Void
    ) async throws {
        let session = try opened()
        try session.beginTransaction(.standard)
        do {
            try first(self)
            try await ready()
            try last(self)
        } catch {
            session.rollback()
            throw error
        }
        try commit(session)
    }

    private func commit(_ session: Session) throws {
        do {
            try session.commit()
        } catch {
            session.rollback()
            throw error
        }
    }

    // MARK: - Statements

    /// One statement; parameters and results in binary format. It is prepared at its first use and kept.
    @discardableResult
    public func query(_ sql: String, _ parameters: [Parameter] = []) throws -> Rows {
        try opened().query(sql, parameters)
    }

    /// Several statements in one text, in one implicit transaction unless one is open; for migrations.
    public func execute(_ sql: String) throws {
        try opened().execute(sql)
    }

    /// Many statements in one round trip, in one implicit transaction unless one is open.
    /// - Throws: the first error; no later statement has run then, and without an open transaction none has effect.
    @discardableResult
    public func pipeline(_ statements: [(sql: String, parameters: [Parameter])]) throws -> [Rows] {
        try opened().pipeline(statements)
    }

    /// `COPY table (columns) FROM STDIN (FORMAT binary)`.
    /// - Returns: the number of rows copied.
    /// - Throws: what `write` throws, and then nothing was copied; the server's error.
    @discardableResult
    public func copyIn(_ sql: String, _ write: (inout CopyWriter) throws -> Void) throws -> Int {
        try opened().copyIn(sql, write)
    }

    /// `COPY … TO STDOUT (FORMAT binary)`, row by row. COPY tells no types: read a column as what it is, and cast
    /// `jsonb`, `numeric` and `date` in the statement. When `row` throws, the COPY is cancelled.
    public func copyOut(_ sql: String, _ row: (Row) throws -> Void) throws {
        try opened().copyOut(sql, row)
    }

    // MARK: - For the pool

    /// How a lease of the connection went.
    struct Lease<T: Sendable>: Sendable {
        /// Nil when the connection was found broken before anything was sent.
        let outcome: Result<T, any Error>?
        let isUsable: Bool
    }

    /// One hop: looks whether the server is still there, runs `body`, and leaves no transaction open.
    func lease<T: Sendable>(_ body: @Sendable (isolated Connection) throws -> T) -> Lease<T> {
        session?.refresh()
        guard let session, session.isUsable else { return Lease(outcome: nil, isUsable: false) }
        let outcome: Result<T, any Error>
        do {
            outcome = .success(try body(self))
        } catch {
            outcome = .failure(error)
        }
        session.rollback()
        return Lease(outcome: outcome, isUsable: isUsable)
    }
}
