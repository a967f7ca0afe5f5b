public import Casework
public import Federation
public import Postgres

/// Who is kept out, what is held of it, and what a restored hub waits for.
extension PostgresStore {
    public func quarantines() async throws -> [Origin: Int] {
        let rows = try await query(
            """
            SELECT n.origin, (SELECT count(*) FROM held_events h WHERE h.origin = n.origin) FROM nodes n
            WHERE n.quarantined
            """)
        return try rows.reduce(into: [:]) { $0[try $1.origin(0)] = try $1.get(1, as: Int.self) }
    }

    public func held(of origin: Origin, preferring incarnations: [UInt64], limit: Int) async throws -> [Event] {
        // Each half is read in its order from the index, as far as the limit.
        let rows = try await query(
            """
            SELECT hash, envelope, part_state, part, origin, seq, case_id FROM (
                (SELECT 1 AS half, h.* FROM held_events h WHERE origin = $1 AND incarnation = ANY ($2::bigint[])
                    ORDER BY ordinal LIMIT $3)
                UNION ALL
                (SELECT 2, h.* FROM held_events h WHERE origin = $1 AND incarnation <> ALL ($2::bigint[])
                    ORDER BY ordinal LIMIT $3)
            ) held ORDER BY half, ordinal LIMIT $3
            """,
            [.text(origin.code), .int64Array(incarnations.map(\.stored)), .int(max(0, limit))])
        return try rows.map { try event($0) }
    }

    public func fenced() async throws -> [Origin: Set<UInt64>] {
        let rows = try await query("SELECT origin, incarnation FROM fenced_writers")
        return try rows.reduce(into: [:]) { $0[try $1.origin(0), default: []].insert(try $1.number(1)) }
    }

    public func restoration() async throws -> Restoration? {
        let rows = try await query(
            """
            SELECT value, (SELECT coalesce(string_agg(origin, ' '), '') FROM nodes WHERE awaited)
            FROM facts WHERE name = 'restoration'
            """)
        guard let row = rows.first else { return nil }
        let floors = try Self.heads(try row.get(0, as: String.self), of: "restoration")
        let awaited = try row.get(1, as: String.self).split(separator: " ").map { code in
            guard let origin = Origin(String(code)) else { throw StoreError.corrupt(nil, "nodes: \(code)") }
            return origin
        }
        return Restoration(floors: floors, awaited: Set(awaited))
    }

    /// The lines of a fact.
    static func heads(_ lines: some StringProtocol, of fact: String) throws -> [ChainHead] {
        try lines.split(separator: "\n").map { line in
            guard let head = ChainHead(line: line) else { throw StoreError.corrupt(nil, "facts: \(fact)") }
            return head
        }
    }

    public func restoredAt() async throws -> Instant? {
        guard let text = try await fact("restored_at") else { return nil }
        guard let instant = Instant(rfc3339: text) else { throw StoreError.corrupt(nil, "facts: restored_at") }
        return instant
    }

    /// Says that this database is a backup that was put back: the next who serves it asks what is missing.
    public static func noteRestored(_ connection: isolated Connection, at now: Instant) throws {
        try connection.query(
            """
            INSERT INTO facts (name, value) VALUES ('restored_at', $1)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value
            """, [.text(now.rfc3339)])
    }

    public func reads() async throws -> [Origin: UInt32] {
        let rows = try await query("SELECT name, value FROM facts WHERE name LIKE 'reads %'", [])
        return try rows.reduce(into: [:]) { reads, row in
            let (name, value) = (try row.get(0, as: String.self), try row.get(1, as: String.self))
            guard let origin = Origin(String(name.dropFirst("reads ".count))), let schema = UInt32(value) else {
                throw StoreError.corrupt(nil, "facts: \(name)")
            }
            reads[origin] = schema
        }
    }

    private func fact(_ name: String) async throws -> String? {
        try await query("SELECT value FROM facts WHERE name = $1", [.text(name)]).first?.get(0)
    }
}
