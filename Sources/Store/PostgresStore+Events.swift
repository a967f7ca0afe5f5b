public import Casework
public import Federation
import Postgres

/// Reading events. Every event's bytes are checked against the hash stored beside them.
///
/// `OFFSET 0` keeps a subquery whole: each row then probes one index of one partition, whatever the planner believes
/// about the sizes of the tables.
extension PostgresStore {
    public func events(of cases: [CaseID]) async throws -> [CaseID: [Event]] {
        guard !cases.isEmpty else { return [:] }
        let ids = Array(Set(cases)).map(\.bytes)
        // One snapshot: a batch committed between the two steps must not be seen by half.
        let rows = try await database.lookups.transaction(mode: .snapshot) { connection in
            var idsByOrigin: [Origin: [[UInt8]]] = [:]
            let found = try connection.query(
                "SELECT case_id, origins FROM case_origins WHERE case_id = ANY ($1::uuid[])", [.uuidArray(ids)])
            for row in found {
                let id = try row.get(0, as: [UInt8].self)
                for origin in Origin.inMask(try row.get(1)) { idsByOrigin[origin, default: []].append(id) }
            }
            return try connection.pipeline(
                idsByOrigin.sorted { $0.key < $1.key }.map { (Self.selectEvents(of: $0), [.uuidArray($1)]) })
        }
        var places: [CaseID: [(position: UInt64, event: Event)]] = [:]
        for row in rows.joined() {
            places[try row.caseID(6), default: []].append((try row.number(7), try event(row)))
        }
        return places.mapValues { $0.sorted { $0.position < $1.position }.map(\.event) }
    }

    /// Asks the origin's partition itself: locking and pruning those of all origins takes longer than the reading.
    private static func selectEvents(of origin: Origin) -> String {
        """
        SELECT j.hash, j.envelope, p.state, p.part, j.origin, j.seq, j.case_id, j.position
        FROM \(JournalPartition.table(of: origin)) j LEFT JOIN LATERAL (
            SELECT state, part FROM parts
            WHERE origin = j.origin AND seq = j.seq AND incarnation = j.incarnation OFFSET 0
        ) p ON true
        WHERE j.case_id = ANY ($1::uuid[])
        """
    }

    public func journal(of origin: Origin, after seq: UInt64) async throws -> [Event] {
        // One row more than a batch holds, to see whether the batch would end between two branches' events of one seq.
        let rows = try await query(
            """
            WITH line AS MATERIALIZED (
                SELECT hash, envelope, origin, seq, incarnation, position FROM journal
                WHERE origin = $1 AND seq > $2 ORDER BY seq, position LIMIT $3
            ), sized AS MATERIALIZED (
                SELECT line.*, p.state, p.part,
                    row_number() OVER places AS number,
                    sum(octet_length(envelope) + coalesce(octet_length(part), 0)) OVER places AS bytes,
                    lead(line.seq) OVER places AS next
                FROM line LEFT JOIN LATERAL (
                    SELECT state, part FROM parts
                    WHERE origin = line.origin AND seq = line.seq AND incarnation = line.incarnation OFFSET 0
                ) p ON true
                WINDOW places AS (ORDER BY line.seq, line.position)
            )
            SELECT hash, envelope, state, part, origin, seq, next FROM sized
            WHERE number = 1 OR number < $3 AND bytes <= $4
            ORDER BY seq, position
            """,
            [
                .text(origin.code), .int64(seq.stored), .int(Batch.maximumEvents + 1), .int(Batch.maximumBytes),
            ])
        return try wholeSeqs(rows).map { try event($0) }
    }

    /// Leaves out a last seq of which not all events are there, unless it is the only one: who asks for the next batch
    /// names this one's last seq.
    private func wholeSeqs(_ rows: Rows) throws -> [Row] {
        guard let last = rows.last, let first = rows.first else { return [] }
        let seq = try last.get(5, as: Int64.self)
        guard try last.get(6, as: Int64?.self) == seq, try first.get(5, as: Int64.self) != seq else {
            return Array(rows)
        }
        return try rows.filter { try $0.get(5, as: Int64.self) != seq }
    }

