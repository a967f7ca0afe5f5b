import Casework
import Contract
import Glibc
import JSON
import Logging
import Postgres
import Program
import Simulator
import Store

/// What people ask a hub for, as requests to its real interface.
struct HubReads: Sendable {
    /// One question in all its forms, asked in turn.
    struct Kind: Sendable {
        var name: String
        /// The longest that 99 of 100 may wait, milliseconds.
        var goal: Double?
        var paths: [String]
        /// What every answer must hold, so that nothing empty is measured.
        var expects: Expectation

        enum Expectation: Sendable { case one, some, none, anything }
    }

    struct Result: Sendable {
        var kind: Kind
        /// Milliseconds.
        var times: [Double]

        var p50: Double { times.quantile(0.5) }
        var p99: Double { times.quantile(0.99) }
    }

    let kinds: [Kind]

    /// - Parameter database: the hub's, to know cases to ask for.
    static func sample(_ database: Database, seed: UInt64) async throws -> HubReads {
        let rows = try await database.readers.run { connection in
            // Probes of the index at places spread over the identifiers: quick on any size.
            try connection.query(
                """
                SELECT DISTINCT c.tracking_code, c.id::text FROM generate_series(0, 599) n CROSS JOIN LATERAL (
                    SELECT id, tracking_code FROM cases
                    WHERE registered_at <= now() - n * interval '1 day' / 5 ORDER BY registered_at DESC, id DESC LIMIT 1
                ) c
                """
            ).map { (code: try $0.get(0, as: String.self), id: try $0.get(1, as: String.self)) }
        }
        guard !rows.isEmpty else { throw Failure("the hub has no case to ask for.") }
        return HubReads(rows, seed: seed)
    }

    private init(_ cases: [(code: String, id: String)], seed: UInt64) {
        var random = Generator(seed: seed)
        let path = "/api/v1/cases?"
        let agencies = Origin.provinces.dropLast().map { $0.code + "-MUN" }
        var inbox = [path + "limit=50"]
        for agency in agencies {
            inbox.append(path + "holder=\(agency)")
            inbox.append(path + "holder=\(agency)&status=in_progress")
        }
        inbox += ["referred", "in_progress", "answered", "closed", "disputed"].map { path + "status=\($0)" }
        for province in Origin.provinces.dropLast() { inbox.append(path + "province=\(province.code)") }
        for index in inbox.indices.reversed() { inbox.swapAt(index, random.below(index + 1)) }
        let search = { (words: [String]) in words.map { path + "q=" + Self.escaped($0) } }
        kinds = [
            Kind(name: "lookup by code", goal: 5, paths: cases.map { path + "q=" + $0.code }, expects: .one),
            Kind(name: "case", paths: cases.map { "/api/v1/cases/" + $0.id }, expects: .anything),
            Kind(name: "inbox page", goal: 50, paths: inbox, expects: .some),
            Kind(
                name: "overdue list", goal: 50,
                paths: [path + "overdue=true", path + "overdue=true&province=IR-03", "/api/v1/overdue?limit=50"],
                expects: .some),
            Kind(
                name: "search, frequent words", goal: 50,
                paths: search(["بانک", "یارانه", "وام ازدواج", "خیابان", "قطع یارانه"]), expects: .some),
            // As other keyboards write it.
            Kind(
                name: "search, ي and ك", goal: 50,
                paths: search(["يارانه", "كريمي", "كمك معيشتي", "قطعي برق", "بيمهٔ بيكاري"]), expects: .some),
            Kind(
                name: "search, rare words", goal: 50,
                paths: search(cases.prefix(100).map { String($0.code.suffix(9)) }), expects: .some),
            Kind(
                name: "search, words that never meet", goal: 50,
                paths: search(["یارانه آسفالت", "زباله پزشک", "مالیات کنتور", "نانوایی اینترنت"]), expects: .none),
            Kind(name: "national overview", goal: 20, paths: ["/api/v1/overview"], expects: .anything),
            Kind(name: "provinces", paths: ["/api/v1/provinces"], expects: .anything),
            Kind(name: "trend", paths: ["/api/v1/trend?days=30"], expects: .anything),
        ]
    }

    private static func escaped(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        return String(
            decoding: text.utf8.flatMap { [UInt8(ascii: "%"), hex[Int($0 >> 4)], hex[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Asks each kind of question so often, one kind after the other.
    func measure(_ client: APIClient, times: Int) async throws -> [Result] {
        var results: [Result] = []
        for kind in kinds {
            // Warm: statements prepared, pages in memory.
            for path in kind.paths.prefix(times) { _ = try await Self.ask(kind, path, client) }
            var taken = [Double]()
            for number in 0..<times {
                taken.append(try await Self.ask(kind, kind.paths[number % kind.paths.count], client))
            }
            results.append(Result(kind: kind, times: taken))
        }
        return results
    }

    /// Asks a question of each kind in turn, as long as it is wanted: each kind's answers are spread over the whole time.
    func measure(_ client: APIClient, while isWanted: () -> Bool) async throws -> [Result] {
        var (times, number) = (kinds.map { _ in [Double]() }, 0)
        repeat {
            for (index, kind) in kinds.enumerated() {
                times[index].append(try await Self.ask(kind, kind.paths[number % kind.paths.count], client))
            }
            number += 1
        } while isWanted()
        return zip(kinds, times).map { Result(kind: $0, times: $1) }
    }

    private static func ask(_ kind: Kind, _ path: String, _ client: APIClient) async throws -> Double {
        let began = ContinuousClock.now
        let answer = try await client.get(path)
        let took = (ContinuousClock.now - began).seconds * 1000
        guard answer.isSuccess else { throw Failure("\(path): \(answer.problem)") }
        let count = answer.json["items"]?.array?.count ?? 0
        let isRight =
            switch kind.expects {
            case .one: count == 1
            case .some: count > 0
            case .none: count == 0
            case .anything: true
            }
        guard isRight else { throw Failure("\(kind.name): \(path) found \(count) cases.") }
        return took
    }
}
