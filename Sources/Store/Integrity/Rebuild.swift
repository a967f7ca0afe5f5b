public import Casework
import Federation
import Postgres

/// What a rebuild made, and what it found different from what was there.
public struct RebuildReport: Sendable, Equatable {
    public internal(set) var cases = 0
    /// How many rows each projection has now, by its name.
    public internal(set) var projected: [String: Int] = [:]
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

/// Drops the cases, their figures and all projections, and makes them anew from the journal.
public enum Rebuild {
    /// First the cases with their figures, in one transaction, then the projections. What stood there before is compared
    /// with what was made.
    /// - Parameters:
    ///   - origin: this server.
    ///   - progress: how many cases of a stage are done.
    /// - Throws: `RebuildError`, `StoreError.corrupt` for an event whose bytes are wrong, `PostgresError`.
    public static func run(
        database: Database, store: any CaseStore, origin: Origin,
        progress: @escaping @Sendable (_ stage: String, _ done: Int) -> Void = { _, _ in }
    ) async throws -> RebuildReport {
        let configuration = ConnectionConfiguration(
            url: database.url, applicationName: "peyvand rebuild", statementTimeout: nil)
        let connection = try await Connection.connect(configuration, logger: database.logger)
        do {
            var report = RebuildReport()
            let frame = ProjectionFrame(database: database, store: store, origin: origin)
            // What a projection has not reached yet is no difference.
            while try await frame.advance(limit: RebuildRun.page) > 0 {}
            let run = RebuildRun(store: store, frame: frame, connection: connection, progress: progress)
            try await run.rebuildCases(&report)
            try await run.rebuildProjections(&report)
            await connection.close()
            return report
        } catch {
            await connection.close()
            throw error
        }
    }
}

private struct RebuildRun {
    let store: any CaseStore
    let frame: ProjectionFrame
    let connection: Connection
    let progress: @Sendable (String, Int) -> Void

    static let page = 500

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
        let statements = Table.cases.insert(rows) + (files.isEmpty ? [] : [NamedFile.insert(files)])
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

    // MARK: Projections

    func rebuildProjections(_ report: inout RebuildReport) async throws {
        let all = Projections.all
        try await connection.run { connection in
            for projection in all {
                try connection.transaction { connection in
                    try connection.execute(
                        "CREATE TEMPORARY TABLE old_\(projection.name) AS SELECT * FROM \(projection.name)")
                    try Projections.drop(projection, connection)
                }
            }
        }
        var done = 0
        while true {
            let count = try await frame.advance(limit: Self.page)
            if count == 0 { break }
            done += count
            progress("projections", done)
        }
        for projection in all {
            let (count, differences) = try await connection.run { connection in
                (
                    try connection.query("SELECT count(*) FROM \(projection.name)")[0].get(0, as: Int.self),
                    try Self.differences(in: projection, connection)
                )
            }
            report.projected[projection.name] = count
            for difference in differences { report.add(difference: difference) }
        }
    }

    private static func differences(
        in projection: any Projection, _ connection: isolated Connection
    ) throws -> [String] {
        let (name, keys) = (projection.name, projection.keys)
        let rows = try connection.query(
            """
            SELECT DISTINCT coalesce(old.\(keys[0]), new.\(keys[0]))::text
            FROM old_\(name) old FULL JOIN \(name) new USING (\(keys.joined(separator: ", ")))
            WHERE to_jsonb(old) IS DISTINCT FROM to_jsonb(new) ORDER BY 1
            """)
        return try rows.map { "\(name) \(try $0.get(0, as: String.self)): was not what its case says" }
    }
}
