public import Casework
public import Federation
import Postgres

/// Feeds: their rows at the hub, and where a node stands in its own.
extension PostgresStore {
    public func feedEnds() async throws -> [Origin: UInt64] {
        // One probe of the index for each destination; `max … GROUP BY` would read all feeds.
        let rows = try await query(
            """
            SELECT destination, seq FROM unnest($1::text[]) AS destination CROSS JOIN LATERAL (
                SELECT seq FROM feeds f WHERE f.destination = destination.destination ORDER BY seq DESC LIMIT 1
            ) last
            """,
            [.textArray((Origin.provinces + [.hub]).map(\.code))])
        var ends: [Origin: UInt64] = [:]
        for row in rows { ends[try row.origin(0)] = try row.number(1) }
        return ends
    }

    public func feed(of destination: Origin, after seq: UInt64) async throws -> [FeedRow] {
        let rows = try await query(
            """
            WITH line AS MATERIALIZED (
                SELECT * FROM feeds WHERE destination = $1 AND seq > $2 ORDER BY seq LIMIT $3
            ), sized AS MATERIALIZED (
                SELECT line.seq AS place, line.with_part, line.hub_incarnation, line.origin, line.event_seq,
                    j.hash, j.envelope, j.case_id, p.state, CASE WHEN line.with_part THEN p.part END AS part,
                    row_number() OVER places AS number,
                    sum(octet_length(j.envelope)
                        + CASE WHEN line.with_part THEN coalesce(octet_length(p.part), 0) ELSE 0 END
                    ) OVER places AS bytes
                FROM line LEFT JOIN LATERAL (
                    SELECT hash, envelope, case_id FROM journal
                    WHERE origin = line.origin AND seq = line.event_seq AND incarnation = line.incarnation OFFSET 0
                ) j ON true LEFT JOIN LATERAL (
                    SELECT state, part FROM parts
                    WHERE origin = line.origin AND seq = line.event_seq AND incarnation = line.incarnation OFFSET 0
                ) p ON true
                WINDOW places AS (ORDER BY line.seq)
            )
            SELECT hash, envelope, state, part, origin, event_seq, case_id, place, with_part, hub_incarnation
            FROM sized WHERE number = 1 OR bytes <= $4 ORDER BY place
            """,
            [
                .text(destination.code), .int64(seq.stored), .int(Batch.maximumEvents), .int(Batch.maximumBytes),
            ])
        return try rows.map { try feedRow($0) }
    }

    private func feedRow(_ row: Row) throws -> FeedRow {
        guard try !row.isNull(1) else { throw try corrupt(row) }
        var event = try stored(row)
        if try !row.get(8, as: Bool.self), event.part != .none { event.part = .withheld }
        let cursor = FeedCursor(
            hubIncarnation: try row.number(9), seq: try row.number(7), hash: try row.hash(0))
        return FeedRow(cursor: cursor, event: event)
    }

    public func feedFacts(of destination: Origin, _ cursors: [FeedCursor]) async throws -> [FeedFact] {
        guard !cursors.isEmpty else { return [] }
        let rows = try await query(
            """
            SELECT j.hash, run.last, e.hash
            FROM unnest($2::bigint[], $3::bigint[]) WITH ORDINALITY AS asked (hub_incarnation, seq, place)
                LEFT JOIN LATERAL (
                    SELECT first, coalesce(
                        (SELECT min(next.first) - 1 FROM feed_runs next WHERE next.destination = $1 AND next.first > run.first),
                        (SELECT seq FROM feeds WHERE destination = $1 ORDER BY seq DESC LIMIT 1)
                    ) AS last
                    FROM feed_runs run WHERE run.destination = $1 AND run.hub_incarnation = asked.hub_incarnation
                ) run ON true LEFT JOIN LATERAL (
                    SELECT origin, event_seq, incarnation FROM feeds
                    WHERE destination = $1 AND feeds.seq = asked.seq AND asked.seq BETWEEN run.first AND run.last OFFSET 0
                ) f ON true LEFT JOIN LATERAL (
                    SELECT hash FROM journal
                    WHERE origin = f.origin AND seq = f.event_seq AND incarnation = f.incarnation OFFSET 0
                ) j ON true LEFT JOIN LATERAL (
                    SELECT origin, event_seq, incarnation FROM feeds
                    WHERE destination = $1 AND feeds.seq = run.last OFFSET 0
                ) g ON true LEFT JOIN LATERAL (
                    SELECT hash FROM journal
                    WHERE origin = g.origin AND seq = g.event_seq AND incarnation = g.incarnation OFFSET 0
                ) e ON true
            ORDER BY asked.place
            """,
            [
                .text(destination.code), .int64Array(cursors.map(\.hubIncarnation.stored)),
                .int64Array(cursors.map { Int64(clamping: $0.seq) }),
            ])
        return try zip(cursors, rows).map { cursor, row in
            let end =
                try row.isNull(1)
                ? nil : FeedCursor(hubIncarnation: cursor.hubIncarnation, seq: try row.number(1), hash: try row.hash(2))
            return FeedFact(hash: try row.isNull(0) ? nil : row.hash(0), end: end)
        }
    }

    public func feedCursors() async throws -> [FeedCursor] {
        let rows = try await query(
            "SELECT hub_incarnation, seq, hash FROM feed_cursors ORDER BY ordinal DESC LIMIT 64")
        return try rows.map { row in
            FeedCursor(hubIncarnation: try row.number(0), seq: try row.number(1), hash: try row.hash(2))
        }
    }
}
