import CLibPQ
import Logging

extension Session {
    /// Extended protocol with a cached prepared statement; binary both ways.
    func query(_ sql: String, _ parameters: [Parameter]) throws -> Rows {
        if awaitedBegin != nil { return try pipeline([(sql, parameters)])[0] }
        try begin()
        do {
            return try queryOnce(sql, parameters)
        } catch let error as PostgresError where isStale(error) {
            // The plan was made for a table that has changed since, or the server has forgotten the statement.
            // Outside a transaction nothing has happened yet, so prepare it anew; inside, the transaction has failed.
            statements.removeAll()
            guard isIdle, isUsable else { throw error }
            return try queryOnce(sql, parameters)
        }
    }

    private func isStale(_ error: PostgresError) -> Bool {
        error.code == .invalidStatementName
            || error.code == .featureNotSupported && error.message.contains("cached plan")
    }

    private func queryOnce(_ sql: String, _ parameters: [Parameter]) throws -> Rows {
        try forgetStatementsIfMany()
        let statement: StatementCache.Statement
        if let known = statements.find(sql, parameters) {
            statement = known
        } else {
            statement = statements.add(sql, parameters)
            do {
                try sendPrepare(sql, statement)
                try flush()
                _ = try takeRows(sql)
            } catch {
                statements.remove(sql, name: statement.name)
                throw error
            }
        }
        try sendExecute(sql, statement, parameters)
        try flush()
        return try takeRows(sql)
    }

    /// Simple protocol: several statements in one text; no parameters, results thrown away.
    func execute(_ sql: String) throws {
        try sendBegin()
        _ = try simple(sql)
    }

    @discardableResult
    func simple(_ sql: String) throws -> Rows {
        try begin()
        guard PQsendQuery(handle, sql) == 1 else { throw failure(statement: sql) }
        try flush()
        return try takeRows(sql)
    }

    func sendPrepare(_ sql: String, _ statement: StatementCache.Statement) throws {
        let count = Int32(clamping: statement.types.count)
        guard PQsendPrepare(handle, statement.name, sql, count, statement.types) == 1 else {
            throw failure(statement: sql)
        }
    }

    func sendExecute(_ sql: String, _ statement: StatementCache.Statement, _ values: [Parameter]) throws {
        let sent = parameters.withEncoded(values) { count, pointers, lengths, formats in
            PQsendQueryPrepared(handle, statement.name, count, pointers, lengths, formats, 1)
        }
        guard sent == 1 else { throw failure(statement: sql) }
    }

    /// Reads results up to the statement's end; gives the last one.
    /// - Throws: the first error among them, after all were read, so that the connection stays in step.
    func takeRows(_ sql: String) throws -> Rows {
        var rows = Rows.empty
        var error: PostgresError?
        while let result = try nextResult() {
            let owned = ResultHandle(result)
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
                rows = Rows(owned)
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                // libpq would report this state for ever: the connection is out of step with the statement.
                markBroken()
                throw PostgresError(.misuse, "COPY goes through copyIn and copyOut.", statement: sql)
            default:
                let next = failure(result: result, statement: sql)
                // A FATAL that arrives after an ERROR says why the connection ended, which matters more; that the
                // socket was closed thereafter says less.
                if error == nil || next.isConnectionFailure && error?.isConnectionFailure == false { error = next }
            }
            if PQstatus(handle) == CONNECTION_BAD { break }
        }
        if let error { throw error }
        return rows
    }

    /// Only between transactions: in a failed one DEALLOCATE is refused.
    func forgetStatementsIfMany() throws {
        guard statements.count >= StatementCache.limit, isIdle else { return }
        statements.removeAll()
        _ = try simple("DEALLOCATE ALL")
    }
}

// MARK: - Transactions

extension Session {
    func beginTransaction(_ mode: TransactionMode) throws {
        guard isIdle else {
            throw PostgresError(.activeTransaction, "A transaction is already open on this connection.")
        }
        awaitedBegin = mode.statement
    }

    /// Before a statement that cannot take BEGIN with it.
    func sendBegin() throws {
        guard let statement = awaitedBegin else { return }
        try begin()
        awaitedBegin = nil
        _ = try simple(statement)
    }

    /// Ends a failed transaction; the connection counts as broken when even that fails.
    func rollback() {
        awaitedBegin = nil
        guard isUsable, !isIdle else { return }
        do {
            _ = try shielded { try simple("ROLLBACK") }
        } catch {
            markBroken()
            logger.warning("cannot roll back; the connection is given up", metadata: ["error": "\(error)"])
        }
    }

    /// COMMIT, and what became of it.
    ///
    /// An ERROR from the server is a definite "no". A broken connection, or a FATAL while it waits for the standby,
    /// leaves it open. So does a success with a warning: when the wait for a synchronous standby is interrupted
    /// (`syncrep.c`: "canceling wait for synchronous replication"), the server reports success although the standby
    /// may lack the transaction.
    func commit() throws {
        if awaitedBegin != nil {
            awaitedBegin = nil
            return
        }
        _ = takeWarnings()
        let rows: Rows
        do {
            rows = try shielded { try simple("COMMIT") }
        } catch let error as PostgresError {
            guard error.isConnectionFailure || error.sqlState == nil || isBroken else { throw error }
            markBroken()
            var unknown = PostgresError(
                .commitOutcomeUnknown, "COMMIT was sent, but not answered: \(error.message)",
                sqlState: error.sqlState, statement: "COMMIT")
            unknown.detail = error.detail
            throw unknown
        }
        if rows.commandTag == "ROLLBACK" {
            throw PostgresError(
                .inFailedTransaction, "The transaction had failed, so COMMIT rolled it back.", statement: "COMMIT")
        }
        if let warning = takeWarnings().first(where: { $0.sqlState == "01000" || $0.sqlState == "57P01" }) {
            throw PostgresError(
                .commitOutcomeUnknown, "Committed here, perhaps not at the standby: \(warning.message)",
                sqlState: warning.sqlState, statement: "COMMIT")
        }
    }
}

/// How a transaction sees others.
public enum TransactionMode: Sendable {
    /// The server's default, usually read committed.
    case standard
    case repeatableRead
    case serializable
    /// Repeatable read, and no writing: a consistent picture for reports.
    case snapshot

    var statement: String {
        switch self {
        case .standard: "BEGIN"
        case .repeatableRead: "BEGIN ISOLATION LEVEL REPEATABLE READ"
        case .serializable: "BEGIN ISOLATION LEVEL SERIALIZABLE"
        case .snapshot: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        }
    }
}
