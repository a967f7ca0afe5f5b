public import Casework
import Contract
public import Federation
public import Logging
import Postgres

/// Sends what the outbox owes, and has the journal say what came of it.
///
/// Order of durability: an attempt is written before its call, and nothing is called for it that another attempt may still
/// be doing. So a notice is sent twice only where nobody can know: the process died during a call, or the gateway did not
/// answer, and no report came in time.
public final class OutboxSender: Sendable {
    private let database: Database
    private let store: any CaseStore
    private let gateway: any NoticeGateway
    private let policy: OutboxPolicy
    private let now: @Sendable () -> Instant
    private let tell: @Sendable (CaseID, NoticeKey, NoticeOutcome) async throws -> Void
    private let logger: Logger

    private static let page = 200

    /// - Parameter tell: writes the outcome into the case's journal; returns at once where it says so already.
    public init(
        database: Database, store: any CaseStore, gateway: any NoticeGateway, policy: OutboxPolicy = OutboxPolicy(),
        now: @escaping @Sendable () -> Instant, logger: Logger,
        tell: @escaping @Sendable (CaseID, NoticeKey, NoticeOutcome) async throws -> Void
    ) {
        (self.database, self.store, self.gateway, self.policy) = (database, store, gateway, policy)
        (self.now, self.logger, self.tell) = (now, logger, tell)
    }

    /// Has a server's writer say in a case's journal what came of a notice; nothing where the journal says as much.
    public static func telling<Core: DecidingCore>(
        _ writer: Writer<Core>
    ) -> @Sendable (CaseID, NoticeKey, NoticeOutcome) async throws -> Void {
        let system = Principal(name: "peyvand", role: .system, organization: OrganizationCode(writer.origin))
        return { id, key, outcome in
            let request = CommandRequest(
                principal: system, command: .notify(Notice(key: key, outcome: outcome)), caseID: id,
                idempotencyKey: nil, bodyHash: [])
            do { _ = try await writer.submit(request) } catch Refusal.illegal(.repeated, _) {}
        }
    }

    /// While there is no gateway, until cancelled: what happens until there is one is not sent later.
    public static func rest(_ database: Database, logger: Logger) async {
        await Upkeep.periodically(every: .seconds(60), logger: logger) {
            try await AttemptTable(database).forgetSince()
        }
    }

    /// Sends until cancelled.
    public func run() async {
        await Upkeep.periodically(every: .seconds(1), logger: logger) {
            while try await step() > 0, !Task.isCancelled {}
        }
    }

    /// Looks once at all that is owed and at all that came of it.
    /// - Returns: how many messages were sent and outcomes told.
    public func step() async throws -> Int {
        let table = AttemptTable(database)
        let since = try await table.since(now())
        var count = 0
        var last: OwedNotice?
        repeat {
            let page = try await table.owed(
                after: last, since: max(since, now() + -policy.lifetime + -policy.longestWait), limit: Self.page)
            count += try await work(page, since: since, table)
            last = page.count == Self.page ? page.last : nil
        } while last != nil && !Task.isCancelled
        count += try await work(try await table.untold(limit: Self.page), since: since, table)
        return count
    }

    private func work(_ notices: [OwedNotice], since: Instant, _ table: AttemptTable) async throws -> Int {
        let attempts = try await table.attempts(of: notices)
        var count = 0
        for notice in notices where !Task.isCancelled {
            switch policy.decide(notice, attempts[notice.key] ?? [], since: since, now: now()) {
            case .send(let number):
                if try await send(notice, AttemptID(notice: notice.key, number: number), table) { count += 1 }
            case .tell(let outcome):
                try await tell(notice.caseID, notice.key, outcome)
                try await table.noteTold(notice.key)
                count += 1
            case .wait, .nothing: break
            }
        }
        return count
    }

    /// - Returns: false when another process has begun this attempt, or the case cannot be told of any more.
    private func send(_ notice: OwedNotice, _ id: AttemptID, _ table: AttemptTable) async throws -> Bool {
        let events = try await store.events(of: [notice.caseID])[notice.caseID] ?? []
        let record = CaseRecord(id: notice.caseID, events: events)
        guard let mobile = OutboxProjection.mobile(of: record), let code = record.state.trackingCode else {
            return false
        }
        guard try await table.begin(id, of: notice.caseID, by: gateway.name, at: now()) else { return false }
        let answer = await gateway.send(OutgoingMessage(id: id, mobile: mobile, trackingCode: code))
        try await table.note(answer.result, answer.detail, of: id)
        return true
    }

    /// Takes a gateway's report of an attempt, which may come before the answer to the call, late, and more than once.
    /// - Returns: false when there is no such attempt.
    public func report(_ result: AttemptResult, _ detail: String, of id: AttemptID) async throws -> Bool {
        try await AttemptTable(database).note(result, detail, of: id)
    }
}
