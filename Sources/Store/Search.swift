import Casework
import Federation
import Postgres

/// Keeps the table `search` behind the cases: a projection that trails them by their position.
public struct SearchProjection: Sendable {
    private let database: Database
    private let store: any CaseStore

    public init(database: Database, store: any CaseStore) {
        (self.database, self.store) = (database, store)
    }

    private struct Moved: Sendable {
        var id: CaseID
        var position: UInt64
    }

    /// Projects the next cases that moved, in the order of their last event.
    /// - Parameter limit: how many; more when the last ones have one position.
    /// - Returns: how many came; 0 when level, or when another process projects them at this moment.
    public func advance(limit: Int) async throws -> Int {
        let (start, moved) = try await next(limit: limit)
        guard let end = moved.last?.position else { return 0 }
        let events = try await store.events(of: moved.map(\.id))
        let documents = moved.map { entry in
            let record = CaseRecord(id: entry.id, events: events[entry.id] ?? [])
            return SearchText.document(CaseValues(record), code: record.state.trackingCode?.digits ?? "")
        }
        let isSaved = try await save(documents, of: moved.map(\.id), from: start, to: end)
        return isSaved ? moved.count { $0.position > start } : 0
    }

    /// Cases of the very position reached before are looked at again: a part that arrives late changes a case's texts
    /// without an event of its own, so its row then bears the position of the event before.
    private func next(limit: Int) async throws -> (start: UInt64, moved: [Moved]) {
        try await database.readers.transaction(mode: .snapshot) { connection in
            let place = try connection.query("SELECT position FROM projections WHERE name = 'search'")
            let start = try place.first?.number(0) ?? 0
            let rows = try connection.query(
                """
                SELECT id, position FROM cases WHERE position >= $1
                ORDER BY position FETCH FIRST \(max(1, limit)) ROWS WITH TIES
                """, [.int64(start.stored)])
            return (start, try rows.map { Moved(id: try $0.caseID(0), position: try $0.number(1)) })
        }
    }

    /// A case that moved again meanwhile has a greater position by now and comes again.
    private func save(
        _ documents: [String], of ids: [CaseID], from start: UInt64, to end: UInt64
    ) async throws -> Bool {
        try await database.readers.transaction { connection in
            if end > start {
                let moved = try connection.query(
                    "UPDATE projections SET position = $1 WHERE name = 'search' AND position = $2",
                    [.int64(end.stored), .int64(start.stored)])
                guard moved.affected == 1 else { return false }
            }
            try connection.query(
                """
                INSERT INTO search SELECT * FROM unnest($1::uuid[], $2::text[])
                ON CONFLICT (id) DO UPDATE SET document = excluded.document
                WHERE search.document IS DISTINCT FROM excluded.document
                """, [.uuidArray(ids.map(\.bytes)), .textArray(documents)])
            return true
        }
    }
}
