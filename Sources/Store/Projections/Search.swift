import Casework
public import Contract
import Federation
import Postgres
import Synchronization

/// Keeps the table `search` behind the cases: a projection that trails them by their position.
public struct SearchProjection: Sendable {
    private let database: Database
    private let store: any CaseStore

    public init(database: Database, store: any CaseStore) {
        (self.database, self.store) = (database, store)
    }

    private struct Found: Sendable {
        var registeredAt: Instant?
        var document: String
    }

    private struct Moved: Sendable {
        var id: CaseID
        var position: UInt64
    }

    /// Projects the next cases that moved, in the order of their last event.
    /// - Parameter limit: how many; more when the last ones have one position. As many are in memory at a time.
    /// - Returns: how many came; 0 when level, or when another process projects them at this moment.
    public func advance(limit: Int) async throws -> Int {
        let limit = max(1, limit)
        let (start, again, moved) = try await next(limit: limit)
        let ids = again + moved.map(\.id)
        for first in stride(from: 0, to: ids.count, by: limit) {
            let next = min(first + limit, ids.count)
            let end = next == ids.count ? moved.last?.position ?? start : start
            guard try await project(Array(ids[first..<next]), from: start, to: end) else { return 0 }
        }
        return moved.count
    }

    private func project(_ ids: [CaseID], from start: UInt64, to end: UInt64) async throws -> Bool {
        let events = try await store.events(of: ids)
        let found = ids.map { id in
            let record = CaseRecord(id: id, events: events[id] ?? [])
            let document = SearchText.document(CaseValues(record), code: record.state.trackingCode?.digits ?? "")
            return Found(registeredAt: record.state.registeredAt, document: document)
        }
        return try await save(found, of: ids, from: start, to: end)
    }

    /// Cases of the very position reached before are looked at again: a part that arrives late changes a case's texts
    /// without an event of its own, so its row then bears the position of the event before. When all were folded anew,
    /// all bear one position: no more are looked at again than fit.
    private func next(limit: Int) async throws -> (start: UInt64, again: [CaseID], moved: [Moved]) {
        try await database.readers.transaction(mode: .snapshot) { connection in
            let place = try connection.query("SELECT position FROM projections WHERE name = 'search'")
            let start = try place.first?.number(0) ?? 0
            let again = try connection.query(
                "SELECT id FROM cases WHERE position = $1 LIMIT \(limit)", [.int64(start.stored)])
            let rows = try connection.query(
                """
                SELECT id, position FROM cases WHERE position > $1
                ORDER BY position FETCH FIRST \(limit) ROWS WITH TIES
                """, [.int64(start.stored)])
            return (
                start, try again.map { try $0.caseID(0) },
                try rows.map { Moved(id: try $0.caseID(0), position: try $0.number(1)) }
            )
        }
    }

    /// A case that moved again meanwhile has a greater position by now and comes again.
    private func save(
        _ found: [Found], of ids: [CaseID], from start: UInt64, to end: UInt64
    ) async throws -> Bool {
        let answers = try await database.readers.run { connection in
            try connection.pipeline([
                (Self.doNotWait, []),
                (
                    Self.replace,
                    [
                        .int64(end.stored), .int64(start.stored), .uuidArray(ids.map(\.bytes)),
                        .timestampArrayOptional(found.map { $0.registeredAt?.stored }),
                        .textArray(found.map(\.document)),
                    ]
                ),
            ])
        }
        return try end == start || answers[1][0].get(0)
    }

    /// What a crash takes of a projection is projected again: its place is lost with it.
    private static let doNotWait = "SELECT set_config('synchronous_commit', 'off', true)"

    /// Documents that stand as they are cost no write: the last cases are looked at again for ever.
    private static let replace = """
        WITH moved AS (
            UPDATE projections SET position = $1 WHERE name = 'search' AND position = $2 AND $1 > $2 RETURNING 1),
        replaced AS (
            INSERT INTO search (id, registered_at, document)
                SELECT new.id, new.registered_at, new.document
                FROM unnest($3::uuid[], $4::timestamptz[], $5::text[]) AS new (id, registered_at, document)
                    LEFT JOIN search old ON old.id = new.id
                WHERE (old.document, old.registered_at) IS DISTINCT FROM (new.document, new.registered_at)
                    AND ($1 = $2 OR EXISTS (SELECT FROM moved))
            ON CONFLICT (id) DO UPDATE SET (registered_at, document) = (excluded.registered_at, excluded.document))
        SELECT count(*) = 1 FROM moved
        """
}

/// Since when a projection has not been level with what it is made of, by a clock that nobody sets.
public final class ProjectionLag: Sendable {
    private let level = Mutex(ContinuousClock.now)

    /// It has nothing left to do.
    func isLevel() { level.withLock { $0 = .now } }

    public var seconds: Double { (ContinuousClock.now - level.withLock { $0 }) / .seconds(1) }

    /// - Parameter projection: its name.
    public func gauge(_ projection: String) -> Gauge {
        Gauge(
            name: "peyvand_projection_lag_seconds", help: "Since a projection was level with the journal",
            labels: ["projection": projection], value: seconds)
    }
}
