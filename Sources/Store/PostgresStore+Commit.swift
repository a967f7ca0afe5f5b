import Casework
import Federation
import Postgres

extension Commit {
    /// Writes the batch within an open transaction, in as few round trips as COPY permits.
    /// - Parameter begun: feeds that this hub incarnation may not have written before, and its first seq there.
    /// - Throws: `StoreError.fenced`, `PostgresError`; the transaction is then to be rolled back.
    func save(_ connection: isolated Connection, begun: [FeedRun: UInt64]) throws {
        let rows = CaseRows(self)
        let first = try connection.pipeline([compareAndSet] + rows.selectOld)
        guard first[0].affected == 1 else { throw StoreError.fenced }
        let moved = try rows.figures(old: first.count > 1 ? first[1] : nil)
        try copyEvents(connection)
        let (fresh, joined) = origins
        try copy(fresh, connection)
        try rows.copyNew(connection)
        try copyFeeds(connection)
        try copyHeld(connection)
        try connection.pipeline(rows.upsert + moved.statements + note(joined) + statements + FeedRun.note(begun) + choices)
    }

    typealias Statement = (sql: String, parameters: [Parameter])

    /// The stamp is not compared: it only rises, under the same token.
    private var compareAndSet: Statement {
        (
            """
            UPDATE head SET incarnation = $1, seq = $2, hash = $3, stamp = $4, position = $5
            WHERE origin = $6 AND token = $7 AND incarnation = $8 AND seq = $9 AND hash = $10 AND position = $11
            """,
            [
                .int64(becomes.head.incarnation.stored), .int64(becomes.head.seq.stored),
                .bytea(becomes.head.hash.bytes), .int64(becomes.stamp.rawValue.stored),
                .int64(becomes.position.stored), .text(origin.code), .int64(token.stored),
                .int64(expected.head.incarnation.stored), .int64(expected.head.seq.stored),
                .bytea(expected.head.hash.bytes), .int64(expected.position.stored),
            ]
        )
    }

    // MARK: - COPY

    private func copyEvents(_ connection: isolated Connection) throws {
        guard !placed.isEmpty else { return }
        // By index here and below: a loop over the elements copies each, with all that it refers to.
        let sql = "COPY journal (origin, seq, incarnation, hash, case_id, position, envelope) FROM STDIN (FORMAT binary)"
        try connection.copyIn(sql) { writer in
            for index in placed.indices {
                let event = placed[index].event
                try writer.row { row in
                    row.append(event.origin.code)
                    row.append(event.position.seq.stored)
                    row.append(event.position.incarnation.stored)
                    row.append(event.hash)
                    if let id = event.caseID { row.append(id) } else { row.appendNull() }
                    row.append(placed[index].position.stored)
                    row.append(event.bytes)
                }
            }
        }
        guard placed.indices.contains(where: { placed[$0].event.part.storedState != nil }) else { return }
        try connection.copyIn(
            "COPY parts (origin, seq, incarnation, state, part) FROM STDIN (FORMAT binary)"
        ) { writer in
            for index in placed.indices {
                let event = placed[index].event
                guard let state = event.part.storedState else { continue }
                try writer.row { row in
                    row.append(event.origin.code)
                    row.append(event.position.seq.stored)
                    row.append(event.position.incarnation.stored)
                    row.append(state)
                    row.append(optional: event.part.bytes)
                }
            }
        }
    }

    private func copyFeeds(_ connection: isolated Connection) throws {
        guard !routed.isEmpty else { return }
        try connection.copyIn(
            """
            COPY feeds (destination, seq, origin, event_seq, incarnation, with_part, hub_incarnation)
            FROM STDIN (FORMAT binary)
            """
        ) { writer in
            for routed in routed {
                try writer.row { row in
                    row.append(routed.destination.code)
                    row.append(routed.seq.stored)
                    row.append(routed.origin.code)
                    row.append(routed.place.seq.stored)
                    row.append(routed.place.incarnation.stored)
                    row.append(routed.withPart)
                    row.append(routed.hubIncarnation.stored)
                }
            }
        }
    }

    // MARK: - The rest, in one round trip

    private var statements: [Statement] {
        var statements: [Statement] = []
        if let files { statements.append(files) }
        if !completed.isEmpty { statements.append(completeParts) }
        if !chains.isEmpty { statements.append(upsertChains) }
        if !replies.isEmpty { statements.append(insertReplies) }
        if !alarms.isEmpty { statements.append(insertAlarms) }
        return statements
    }

    private typealias Origins = (id: CaseID, mask: Int64)

    /// Which origins this batch brings events of, by case: of those that it begins, and of those that may have been here.
    private var origins: (fresh: [Origins], joined: [Origins]) {
        var parts: [Origins] = []
        for index in placed.indices {
            let event = placed[index].event
            guard let id = event.caseID else { continue }
            Self.add((id, event.origin.mask), to: &parts)
        }
        parts.sort { $0.id < $1.id }
        // Both in the order of their ids.
        var (fresh, joined): ([Origins], [Origins]) = ([], [])
        var row = 0
        for part in parts {
            while row < begun, cases[row].id < part.id { row += 1 }
            if row < begun, cases[row].id == part.id { Self.add(part, to: &fresh) } else { Self.add(part, to: &joined) }
        }
        return (fresh, joined)
    }

