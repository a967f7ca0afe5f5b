import Casework
import Federation
import Postgres

// What a batch changes beside journal and cases: cursors, quarantine, restoration.

extension Commit {
    /// In the transaction's last round trip; nothing in most batches.
    var choices: [Statement] {
        var statements: [Statement] = []
        if let rewound = effects.rewound {
            statements.append(("DELETE FROM feed_cursors WHERE seq > $1", [.int64(rewound.stored)]))
        }
        if let cursor = effects.cursor { statements.append(upsert(cursor)) }
        for (origin, schema) in effects.reads { statements.append(Self.set("reads \(origin.code)", String(schema))) }
        if !effects.released.isEmpty {
            statements.append(
                ("DELETE FROM held_events WHERE hash = ANY ($1::bytea[])", [.byteaArray(effects.released.map(\.bytes))])
            )
        }
        statements += quarantine
        if !effects.fenced.isEmpty {
            statements.append(
                (
                    """
                    INSERT INTO fenced_writers (origin, incarnation) SELECT * FROM unnest($1::text[], $2::bigint[])
                    ON CONFLICT DO NOTHING
                    """,
                    [
                        .textArray(effects.fenced.map(\.origin.code)),
                        .int64Array(effects.fenced.map(\.incarnation.stored)),
                    ]
                ))
        }
        if let restoration = effects.restoration { statements += wait(for: restoration) }
        return statements
    }

    private static func set(_ fact: String, _ value: String) -> Statement {
        (
            "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [.text(fact), .text(value)]
        )
    }

    private func upsert(_ cursor: FeedCursor) -> Statement {
        (
            """
            INSERT INTO feed_cursors (hub_incarnation, seq, hash) VALUES ($1, $2, $3)
            ON CONFLICT (hub_incarnation) DO UPDATE
                SET seq = excluded.seq, hash = excluded.hash, ordinal = excluded.ordinal
            """,
            [.int64(cursor.hubIncarnation.stored), .int64(cursor.seq.stored), .bytea(cursor.hash.bytes)]
        )
    }

    private var quarantine: [Statement] {
        let shut = Set(effects.quarantined)
        let open = Set(effects.lifted).subtracting(shut)
        var statements: [Statement] = []
        if !shut.isEmpty {
            statements.append(
                (
                    """
                    INSERT INTO nodes (origin, quarantined) SELECT code, true FROM unnest($1::text[]) AS code
                    ON CONFLICT (origin) DO UPDATE SET quarantined = true
                    """,
                    [.textArray(shut.map(\.code).sorted())]
                ))
        }
        if !open.isEmpty {
            statements.append(
                (
                    "UPDATE nodes SET quarantined = false WHERE origin = ANY ($1::text[])",
                    [.textArray(open.map(\.code).sorted())]
                ))
        }
        return statements
    }

    /// Who has looked at a backup that was put back says so by this: `restored_at` has done its work.
    private func wait(for restoration: Restoration?) -> [Statement] {
        let awaited = Parameter.textArray((restoration?.awaited ?? []).map(\.code).sorted())
        var statements: [Statement] = [
            ("DELETE FROM facts WHERE name = 'restored_at'", []),
            (
                """
                INSERT INTO nodes (origin, awaited) SELECT code, true FROM unnest($1::text[]) AS code
                ON CONFLICT (origin) DO UPDATE SET awaited = true WHERE NOT nodes.awaited
                """, [awaited]
            ),
            ("UPDATE nodes SET awaited = false WHERE awaited AND origin <> ALL ($1::text[])", [awaited]),
        ]
        guard let restoration else {
            return statements + [("DELETE FROM facts WHERE name = 'restoration'", [])]
        }
        let floors = restoration.floors.map(\.line)
        statements.append(Self.set("restoration", floors.joined(separator: "\n")))
        // What was missing beyond these ends may stay missing for ever: the first time is the one that counts.
        statements.append(
            (
                "INSERT INTO facts (name, value) VALUES ('restored', $1) ON CONFLICT (name) DO NOTHING",
                [.text(([now.rfc3339] + floors).joined(separator: "\n"))]
            ))
        return statements
    }
}

/// The rows of one destination's feed that one hub incarnation wrote: they stand together.
struct FeedRun: Hashable {
    let destination: Origin
    let hubIncarnation: UInt64

    /// What these rows belong to, each with the first of their seqs.
    static func written(by routed: [Commit.Routed]) -> [FeedRun: UInt64] {
        routed.reduce(into: [:]) { runs, routed in
            let run = FeedRun(destination: routed.destination, hubIncarnation: routed.hubIncarnation)
            runs[run] = min(runs[run] ?? .max, routed.seq)
        }
    }

    /// Notes where runs begin; the first that was noted stands.
    static func note(_ begun: [FeedRun: UInt64]) -> [Commit.Statement] {
        guard !begun.isEmpty else { return [] }
        let runs = begun.sorted { $0.key.destination < $1.key.destination }
        return [
            (
                """
                INSERT INTO feed_runs (destination, hub_incarnation, first)
                    SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
                ON CONFLICT DO NOTHING
                """,
                [
                    .textArray(runs.map(\.key.destination.code)), .int64Array(runs.map(\.key.hubIncarnation.stored)),
                    .int64Array(runs.map(\.value.stored)),
                ]
            )
        ]
    }
}
