public import Casework
public import Federation
import Postgres
import Synchronization

/// The durable half of a server in PostgreSQL.
///
/// The writer's calls (`takeOver`, `commit`) go over connections of their own, which are opened again when they were lost;
/// a transaction whose connection broke before COMMIT was sent is tried once more, since nothing of it is there. Reads go
/// through the database's pool.
public final class PostgresStore: CaseStore {
    let database: Database
    let hashing: Hashing

    private struct State {
        /// Those of the writer that are free: one, and a second since two batches were saved side by side.
        var connections: [Connection] = []
        /// Partitions of the journal that are known to exist.
        var partitions: Set<JournalPartition> = []
        /// Which feeds this hub incarnation is known to have begun to write.
        var runs: Set<FeedRun> = []
    }

    private let state = Mutex(State())
    private let few: Int

    /// - Parameter database: migrated.
    public convenience init(database: Database, hashing: @escaping Hashing) {
        self.init(database: database, hashing: hashing, few: 128)
    }

    /// - Parameter few: batches of more rows go by COPY.
    init(database: Database, hashing: @escaping Hashing, few: Int) {
        self.database = database
        self.hashing = hashing
        self.few = few
    }

    /// Ends the writer's free connections; the database stays open.
    public func close() async {
        let free = state.withLock { state in
            // What the next connection reaches may be another server.
            defer { state = State() }
            return state.connections
        }
        for connection in free { await connection.close() }
    }

    // MARK: - The writer

    public func takeOver(_ origin: Origin, token: UInt64) async throws -> StoredHead {
        let rows = try await writeInOne { connection in
            try JournalPartition(origin: origin, seq: 1).create(connection)
            return try connection.transaction { connection in
                // Waits for a COMMIT of the last writer that is still under way.
                try connection.query(
                    """
                    INSERT INTO head (origin, incarnation, seq, hash, stamp, position, token)
                        VALUES ($1, 0, 0, $2, 0, 0, $3)
                    ON CONFLICT (origin) DO UPDATE SET token = excluded.token
                    RETURNING incarnation, seq, hash, stamp, position
                    """,
                    [.text(origin.code), .bytea(EventHash.zero.bytes), .int64(token.stored)])
            }
        }
        return try StoredHead(rows[0])
    }

    public func resume(_ origin: Origin, token: UInt64) async throws -> StoredHead {
        // The lock waits for a COMMIT of this process that the server still works on.
        let rows = try await writeInOne { connection in
            try connection.transaction { connection in
                try connection.query(
                    """
                    SELECT incarnation, seq, hash, stamp, position FROM head
                    WHERE origin = $1 AND token = $2 FOR UPDATE
                    """,
                    [.text(origin.code), .int64(token.stored)])
            }
        }
        guard let row = rows.first else { throw StoreError.fenced }
        return try StoredHead(row)
    }

    public func commit(_ batch: Commit, after earlier: Task<Void, any Error>?) async throws {
        let needed = JournalPartition.needed(by: batch.effects.numbered)
        let runs = FeedRun.written(by: batch.effects.routed)
        let (missing, begun) = state.withLock { state in
            (needed.subtracting(state.partitions), runs.filter { !state.runs.contains($0.key) })
        }
        do {
            try await save(Saving(batch, begun: begun, few: few), missing, after: earlier)
        } catch let error as PostgresError where error.code == .uniqueViolation {
            // A row stands where none should: of a case whose events were lost, and what is right replaces it; or of
            // another writer, and the head says so.
            var batch = batch
            batch.begun = 0
            try await save(Saving(batch, begun: begun, few: few, isCareful: true), missing, after: earlier)
        }
        guard !missing.isEmpty || !begun.isEmpty else { return }
        state.withLock { state in
            state.partitions.formUnion(missing)
            state.runs.formUnion(begun.keys)
        }
    }

    private func save(
        _ saving: Saving, _ missing: Set<JournalPartition>, after earlier: Task<Void, any Error>?
    ) async throws {
        if saving.order != .rowsFirst { try await earlier.standing() }
        do {
            try await write(saving, missing, after: earlier)
        } catch let error as PostgresError where error.code == .tooManyConnections && earlier != nil {
            // The earlier batch's is free then.
            try await earlier.standing()
            try await write(saving, missing, after: earlier)
        }
    }

    private func write(
        _ saving: Saving, _ missing: Set<JournalPartition>, after earlier: Task<Void, any Error>?
    ) async throws {
        try await write { connection in
            if !missing.isEmpty {
                try await connection.run { connection in
                    for partition in missing.sorted() { try partition.create(connection) }
                }
            }
            try await connection.transaction {
                try saving.copy($0)
            } once: {
                try await earlier.standing()
            } _: {
                try saving.finish($0)
            }
        }
    }

    private func write<T: Sendable>(_ body: @Sendable (Connection) async throws -> T) async throws -> T {
        do {
            do {
                return try await lend(body)
            } catch let error as PostgresError where error.isConnectionFailure {
                return try await lend(body)
            }
        } catch let error as PostgresError {
            throw StoreError(error) ?? error
        }
    }

    private func writeInOne<T: Sendable>(_ body: @Sendable (isolated Connection) throws -> T) async throws -> T {
        try await write { connection in try await connection.run(body) }
    }

    private func lend<T: Sendable>(_ body: @Sendable (Connection) async throws -> T) async throws -> T {
        let connection = try await writer()
        do {
            let value = try await body(connection)
            state.withLock { $0.connections.append(connection) }
            return value
        } catch {
            if let error = error as? PostgresError, error.isConnectionFailure || error.code == .commitOutcomeUnknown {
                await forget(connection)
            } else {
                state.withLock { $0.connections.append(connection) }
            }
            throw error
        }
    }

    private func writer() async throws -> Connection {
        while let connection = state.withLock({ $0.connections.popLast() }) {
            if await connection.isUsable { return connection }
            await forget(connection)
        }
        return try await database.writer()
    }

    private func forget(_ connection: Connection) async {
        await close()
        await connection.close()
    }

    // MARK: - Reading

    func query(_ sql: String, _ parameters: [Parameter] = []) async throws -> Rows {
        try await database.lookups.run { connection in try connection.query(sql, parameters) }
    }
}

extension StoredHead {
    /// Of the columns incarnation, seq, hash, stamp, position.
    fileprivate init(_ row: Row) throws {
        self.init(
            head: ChainHead(incarnation: try row.number(0), seq: try row.number(1), hash: try row.hash(2)),
            stamp: Stamp(rawValue: try row.number(3)), position: try row.number(4))
    }
}

extension StoreError {
    init?(_ error: PostgresError) {
        switch error.code {
        case .uniqueViolation where error.table == "idempotency": self = .duplicateKey
        // Division by zero: the head is not as the batch expects it.
        case .dataException where error.sqlState == "22012" && error.statement == Commit.compareAndSet: self = .fenced
        case .commitOutcomeUnknown: self = .outcomeUnknown
        default: return nil
        }
    }
}
