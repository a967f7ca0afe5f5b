import Casework
import Federation
import Postgres

extension VerificationRun {
    private static let page = 500

    /// Every case's row is what its events fold to, as are its rows in every projection, and no row is without events.
    func checkCases(_ report: inout VerificationReport) async throws {
        var last = [UInt8](repeating: 0, count: 16)
        while true {
            let ids = try await nextCases(after: last)
            try await check(cases: ids, &report)
            report.cases += ids.count
            tell("cases", report.cases)
            guard ids.count == Self.page, let end = ids.last else { break }
            last = end.bytes
        }
        let unnamed = try await query(
            """
            SELECT encode(event, 'hex') FROM attachments a
            WHERE NOT EXISTS (SELECT 1 FROM journal j WHERE j.case_id = a.case_id AND j.hash = a.event)
            ORDER BY 1 LIMIT \(VerificationReport.maximumFaults)
            """)
        for row in unnamed { report.add(fault: "attachments \(try row.get(0, as: String.self)): has no event") }
        let orphans = try await query(
            """
            SELECT id FROM cases c WHERE NOT EXISTS (SELECT 1 FROM journal j WHERE j.case_id = c.id)
            ORDER BY id LIMIT \(VerificationReport.maximumFaults)
            """)
        for row in orphans { report.add(fault: "cases \(try row.get(0, as: String.self)): has no events") }
        for projection in Projections.all {
            let (name, id) = (projection.name, projection.keys[0])
            let rows = try await query(
                """
                SELECT DISTINCT p.\(id)::text FROM \(name) p WHERE NOT EXISTS (SELECT FROM cases c WHERE c.id = p.\(id))
                ORDER BY 1 LIMIT \(VerificationReport.maximumFaults)
                """)
            for row in rows { report.add(fault: "\(name) \(try row.get(0, as: String.self)): has no case") }
        }
    }

    /// Along the indexes of all partitions side by side: the planner would read all the rest for each page.
    private func nextCases(after last: [UInt8]) async throws -> [CaseID] {
        let settings = ["seqscan", "bitmapscan", "sort", "hashagg"].map { "SET LOCAL enable_\($0) = off;" }
        return try await connection.run { connection in
            try connection.transaction { connection in
                try connection.execute(settings.joined() + "SET LOCAL max_parallel_workers_per_gather = 0")
                return try connection.query(
                    "SELECT DISTINCT case_id FROM journal WHERE case_id > $1 ORDER BY case_id LIMIT \(Self.page)",
                    [.uuid(last)]
                ).map { try $0.caseID(0) }
            }
        }
    }

    private func check(cases ids: [CaseID], _ report: inout VerificationReport) async throws {
        do {
            var suspects = try await differences(ids)
            // The server may have moved a case between our two looks at it.
            for _ in 0..<3 where !suspects.isEmpty {
                try await Task.sleep(for: .milliseconds(400))
                var seen: Set<CaseID> = []
                suspects = try await differences(suspects.map(\.id).filter { seen.insert($0).inserted })
            }
            for suspect in suspects { report.add(fault: "\(suspect.table) \(suspect.id): \(suspect.reason)") }
        } catch is StoreError where ids.count > 1 {
            // One event's bytes are wrong, which the journal's check has told; the other cases can still be checked.
            for id in ids { try await check(cases: [id], &report) }
        } catch let error as StoreError {
            for id in ids { report.add(fault: "cases \(id): cannot be folded (\(error))") }
        }
    }

    private typealias Difference = (table: String, id: CaseID, reason: String)

