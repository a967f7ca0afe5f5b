import CLibPQ
import Logging

/// Logs what the server remarks, and remembers its warnings: a COMMIT that "succeeds" with one may lack its standby.
final class NoticeReceiver {
    struct Warning {
        let sqlState: String
        let message: String
    }

    /// Only the newest are of interest.
    private static let limit = 16

    /// The server said, unasked, that it ends this connection.
    private(set) var sawEnd = false

    private let logger: Logger
    private var warnings: [Warning] = []

    init(logger: Logger) { self.logger = logger }

    /// libpq calls back only from within calls on this connection, hence on its thread. The receiver must live as
    /// long as the connection: `Session` holds both.
    func attach(to connection: OpaquePointer) {
        _ = PQsetNoticeReceiver(
            connection,
            { context, result in
                guard let context, let result else { return }
                Unmanaged<NoticeReceiver>.fromOpaque(context).takeUnretainedValue().receive(result)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    func take() -> [Warning] {
        defer { warnings.removeAll() }
        return warnings
    }

    private func receive(_ result: OpaquePointer) {
        func field(_ code: Int32) -> String { PQresultErrorField(result, code).map { String(cString: $0) } ?? "" }
        let message = field(peyvand_diag_message())
        let state = field(peyvand_diag_sqlstate())
        let severity = field(peyvand_diag_severity())
        if severity == "FATAL" || severity == "PANIC" { sawEnd = true }
        guard severity == "WARNING" else {
            logger.debug("database notice", metadata: ["text": "\(message)"])
            return
        }
        logger.warning("database warning", metadata: ["text": "\(message)", "sqlstate": "\(state)"])
        if warnings.count == Self.limit { warnings.removeFirst() }
        warnings.append(Warning(sqlState: state, message: message))
    }
}
