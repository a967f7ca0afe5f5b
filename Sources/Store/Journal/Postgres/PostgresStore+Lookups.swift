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
        let rows = try await query("SELECT origin, incarnation, seq, hash, parent, first FROM chains ORDER BY ordinal")
        var chains: [Origin: [Chain]] = [:]
        for row in rows {
            let head = ChainHead(incarnation: try row.number(1), seq: try row.number(2), hash: try row.hash(3))
            chains[try row.origin(0), default: []].append(
                Chain(parent: try row.number(4), first: try row.number(5), head: head))
        }
        return chains.mapValues { ChainTree(chains: $0) }
    }

    // MARK: - Receipts

    public func record(_ ack: Ack) async throws {
        guard !ack.heads.isEmpty else { return }
        try await database.readers.run { connection in
            _ = try connection.query(
                """
                INSERT INTO acknowledgements (incarnation, seq, heads, committed_at, position, signature)
                    SELECT incarnation, seq, $3, $4, $5, $6
                    FROM unnest($1::bigint[], $2::bigint[]) AS head (incarnation, seq)
                ON CONFLICT (incarnation, seq) DO NOTHING
                """,
                [
                    .int64Array(ack.heads.map(\.incarnation.stored)), .int64Array(ack.heads.map(\.seq.stored)),
                    .bytea(ack.heads.flatMap(\.stored)), .timestamp(ack.committedAt.stored),
                    .int64(ack.position.stored), .bytea(ack.signature),
                ])
        }
    }

    public func acknowledged() async throws -> [UInt64: UInt64] {
        // One probe of the index for each incarnation.
        let rows = try await query(
            """
            WITH RECURSIVE last AS (
                (SELECT incarnation, seq FROM acknowledgements ORDER BY incarnation DESC, seq DESC LIMIT 1)
                UNION ALL
                SELECT next.incarnation, next.seq FROM last CROSS JOIN LATERAL (
                    SELECT incarnation, seq FROM acknowledgements a WHERE a.incarnation < last.incarnation
                    ORDER BY incarnation DESC, seq DESC LIMIT 1
                ) next
            )
            SELECT incarnation, seq FROM last
            """)
        return try rows.reduce(into: [:]) { $0[try $1.number(0)] = try $1.number(1) }
    }

    public func acknowledgement(covering place: ChainPlace) async throws -> Ack? {
        let rows = try await query(
            """
            SELECT heads, committed_at, position, signature FROM acknowledgements
            WHERE incarnation = $1 AND seq >= $2 ORDER BY seq LIMIT 1
            """, [.int64(place.incarnation.stored), .int64(Int64(clamping: place.seq))])
        guard let row = rows.first else { return nil }
        let heads = pieces(try row.get(0), of: 48).compactMap { ChainHead(stored: $0) }
        return Ack(
            heads: heads, committedAt: try row.instant(1), position: try row.number(2), signature: try row.get(3))
    }

    // MARK: - Cases

    public func digests(
        after position: UInt64, limit: Int
    ) async throws -> [(digest: CaseDigest, position: UInt64)] {
        guard limit > 0 else { return [] }
        let rows = try await query(
            """
            SELECT id, digest, position FROM cases WHERE position > $1
            ORDER BY position FETCH FIRST \(limit) ROWS WITH TIES
            """, [.int64(Int64(clamping: position))])
        let digests = try rows.map { row in
            (digest: CaseDigest(caseID: try row.caseID(0), digest: try row.hash(1)), position: try row.number(2))
        }
        // Cases of one position come together: they wait for the next call, unless there is nothing before them.
        guard digests.count > limit, let end = digests.last?.position else { return digests }
        let whole = digests.prefix { $0.position < end }
        return whole.isEmpty ? digests : Array(whole)
    }

    public func digests(of cases: [CaseID]) async throws -> [CaseDigest] {
        guard !cases.isEmpty else { return [] }
        let rows = try await query(
            "SELECT id, digest FROM cases WHERE id = ANY ($1::uuid[]) ORDER BY id", [.uuidArray(cases.map(\.bytes))])
        return try rows.map { CaseDigest(caseID: try $0.caseID(0), digest: try $0.hash(1)) }
    }

    public func pending(after last: CaseID?, limit: Int) async throws -> [CaseID] {
        let first = last?.bytes ?? [UInt8](repeating: 0, count: 16)
        return try await query(
            "SELECT id FROM cases WHERE pending AND id > $1 ORDER BY id LIMIT $2", [.uuid(first), .int(max(0, limit))]
        ).map { try $0.caseID(0) }
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
