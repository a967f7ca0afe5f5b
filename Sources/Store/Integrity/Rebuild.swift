import Casework
import Federation
import Postgres

/// What a rebuild made, and what it found different from what was there.
public struct RebuildReport: Sendable, Equatable {
    public internal(set) var cases = 0
    public internal(set) var searched = 0
    /// One line for each row that was not what the journal makes of it; at most ``maximumDifferences`` of them.
    public internal(set) var differences: [String] = []
    public internal(set) var differenceCount = 0

    public static let maximumDifferences = 1000

    /// Whether everything was as the journal has it before it was dropped.
    public var isEqual: Bool { differenceCount == 0 }

    mutating func add(difference: String) {
        differenceCount += 1
        if differences.count < Self.maximumDifferences { differences.append(difference) }
    }
}

/// Why a rebuild stopped; nothing was changed by the step that it stopped in.
public enum RebuildError: Error, Sendable, Equatable, CustomStringConvertible {
    case serverIsRunning

    public var description: String { "The journal grew during the rebuild: stop the server, then rebuild." }
}

/// Drops the cases, their figures and the search documents, and makes them anew from the journal.
public enum Rebuild {
    /// Steps, each one transaction: cases with their figures, then search. Before the old rows go they are compared
    /// with the new ones.
    /// - Parameter progress: how many cases of a step are done.
    /// - Throws: `RebuildError`, `StoreError.corrupt` for an event whose bytes are wrong, `PostgresError`.
    public static func run(
        database: Database, store: any CaseStore,
        progress: @escaping @Sendable (_ stage: String, _ done: Int) -> Void = { _, _ in }
    ) async throws -> RebuildReport {
        let configuration = ConnectionConfiguration(
            url: database.url, applicationName: "peyvand rebuild", statementTimeout: nil)
        let connection = try await Connection.connect(configuration, logger: database.logger)
        do {
            var report = RebuildReport()
            let run = RebuildRun(database: database, store: store, connection: connection, progress: progress)
            try await run.rebuildCases(&report)
            try await run.rebuildSearch(&report)
            await connection.close()
            return report
        } catch {
            await connection.close()
            throw error
        }
    }
}

private struct RebuildRun {
    let database: Database
    let store: any CaseStore
    let connection: Connection
    let progress: @Sendable (String, Int) -> Void

    private static let page = 500

    // MARK: Cases and figures

    func rebuildCases(_ report: inout RebuildReport) async throws {
        let (schema, heads) = try await connection.run { connection in
            let schema = try connection.query(
                """
                SELECT quote_ident(nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
                WHERE c.oid = 'cases'::regclass
                """)
            let name = try schema[0].get(0, as: String.self)
            // From here on "cases" is this session's temporary table: the writer's own statement fills it.
            try connection.execute(
                """
                CREATE TEMPORARY TABLE cases (LIKE \(name).cases INCLUDING INDEXES);
                CREATE TEMPORARY TABLE attachments (LIKE \(name).attachments INCLUDING ALL);
                """)
            return (name, try Self.heads(connection))
        }
        var last = [UInt8](repeating: 0, count: 16)
        while true {
            let ids = try await ids(after: last)
            let folded = try await FoldedRows(ids, store: store, connection: connection)
            let rows = folded.rows
            try await insert(ids.compactMap { rows[$0] }, folded.files)
            report.cases += rows.count
            progress("cases", report.cases)
            guard ids.count == Self.page, let end = ids.last else { break }
            last = end.bytes
        }
        let old = "\(schema).cases"
        let differences = try await connection.transaction { connection in
            try connection.execute("LOCK TABLE \(old), figures, days IN ACCESS EXCLUSIVE MODE")
            // A writer has moved the head before it changes a row; rows of new cases it adds after this.
            guard try Self.heads(connection) == heads else { throw RebuildError.serverIsRunning }
            let files = "\(schema).attachments"
            let differences =
                try Self.differentCases(old, connection) + Self.differentFigures(connection)
                + Self.differentFiles(files, connection)
            try connection.execute(
                """
                TRUNCATE \(old), figures, days;
                INSERT INTO \(old) SELECT * FROM cases;
                INSERT INTO figures (home, \(CountedCase.columns.joined(separator: ", "))) \(FigureCount.statement);
                INSERT INTO days (at, home, registered, answered, due) \(FigureCount.days(of: "cases"));
                DROP TABLE pg_temp.cases;
                UPDATE attachments new SET here = old.here FROM \(files) old
                    WHERE old.event = new.event AND old.sha256 = new.sha256;
                TRUNCATE \(files);
                INSERT INTO \(files) SELECT * FROM attachments;
                DROP TABLE pg_temp.attachments;
                """)
            return differences
        }
        for difference in differences { report.add(difference: difference) }
    }