    private func differences(_ ids: [CaseID]) async throws -> [Difference] {
        let rows = try await query(
            "SELECT \(CaseRow.columns) FROM cases c WHERE id = ANY ($1)", [.uuidArray(ids.map(\.bytes))])
        let stored = Dictionary(
            try rows.map { try CaseRow(columns: $0) }.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let all = try await FoldedRows(ids, store: store, connection: connection)
        let (folded, unlisted) = (all.rows, try await unlisted(all.files))
        let rowsDiffer = ids.compactMap { id -> Difference? in
            if unlisted.contains(id) { return ("cases", id, "has a file that is not among the attachments") }
            switch (stored[id], folded[id]) {
            case (nil, nil): return nil
            case (nil, .some): return ("cases", id, "is missing, but its events make a case")
            case (.some, nil): return ("cases", id, "is there, but its events make no case")
            case (let stored?, let folded?):
                let names = stored.differences(from: folded)
                return names.isEmpty
                    ? nil : ("cases", id, "differs from its events in \(names.joined(separator: ", "))")
            }
        }
        return rowsDiffer + (try await projectionsDiffer(from: ids.compactMap { all.records[$0] }))
    }

    /// Of cases that a projection has reached.
    private func projectionsDiffer(from cases: [CaseRecord]) async throws -> [Difference] {
        guard !cases.isEmpty else { return [] }
        let step = ProjectionStep(origin: origin, cases: cases)
        var differences: [Difference] = []
        for projection in Projections.all {
            let ids = try await connection.transaction(mode: .snapshot) { connection in
                try projection.differences(step, connection)
            }
            differences += ids.map { (projection.name, $0, "is not what its case says") }
        }
        return differences
    }

    /// Cases with an event that names a file and has no such row. Rows are written with their events.
    private func unlisted(_ files: [NamedFile]) async throws -> Set<CaseID> {
        guard !files.isEmpty else { return [] }
        let rows = try await query(
            "SELECT event, sha256, size, origin FROM attachments WHERE event = ANY ($1)",
            [.byteaArray(files.map(\.event.hash.bytes))])
        var listed: [EventHash: (EventHash, Int64, String)] = [:]
        for row in rows { listed[try row.hash(0)] = (try row.hash(1), try row.get(2), try row.get(3)) }
        return Set(
            files.filter { file in
                let wanted = (file.attachment.sha256, Int64(clamping: file.attachment.size), file.event.origin.code)
                return listed[file.event.hash].map { $0 != wanted } ?? true
            }.map(\.id))
    }

    func checkFigures(_ report: inout VerificationReport) async throws {
        let rows = try await query(
            """
            SELECT coalesce(f.home, c.home) FROM figures f FULL JOIN (\(FigureCount.statement)) c USING (home)
            WHERE (\(FigureCount.sum("f"))) IS DISTINCT FROM (\(FigureCount.sum("c"))) ORDER BY 1
            """)
        for row in rows { report.add(fault: "figures \(try row.get(0, as: String.self)): differ from a recount") }
        let days = try await query(
            "\(FigureCount.differentDays(from: "cases")) LIMIT \(VerificationReport.maximumFaults)")
        for row in days { report.add(fault: "days \(try row.get(0, as: String.self)): differ from a recount") }
        tell("figures", 1, of: 1)
    }

    /// Feeds are dense from 1, each row refers to an event, and each hub incarnation's rows stand together.
    func checkFeeds(_ report: inout VerificationReport) async throws {
        let gaps = try await query(
            """
            SELECT destination, max(seq) - count(*) FROM feeds GROUP BY destination
            HAVING min(seq) <> 1 OR max(seq) <> count(*) ORDER BY destination
            """)
        for row in gaps {
            let missing = try row.get(1, as: Int64.self)
            report.add(fault: "feeds \(try row.get(0, as: String.self)): \(missing) rows are missing")
        }
        let orphans = try await query(
            """
            SELECT destination, seq FROM feeds f WHERE NOT EXISTS (
                SELECT 1 FROM journal j
                WHERE j.origin = f.origin AND j.seq = f.event_seq AND j.incarnation = f.incarnation
            ) ORDER BY destination, seq LIMIT \(VerificationReport.maximumFaults)
            """)
        for row in orphans {
            let place = "\(try row.get(0, as: String.self)) seq \(try row.get(1, as: Int64.self))"
            report.add(fault: "feeds \(place): its event is not in the journal")
        }
        let runs = try await query(
            """
            SELECT coalesce(b.destination, r.destination), coalesce(b.seq, r.first) FROM (
                SELECT destination, hub_incarnation, seq FROM (
                    SELECT *, lag(hub_incarnation) OVER (PARTITION BY destination ORDER BY seq) AS last FROM feeds
                ) f WHERE hub_incarnation IS DISTINCT FROM last
            ) b FULL JOIN feed_runs r
                ON r.destination = b.destination AND r.hub_incarnation = b.hub_incarnation AND r.first = b.seq
            WHERE b.seq IS NULL OR r.first IS NULL
            ORDER BY 1, 2 LIMIT \(VerificationReport.maximumFaults)
            """)
        for row in runs {
            let place = "\(try row.get(0, as: String.self)) seq \(try row.get(1, as: Int64.self))"
            report.add(fault: "feed_runs \(place): is not where a hub incarnation begins")
        }
        tell("feeds", 1, of: 1)
    }
}

/// The figures counted anew from the cases.
enum FigureCount {
    static let statement = """
        SELECT home, count(*) FILTER (WHERE registered_at IS NOT NULL) AS registered,
            count(*) FILTER (WHERE is_open) AS open, count(*) FILTER (WHERE status = 'answered') AS answered,
            count(*) FILTER (WHERE status = 'closed') AS closed,
            count(*) FILTER (WHERE status = 'disputed') AS disputed,
            count(*) FILTER (WHERE conflicts > 0) AS conflicts
        FROM cases GROUP BY home
        """

