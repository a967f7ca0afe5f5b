import CLibPQ
import Glibc
import Logging

/// The one owner of a `PGconn`; confined to the actor that made it, on whose thread every call blocks.
///
/// libpq is set non-blocking and all waiting is done in ``wait(for:)``, which polls the socket, looks at the Swift
/// task's cancellation, and gives a silent server up. After `isBroken` every call throws `connectionLost`.
final class Session {
    let handle: OpaquePointer
    let logger: Logger
    var statements = StatementCache()
    var parameters = EncodedParameters()
    private(set) var isBroken = false
    /// The BEGIN of a transaction in which nothing was asked yet: it goes with the first statement, in one round trip.
    var awaitedBegin: String?
    /// COMMIT and ROLLBACK are not to be cancelled: their outcome is what the caller must know.
    private var isShielded = false
    private var cancelSent = false
    private let notices: NoticeReceiver
    private let statementTimeout: Duration?
    private let silenceGrace: Duration
    private var started = ContinuousClock.now

    /// How often a waiting thread looks at its task's cancellation, in milliseconds.
    private static let slice: Int32 = 50

    /// Connects, trying the URL's hosts in turn; blocks for at most the connect time-out for each of them.
    init(_ configuration: ConnectionConfiguration, logger: Logger) throws {
        self.logger = logger
        statementTimeout = configuration.statementTimeout
        silenceGrace = configuration.silenceGrace
        // "dbname" is expanded as URL or conninfo; what stands after it wins, what stands before it gives way.
        let seconds = max(2, (configuration.connectTimeout.milliseconds + 999) / 1000)
        let settings: [(String, String)] = [
            ("tcp_user_timeout", "30000"), ("keepalives_idle", "30"), ("keepalives_interval", "10"),
            ("dbname", configuration.url), ("application_name", configuration.applicationName),
            ("connect_timeout", "\(seconds)"), ("client_encoding", "UTF8"),
        ]
        let connection = withCStrings(settings.map(\.0)) { keywords in
            withCStrings(settings.map(\.1)) { values in PQconnectdbParams(keywords, values, 1) }
        }
        guard let connection else { throw PostgresError(.outOfMemory, "libpq has no memory for a connection.") }
        handle = connection
        notices = NoticeReceiver(logger: logger)
        // From here on `deinit` frees the handle, also when this throws.
        guard PQstatus(handle) == CONNECTION_OK else {
            throw PostgresError(connectFailure: String(cString: PQerrorMessage(handle)))
        }
        notices.attach(to: handle)
        guard PQsetnonblocking(handle, 1) == 0 else { throw failure() }
        try apply(configuration)
    }

    deinit { PQfinish(handle) }

    private func apply(_ configuration: ConnectionConfiguration) throws {
        var settings = configuration.settings
        if let timeout = configuration.statementTimeout { settings["statement_timeout"] = "\(timeout.milliseconds)" }
        guard !settings.isEmpty else { return }
        let calls = settings.sorted { $0.key < $1.key }.map { name, value in
            "set_config(\(SQL.literal(name)), \(SQL.literal(value)), false)"
        }
        try execute("SELECT " + calls.joined(separator: ", "))
    }

    // MARK: - State

    var isUsable: Bool { !isBroken && PQstatus(handle) == CONNECTION_OK }

    var isIdle: Bool { awaitedBegin == nil && PQtransactionStatus(handle) == PQTRANS_IDLE }

    var processID: Int32 { PQbackendPID(handle) }

