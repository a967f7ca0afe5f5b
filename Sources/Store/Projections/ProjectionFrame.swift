public import Casework
public import Contract
import Federation
public import Logging
import Postgres
import Synchronization

/// Moves a server's projections behind its accepted position.
///
/// Cursors follow the single writer's dense position, which rows get in the order in which they commit: nothing can come
/// before a cursor later. Projections that have come equally far advance together, so that each case is read and folded
/// once for all of them; one that was made anew catches up beside the others, and then joins them.
public final class ProjectionFrame: Sendable {
    private let database: Database
    private let store: any CaseStore
    private let origin: Origin
    private let projections: [any Projection]
    private let lags: [String: ProjectionLag]
    /// The cases of the position reached, each by the version of its row that was looked at.
    private let looked = Mutex<[UInt64: [CaseID: String]]>([:])

    /// - Parameter origin: this server.
    public convenience init(database: Database, store: any CaseStore, origin: Origin) {
        self.init(database: database, store: store, origin: origin, projections: Projections.all)
    }

    init(database: Database, store: any CaseStore, origin: Origin, projections: [any Projection]) {
        (self.database, self.store, self.origin) = (database, store, origin)
        self.projections = projections
        lags = Dictionary(uniqueKeysWithValues: projections.map { ($0.name, ProjectionLag()) })
    }

    /// Since when each projection was level, by its name.
    public var gauges: [Gauge] {
        lags.sorted { $0.key < $1.key }.map { name, lag in
            Gauge(
                name: "peyvand_projection_lag_seconds", help: "Since a projection was level with the journal",
                labels: ["projection": name], value: lag.seconds)
        }
    }

    /// Lets the projections trail the cases by less than a second when idle, until cancelled.
    /// - Parameters:
    ///   - isBusy: somebody's long journal comes in, or many people are waiting. Then one step is taken in ten seconds
    ///     only: it would keep them waiting, and look at most cases twice.
    ///   - damaged: told of a case whose bytes are wrong. What comes after it waits until it is mended.
    public func run(
        isBusy: @Sendable () -> Bool, damaged: @Sendable (CaseID) -> Void, logger: Logger
    ) async {
        await Upkeep.periodically(every: .milliseconds(400), logger: logger) {
            var count = 0
            repeat {
                do {
                    count = try await advance(limit: 500)
                } catch StoreError.corrupt(let id?, let place) {
                    damaged(id)
                    throw StoreError.corrupt(id, place)
                }
            } while count > 0 && !Task.isCancelled && !isBusy()
            for _ in 0..<25 where isBusy() { try await Task.sleep(for: .milliseconds(400)) }
        }
    }

