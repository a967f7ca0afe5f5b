import CLibPQ

extension PostgresError.Code {
    /// Source: PostgreSQL's documentation, appendix A, "PostgreSQL Error Codes".
    init(sqlState: String) {
        if let code = Self.bySQLState[sqlState] {
            self = code
            return
        }
        switch sqlState.prefix(2) {
        case "08": self = .connectionLost
        case "22": self = .dataException
        case "28": self = .invalidAuthorization
        case "40": self = .serializationFailure
        default: self = .other
        }
    }

    private static let bySQLState: [String: Self] = [
        "0A000": .featureNotSupported,
        "23502": .notNullViolation, "23503": .foreignKeyViolation, "23505": .uniqueViolation,
        "23514": .checkViolation, "23P01": .exclusionViolation,
        "25001": .activeTransaction, "25006": .readOnlyTransaction, "25P02": .inFailedTransaction,
        "25P03": .connectionLost, "25P04": .connectionLost,
        "26000": .invalidStatementName,
        "3D000": .invalidDatabase,
        "40001": .serializationFailure, "40P01": .deadlock,
        "42501": .insufficientPrivilege, "42601": .syntaxError,
        "42703": .undefinedColumn, "42704": .undefinedObject, "42883": .undefinedFunction, "42P01": .undefinedTable,
        "42710": .duplicateObject, "42P04": .duplicateDatabase, "42P07": .duplicateTable,
        "53100": .diskFull, "53200": .outOfMemory, "53300": .tooManyConnections,
        "55006": .objectInUse, "55P03": .lockNotAvailable,
        "57014": .queryCanceled, "57P01": .adminShutdown, "57P02": .crashShutdown, "57P03": .cannotConnectNow,
        "57P05": .connectionLost,
        "58030": .ioError,
    ]
}

extension PostgresError {
    /// Reads the error fields of a failed result. A failure without SQLSTATE was made by libpq itself: the connection
    /// broke, or the server's bytes made no sense.
    init(result: OpaquePointer?, connection: OpaquePointer, statement: String?) {
        func field(_ code: Int32) -> String? { PQresultErrorField(result, code).map { String(cString: $0) } }
        let state = field(peyvand_diag_sqlstate())
        let code: Code
        if let state {
            code = Code(sqlState: state)
        } else {
            code = PQstatus(connection) == CONNECTION_BAD ? .connectionLost : .other
        }
        let fallback = result == nil ? PQerrorMessage(connection) : PQresultErrorMessage(result)
        let message =
            field(peyvand_diag_message()) ?? fallback.map { String(cString: $0) }?.trimmedLine
            ?? "unknown error"
        self.init(code, message, sqlState: state, statement: statement)
        detail = field(peyvand_diag_detail())
        hint = field(peyvand_diag_hint())
        constraint = field(peyvand_diag_constraint())
        table = field(peyvand_diag_table())
        column = field(peyvand_diag_column())
    }

    /// A refused connection. libpq tells its SQLSTATE to nobody, so the two causes that no waiting cures are known by
    /// their words; should a server speak another language they count as `connectionLost`, and are tried again.
    init(connectFailure message: String) {
        let text = message.trimmedLine
        if text.contains("authentication failed") || text.contains("role \"") && text.contains("does not exist") {
            self.init(.invalidAuthorization, text)
        } else if text.contains("database \"") && text.contains("does not exist") {
            self.init(.invalidDatabase, text)
        } else if text.contains("too many clients") || text.contains("remaining connection slots") {
            self.init(.tooManyConnections, text)
        } else {
            self.init(.connectionLost, text.isEmpty ? "the connection failed" : text)
        }
    }
}

extension String {
    /// libpq ends its messages with a newline and joins several with newlines; log lines want one line.
    var trimmedLine: String {
        split(separator: "\n").joined(separator: " ")
    }
}
