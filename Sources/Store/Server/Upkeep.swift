import Attachments
public import Casework
public import Federation
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

    /// After an upgrade, has the cases folded anew that an older version could not read: those that are parked, and
    /// those that have no row because their registration could not be read. Once for each version; a call that was cut
    /// off begins again. A database whose rows were made before there was such a note has all its cases folded.
    /// - Parameters:
    ///   - reader: the greatest schema that this version reads.
    ///   - submit: has the writer fold these cases and save their rows; at most 256 at a time.
    /// - Returns: how many cases were submitted.
    @discardableResult
    public static func refold(
        _ database: Database, reader: UInt32 = Schema.reader, submit: @Sendable ([CaseID]) async throws -> Void
    ) async throws -> Int {
        let facts = try await database.readers.run { try $0.query("SELECT value FROM facts WHERE name = 'reader'") }
        let last = try facts.first.map { UInt32(try $0.get(0, as: String.self)) ?? 0 }
        // An earlier version that was put back takes note of it: what it folds, the later one will fold anew.
        if let last, last >= reader {
            if last > reader { try await note(reader: reader, database) }
            return 0
        }
        var submitted = 0
        var end = [UInt8](repeating: 0, count: 16)
        while true {
            let (sql, after) = (last == nil ? allCases : unreadCases, end)
            let ids = try await database.readers.run { connection in
                try connection.query(sql, [.uuid(after)]).map { try $0.caseID(0) }
            }
            guard let lastID = ids.last else { break }
            try await submit(ids)
            submitted += ids.count
            end = lastID.bytes
        }
        try await note(reader: reader, database)
        return submitted
    }

    private static func note(reader: UInt32, _ database: Database) async throws {
        _ = try await database.readers.run { connection in
            try connection.query(
                """
                INSERT INTO facts (name, value) VALUES ('reader', $1)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value
                """, [.text(String(reader))])
        }
    }

    private static let allCases = "SELECT case_id FROM case_origins WHERE case_id > $1 ORDER BY case_id LIMIT 256"

    private static let unreadCases = """
        (SELECT id FROM cases WHERE id > $1 AND parked ORDER BY id LIMIT 256) UNION (
            SELECT case_id FROM case_origins o
            WHERE case_id > $1 AND NOT EXISTS (SELECT FROM cases c WHERE c.id = o.case_id)
            ORDER BY case_id LIMIT 256
        ) ORDER BY id LIMIT 256
        """

    /// Reads every stored event once a day, at a pace that nobody feels, so that a flipped bit is found and fetched again
    /// while somebody else still has it.
    public static func readAll(
        _ office: Office, logger: Logger, damaged: @escaping @Sendable (CaseID) -> Void
    ) async {
        do { try await Task.sleep(for: .seconds(3600)) } catch { return }
        await periodically(every: .seconds(86_400), logger: logger) {
            try await readAll(office.database, office.store, pause: .milliseconds(50), damaged: damaged)
        }
    }

    /// One walk over all cases.
    /// - Returns: how many cases were read.
    @discardableResult
    public static func readAll(
        _ database: Database, _ store: any CaseStore, pause: Duration, damaged: (CaseID) -> Void
    ) async throws -> Int {
        var end = [UInt8](repeating: 0, count: 16)
        var count = 0
        while true {
            let after = end
            let ids = try await database.readers.run { connection in
                try connection.query(
                    "SELECT case_id FROM case_origins WHERE case_id > $1 ORDER BY case_id LIMIT 50", [.uuid(after)]
                ).map { try $0.caseID(0) }
            }
            guard let last = ids.last else { return count }
            for id in ids {
                do { _ = try await store.events(of: [id]) } catch StoreError.corrupt { damaged(id) }
            }
            (end, count) = (last.bytes, count + ids.count)
            try await Task.sleep(for: pause)
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
}
