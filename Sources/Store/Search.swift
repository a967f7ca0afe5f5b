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

    /// Projects the next cases that moved, in the order of their last event.
    /// - Returns: how many; 0 when level, or when another process projects them at this moment.
    public func advance(limit: Int) async throws -> Int {
        let (start, moved) = try await next(limit: limit)
        guard let end = moved.last?.position else { return 0 }
        let events = try await store.events(of: moved.map(\.id))
        let documents = moved.map { entry in
            let record = CaseRecord(id: entry.id, events: events[entry.id] ?? [])
            return SearchText.document(CaseValues(record), code: record.state.trackingCode?.digits ?? "")
        }
        return try await save(documents, of: moved.map(\.id), from: start, to: end)
    }

    private func next(limit: Int) async throws -> (start: UInt64, moved: [(id: CaseID, position: UInt64)]) {
        try await database.readers.transaction(mode: .snapshot) { connection in
            let place = try connection.query("SELECT position FROM projections WHERE name = 'search'")
            let start = try place.first?.number(0) ?? 0
            let rows = try connection.query(
                "SELECT id, position FROM cases WHERE position > $1 ORDER BY position LIMIT $2",
                [.int64(start.stored), .int(max(1, limit))])
            return (start, try rows.map { (try $0.caseID(0), try $0.number(1)) })
        }
    }

    /// A case that moved again meanwhile has a greater position by now and comes again.
    private func save(_ documents: [String], of ids: [CaseID], from start: UInt64, to end: UInt64) async throws -> Int {
        try await database.readers.transaction { connection in
            let moved = try connection.query(
                "UPDATE projections SET position = $1 WHERE name = 'search' AND position = $2",
                [.int64(end.stored), .int64(start.stored)])
            guard moved.affected == 1 else { return 0 }
            try connection.query(
                """
                INSERT INTO search SELECT * FROM unnest($1::uuid[], $2::text[])
                ON CONFLICT (id) DO UPDATE SET document = excluded.document
                WHERE search.document IS DISTINCT FROM excluded.document
                """, [.uuidArray(ids.map(\.bytes)), .textArray(documents)])
            return ids.count
        }
    }
}
