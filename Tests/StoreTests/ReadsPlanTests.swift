import Casework
import Contract
import Federation
import Postgres
import Testing

@testable import Store

/// What people and links wait for must hit an index. The statements are those that the reads themselves run, and
/// PostgreSQL tells the plan that it used, on tables large enough to matter.
@Suite struct ReadsPlanTests {
    /// Tables that grow with the cases, by the beginning of their names; each range of the journal is one.
    private static let growing = [
        "journal", "parts", "cases", "case_origins", "search", "clocks", "feeds", "idempotency", "alarms", "audit",
        "acknowledgements", "held_events", "attachments", "sessions",
    ]
    /// A statement's plan is made for its values at first, then kept for all.
    private static let times = 7

    private let office: ReadsOffice
    private let hub: CaseReads
    private let watch: PlanWatch
    private let cases: [CaseID]
    private let code: TrackingCode
    private let now: Instant

    init() async throws {
        let (database, watch) = try await PlanWatch.open()
        self.watch = watch
        office = try await ReadsOffice(database: database)
        hub = CaseReads(database: database, store: office.store, origin: .hub, tree: office.tree)
        now = try #require(Instant(rfc3339: "2026-01-20T00:00:00Z"))
        let code = try #require(TrackingCode(province: 3, random: 12345))
        self.code = code
        let disputed = try office.register(code: code)
        try office.run(.dispute(text: "نشده است"), on: disputed)
        cases = [disputed, try office.register()]
        try await office.save()
        try await database.readers.run { try JournalPartition(origin: .hub, seq: 1).create($0) }
        for statement in GrownTables.statements { try await office.execute(statement) }
        // Also empties the trigram index's list of pending entries, as autovacuum does.
        try await office.execute("VACUUM ANALYZE")
    }

