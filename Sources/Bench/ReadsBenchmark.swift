import Casework
import Demo
import Logging
import Postgres
import Program
import Store

/// How long people wait at a hub that holds the whole country's cases: alone, and while a province catches up.
struct ReadsBenchmark: Benchmark {
    static func top(_ bench: BenchRun) -> Int { bench.isQuick ? 20_000 : bench.isFull ? 10_000_000 : 1_000_000 }

    func run(_ bench: BenchRun) async throws -> [Comparison] {
        let cases = Self.top(bench)
        let hub = try NationalHub(bench, top: cases)
        do {
            let growth = try await hub.grow(to: cases)
            if growth.events > 0 { bench.say("  \(growth.summary)") }
            let results = try await Self.compare(hub, at: cases, bench)
            await hub.network.closeAll()
            return results
        } catch {
            await hub.network.closeAll()
            throw error
        }
    }

    private static func compare(_ hub: NationalHub, at cases: Int, _ bench: BenchRun) async throws -> [Comparison] {
        let reads = try await hub.withDatabase { try await HubReads.sample($0, seed: 1) }
        try await prepareNews(hub, cases: bench.isQuick ? 2_000 : 100_000)
        try await hub.network.start(DemoCast.hub)
        try await hub.awaitSearch()
        let client = try await hub.network.client(DemoCast.hub)
        let alone = try await reads.measure(client, times: bench.isQuick ? 100 : 500)
        for result in alone { bench.say("  \(result.summary)") }
        let news = try await News.begin(hub, bench)
        let busy: [HubReads.Result]
        do {
            try await news.arrive()
            busy = try await reads.measure(client) { news.isComing }
        } catch {
            news.cancel()
            throw error
        }
        let rate = try await news.end()
        for result in busy { bench.say("  while events come, \(result.summary)") }
        await client.close()
        await hub.network.stop(DemoCast.hub)
        for server in [DemoCast.hub, NationalHub.absent.code] { try await hub.network.verify(server) }
        bench.say("  verified at both sides")
        return alone.map { $0.comparison("\($0.kind.name), p99") }
            + busy.map { result in
                var line = result.comparison("\(result.kind.name), p99 while events come")
                (line.goal, line.details) = (nil, line.details + [("events/s", rate)])
                return line
            }
    }

    /// The absent province's backlog, written before anything is measured.
    private static func prepareNews(_ hub: NationalHub, cases: Int) async throws {
        let code = NationalHub.absent.code
        let office = try await hub.network.open(code)
        let database = try await Database.open(url: office.url, connections: 2, logger: .init(label: "peyvand.bench"))
        try await JournalMaker(origin: NationalHub.absent, database: database).make(cases: cases, abroad: 50, seed: 7)
        await database.close()
    }
}