    public func hashes(
        of origin: Origin, from seq: UInt64, through last: UInt64
    ) async throws -> [Position: EventHash] {
        let rows = try await query(
            "SELECT incarnation, seq, hash FROM journal WHERE origin = $1 AND seq BETWEEN $2 AND $3",
            [.text(origin.code), .int64(seq.stored), .int64(last.stored)])
        var hashes: [Position: EventHash] = [:]
        for row in rows {
            hashes[Position(incarnation: try row.number(0), seq: try row.number(1))] = try row.hash(2)
        }
        return hashes
    }

    // MARK: - Feeds

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
        let generation = try await feedGeneration()
        let rows = try await query(
            """
            WITH line AS MATERIALIZED (
                SELECT * FROM feeds WHERE destination = $1 AND seq > $2 ORDER BY seq LIMIT $3
            ), sized AS MATERIALIZED (
                SELECT line.seq AS place, line.with_part, line.origin, line.event_seq, j.hash, j.envelope,
                    p.state, CASE WHEN line.with_part THEN p.part END AS part,
                    row_number() OVER places AS number,
                    sum(octet_length(j.envelope)
                        + CASE WHEN line.with_part THEN coalesce(octet_length(p.part), 0) ELSE 0 END
                    ) OVER places AS bytes
                FROM line LEFT JOIN LATERAL (
                    SELECT hash, envelope FROM journal
                    WHERE origin = line.origin AND seq = line.event_seq AND incarnation = line.incarnation OFFSET 0
                ) j ON true LEFT JOIN LATERAL (
                    SELECT state, part FROM parts
                    WHERE origin = line.origin AND seq = line.event_seq AND incarnation = line.incarnation OFFSET 0
                ) p ON true
                WINDOW places AS (ORDER BY line.seq)
            )
            SELECT hash, envelope, state, part, origin, event_seq, place, with_part FROM sized
            WHERE number = 1 OR bytes <= $4 ORDER BY place
            """,
            [
                .text(destination.code), .int64(seq.stored), .int(Batch.maximumEvents), .int(Batch.maximumBytes),
            ])
        return try rows.map { try feedRow($0, generation: generation) }
    }

    private func feedRow(_ row: Row, generation: UInt64) throws -> FeedRow {
        guard try !row.isNull(1) else { throw try corrupt(row) }
        let hash = try row.hash(0)
        let bytes = try row.get(1, as: [UInt8].self)
        guard hashing(bytes) == hash else { throw try corrupt(row) }
        var part = Part(state: try row.get(2), bytes: try row.get(3))
        if try !row.get(7, as: Bool.self), part != .none { part = .withheld }
        let cursor = FeedCursor(hubIncarnation: generation, seq: try row.number(6), hash: hash)
        return FeedRow(cursor: cursor, event: WireEvent(bytes: bytes, part: part))
    }

    public func feedHash(of destination: Origin, at seq: UInt64) async throws -> EventHash? {
        let rows = try await query(
            """
            SELECT j.hash FROM feeds f CROSS JOIN LATERAL (
                SELECT hash FROM journal
                WHERE origin = f.origin AND seq = f.event_seq AND incarnation = f.incarnation OFFSET 0
            ) j WHERE f.destination = $1 AND f.seq = $2
            """,
            [.text(destination.code), .int64(seq.stored)])
        return try rows.first?.hash(0)
    }

    // MARK: - Rows

    /// Of the columns hash, envelope, state, part, origin, seq.
    private func event(_ row: Row) throws -> Event {
        let event: Event
        do {
            event = try Event(
                bytes: try row.get(1), part: Part(state: try row.get(2), bytes: try row.get(3)), hashing: hashing)
        } catch is EventFault {
            throw try corrupt(row)
        }
        guard try row.hash(0) == event.hash else { throw try corrupt(row) }
        return event
    }

    private func corrupt(_ row: Row) throws -> StoreError {
        .corrupt("\(try row.get(4, as: String.self)) \(try row.get(5, as: Int64.self))")
    }
}
