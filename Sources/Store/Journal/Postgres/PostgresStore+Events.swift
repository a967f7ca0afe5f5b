public import Casework
public import Federation
import Glibc
import Postgres

/// Reading events. Every event's bytes are checked against the hash stored beside them.
///
/// `OFFSET 0` keeps a subquery whole: each row then probes one index of one partition, whatever the planner believes
/// about the sizes of the tables.
extension PostgresStore {
    public func events(of cases: [CaseID]) async throws -> [CaseID: [Event]] {
        guard !cases.isEmpty else { return [:] }
        let ids = cases.map(\.bytes)
        // One snapshot: a batch committed between the two steps must not be seen by half.
        let rows = try await database.lookups.transaction(mode: .snapshot) { connection in
            var idsByOrigin: [Origin: [[UInt8]]] = [:]
            let found = try connection.query(
                "SELECT case_id, origins FROM case_origins WHERE case_id = ANY ($1::uuid[])", [.uuidArray(ids)])
            for row in found {
                let id = try row.get(0, as: [UInt8].self)
                for origin in Origin.inMask(try row.number(1)) { idsByOrigin[origin, default: []].append(id) }
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

    public func journal(of origin: Origin, in stretches: [Stretch]) async throws -> [JournalRow] {
        var after: [UInt64: UInt64] = [:]
        for stretch in stretches { after[stretch.incarnation] = min(after[stretch.incarnation] ?? .max, stretch.after) }
        guard let first = after.first else { return [] }
        if after.count == 1 {
            let small = try await smallEvents(of: origin, Stretch(incarnation: first.key, after: first.value))
            if let small { return small }
        }
        let rows = try await query(
            Self.selectStretches,
            [
                .text(origin.code), .int64Array(after.keys.map(\.stored)),
                .int64Array(after.values.map { Int64(clamping: $0) }), .int(Batch.maximumEvents),
                .int(Batch.maximumBytes),
            ])
        return try rows.map { row in try journalRow(row) }
    }

    /// The next batch of one incarnation.
    /// - Returns: `nil` when it holds a large event.
    private func smallEvents(of origin: Origin, _ stretch: Stretch) async throws -> [JournalRow]? {
        let parameters: [Parameter] = [
            .text(origin.code), .int64(stretch.incarnation.stored), .int64(Int64(clamping: stretch.after)),
        ]
        let rows = try await database.lookups.run { connection in
            try connection.pipeline([
                ("BEGIN READ ONLY", []), (Self.readInStep, []), (Self.selectSmall, parameters), ("COMMIT", []),
            ])[2]
        }
        var (batch, bytes): ([JournalRow], Int) = ([], 0)
        batch.reserveCapacity(rows.count)
        for row in rows {
            if try row.get(8) { return nil }
            let next = try journalRow(row)
            bytes += next.event.bytes.count + (next.event.part.bytes?.count ?? 0)
            if bytes > Batch.maximumBytes { break }
            batch.append(next)
        }
        return batch
    }

    private func journalRow(_ row: Row) throws -> JournalRow {
        JournalRow(place: ChainPlace(incarnation: try row.number(7), seq: try row.number(5)), event: try stored(row))
    }

    /// For this transaction: two sides that come in one order are read in step, also where the plan is made for tables that
    /// are still empty, and the plan is kept: making it takes a fifth of the time of reading.
    private static let readInStep = """
        SELECT set_config('enable_mergejoin', 'on', true), set_config('enable_nestloop', 'off', true),
            set_config('plan_cache_mode', 'force_generic_plan', true)
        """

    /// Beyond this many bytes of an envelope or a part an event is large.
    private static let small = 16_384

    /// What one incarnation wrote, journal and parts read side by side, each once along its index and with no sum of
    /// sizes: an office that was away sends weeks of it. Large events come without their bytes, so that no answer takes
    /// more than some megabytes of memory. Literal limits let the planner see that both sides come in one order; no part
    /// is without its event, so the first parts are those of the first events.
    private static let selectSmall = """
        SELECT hash, CASE WHEN octet_length(envelope) <= \(small) THEN envelope END, state,
            CASE WHEN octet_length(part) <= \(small) THEN part END, $1::text, seq, case_id, $2::bigint,
            octet_length(envelope) > \(small) OR coalesce(octet_length(part) > \(small), false)
        FROM (
            (SELECT j.seq, j.hash, j.envelope, j.case_id, p.state, p.part FROM (
                SELECT seq, hash, envelope, case_id FROM journal
                WHERE origin = $1 AND incarnation = $2 AND seq > $3 AND seq <= coalesce(
                    (SELECT seq FROM chains WHERE origin = $1 AND incarnation = $2), \(Int64.max))
                ORDER BY seq LIMIT \(Batch.maximumEvents)
            ) j LEFT JOIN (
                SELECT seq, state, part FROM parts
                WHERE origin = $1 AND incarnation = $2 AND seq > $3 ORDER BY seq LIMIT \(Batch.maximumEvents)
            ) p USING (seq)
            ORDER BY seq LIMIT \(Batch.maximumEvents))
            UNION ALL
            (SELECT seq, hash, envelope, case_id, part_state, part
            FROM held_events WHERE origin = $1 AND incarnation = $2 AND seq > $3
            ORDER BY seq LIMIT \(Batch.maximumEvents))
        ) line
        ORDER BY seq LIMIT \(Batch.maximumEvents)
        """

    /// Places first, by the index alone: of each incarnation no further than it reaches.
    private static let selectStretches = """
        WITH line AS MATERIALIZED (
            SELECT place.* FROM unnest($2::bigint[], $3::bigint[]) AS stretch (incarnation, after)
                LEFT JOIN chains c ON c.origin = $1 AND c.incarnation = stretch.incarnation
                CROSS JOIN LATERAL (
                    (SELECT seq, incarnation, false AS is_held FROM journal
                    WHERE origin = $1 AND incarnation = stretch.incarnation AND seq > stretch.after
                        AND seq <= coalesce(c.seq, \(Int64.max)) ORDER BY seq LIMIT $4)
                    UNION ALL
                    (SELECT seq, incarnation, true FROM held_events
                    WHERE origin = $1 AND incarnation = stretch.incarnation AND seq > stretch.after
                    ORDER BY seq LIMIT $4)
                ) place
            ORDER BY place.seq, place.incarnation LIMIT $4
        ), sized AS MATERIALIZED (
            SELECT e.*, line.seq, line.incarnation, row_number() OVER places AS number,
                sum(octet_length(envelope) + coalesce(octet_length(part), 0)) OVER places AS bytes
            FROM line CROSS JOIN LATERAL (
                SELECT j.hash, j.envelope, p.state, p.part, j.case_id FROM journal j LEFT JOIN LATERAL (
                    SELECT state, part FROM parts
                    WHERE origin = $1 AND seq = line.seq AND incarnation = line.incarnation OFFSET 0
                ) p ON true
                WHERE NOT line.is_held AND j.origin = $1 AND j.seq = line.seq AND j.incarnation = line.incarnation
                UNION ALL
                SELECT h.hash, h.envelope, h.part_state, h.part, h.case_id FROM held_events h
                WHERE line.is_held AND h.origin = $1 AND h.seq = line.seq AND h.incarnation = line.incarnation
            ) e
            WINDOW places AS (ORDER BY line.seq, line.incarnation)
        )
        SELECT hash, envelope, state, part, $1::text, seq, case_id, incarnation FROM sized
        WHERE number = 1 OR bytes <= $5 ORDER BY seq, incarnation
        """

    public func hashes(
        of origin: Origin, from seq: UInt64, through last: UInt64
    ) async throws -> [ChainPlace: EventHash] {
        let rows = try await query(
            """
            SELECT incarnation, seq, hash FROM journal WHERE origin = $1 AND seq BETWEEN $2 AND $3
            UNION ALL SELECT incarnation, seq, hash FROM held_events WHERE origin = $1 AND seq BETWEEN $2 AND $3
            """,
            [.text(origin.code), .int64(Int64(clamping: seq)), .int64(Int64(clamping: last))])
        var hashes: [ChainPlace: EventHash] = [:]
        for row in rows {
            hashes[ChainPlace(incarnation: try row.number(0), seq: try row.number(1))] = try row.hash(2)
        }
        return hashes
    }

    // MARK: - Rows

    /// An event for the wire, of the columns hash, envelope, state, part, origin, seq, case_id: its bytes are checked, and
    /// not read. The envelope names the part's hash as plain bytes.
    func stored(_ row: Row) throws -> WireEvent {
        let hash = try row.hash(0)
        let bytes = try row.get(1, as: [UInt8].self)
        let part = Part(state: try row.get(2), bytes: try row.get(3))
        guard hashing(bytes) == hash, part.bytes.map({ bytes.contains(hashing($0)) }) ?? true else {
            throw try corrupt(row)
        }
        return WireEvent(bytes: bytes, part: part, hash: hash)
    }

    /// Of the columns hash, envelope, state, part, origin, seq, case_id.
    func event(_ row: Row) throws -> Event {
        let event: Event
        do {
            event = try Event(
                bytes: try row.get(1), part: Part(state: try row.get(2), bytes: try row.get(3)), hashing: hashing)
        } catch is EventFault {
            throw try corrupt(row)
        }
        guard try row.get(0, as: [UInt8].self) == event.hash.bytes else { throw try corrupt(row) }
        return event
    }

    /// Of the columns origin, seq and case_id, which stand fifth to seventh.
    func corrupt(_ row: Row) throws -> StoreError {
        let place = "\(try row.get(4, as: String.self)) \(try row.get(5, as: Int64.self))"
        return .corrupt(try row.isNull(6) ? nil : row.caseID(6), place)
    }
}

extension [UInt8] {
    /// Whether the bytes of a hash stand somewhere among these.
    fileprivate func contains(_ hash: EventHash) -> Bool {
        withUnsafeBytes { bytes in
            hash.bytes.withUnsafeBytes { wanted in
                guard var place = bytes.baseAddress, let sought = wanted.baseAddress else { return false }
                let end = place + bytes.count
                while place + wanted.count <= end,
                    let found = memchr(place, Int32(wanted[0]), end - place - wanted.count + 1)
                {
                    if memcmp(found, sought, wanted.count) == 0 { return true }
                    place = UnsafeRawPointer(found) + 1
                }
                return false
            }
        }
    }
}
