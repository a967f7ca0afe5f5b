import Casework
import Postgres
import Service
import Testing

@testable import Store

/// What people wait for must hit an index: PostgreSQL itself says which, on a table large enough to matter.
@Suite struct ReadsPlanTests {
    private static let fill = """
        INSERT INTO cases SELECT
            (lpad(to_hex(n), 8, '0') || '-0000-7000-8003-' || lpad(to_hex(n), 12, '0'))::uuid,
            lpad(n::text, 13, '0'), 'IR-03', CASE n % 50 WHEN 0 THEN 'IR-03-MUN' ELSE 'IR-03' END, 'IR-03', 0,
            CASE n % 100 WHEN 0 THEN 'disputed' ELSE
                (ARRAY['registered', 'referred', 'in_progress', 'answered', 'closed', 'closed'])[n % 6 + 1] END,
            NULL, 'complaint', 'phone', 'water', 'normal', NULL, 'subject',
            timestamptz '2026-01-01' + n * interval '1 minute', timestamptz '2026-01-16' + n * interval '1 minute',
            NULL,
            n % 7 NOT IN (4, 5), n % 7 < 3, false, (n % 500 = 0)::int, (n % 500 = 1)::int, 0, 3, n,
            false, false, sha256(int8send(n))
        FROM generate_series(1, 20000) n;
        INSERT INTO search
        SELECT id, ' کریمی ' || tracking_code || ' ' || (SELECT string_agg(md5(position::text || k), ' ')
            FROM generate_series(1, 10) k) FROM cases
        """

    private func plan(_ query: CaseQuery, _ reads: CaseReads) async throws -> String {
        let clerk = Principal(name: "m", role: .supervisor, organization: OrganizationCode(reads.origin))
        let now = try #require(Instant(rfc3339: "2026-01-20T00:00:00Z"))
        var plans = ""
        for step in try reads.steps(query, for: clerk, now: now) {
            let filter = step.filter
            let statements = filter.words.isEmpty
                ? [filter.statement(order: step.order, limit: 51)]
                : [
                    filter.walkStatement(order: step.order, limit: 51), filter.walkCount(order: step.order),
                    filter.indexStatement(order: step.order, limit: 51),
                ]
            for sql in statements { plans += try await explain(sql, filter.parameters, reads) + "\n" }
        }
        return plans
    }

    private func explain(_ sql: String, _ parameters: [Parameter], _ reads: CaseReads) async throws -> String {
        try await reads.database.readers.run { connection in
            try connection.query("EXPLAIN (COSTS OFF) " + sql, parameters)
                .map { try $0.get(0, as: String.self) }.joined(separator: "\n")
        }
    }

    @Test func `lists, codes, overdue cases and search use indexes`() async throws {
        let office = try await ReadsOffice()
        try await office.execute(Self.fill)
        // Empties the trigram index's list of pending entries, as autovacuum does.
        try await office.execute("VACUUM ANALYZE")
        let holder = OrganizationCode(rawValue: "IR-03-MUN")
        let code = try #require(TrackingCode(province: 3, random: 12345)).digits
        // Of the document of case 7: md5("71").
        let word = "e2c420d928d4bf8ce0ff2ec19b371514"
        let expected: [(CaseQuery, String)] = [
            (CaseQuery(), "cases_recent"), (CaseQuery(status: .disputed), "cases_status"),
            (CaseQuery(holder: holder), "cases_holder"), (CaseQuery(text: code), "cases_code"),
            (CaseQuery(overdue: true), "cases_due"), (CaseQuery(text: word), "search_document"),
            (CaseQuery(text: "کریمی \(word)"), "search_document"),
        ]
        for (query, index) in expected {
            let plan = try await plan(query, office.reads)
            #expect(plan.contains(index), "\(query): \(plan)")
            #expect(!plan.contains("Seq Scan"), "\(query): \(plan)")
        }
        // A page in the middle goes on from its place instead of walking there.
        let clerk = try office.principal(.operator)
        let found = try await office.reads.cases(CaseQuery(text: "کریمی \(word)"), for: clerk, now: office.now)
        #expect(found.items.map(\.trackingCode) == ["0000000000007"])
        // A frequent word is found by walking, beyond the walk by its trigrams, and in the same order.
        let walked = try await office.reads.cases(CaseQuery(text: "کریمی", limit: 500), for: clerk, now: office.now)
        let plain = try await office.reads.cases(CaseQuery(limit: 500), for: clerk, now: office.now)
        #expect(walked.items.map(\.id) == plain.items.map(\.id) && walked.next == plain.next)
        let many = try await office.allPages(CaseQuery(text: "کریمی 00000000012"), for: clerk, limit: 40)
        let numbers = Array((1200...1299).reversed()) + (120...129).reversed() + [12]
        #expect(many.compactMap { Int($0.trackingCode) } == numbers)
        let first = try await office.reads.cases(CaseQuery(limit: 50), for: clerk, now: office.now)
        let next = try await plan(CaseQuery(cursor: first.next), office.reads)
        #expect(next.contains("Index Cond") && next.contains("ROW(registered_at, id)"), "\(next)")
        for (sql, index) in [
            ("SELECT id FROM cases WHERE conflicts > 0 ORDER BY id DESC LIMIT 51", "cases_conflicts"),
            ("SELECT id FROM cases WHERE proposals > 0 ORDER BY id DESC LIMIT 51", "cases_proposals"),
            ("SELECT id, position FROM cases WHERE position > 19990 ORDER BY position LIMIT 50", "cases_position"),
            ("SELECT id FROM cases WHERE tracking_code = '0000000000042' ORDER BY id", "cases_code"),
        ] {
            #expect(try await explain(sql, [], office.reads).contains(index), "\(sql)")
        }
        await office.close()
    }
}