    private func check(
        _ name: String, uses index: String? = nil, _ location: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async throws {
        let plans = try await watch.plans {
            do {
                for _ in 0..<Self.times { try await body() }
            } catch {
                Issue.record("\(name): \(error)", sourceLocation: location)
            }
        }
        #expect(!plans.isEmpty, "\(name): no plan was heard", sourceLocation: location)
        for plan in plans {
            let scanned = plan.scanned.filter { table in Self.growing.contains { table.hasPrefix($0) } }
            #expect(
                scanned.isEmpty, "\(name): reads all of \(scanned): \(plan.statement)\n\(plan.tree)",
                sourceLocation: location)
        }
        if let index {
            #expect(
                plans.contains { $0.tree.contains(index) }, "\(name): \(index) is not used: \(plans.map(\.tree))",
                sourceLocation: location)
        }
    }

    private func refused(_ body: () async throws -> some Any) async throws {
        do { _ = try await body() } catch is Refusal {}
    }

    // MARK: Lists

    @Test func `every list of cases, each of its filters, and its later pages`() async throws {
        let holder = OrganizationCode(rawValue: "IR-03-MUN")
        let clerk = try office.principal(.supervisor)
        let staff = try office.principal(.hub, "PRES")
        let lists: [(CaseQuery, String)] = [
            (CaseQuery(), "cases_recent"), (CaseQuery(status: .disputed), "cases_status"),
            (CaseQuery(status: .closed), "cases_recent"), (CaseQuery(holder: holder), "cases_inbox"),
            (CaseQuery(status: .closed, holder: holder), "cases_inbox"),
            (CaseQuery(text: code.digits), "cases_code"), (CaseQuery(overdue: true), "cases_due"),
            (CaseQuery(province: office.origin), "cases_recent"), (CaseQuery(province: .provinces[9]), "cases_recent"),
            (CaseQuery(overdue: true, province: office.origin), "cases_due"),
        ]
        for (query, index) in lists {
            try await check("\(query)", uses: index) { _ = try await office.reads.cases(query, for: clerk, now: now) }
            try await check("hub, \(query)", uses: index) { _ = try await hub.cases(query, for: staff, now: now) }
            var next = query
            next.cursor = try await office.reads.cases(query, for: clerk, now: now).next
            guard next.cursor != nil else { continue }
            try await check("later page of \(query)", uses: index) {
                _ = try await office.reads.cases(next, for: clerk, now: now)
            }
        }
        // A page in the middle goes on from its place instead of walking there.
        var query = CaseQuery()
        query.cursor = try await office.reads.cases(query, for: clerk, now: now).next
        let plans = try await watch.plans { _ = try await office.reads.cases(query, for: clerk, now: now) }
        let hasPlace = plans.contains { $0.tree.contains("Index Cond") && $0.tree.contains("ROW(registered_at, id)") }
        #expect(hasPlace, "\(plans.map(\.tree))")
        await office.close()
    }

    @Test func `search walks for frequent words and asks the trigrams for rare ones`() async throws {
        let clerk = try office.principal(.operator)
        // Of the document of case 7: md5("71").
        let word = "e2c420d928d4bf8ce0ff2ec19b371514"
        for text in [word, "کریمی \(word)", "کریمی", "کر"] {
            for holder in [nil, OrganizationCode(rawValue: "IR-03-MUN")] {
                let query = CaseQuery(text: text, holder: holder)
                let index = text.contains(word) ? "search_document" : "search_recent"
                try await check("\(query)", uses: holder == nil ? index : nil) {
                    _ = try await office.reads.cases(query, for: clerk, now: now)
                }
            }
        }
        let found = try await office.reads.cases(CaseQuery(text: "کریمی \(word)"), for: clerk, now: now)
        #expect(found.items.map(\.trackingCode) == ["0000000000007"])
        // A frequent word is found by walking, beyond the walk by its trigrams, and in the same order.
        let many = try await office.allPages(CaseQuery(text: "کریمی 00000000012"), for: clerk, limit: 40)
        let numbers = Array((1200...1299).reversed()) + (120...129).reversed() + [12]
        #expect(many.compactMap { Int($0.trackingCode) } == numbers)
        // Registered since it was projected: it waits for its place, and holds no page up.
        try await office.execute(
            """
            UPDATE search SET registered_at = NULL
            WHERE id IN (SELECT id FROM cases WHERE tracking_code IN ('0000000001250', '0000000019990'))
            """)
        let fewer = try await office.allPages(CaseQuery(text: "کریمی 00000000012"), for: clerk, limit: 10)
        #expect(fewer.compactMap { Int($0.trackingCode) } == numbers.filter { $0 != 1250 })
        let walked = try await office.reads.cases(CaseQuery(text: "کریمی", limit: 20), for: clerk, now: now)
        let shown = walked.items.compactMap { Int($0.trackingCode) }.filter { $0 <= 20_000 }
        #expect(shown == (19_982...20_000).reversed().filter { $0 != 19_990 })
        await office.close()
    }

    /// As while a province's journal of weeks comes in: thousands of the latest cases are not in `search` yet.
    @Test func `a search that is far behind still walks for frequent words`() async throws {
        let clerk = try office.principal(.operator)
        try await office.execute(
            "DELETE FROM search WHERE registered_at > timestamptz '2026-01-01' + 11000 * interval '1 minute'")
        for overdue in [false, true] {
            let query = CaseQuery(text: "کریمی", overdue: overdue)
            let plans = try await watch.plans { _ = try await office.reads.cases(query, for: clerk, now: now) }
            #expect(!plans.isEmpty && !plans.contains { $0.tree.contains("search_document") }, "\(plans.map(\.tree))")
            try await check("\(query)") { _ = try await office.reads.cases(query, for: clerk, now: now) }
        }
        let found = try await office.reads.cases(CaseQuery(text: "کریمی", limit: 2), for: clerk, now: now)
        #expect(found.items.compactMap { Int($0.trackingCode) } == [11_000, 10_999])
        await office.close()
    }

    // MARK: Single cases, figures, registers

    @Test func `a case, its events, and its tracking`() async throws {
        let clerk = try office.principal(.operator)
        for id in cases {
            try await check("case") {
                let record = try await office.reads.record(id)
                let events = record.map { office.reads.eventDocuments($0, for: clerk) }
                #expect(events?.isEmpty == false)
            }
        }
        try await check("track", uses: "cases_code") {
            let found = try await office.reads.track(code, mobile: nil, now: now)
            #expect(found != nil)
        }
        let register = AttachmentRegister(office.database)
        try await check("attachments") {
            _ = try await register.eventsHere(of: cases[0])
            _ = try await register.named(.zero, by: office.origin)
            _ = try await register.mayHave(.zero, office.origin)
            _ = try await register.isEntitled(office.origin, to: .zero)
        }
        await office.close()
    }

    @Test func `figures and how origins stand`() async throws {
        let provinces = Origin.provinces.map {
            ProvinceDocument(code: $0.code, counts: Counts(), lastHeard: nil, backlog: nil, state: "silent")
        }
        try await check("overview") { _ = try await hub.overview(now: now) }
        let then = try #require(Instant(rfc3339: "2026-01-10T12:00:00Z"))
        try await check("ranking", uses: "cases_due") { _ = try await hub.overdueRanking(limit: 50, now: now) }
        try await check("trend") { _ = try await hub.trend(days: 2, now: then) }
        try await check("changes", uses: "cases_position") { _ = try await hub.changes(after: 19_990, limit: 500) }
        try await check("provinces") { _ = try await hub.provinceStatus(provinces) }
        try await check("node's standing") { _ = try await office.reads.nodeStanding(acknowledged: 2) }
        try await check("nodes") {
            _ = try await hub.nodes()
            _ = try await hub.openProposals()
        }
        await office.close()
    }

    @Test func `conflicts, proposals, alarms, and who asks`() async throws {
        let clerk = try office.principal(.supervisor)
        try await check("conflicts", uses: "cases_conflicts") {
            _ = try await office.reads.conflicts(cursor: nil, limit: 20, for: clerk)
        }
        try await check("proposals", uses: "cases_proposals") {
            _ = try await office.reads.proposals(cursor: nil, limit: 20, for: clerk)
        }
        try await check("one of them") {
            try await refused { try await office.reads.caseOfConflict(.zero) }
            try await refused { try await office.reads.caseOfProposal(.zero) }
        }
        let alarms = Alarms(office.database)
        let first = try await alarms.page(cursor: nil, limit: 50)
        try await check("alarms") {
            _ = try await alarms.page(cursor: nil, limit: 50)
            _ = try await alarms.page(cursor: first.next, limit: 50)
            try await alarms.note(Alarm(code: .gap, detail: "again"), of: office.origin, at: now)
        }
        let accounts = Accounts(office.database)
        try await check("token and session") {
            // Each another: known ones are kept in memory.
            _ = try await accounts.principal(token: "\(UInt64.random(in: 0 ... .max))", now: now)
            _ = try await accounts.session(id: "none", now: now)
        }
        await office.close()
    }

    // MARK: What links and the writer wait for

    @Test func `what links and the writer look up`() async throws {
        let store = office.store
        let place = ChainPlace(incarnation: 15, seq: 1_000_100)
        try await check("events and hashes of an origin") {
            _ = try await store.hashes(of: office.origin, from: 1_000_100, through: 1_000_600)
            _ = try await store.journal(of: office.origin, in: [Stretch(incarnation: 0xA1, after: 0)])
            _ = try await store.journal(
                of: office.origin, in: [Stretch(incarnation: 0xA1, after: 0), Stretch(incarnation: 0xA2, after: 0)])
            _ = try await store.held(of: office.origin, preferring: [1], limit: 50)
        }
        try await check("feeds") {
            _ = try await store.feed(of: Origin.provinces[4], after: 100)
            _ = try await store.feedEnds()
            _ = try await store.feedFacts(
                of: Origin.provinces[4], [FeedCursor(hubIncarnation: 9, seq: 100, hash: .zero)])
        }
        try await check("receipts and keys") {
            _ = try await store.acknowledged()
            _ = try await store.acknowledgement(covering: place)
            _ = try await store.replies([IdempotencyKey(principal: "m@IR-03", key: "k77")])
            _ = try await store.used([code])
        }
        try await check("digests, transfers") {
            _ = try await store.digests(after: 19_000, limit: 500)
            _ = try await store.digests(of: cases)
            _ = try await store.pending(after: nil, limit: 50)
        }
        let clocks = Clocks(office.database)
        try await check("clocks", uses: "clocks_due") {
            _ = try await clocks.due(before: now, below: 1, seats: [office.origin], limit: 50)
            _ = try await clocks.due(before: now, below: 2, seats: Origin.provinces, limit: 50)
            _ = try await clocks.due(before: now + 3 * Instant.day, seats: [office.origin], limit: 50)
        }
        try await office.execute("UPDATE projections SET position = 20001")
        try await check("projections", uses: "cases_position") { _ = try await office.frame().advance(limit: 500) }
        try await check("a batch") {
            try office.run(.note(text: "باز هم"), on: cases[1])
            try await office.save()
        }
        await office.close()
    }
}