    /// Takes in what the server said while nobody listened. A restarted server has closed the socket: this finds out
    /// before a statement is sent in vain.
    func refresh() {
        guard isUsable else { return }
        var descriptor = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, 0) != 0 else { return }
        // PQisBusy takes the bytes apart: a farewell message may have come without the socket's end yet.
        if PQconsumeInput(handle) == 0 || PQisBusy(handle) == 1 || notices.sawEnd { isBroken = true }
    }

    /// Called at the beginning of every statement.
    func begin() throws {
        guard isUsable else {
            isBroken = true
            throw PostgresError(.connectionLost, "The connection to the database is broken.")
        }
        cancelSent = false
        started = .now
        if Task.isCancelled && !isShielded {
            throw PostgresError(.queryCanceled, "The task was cancelled before the statement was sent.")
        }
    }

    func shielded<T>(_ body: () throws -> T) rethrows -> T {
        isShielded = true
        defer { isShielded = false }
        return try body()
    }

    /// Marks the connection as unusable: what the server and we think of each other may differ.
    func markBroken() { isBroken = true }

    /// Warnings seen since the last call of this.
    func takeWarnings() -> [NoticeReceiver.Warning] { notices.take() }

    // MARK: - Errors

    /// The error of a libpq call that failed without a result.
    func failure(statement: String? = nil) -> PostgresError {
        var error = PostgresError(result: nil, connection: handle, statement: statement)
        if PQstatus(handle) == CONNECTION_BAD {
            error.code = .connectionLost
            isBroken = true
        } else if error.code == .other {
            error.code = .misuse
        }
        return error
    }

    /// The error of a failed result.
    func failure(result: OpaquePointer, statement: String?) -> PostgresError {
        var error = PostgresError(result: result, connection: handle, statement: statement)
        if error.isConnectionFailure || PQstatus(handle) == CONNECTION_BAD { isBroken = true }
        if error.code == .queryCanceled, !cancelSent, let statementTimeout, .now - started >= statementTimeout {
            error.code = .timeout
        }
        return error
    }

    // MARK: - Waiting

    /// Sends all that libpq holds, and takes in what the server says meanwhile: neither side can then block the other.
    func flush() throws {
        while true {
            // PQflush: 0 all sent, 1 the socket is full, -1 failure.
            switch PQflush(handle) {
            case 0: return
            case 1:
                let events = try wait(for: Int16(POLLIN | POLLOUT))
                if events & ~Int16(POLLOUT) != 0, PQconsumeInput(handle) == 0 { throw failure() }
            default: throw failure()
            }
        }
    }

    /// The next result of what was sent, nil at the end of one statement's results. The caller frees it by `PQclear`.
    func nextResult() throws -> OpaquePointer? {
        while PQisBusy(handle) == 1 {
            _ = try wait(for: Int16(POLLIN))
            // On failure the results that did arrive come first; PQgetResult then reports the broken connection.
            if PQconsumeInput(handle) == 0 { break }
        }
        return PQgetResult(handle)
    }

    /// Blocks until the socket is ready.
    /// - Throws: `connectionLost` when the server is silent for too long; the session is then broken.
    func wait(for events: Int16) throws -> Int16 {
        var limit = statementTimeout.map { $0 + silenceGrace }
        var start: ContinuousClock.Instant?
        while true {
            var descriptor = pollfd(fd: PQsocket(handle), events: events, revents: 0)
            let ready = poll(&descriptor, 1, Self.slice)
            if ready > 0 { return descriptor.revents }
            if ready < 0 && errno != EINTR {
                isBroken = true
                throw PostgresError(.connectionLost, "poll: \(String(cString: strerror(errno)))")
            }
            let now = ContinuousClock.now
            if !cancelSent && !isShielded && Task.isCancelled {
                cancel()
                start = now
                limit = max(silenceGrace, .seconds(10))
            }
            if let limit, now - (start ?? now) > limit {
                isBroken = true
                throw PostgresError(.connectionLost, "The database gave no answer within \(limit).")
            }
            start = start ?? now
        }
    }

    /// Asks the server to cancel what runs. Made on this thread, because PQcancel returns only after the server has
    /// passed the request on: so it cannot hit a later statement. It is bounded by `tcp_user_timeout`.
    func cancel() {
        cancelSent = true
        guard let cancel = PQgetCancel(handle) else { return }
        defer { PQfreeCancel(cancel) }
        var message = [CChar](repeating: 0, count: 256)
        if PQcancel(cancel, &message, Int32(message.count)) == 0 {
            let text = message.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
            logger.warning("cannot cancel a statement", metadata: ["reason": "\(text.trimmedLine)"])
        }
    }
}

/// Hands an array of C strings to `body`, ended by nil.
func withCStrings<R>(_ strings: [String], _ body: ([UnsafePointer<CChar>?]) -> R) -> R {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies.map { $0.map { UnsafePointer($0) } } + [nil])
}

/// Quoting, for the few statements that take no parameters.
enum SQL {
    static func literal(_ text: String) -> String {
        let quoted = text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
        guard quoted.contains("\\") else { return "'\(quoted)'" }
        return " E'" + quoted.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: "\\\\") + "'"
    }

    static func identifier(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
