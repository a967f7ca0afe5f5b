import Postgres

/// Which statements this database can answer: branches, parked cases and held events have columns of their own since a
/// later migration, and a database that has not seen it says "none".
struct StandingColumns: Sendable {
    private let hasBranches: Bool

    init(_ connection: isolated Connection) throws {
        let found = try connection.query(
            """
            SELECT count(*) FROM pg_attribute WHERE NOT attisdropped AND (attrelid, attname) IN (
                (to_regclass('chains'), 'parent'), (to_regclass('chains'), 'first'),
                (to_regclass('cases'), 'parked'), (to_regclass('cases'), 'pending'),
                (to_regclass('nodes'), 'awaited'), (to_regclass('held_events'), 'origin'))
            """)
        hasBranches = try found[0].get(0, as: Int.self) == 6
    }

    var parkedByHome: String {
        hasBranches ? "SELECT home, count(*) FROM cases WHERE parked GROUP BY home" : Self.none("''::text, 0::bigint")
    }

    var parked: String { hasBranches ? "SELECT count(*) FROM cases WHERE parked" : Self.none("0::bigint") }
    var pending: String { hasBranches ? "SELECT count(*) FROM cases WHERE pending" : Self.none("0::bigint") }

    var chains: String {
        // A receipt has a row for each of its heads, once branches are kept; at the hub there are none.
        let columns =
            hasBranches
            ? "parent, first, seq, (SELECT max(seq) FROM acknowledgements a WHERE a.incarnation = c.incarnation)"
            : "NULL::bigint, NULL::bigint, seq, NULL::bigint"
        return "SELECT origin, incarnation, \(columns) FROM chains c ORDER BY ordinal"
    }

    var held: String {
        hasBranches ? "SELECT origin, count(*) FROM held_events GROUP BY origin" : Self.none("''::text, 0::bigint")
    }

    var awaited: String { hasBranches ? "SELECT origin FROM nodes WHERE awaited" : Self.none("''::text") }

    private static func none(_ columns: String) -> String { "SELECT \(columns) WHERE false" }
}
