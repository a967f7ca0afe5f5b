import Casework
public import Contract
import Cryptography
import Federation
import Postgres

/// How origins stand with each other. Everything is looked up by an index or in a small table, in one snapshot.
extension CaseReads {
    /// What this hub knows of each node that it has heard of; the link's state and the counts come from elsewhere.
    public func provinceStatus(_ provinces: [ProvinceDocument]) async throws -> [ProvinceStatusDocument] {
        let nodes = try await nodes()
        let quarantined = nodes.filter(\.value.isQuarantined).keys.sorted()
        let rows = try await database.lookups.transaction(mode: .snapshot) { connection in
            try connection.pipeline([
                ("SELECT home, sum(proposals)::bigint FROM cases WHERE proposals > 0 GROUP BY home", []),
                ("SELECT home, count(*) FROM cases WHERE parked GROUP BY home", []), (Self.chains, []),
                (Self.undelivered, []), (Self.newestAlarms, []),
                (Self.quarantineAlarms, [.textArray(quarantined.map(\.code))]),
                ("SELECT origin, count(*) FROM held_events GROUP BY origin", []),
                ("SELECT origin FROM nodes WHERE awaited", []),
            ])
        }
        let standing = try Standing(rows)
        return try provinces.map { province in
            guard let origin = Origin(province.code) else { return ProvinceStatusDocument(province: province) }
            return try standing.document(province, origin, nodes[origin])
        }
    }

    /// How this node stands: its own journal, and what waits for a person.
    /// - Parameter acknowledged: the greatest seq of its own that the hub has acknowledged.
    public func nodeStanding(acknowledged: UInt64) async throws -> NodeStanding {
        let own = origin
        let rows = try await database.lookups.transaction(mode: .snapshot) { connection in
            try connection.pipeline([
                (
                    "SELECT envelope FROM journal WHERE origin = $1 AND seq > $2 ORDER BY seq LIMIT 1",
                    [.text(own.code), .int64(acknowledged.stored)]
                ),
                ("SELECT count(*) FROM cases WHERE parked", []), ("SELECT count(*) FROM cases WHERE pending", []),
                (Self.chains, []),
                // The first, until somebody has served what was put back; the second stays, with further lines below its time.
                ("SELECT value FROM facts WHERE name IN ('restored_at', 'restored') ORDER BY name DESC LIMIT 1", []),
                ("SELECT \(Alarms.columns) FROM alarms ORDER BY id DESC LIMIT 5", []),
            ])
        }
        var chains = ChainPlaces()
        for row in rows[3] where try row.origin(0) == own { chains.append(try .init(columns: row, from: 1)) }
        return NodeStanding(
            oldestUnacknowledgedAt: try rows[0].first.flatMap { try Self.written($0, 0) },
            parked: try rows[1].first?.get(0) ?? 0, pending: try rows[2].first?.get(0) ?? 0, chains: chains.all.count,
            branches: chains.documents.branches,
            restoredAt: try rows[4].first?.get(0, as: String.self).split(separator: "\n").first.map { String($0) },
            alarms: try rows[5].map { try AlarmDocument(columns: $0) })
    }

    /// When an event was written, by its origin's clock: an import's legal time is long past. Nil where there is none, and
    /// for a damaged one, which `peyvand verify` names: this page must go on.
    fileprivate static func written(_ row: Row, _ column: Int) throws -> String? {
        guard let bytes = try row.get(column, as: [UInt8]?.self) else { return nil }
        do {
            return try Event(bytes: bytes, part: .withheld, hashing: Digest.hashing).envelope.stamp.instant.rfc3339
        } catch {
            return nil
        }
    }

    // MARK: Statements

    /// Of every chain its place, and how far receipts cover it: at the hub there are none.
    private static let chains = """
        SELECT origin, incarnation, parent, first, seq,
            (SELECT max(seq) FROM acknowledgements a WHERE a.incarnation = c.incarnation)
        FROM chains c ORDER BY ordinal
        """