    private static func heads(_ connection: isolated Connection) throws -> [Int64] {
        try connection.query("SELECT position FROM head ORDER BY origin").map { try $0.get(0) }
    }

    private func ids(after last: [UInt8]) async throws -> [CaseID] {
        try await connection.run { connection in
            try connection.query(
                "SELECT DISTINCT case_id FROM journal WHERE case_id > $1 ORDER BY case_id LIMIT \(Self.page)",
                [.uuid(last)]
            ).map { try $0.caseID(0) }
        }
    }

    private func insert(_ rows: [CaseRow], _ files: [NamedFile]) async throws {
        var commit = Commit(
            origin: .hub, token: 0, expected: .empty, becomes: .empty, now: Instant(milliseconds: 0))
        commit.cases = rows
        let statements = CaseRows(commit).upsert + (files.isEmpty ? [] : [NamedFile.insert(files)])
        _ = try await connection.run { connection in try connection.pipeline(statements) }
    }

    private static func differentCases(_ old: String, _ connection: isolated Connection) throws -> [String] {
        let rows = try connection.query(
            """
            SELECT coalesce(old.id, new.id)::text, old.id IS NULL, new.id IS NULL
            FROM \(old) old FULL JOIN cases new USING (id)
            WHERE old.id IS NULL OR new.id IS NULL OR new.position > old.position
                OR to_jsonb(old) - 'position' IS DISTINCT FROM to_jsonb(new) - 'position'
            ORDER BY 1
            """)
        return try rows.map { row in
            let reason =
                try row.get(1) ? "was missing" : row.get(2) ? "has no events" : "was not what its events make of it"
            return "cases \(try row.get(0, as: String.self)): \(reason)"
        }
    }

    /// Whether a file's bytes are here is no matter of the journal.
    private static func differentFiles(_ old: String, _ connection: isolated Connection) throws -> [String] {
        let rows = try connection.query(
            """
            SELECT encode(coalesce(old.event, new.event), 'hex') FROM \(old) old FULL JOIN attachments new USING (event)
            WHERE (to_jsonb(old) - 'here') IS DISTINCT FROM (to_jsonb(new) - 'here') ORDER BY 1
            """)
        return try rows.map { "attachments \(try $0.get(0, as: String.self)): was not what its event says" }
    }

    private static func differentFigures(_ connection: isolated Connection) throws -> [String] {
        let rows = try connection.query(
            """
            SELECT coalesce(f.home, c.home) FROM figures f FULL JOIN (\(FigureCount.statement)) c USING (home)
            WHERE (\(FigureCount.sum("f"))) IS DISTINCT FROM (\(FigureCount.sum("c"))) ORDER BY 1
            """)
        let days = try connection.query(FigureCount.differentDays(from: "cases"))
        return try rows.map { "figures \(try $0.get(0, as: String.self)): were not the count of its cases" }
            + days.map { "days \(try $0.get(0, as: String.self)): were not the count of its cases" }
    }

    // MARK: Search

    func rebuildSearch(_ report: inout RebuildReport) async throws {
        // What the projection had not reached yet is no difference.
        let projection = SearchProjection(database: database, store: store)
        while try await projection.advance(limit: Self.page) > 0 {}
        try await connection.transaction { connection in
            try connection.execute(
                """
                CREATE TEMPORARY TABLE old_search AS SELECT * FROM search;
                TRUNCATE search;
                UPDATE projections SET position = 0 WHERE name = 'search';
                """)
        }
        while true {
            let count = try await projection.advance(limit: Self.page)
            if count == 0 { break }
            report.searched += count
            progress("search", report.searched)
        }
        let rows = try await connection.run { connection in
            try connection.query(
                """
                SELECT coalesce(old.id, new.id)::text FROM old_search old FULL JOIN search new USING (id)
                WHERE (old.document, old.registered_at) IS DISTINCT FROM (new.document, new.registered_at) ORDER BY 1
                """)
        }
        for row in rows {
            report.add(difference: "search \(try row.get(0, as: String.self)): was not what its case says")
        }
    }
}