/// Rows that look like those of a busy office, in every table that grows.
private enum GrownTables {
    static let statements = [
        """
        INSERT INTO cases SELECT
            (lpad(to_hex(n), 8, '0') || '-0000-7000-8003-' || lpad(to_hex(n), 12, '0'))::uuid,
            lpad(n::text, 13, '0'), 'IR-03', CASE n % 50 WHEN 0 THEN 'IR-03-MUN' ELSE 'IR-03' END, 'IR-03', 0,
            CASE n % 100 WHEN 0 THEN 'disputed' ELSE
                (ARRAY['registered', 'referred', 'in_progress', 'answered', 'closed', 'closed'])[n % 6 + 1] END,
            NULL, 'complaint', 'phone', 'water', 'normal', NULL, 'subject',
            timestamptz '2026-01-01' + n * interval '1 minute', timestamptz '2026-01-16' + n * interval '1 minute',
            CASE WHEN n % 6 > 2 THEN timestamptz '2026-01-02' + n * interval '1 minute' END,
            n % 7 NOT IN (4, 5), n % 20 = 3, false, (n % 500 = 0)::int, (n % 500 = 1)::int, 3, 10 + n,
            n % 400 = 7, n % 5000 = 9, sha256(int8send(n))
        FROM generate_series(1, 20000) n
        """,
        """
        INSERT INTO search SELECT id, registered_at, ' کریمی ' || tracking_code || ' ' || (SELECT string_agg(
            md5((position - 10)::text || k), ' ') FROM generate_series(1, 10) k) FROM cases
        ON CONFLICT DO NOTHING
        """,
        """
        INSERT INTO clocks SELECT id, digest, 'case', deadline, seat, holder, position % 3
        FROM cases WHERE is_open ON CONFLICT DO NOTHING
        """,
        // Not of the cases whose events a list reads: these bytes are no events.
        """
        INSERT INTO journal SELECT 'IR-03', 1000000 + 3 * position + k, 15, sha256(int8send(3 * position + k)), id,
            position, sha256(digest) FROM cases, generate_series(1, 3) k
        WHERE conflicts = 0 AND proposals = 0 AND status <> 'disputed' AND position BETWEEN 10 AND 19900
        """,
        """
        INSERT INTO journal SELECT 'hub', n, 9, sha256(int8send(n)), gen_random_uuid(), n, int8send(n)
        FROM generate_series(1, 5000) n
        """,
        "INSERT INTO case_origins SELECT DISTINCT case_id, 8 FROM journal ON CONFLICT DO NOTHING",
        "INSERT INTO parts SELECT origin, seq, incarnation, 1, envelope FROM journal WHERE seq > 1000000",
        """
        INSERT INTO feeds SELECT origin, n, 'hub', n, 9, false, 9
        FROM generate_series(1, 2000) n, unnest(ARRAY['IR-03', 'IR-04', 'IR-05']) origin
        """,
        """
        INSERT INTO idempotency
        SELECT 'm@IR-03', 'k' || n, '', '00000001-0000-7000-8003-000000000001', '', now(), n % 2 = 0
        FROM generate_series(1, 5000) n
        """,
        """
        INSERT INTO alarms (at, origin, code, detail)
        SELECT now(), 'IR-03', 'gap', n::text FROM generate_series(1, 5000) n
        """,
        "INSERT INTO acknowledgements SELECT 15, n, '', now(), n, '' FROM generate_series(1, 5000) n",
        """
        INSERT INTO audit (actor, action, subject, remote, detail)
        SELECT 'm', 'r', '', '', '' FROM generate_series(1, 5000)
        """,
        """
        INSERT INTO held_events SELECT 'IR-30', n, 3, sha256(int8send(n)), NULL, '', NULL, NULL
        FROM generate_series(1, 3000) n
        """,
        """
        INSERT INTO attachments SELECT sha256(int8send(n)), 'IR-03', gen_random_uuid(), sha256(int8send(n)), n, true
        FROM generate_series(1, 5000) n
        """,
        """
        INSERT INTO sessions SELECT sha256(int8send(n)), '', 'm', 'operator', 'IR-03', now() + interval '1 hour'
        FROM generate_series(1, 3000) n
        """,
    ]
}