    /// Rows of each node's feed that it has not committed, and the first of their events.
    private static let undelivered = """
        SELECT n.origin, greatest(coalesce(e.seq, 0) - n.feed, 0), j.envelope FROM nodes n
        LEFT JOIN LATERAL (
            SELECT seq FROM feeds WHERE destination = n.origin ORDER BY seq DESC LIMIT 1
        ) e ON true
        LEFT JOIN LATERAL (
            SELECT origin, event_seq, incarnation FROM feeds
            WHERE destination = n.origin AND seq > n.feed ORDER BY seq LIMIT 1
        ) f ON true
        LEFT JOIN LATERAL (
            SELECT envelope FROM journal
            WHERE origin = f.origin AND seq = f.event_seq AND incarnation = f.incarnation OFFSET 0
        ) j ON true
        """

    private static let newestAlarms = """
        SELECT DISTINCT ON (origin) \(Alarms.columns)
        FROM (SELECT * FROM alarms ORDER BY id DESC LIMIT \(Alarms.recent)) AS recent ORDER BY origin, id DESC
        """

    /// Why each of some origins was quarantined: a later alarm of another kind must not hide it.
    private static let quarantineAlarms = """
        SELECT a.* FROM unnest($1::text[]) AS asked (origin) CROSS JOIN LATERAL (
            SELECT \(Alarms.columns) FROM alarms
            WHERE alarms.origin = asked.origin AND code IN (\(Alarms.quarantining))
            ORDER BY id DESC LIMIT 1
        ) a
        """
}

/// The answers to `CaseReads.provinceStatus`'s statements, by origin.
private struct Standing {
    private var proposals: [Origin: Int] = [:]
    private var parked: [Origin: Int] = [:]
    private var chains: [Origin: ChainPlaces] = [:]
    private var undelivered: [Origin: (count: UInt64, oldest: String?)] = [:]
    private var alarms: [Origin: AlarmDocument] = [:]
    private var reasons: [Origin: AlarmDocument] = [:]
    private var held: [Origin: Int] = [:]
    private var awaited: Set<Origin> = []

    init(_ rows: [Rows]) throws {
        for row in rows[0] { proposals[try row.origin(0)] = try row.get(1) }
        for row in rows[1] { parked[try row.origin(0)] = try row.get(1) }
        for row in rows[2] {
            chains[try row.origin(0), default: ChainPlaces()].append(try .init(columns: row, from: 1))
        }
        for row in rows[3] {
            undelivered[try row.origin(0)] = (try row.number(1), try CaseReads.written(row, 2))
        }
        for row in rows[4] { alarms[try row.origin(2)] = try AlarmDocument(columns: row) }
        for row in rows[5] { reasons[try row.origin(2)] = try AlarmDocument(columns: row) }
        for row in rows[6] { held[try row.origin(0)] = try row.get(1) }
        for row in rows[7] { awaited.insert(try row.origin(0)) }
    }

    func document(_ province: ProvinceDocument, _ origin: Origin, _ node: NodeState?) throws -> ProvinceStatusDocument {
        let places = chains[origin] ?? ChainPlaces()
        let (branches, tips) = places.documents
        let quarantine =
            node?.isQuarantined == true
            ? QuarantineDocument(
                reason: reasons[origin] ?? alarms[origin], held: held[origin] ?? 0,
                // Without a fork there is nothing to choose between.
                candidates: tips.count > 1 ? tips : []) : nil
        return ProvinceStatusDocument(
            province: province, proposals: proposals[origin] ?? 0, parked: parked[origin] ?? 0,
            clockOffsetMS: node?.clockOffset ?? 0, undelivered: undelivered[origin]?.count ?? 0,
            oldestUndeliveredAt: undelivered[origin]?.oldest, chains: places.all.count, branches: branches,
            quarantine: quarantine, awaited: awaited.contains(origin), newestAlarm: alarms[origin])
    }
}
