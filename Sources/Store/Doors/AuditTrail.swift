public import Contract
public import Logging
import Synchronization

/// Takes audit lines at once, from any thread, and saves them in batches soon after.
public final class AuditTrail: Sendable {
    /// Lines that wait while the database is away; beyond, the newest are counted and named in the log.
    private static let limit = 50_000

    private let audit: Audit
    private let logger: Logger
    private let waiting = Mutex<[AuditLine]>([])

    public init(_ audit: Audit, logger: Logger) { (self.audit, self.logger) = (audit, logger) }

    public func note(_ line: AuditLine) {
        let isKept = waiting.withLock { waiting in
            guard waiting.count < Self.limit else { return false }
            waiting.append(line)
            return true
        }
        if !isKept {
            logger.error("audit line not kept", metadata: ["action": "\(line.action)", "actor": "\(line.actor)"])
        }
    }

    /// Saves what waits until cancelled, and the rest then.
    public func run() async {
        await Upkeep.periodically(every: .milliseconds(200), logger: logger) { try await flush() }
        // A cancelled task can make no query, so the last lines are saved by one that is not.
        await Task { [self] in
            do {
                try await flush()
            } catch {
                logger.error("audit lines lost at the end", metadata: ["error": "\(error)"])
            }
        }.value
    }

    private func flush() async throws {
        let lines = waiting.withLock { waiting in
            let lines = waiting
            waiting = []
            return lines
        }
        do {
            try await audit.record(lines)
        } catch {
            waiting.withLock { $0 = lines + $0 }
            throw error
        }
    }
}
