public import Casework
public import Contract
import Postgres

extension CaseReads {
    static let maximumPage = 500

    /// A page of cases: the overdue by deadline, oldest first; all others by registration, latest first, preceded by
    /// those of which only a code was given. Paging is stable while cases come in.
    /// - Throws: `Refusal.invalid` for a cursor of another list; `Refusal.forbidden` when an auditor looks for words,
    ///   since what is found would tell what is written.
    public func cases(
        _ query: CaseQuery, for principal: Principal, now: Instant
    ) async throws -> Page<CaseDocument> {
        let limit = min(max(query.limit, 1), Self.maximumPage)
        let steps = try steps(query, for: principal, now: now)
        var rows = try await database.readers.transaction(mode: .snapshot) { connection in
            var rows: [CaseRow] = []
            // Of a province that has none yet, no index says so.
            let isKnown = try query.province.map { try Self.hasRegistered($0, connection) } ?? true
            for step in steps where rows.count <= limit {
                var step = step
                if !isKnown { step.filter.follow(CaseListStep.isDraft) }
                rows += try step.rows(limit: limit + 1 - rows.count, connection)
            }
            return rows
        }
        let hasMore = rows.count > limit
        if hasMore { rows.removeLast(rows.count - limit) }
        let next = hasMore ? rows.last.map { Self.cursor(after: $0, isByDeadline: query.overdue).text } : nil
        return Page(items: try await items(rows, for: principal, now: now), next: next)
    }

    private static func hasRegistered(_ home: Origin, _ connection: isolated Connection) throws -> Bool {
        let sql = "SELECT 1 FROM figures WHERE home = $1 AND registered > 0"
        return try !connection.query(sql, [.text(home.code)]).isEmpty
    }

    /// The stretches of which a page is filled, in order.
    func steps(
        _ query: CaseQuery, for principal: Principal, now: Instant
    ) throws(Refusal) -> [CaseListStep] {
        var cursor: PageCursor?
        if let text = query.cursor { cursor = try PageCursor(text) }
        let filter = try filter(query, for: principal, now: now)
        return query.overdue
            ? [try CaseListStep.due(filter, after: cursor)]
            : try CaseListStep.byRegistration(filter, status: query.status, after: cursor)
    }

    private static func cursor(after row: CaseRow, isByDeadline: Bool) -> PageCursor {
        if isByDeadline, let deadline = row.deadline { return .due(deadline.stored, row.id) }
        return row.registeredAt.map { .registered($0.stored, row.id) } ?? .draft(row.id)
    }

    private func filter(_ query: CaseQuery, for principal: Principal, now: Instant) throws(Refusal) -> CaseFilter {
        var filter = CaseFilter()
        if query.overdue {
            filter.follow("c.counts_due")
            filter.follow("c.deadline < \(filter.place(.timestamp(now.stored)))")
        }
        if let status = query.status { filter.add({ "c.status = \($0)" }, .text(status.rawValue)) }
        if let holder = query.holder { filter.add({ "c.holder = \($0)" }, .text(holder.rawValue)) }
        if let home = query.province { filter.add({ "c.home = \($0)" }, .text(home.code)) }
        guard let text = query.text, let search = SearchText(text) else {
            filter.isByStatus = query.holder != nil && query.status == nil && !query.overdue
            return filter
        }
        switch search {
        case .code(let code): filter.add({ "c.tracking_code = \($0)" }, .text(code.digits))
        case .words(let words):
            filter.add(words: words)
            try restrictToReadable(&filter, principal)
        }
        return filter
    }

    /// Only cases whose texts this person may read: to be found is to be read.
    private func restrictToReadable(_ filter: inout CaseFilter, _ principal: Principal) throws(Refusal) {
        switch readership(of: principal) {
        case .everything: break
        case .nothing:
            throw .forbidden(reason: "role \(principal.role.rawValue) finds cases by their tracking code only")
        case .homeOrSeat(let origin):
            filter.add({ "(c.home = \($0) OR c.seat = \($0))" }, .text(origin.code))
        case .held(let organizations, let seat):
            filter.add({ "c.holder = ANY (\($0))" }, .textArray(organizations.map(\.rawValue)))
            filter.add({ "c.seat = \($0)" }, .text(seat.code))
        }
    }
}

/// One ordered stretch of a list.
struct CaseListStep: Sendable {
    var filter: CaseFilter
    var order: CaseOrder

    /// Cases of which only a code was given.
    static let isDraft = "c.registered_at IS NULL"

    static func due(_ filter: CaseFilter, after cursor: PageCursor?) throws(Refusal) -> CaseListStep {
        var filter = filter
        switch cursor {
        case nil: break
        case .due(let time, let id): filter.follow("c.deadline", ">", time, id)
        default: throw PageCursor.invalid
        }
        return CaseListStep(filter: filter, order: .deadline)
    }

    /// Cases that only have a code have no date: they come first. Where a page goes on they are a stretch of their own.
    static func byRegistration(
        _ filter: CaseFilter, status: Status?, after cursor: PageCursor?
    ) throws(Refusal) -> [CaseListStep] {
        guard let cursor else { return [CaseListStep(filter: filter, order: .latest)] }
        var (drafts, registered) = (filter, filter)
        drafts.follow(isDraft)
        registered.follow("c.registered_at IS NOT NULL")
        var hasDrafts = status == nil || status == .draft
        switch cursor {
        case .draft(let id): drafts.follow("c.id < \(drafts.place(.uuid(id.bytes)))")
        case .registered(let time, let id):
            hasDrafts = false
            registered.follow("c.registered_at", "<", time, id)
        default: throw PageCursor.invalid
        }
        return (hasDrafts ? [CaseListStep(filter: drafts, order: .latest)] : [])
            + [CaseListStep(filter: registered, order: .latest)]
    }
}

extension CaseListStep {
    func rows(limit: Int, _ connection: isolated Connection) throws -> [CaseRow] {
        guard !filter.words.isEmpty else {
            return try rows(filter.statement(order, limit: limit), connection)
        }
        let walked = try rows(filter.walkStatement(order, limit: limit), connection)
        if walked.count == limit { return walked }
        let count = try connection.query(filter.walkCount(order), filter.parameters)
        if try count[0].get(0, as: Int.self) < CaseFilter.walk { return walked }
        // Words that some cases have: walking on fills the page sooner than all those cases are found and ordered.
        let reach = CaseFilter.walk * limit * 3 / (2 * max(1, walked.count))
        if reach <= CaseFilter.longestWalk {
            let farther = try rows(filter.walkStatement(order, limit: limit, over: reach), connection)
            if farther.count == limit { return farther }
        }
        return try rows(filter.indexStatement(order, limit: limit), connection)
    }

    private func rows(_ sql: String, _ connection: isolated Connection) throws -> [CaseRow] {
        try connection.query(sql, filter.parameters).map { try CaseRow(columns: $0) }
    }
}

extension CaseFilter {
    /// The rows behind one place of an order by time and identifier.
    fileprivate mutating func follow(_ column: String, _ comparison: String, _ time: Int64, _ id: CaseID) {
        let (time, id) = (place(.timestamp(time)), place(.uuid(id.bytes)))
        follow("(\(column), c.id) \(comparison) (\(time), \(id))")
    }
}
