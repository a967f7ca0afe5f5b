/// What went wrong between us and PostgreSQL.
public struct PostgresError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure that callers tell apart. The mapping from SQLSTATE is in `PostgresError+Mapping.swift`.
    public enum Code: Sendable, Hashable {
        case uniqueViolation, foreignKeyViolation, notNullViolation, checkViolation, exclusionViolation
        /// Concurrent transactions; run the transaction again.
        case serializationFailure, deadlock
        case diskFull, outOfMemory, tooManyConnections, ioError
        /// The statement was cancelled: by the cancelled Swift task, or by an administrator.
        case queryCanceled
        /// The server's time limit, `statement_timeout`, was reached.
        case timeout
        case adminShutdown, crashShutdown, cannotConnectNow
        case lockNotAvailable, objectInUse
        case undefinedTable, undefinedColumn, undefinedFunction, undefinedObject
        case duplicateTable, duplicateObject, duplicateDatabase
        case syntaxError, insufficientPrivilege, invalidDatabase, invalidAuthorization
        /// A statement in a transaction that has already failed, or COMMIT of one: it was rolled back.
        case inFailedTransaction
        case activeTransaction, readOnlyTransaction
        /// SQLSTATE class 22: a value does not fit.
        case dataException
        case featureNotSupported
        case invalidStatementName
        /// No server answers, or the connection broke. What an unfinished statement outside a transaction did is
        /// unknown.
        case connectionLost
        /// COMMIT was sent and its answer never came, or came without the standby's consent: read before writing again.
        case commitOutcomeUnknown
        /// A value cannot be read as the asked type, or the server sent bytes that make no sense.
        case decoding
        /// The call does not fit the connection's state: closed, or a COPY statement given to `query`.
        case misuse
        /// The private server could not be made or started; the message says what to do.
        case serverUnavailable
        case other
    }

    public var code: Code
    public var sqlState: String?
    public var message: String
    public var detail: String?
    public var hint: String?
    public var constraint: String?
    public var table: String?
    public var column: String?
    /// The SQL text, never its parameters: those may be personal data.
    public var statement: String?

    public init(_ code: Code, _ message: String, sqlState: String? = nil, statement: String? = nil) {
        self.code = code
        self.message = message
        self.sqlState = sqlState
        self.statement = statement
    }

    /// The same work, from its beginning in a new transaction, may succeed.
    /// ``Code/commitOutcomeUnknown`` is not retryable: first find out what was committed.
    public var isRetryable: Bool {
        switch code {
        case .serializationFailure, .deadlock, .lockNotAvailable, .objectInUse: true
        case .diskFull, .outOfMemory, .tooManyConnections: true
        default: isConnectionFailure
        }
    }

    /// The connection is gone, or the server takes none now; a new one is needed.
    public var isConnectionFailure: Bool {
        switch code {
        case .connectionLost, .adminShutdown, .crashShutdown, .cannotConnectNow: true
        default: false
        }
    }

    /// Leaves out `detail`, in which the server quotes the row's values: they may be personal data.
    public var description: String {
        var text = "\(message)"
        if let sqlState { text += " [SQLSTATE \(sqlState)]" }
        if let constraint { text += " [constraint \(constraint)]" }
        if let hint { text += " Hint: \(hint)" }
        if let statement { text += " Statement: \(statement.prefix(500))" }
        return text
    }
}
