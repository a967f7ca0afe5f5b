import Attachments
import Casework
import Federation
public import Logging
import Postgres

/// Work that goes on in the background of every server.
public enum Upkeep {
    /// Repeats `body` until cancelled. A failure is logged and tried again at the next turn: the database may be away.
    public static func periodically(
        every interval: Duration, logger: Logger, _ body: @Sendable () async throws -> Void
    ) async {
        while !Task.isCancelled {
            do {
                try await body()
            } catch is CancellationError {
                return
            } catch {
                if Task.isCancelled { return }
                logger.warning("upkeep failed", metadata: ["error": "\(error)"])
            }
            do { try await Task.sleep(for: interval) } catch { return }
        }
    }

    /// Removes what is kept for a time only: idempotency keys after 90 days (those of intake and import stay for ever) and
    /// sessions that have ended.
    public static func forget(_ office: Office, logger: Logger) async {
        await periodically(every: .seconds(3600), logger: logger) {
            let now = office.now()
            let keysUntil = now + -90 * Instant.day
            _ = try await office.database.readers.run { connection in
                try connection.pipeline([
                    (
                        "DELETE FROM idempotency WHERE NOT for_ever AND created_at < $1",
                        [.timestamp(keysUntil.milliseconds * 1000)]
                    ),
                    ("DELETE FROM sessions WHERE expires < $1", [.timestamp(now.milliseconds * 1000)]),
                ])
            }
        }
    }

    /// Looks which files are on the disk, now and then: a database or a disk that was restored may know others.
    public static func findFiles(_ office: Office, logger: Logger) async {
        await periodically(every: .seconds(3600), logger: logger) {
            guard let files = office.files else { return }
            let changed = try await office.attachments.reconcile(author: office.origin.isHub ? .hub : nil) {
                files.size(of: $0) != nil
            }
            if changed > 0 { logger.notice("files found or missed", metadata: ["count": "\(changed)"]) }
        }
    }

    /// Lets the search projection trail the cases by less than a second when idle.
    public static func projectSearch(_ office: Office, logger: Logger) async {
        let projection = SearchProjection(database: office.database, store: office.store)
        await periodically(every: .milliseconds(400), logger: logger) {
            while try await projection.advance(limit: 500) > 0, !Task.isCancelled {}
        }
    }
}
