import Casework
public import Federation
import Postgres

extension PostgresStore {
    public func repair(_ events: [Event]) async throws -> Int {
        guard !events.isEmpty else { return 0 }
        let hashing = hashing
        return try await database.readers.transaction { connection in
            var mended: Set<EventHash> = []
            for table in [RepairedTable.journal, .held] {
                for (event, damage) in try table.damage(to: events, hashing, connection) {
                    mended.insert(event.hash)
                    try connection.pipeline(table.mend(event, damage))
                }
            }
            return mended.count
        }
    }
}

private struct Damage {
    /// Of the envelope or of its hash.
    var envelope = false
    var part = false
}

/// Where events lie, and how their bytes are written anew.
private enum RepairedTable: Sendable {
    case journal, held

    private var select: String {
        switch self {
        case .journal:
            """
            SELECT asked.place, e.hash, e.envelope, p.state, p.part
            FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY
                AS asked (origin, seq, incarnation, place)
            CROSS JOIN LATERAL (
                SELECT hash, envelope FROM journal
                WHERE origin = asked.origin AND seq = asked.seq AND incarnation = asked.incarnation OFFSET 0
            ) e LEFT JOIN LATERAL (
                SELECT state, part FROM parts
                WHERE origin = asked.origin AND seq = asked.seq AND incarnation = asked.incarnation OFFSET 0
            ) p ON true
            """
        case .held:
            """
            SELECT asked.place, e.hash, e.envelope, e.part_state, e.part
            FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY
                AS asked (origin, seq, incarnation, place)
            CROSS JOIN LATERAL (
                SELECT * FROM held_events
                WHERE origin = asked.origin AND seq = asked.seq AND incarnation = asked.incarnation OFFSET 0
            ) e
            """
        }
    }

    /// What is wrong with the rows that bear these events' hashes, or hold their very bytes under a hash that is damaged.
    func damage(
        to events: [Event], _ hashing: Hashing, _ connection: isolated Connection
    ) throws -> [(event: Event, damage: Damage)] {
        let rows = try connection.query(
            select,
            [
                .textArray(events.map(\.origin.code)), .int64Array(events.map { Int64(clamping: $0.envelope.seq) }),
                .int64Array(events.map(\.envelope.incarnation.stored)),
            ])
        return try rows.compactMap { row in
            let event = events[try row.get(0, as: Int.self) - 1]
            let hasHash = try row.get(1, as: [UInt8].self) == event.hash.bytes
            let hasBytes = hashing(try row.get(2)) == event.hash
            guard hasHash || hasBytes else { return nil }
            var damage = Damage()
            damage.envelope = !hasHash || !hasBytes
            // A part that is withheld or erased here stays so.
            let state = try row.get(3, as: Int16?.self)
            if let named = event.envelope.partHash, event.part.bytes != nil, state != 2, state != 3 {
                damage.part = try row.get(4, as: [UInt8]?.self).map { hashing($0) != named } ?? true
            }
            return damage.envelope || damage.part ? (event, damage) : nil
        }
    }

    func mend(_ event: Event, _ damage: Damage) -> [Commit.Statement] {
        let place: [Parameter] = [
            .text(event.origin.code), .int64(event.envelope.seq.stored), .int64(event.envelope.incarnation.stored),
        ]
        let row = "origin = $1 AND seq = $2 AND incarnation = $3"
        var statements: [Commit.Statement] = []
        if damage.envelope {
            let table = self == .journal ? "journal" : "held_events"
            statements.append(
                (
                    "UPDATE \(table) SET envelope = $4, hash = $5 WHERE \(row)",
                    place + [.bytea(event.bytes), .bytea(event.hash.bytes)]
                ))
        }
        guard damage.part, let part = event.part.bytes else { return statements }
        switch self {
        case .journal:
            statements.append(
                (
                    """
                    INSERT INTO parts (origin, seq, incarnation, state, part) VALUES ($1, $2, $3, 1, $4)
                    ON CONFLICT (origin, seq, incarnation) DO UPDATE SET state = 1, part = excluded.part
                    """, place + [.bytea(part)]
                ))
        case .held:
            statements.append(
                ("UPDATE held_events SET part_state = 1, part = $4 WHERE \(row)", place + [.bytea(part)]))
        }
        return statements
    }
}
