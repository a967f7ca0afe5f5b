import Federation
public import Logging

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
                logger.warning("upkeep failed", metadata: ["error": "\(error)"])
            }
            do { try await Task.sleep(for: interval) } catch { return }
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