    /// Takes one step with each group of projections that have come equally far.
    /// - Parameter limit: how many cases a step takes; more when the last ones have one position. As many are in memory
    ///   at a time.
    /// - Returns: how many cases came, or projections moved; 0 when all are level, or while another process advances them.
    public func advance(limit: Int) async throws -> Int {
        let groups = try await groups()
        looked.withLock { looked in
            let reached = Set(groups.map(\.start))
            looked = looked.filter { reached.contains($0.key) }
        }
        var count = 0
        var failure: (any Error)?
        for (index, group) in groups.enumerated() {
            let next = index + 1 < groups.count ? groups[index + 1].start : nil
            do {
                count += try await advance(group, to: next, limit: max(1, limit))
            } catch {
                // The others go on.
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return count
    }

    private struct Group: Sendable {
        let start: UInt64
        let members: [any Projection]
    }

    /// By how far they have come, those that trail the most first.
    private func groups() async throws -> [Group] {
        let rows = try await database.readers.run { connection in
            try connection.query("SELECT name, position FROM projections")
        }
        var members: [UInt64: [any Projection]] = [:]
        for row in rows {
            let name = try row.get(0, as: String.self)
            members[try row.number(1), default: []] += projections.filter { $0.name == name }
        }
        return members.filter { !$0.value.isEmpty }.map { Group(start: $0, members: $1) }
            .sorted { $0.start < $1.start }
    }

    // MARK: One step

    private struct Found: Sendable {
        var id: CaseID
        var position: UInt64
        /// Of its row.
        var version: String
    }

    /// - Parameter next: where the next group stands, if there is one.
    private func advance(_ group: Group, to next: UInt64?, limit: Int) async throws -> Int {
        let (again, moved) = try await find(after: group.start, to: next, limit: limit)
        let isLast = moved.count < limit
        let end = max(group.start, (isLast ? next : nil) ?? moved.last?.position ?? group.start)
        let ids = (again + moved).map(\.id)
        for first in stride(from: 0, to: max(ids.count, 1), by: limit) {
            let last = min(first + limit, ids.count)
            let reached = last == ids.count ? end : group.start
            guard last > first || reached > group.start else { break }
            guard try await project(Array(ids[first..<last]), group, to: reached) else { return 0 }
        }
        looked.withLock { looked in
            // Those that stood there may have looked at earlier versions.
            guard end != next else { return looked[end] = nil }
            var versions = end == group.start ? looked[end] ?? [:] : [:]
            for found in again + moved where found.position == end { versions[found.id] = found.version }
            looked[end] = versions
        }
        if isLast, next == nil { for projection in group.members { lags[projection.name]?.isLevel() } }
        return max(moved.count, end > group.start ? 1 : 0)
    }

    /// Cases of the very position reached before are looked at again when their rows have changed: a part that arrives late
    /// changes a case's texts without an event of its own, so its row then bears the position of the event before. When all
    /// were folded anew, all bear one position: no more are looked at again than fit.
    private func find(
        after start: UInt64, to next: UInt64?, limit: Int
    ) async throws -> (again: [Found], moved: [Found]) {
        let known = looked.withLock { $0[start] ?? [:] }
        let answers = try await database.readers.transaction(mode: .snapshot) { connection in
            try connection.pipeline([
                (
                    "SELECT id, position, xmin::text FROM cases WHERE position = $1 LIMIT \(limit)",
                    [.int64(start.stored)]
                ),
                (
                    """
                    SELECT id, position, xmin::text FROM cases WHERE position > $1 AND position <= $2
                    ORDER BY position FETCH FIRST \(limit) ROWS WITH TIES
                    """, [.int64(start.stored), .int64(next?.stored ?? .max)]
                ),
            ])
        }
        let found = try answers.map { rows in
            try rows.map { Found(id: try $0.caseID(0), position: try $0.number(1), version: try $0.get(2)) }
        }
        return (found[0].filter { known[$0.id] != $0.version }, found[1])
    }

    /// - Returns: false when another process advances them.
    private func project(_ ids: [CaseID], _ group: Group, to end: UInt64) async throws -> Bool {
        let events = try await store.events(of: ids)
        let step = ProjectionStep(
            origin: origin, cases: ids.map { CaseRecord(id: $0, events: events[$0] ?? []) })
        do {
            return try await save(step, group, to: end)
        } catch let error as PostgresError where group.members.count > 1 && !error.isPassing {
            // One that fails stays behind alone, and its lag tells.
            var failure: (any Error)?
            for member in group.members {
                do {
                    _ = try await save(step, Group(start: group.start, members: [member]), to: end)
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            return true
        }
    }

    private func save(_ step: ProjectionStep, _ group: Group, to end: UInt64) async throws -> Bool {
        let names = group.members.map(\.name)
        let place: Commit.Statement = (
            Self.move,
            [.int64(end.stored), .textArray(names), .int64(group.start.stored), .int(names.count)]
        )
        let statements = step.cases.isEmpty ? [] : group.members.flatMap { $0.advance(step) }
        do {
            _ = try await database.readers.run { connection in
                try connection.pipeline([(Self.doNotWait, []), place] + statements)
            }
            return true
        } catch let error as PostgresError where error.sqlState == "22012" && error.statement == Self.move {
            return false
        }
    }

    /// What a crash takes of a projection is projected again: its place is lost with it.
    private static let doNotWait = "SELECT set_config('synchronous_commit', 'off', true)"

    /// Where another process has moved one of them it divides by zero, so that nothing behind it in a pipeline runs. Those
    /// that stay where they are cost no write: the last cases are looked at again at each start.
    private static let move = """
        WITH moved AS (
            UPDATE projections SET position = $1
            WHERE name = ANY ($2::text[]) AND position = $3 AND $1 > $3 RETURNING 1)
        SELECT 1 / (count(*) = $4)::integer FROM (
            SELECT 1 FROM moved UNION ALL
            SELECT 1 FROM projections WHERE name = ANY ($2::text[]) AND position = $3 AND $1 = $3
        ) standing
        """
}

/// Since when a projection has not been level with what it is made of, by a clock that nobody sets.
private final class ProjectionLag: Sendable {
    private let level = Mutex(ContinuousClock.now)

    /// It has nothing left to do.
    func isLevel() { level.withLock { $0 = .now } }

    var seconds: Double { (ContinuousClock.now - level.withLock { $0 }) / .seconds(1) }
}