    private static func add(_ part: Origins, to list: inout [Origins]) {
        if list.last?.id == part.id { list[list.count - 1].mask |= part.mask } else { list.append(part) }
    }

    private func copy(_ origins: [Origins], _ connection: isolated Connection) throws {
        guard !origins.isEmpty else { return }
        try connection.copyIn("COPY case_origins (case_id, origins) FROM STDIN (FORMAT binary)") { writer in
            for (id, mask) in origins {
                try writer.row { row in
                    row.append(id)
                    row.append(mask)
                }
            }
        }
    }

    private func note(_ origins: [Origins]) -> [Statement] {
        guard !origins.isEmpty else { return [] }
        return [(
            """
            INSERT INTO case_origins AS known (case_id, origins) SELECT * FROM unnest($1::uuid[], $2::bigint[])
            ON CONFLICT (case_id) DO UPDATE SET origins = known.origins | excluded.origins
                WHERE known.origins | excluded.origins <> known.origins
            """,
            [.uuidArray(origins.map(\.id.bytes)), .int64Array(origins.map(\.mask))]
        )]
    }

    /// A part that was withheld here is present from now; an erased one stays erased.
    private var completeParts: Statement {
        var seen: Set<EventHash> = []
        let events = completed.filter { $0.part.bytes != nil && seen.insert($0.hash).inserted }
        return (
            """
            INSERT INTO parts (origin, seq, incarnation, state, part)
                SELECT origin, seq, incarnation, 1, part
                FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bytea[])
                    AS new (origin, seq, incarnation, part)
            ON CONFLICT (origin, seq, incarnation) DO UPDATE SET state = 1, part = excluded.part
                WHERE parts.state = 2
            """,
            [
                .textArray(events.map(\.origin.code)), .int64Array(events.map(\.envelope.seq.stored)),
                .int64Array(events.map(\.envelope.incarnation.stored)),
                .byteaArray(events.compactMap(\.part.bytes)),
            ]
        )
    }

    /// The chains in the order in which they were extended; each once, as it stands last.
    private var upsertChains: Statement {
        struct Name: Hashable {
            let origin: Origin
            let incarnation: UInt64
        }
        var seen: Set<Name> = []
        let last = chains.reversed().filter {
            seen.insert(Name(origin: $0.origin, incarnation: $0.chain.incarnation)).inserted
        }
        let chains = Array(last.reversed())
        return (
            """
            INSERT INTO chains (origin, incarnation, seq, hash, parent, first)
                SELECT origin, incarnation, seq, hash, parent, first
                FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[])
                    WITH ORDINALITY AS new (origin, incarnation, seq, hash, parent, first, place)
                ORDER BY place
            ON CONFLICT (origin, incarnation) DO UPDATE SET seq = excluded.seq, hash = excluded.hash,
                parent = excluded.parent, first = excluded.first, ordinal = excluded.ordinal
            """,
            [
                .textArray(chains.map(\.origin.code)), .int64Array(chains.map(\.chain.incarnation.stored)),
                .int64Array(chains.map(\.chain.head.seq.stored)), .byteaArray(chains.map(\.chain.head.hash.bytes)),
                .int64Array(chains.map(\.chain.parent.stored)), .int64Array(chains.map(\.chain.first.stored)),
            ]
        )
    }

    private var insertReplies: Statement {
        (
            """
            INSERT INTO idempotency (principal, key, body_hash, case_id, events, created_at, for_ever)
                SELECT principal, key, body_hash, case_id, events, $6, for_ever
                FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[], $5::bytea[], $7::boolean[])
                    AS new (principal, key, body_hash, case_id, events, for_ever)
            """,
            [
                .textArray(replies.map(\.key.principal)), .textArray(replies.map(\.key.key)),
                .byteaArray(replies.map(\.reply.bodyHash)), .uuidArray(replies.map(\.reply.caseID.bytes)),
                .byteaArray(replies.map { $0.reply.events.flatMap(\.bytes) }), .timestamp(now.stored),
                .boolArray(replies.map(\.reply.isForEver)),
            ]
        )
    }

    private var insertAlarms: Statement {
        (
            """
            INSERT INTO alarms (at, origin, code, detail, event)
                SELECT $1, origin, code, detail, event
                FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[]) AS new (origin, code, detail, event)
            """,
            [
                .timestamp(now.stored), .textArray(alarms.map(\.origin.code)),
                .textArray(alarms.map(\.alarm.code.stored)), .textArray(alarms.map(\.alarm.detail.stored)),
                .byteaArrayOptional(alarms.map(\.alarm.event?.bytes)),
            ]
        )
    }
}
