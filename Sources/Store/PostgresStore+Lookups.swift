public import Casework
public import Federation
import Postgres

extension PostgresStore {
    public func used(_ codes: [TrackingCode]) async throws -> Set<TrackingCode> {
        guard !codes.isEmpty else { return [] }
        let rows = try await query(
            "SELECT DISTINCT tracking_code FROM cases WHERE tracking_code = ANY ($1::text[])",
            [.textArray(codes.map(\.digits))])
        let digits = Set(try rows.map { try $0.get(0, as: String.self) })
        return Set(codes.filter { digits.contains($0.digits) })
    }

    public func replies(_ keys: [IdempotencyKey]) async throws -> [IdempotencyKey: IdempotentReply] {
        guard !keys.isEmpty else { return [:] }
        let rows = try await query(
            """
            SELECT i.principal, i.key, i.body_hash, i.case_id, i.events, i.for_ever
            FROM unnest($1::text[], $2::text[]) AS asked (principal, key) JOIN idempotency i USING (principal, key)
            """,
            [.textArray(keys.map(\.principal)), .textArray(keys.map(\.key))])
        var replies: [IdempotencyKey: IdempotentReply] = [:]
        for row in rows {
            let events = pieces(try row.get(4), of: 32).compactMap { EventHash($0) }
            replies[IdempotencyKey(principal: try row.get(0), key: try row.get(1))] = IdempotentReply(
                bodyHash: try row.get(2), caseID: try row.caseID(3), events: events, isForEver: try row.get(5))
        }
        return replies
    }

    public func chains() async throws -> [Origin: ChainTree] {
        let rows = try await query("SELECT origin, incarnation, seq, hash FROM chains ORDER BY ordinal")
        var heads: [Origin: [ChainHead]] = [:]
        for row in rows {
            let head = ChainHead(incarnation: try row.number(1), seq: try row.number(2), hash: try row.hash(3))
            heads[try row.origin(0), default: []].append(head)
        }
        return heads.mapValues { ChainTree(heads: $0) }
    }

    // MARK: - Receipts

    public func record(_ ack: Ack) async throws {
        guard let last = ack.heads.max(by: { $0.seq < $1.seq }) else { return }
        try await database.readers.run { connection in
            _ = try connection.query(
                """
                INSERT INTO acknowledgements (incarnation, seq, heads, committed_at, position, signature)
                    VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT (seq, incarnation) DO NOTHING
                """,
                [
                    .int64(last.incarnation.stored), .int64(last.seq.stored), .bytea(ack.heads.flatMap(\.stored)),
                    .timestamp(ack.committedAt.stored), .int64(ack.position.stored), .bytea(ack.signature),
                ])
        }
    }

    public func acknowledged() async throws -> Ack? {
        try await ack("ORDER BY seq DESC, position DESC LIMIT 1")
    }

    public func acknowledgement(covering seq: UInt64) async throws -> Ack? {
        try await ack("WHERE seq >= $1 ORDER BY seq, position LIMIT 1", [.int64(seq.stored)])
    }

    private func ack(_ condition: String, _ parameters: [Parameter] = []) async throws -> Ack? {
        let rows = try await query(
            "SELECT heads, committed_at, position, signature FROM acknowledgements " + condition, parameters)
        guard let row = rows.first else { return nil }
        let heads = pieces(try row.get(0), of: 48).compactMap { ChainHead(stored: $0) }
        return Ack(
            heads: heads, committedAt: try row.instant(1), position: try row.number(2), signature: try row.get(3))
    }

    // MARK: - Clocks and nodes

    public func overdue(before now: Instant, below level: Int, seat: Origin?, limit: Int) async throws -> [CaseID] {
        let rows = try await query(
            """
            SELECT id FROM cases
            WHERE counts_due AND deadline < $1 AND escalated < $2 AND ($3::text IS NULL OR seat = $3)
            ORDER BY deadline, id LIMIT $4
            """,
            [.timestamp(now.stored), .int32(level.stored), Parameter(seat?.code), .int(max(0, limit))])
        return try rows.map { try $0.caseID(0) }
    }

    public func origins(quarantined: Bool) async throws -> Set<Origin> {
        let rows = try await query("SELECT origin FROM nodes WHERE quarantined = $1", [.bool(quarantined)])
        return Set(try rows.map { try $0.origin(0) })
    }

    public func note(_ report: NodeReport) async throws {
        // Values that this report does not carry stay as they are.
        _ = try await query(
            """
            INSERT INTO nodes AS n (origin, last_heard, clock_offset, backlog, feed)
                VALUES ($1, $2, coalesce($3, 0), $4, coalesce($5, 0))
            ON CONFLICT (origin) DO UPDATE SET last_heard = $2, clock_offset = coalesce($3, n.clock_offset),
                backlog = coalesce($4, n.backlog), feed = coalesce($5, n.feed)
            """,
            [
                .text(report.origin.code), .timestamp(report.heardAt.stored), Parameter(report.clockOffset),
                Parameter(report.backlog?.stored), Parameter(report.feed?.stored),
            ])
    }
}