    /// Of all days that have any. What people did before 2000 is not counted.
    static func days(of cases: String) -> String {
        let first = "'2000-01-01 20:30Z'"
        return """
            SELECT d.at, home, sum(d.registered) AS registered, sum(d.answered) AS answered, sum(d.due) AS due
            FROM \(cases) CROSS JOIN LATERAL (VALUES
                (CASE WHEN registered_at >= \(first) THEN date_bin('1 day', registered_at, \(first)) END, 1, 0, 0),
                (CASE WHEN answered_at >= \(first) THEN date_bin('1 day', answered_at, \(first)) END, 0, 1, 0),
                (CASE WHEN counts_due THEN deadline END, 0, 0, 1)
            ) AS d (at, registered, answered, due) WHERE d.at IS NOT NULL GROUP BY d.at, home
            """
    }

    /// The days whose figures the cases do not make, by home and instant. It locks tables in the writer's order.
    static func differentDays(from cases: String) -> String {
        """
        SELECT home || ' ' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        FROM (\(days(of: cases))) c FULL JOIN (
            SELECT * FROM days WHERE registered <> 0 OR answered <> 0 OR due <> 0
        ) k USING (at, home)
        WHERE (k.registered, k.answered, k.due) IS DISTINCT FROM (c.registered, c.answered, c.due)
        ORDER BY 1
        """
    }

    /// All columns of a table; a missing row is a row of zeros.
    static func sum(_ alias: String) -> String {
        CountedCase.columns.map { "coalesce(\(alias).\($0), 0)" }.joined(separator: ", ")
    }
}

/// The rows that cases should have, from their events alone.
struct FoldedRows {
    let records: [CaseID: CaseRecord]
    let rows: [CaseID: CaseRow]
    /// The files that their events name.
    let files: [NamedFile]

    init(_ ids: [CaseID], store: any CaseStore, connection: Connection) async throws {
        guard !ids.isEmpty else {
            (records, rows, files) = ([:], [:], [])
            return
        }
        let events = try await store.events(of: ids)
        let positions = try await connection.run { connection in
            try connection.query(
                "SELECT case_id, max(position) FROM journal WHERE case_id = ANY ($1) GROUP BY case_id",
                [.uuidArray(ids.map(\.bytes))]
            ).reduce(into: [CaseID: UInt64]()) { $0[try $1.caseID(0)] = try $1.number(1) }
        }
        let records = events.reduce(into: [CaseID: CaseRecord]()) {
            $0[$1.key] = CaseRecord(id: $1.key, events: $1.value)
        }
        self.records = records
        rows = records.compactMapValues { record in
            CaseRow(record, position: positions[record.id] ?? 0)?.asStored
        }
        files = ids.flatMap { events[$0] ?? [] }.compactMap { NamedFile($0) }
    }
}

extension CaseRow {
    /// As the columns hold it: times and texts within what PostgreSQL takes.
    var asStored: CaseRow {
        var row = self
        row.category = category.stored
        row.subject = subject?.stored
        row.registeredAt = registeredAt?.storable
        row.deadline = deadline?.storable
        row.answeredAt = answeredAt?.storable
        return row
    }

    /// The names of what differs; a late part moves a row's position on without an event.
    func differences(from folded: CaseRow) -> [String] {
        // Nearly all are alike; to look at their fields by name takes many times as long.
        if self == folded { return [] }
        var names = zip(Mirror(reflecting: self).children, Mirror(reflecting: folded).children)
            .filter { $0.0.label != "position" && "\($0.0.value)" != "\($0.1.value)" }
            .compactMap { $0.0.label }
        if position < folded.position { names.append("position") }
        return names
    }
}
