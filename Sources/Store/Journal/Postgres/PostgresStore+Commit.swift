import Casework
import Federation
import Postgres

/// Writes a batch within an open transaction.
struct Saving: Sendable {
    enum Order {
        /// Few rows: all in one round trip, or two when they change cases that are here.
        case together
        /// Many: new rows by COPY, while an earlier batch is under way; then the rest.
        case rowsFirst
        /// Many: the head is compared before anything is written.
        case headFirst
    }

    let order: Order
    private let batch: Commit
    private let rows: CaseRows
    private let parts: [StoredPart]
    private let fresh, joined: [CaseOrigins]
    private let begun: [FeedRun: UInt64]

    /// - Parameters:
    ///   - begun: feeds that this hub incarnation may not have written before, and its first seq there.
    ///   - few: up to so many rows, of at most 256 KiB, go together.
    ///   - isCareful: whether the head is compared first, however many rows there are.
    init(_ batch: Commit, begun: [FeedRun: UInt64], few: Int, isCareful: Bool = false) {
        self.batch = batch
        self.begun = begun
        order = batch.isSmall(few) ? .together : isCareful ? .headFirst : .rowsFirst
        rows = CaseRows(batch)
        parts = batch.effects.numbered.compactMap { StoredPart($0.event) }
        (fresh, joined) = batch.origins
    }

    /// The new rows, where they are many. None of them touches one that stands, or that an earlier batch writes, so both
    /// may be under way at once.
    func copy(_ connection: isolated Connection) throws {
        if order == .together { return }
        if order == .headFirst { try connection.pipeline([batch.compareAndSet]) }
        try Table.journal.copy(batch.effects.numbered, connection)
        try Table.parts.copy(parts, connection)
        try Table.origins.copy(fresh, connection)
        try rows.copyNew(connection)
        try Table.feeds.copy(batch.effects.routed, connection)
    }

    /// All else, on what the batch goes on from.
    /// - Throws: `StoreError.fenced`, `PostgresError`; the transaction is then to be rolled back.
    func finish(_ connection: isolated Connection) throws {
        var next = order == .headFirst ? [] : [batch.compareAndSet]
        var old: Rows?
        if !rows.selectOld.isEmpty {
            old = try connection.pipeline(next + rows.selectOld).last
            next = []
        }
        let moved = try rows.figures(old: old)
        if order == .together {
            next +=
                Table.journal.insert(batch.effects.numbered) + Table.parts.insert(parts) + Table.origins.insert(fresh)
            next += rows.insertNew + Table.feeds.insert(batch.effects.routed) + Table.held.insert(batch.effects.held)
        } else {
            // Their order is that in which they are written: an earlier batch's come first.
            try Table.held.copy(batch.effects.held, connection)
        }
        next += rows.upsert + Table.origins.upsert(joined)
        try connection.pipeline(next + moved.statements + batch.statements + FeedRun.note(begun) + batch.choices)
    }
}

extension Commit {
    fileprivate func isSmall(_ few: Int) -> Bool {
        let count = effects.numbered.count + cases.count + effects.routed.count + effects.held.count
        guard count <= few else { return false }
        let events = effects.numbered.map(\.event) + effects.held
        return events.reduce(0) { $0 + $1.bytes.count + ($1.part.bytes?.count ?? 0) } <= 1 << 18
    }

    typealias Statement = (sql: String, parameters: [Parameter])

    /// Where the head has moved it divides by zero, so that nothing behind it in a pipeline runs (``StoreError/fenced``).
    /// The stamp is not compared: it only rises, under the same token.
    static let compareAndSet = """
        WITH moved AS (
            UPDATE head SET incarnation = $1, seq = $2, hash = $3, stamp = $4, position = $5
            WHERE origin = $6 AND token = $7 AND incarnation = $8 AND seq = $9 AND hash = $10 AND position = $11
            RETURNING 1)
        SELECT 1 / count(*) FROM moved
        """

    fileprivate var compareAndSet: Statement {
        (
            Self.compareAndSet,
            [
                .int64(becomes.head.incarnation.stored), .int64(becomes.head.seq.stored),
                .bytea(becomes.head.hash.bytes), .int64(becomes.stamp.rawValue.stored),
                .int64(becomes.position.stored), .text(origin.code), .int64(token.stored),
                .int64(expected.head.incarnation.stored), .int64(expected.head.seq.stored),
                .bytea(expected.head.hash.bytes), .int64(expected.position.stored),
            ]
        )
    }

    // MARK: - What goes by one statement in any batch

    fileprivate var statements: [Statement] {
        var statements: [Statement] = []
        if let files { statements.append(files) }
        if !effects.completed.isEmpty { statements.append(completeParts) }
        if !effects.chains.isEmpty { statements.append(upsertChains) }
        if !replies.isEmpty { statements.append(insertReplies) }
        if !effects.alarms.isEmpty { statements.append(insertAlarms) }
        return statements
    }

    /// Which origins this batch brings events of, by case: of those that it begins, and of those that may have been here.
    fileprivate var origins: (fresh: [CaseOrigins], joined: [CaseOrigins]) {
        var parts: [CaseOrigins] = []
        for index in effects.numbered.indices {
            let event = effects.numbered[index].event
            guard let id = event.caseID else { continue }
            Self.add(CaseOrigins(id: id, mask: event.origin.mask), to: &parts)
        }
        parts.sort { $0.id < $1.id }
        // Both in the order of their ids.
        var (fresh, joined): ([CaseOrigins], [CaseOrigins]) = ([], [])
        var row = 0
        for part in parts {
            while row < begun, cases[row].id < part.id { row += 1 }
            if row < begun, cases[row].id == part.id { Self.add(part, to: &fresh) } else { Self.add(part, to: &joined) }
        }
        return (fresh, joined)
    }

    private static func add(_ part: CaseOrigins, to list: inout [CaseOrigins]) {
        if list.last?.id == part.id { list[list.count - 1].mask |= part.mask } else { list.append(part) }
    }

    /// A part that was withheld here is present from now; an erased one stays erased.
    private var completeParts: Statement {
        var seen: Set<EventHash> = []
        let events = effects.completed.filter { $0.part.bytes != nil && seen.insert($0.hash).inserted }
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

    /// The chains in the order in which they were extended.
    private var upsertChains: Statement {
        let chains = effects.chains
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
                .timestamp(now.stored), .textArray(effects.alarms.map(\.origin.code)),
                .textArray(effects.alarms.map(\.alarm.code.stored)),
                .textArray(effects.alarms.map(\.alarm.detail.stored)),
                .byteaArrayOptional(effects.alarms.map(\.alarm.event?.bytes)),
            ]
        )
    }
}
