import Casework
import Contract
import Demo
import Glibc
import JSON
import NIOCore
import Postgres
import Program
import Store

/// All provinces but one come back at once after three weeks; the one that was never away goes on registering, and each
/// of its cases is waited for on the national feed.
struct StormBenchmark: Benchmark {
    func run(_ bench: BenchRun) async throws -> [Comparison] {
        let provinces = bench.isQuick ? 4 : 31
        let cases = bench.isQuick ? 1_000 : 10_000
        let quiet = CatchUpBenchmark.origin
        // The quiet one's PostgreSQL is its own: it reads there what it sends.
        let network = try BenchNetwork(
            folder: bench.folder + "/storm", provinces: provinces, isShared: true, apart: [quiet], logger: bench.logger)
        let returning = network.cast.codes.filter { $0 != DemoCast.hub && $0 != quiet }
        // The hub knows them all: they were here before they were away.
        for code in returning { try await write(20, at: code, network, bench) }
        try await network.start(DemoCast.hub)
        for code in returning { try await network.start(code) }
        try await drained(network, returning, bench)
        for code in returning { await network.stop(code) }
        for (number, code) in returning.enumerated() {
            try await write(cases, at: code, network, bench)
            if number % 5 == 4 { bench.say("  \(number + 1) of \(returning.count) journals written") }
        }
        try await network.start(quiet)
        // Thirty offices and their databases would leave the hub a thirtieth of this machine, and their programs' start is
        // not the hub's matter: they run at the lowest priority, and stand still until the storm.
        let lowering = Task { try await network.keepSharedLow() }
        defer { lowering.cancel() }
        var frozen: [pid_t] = []
        let fresh: Fresh
        let normal: [Double]
        do {
            for code in returning {
                let office = try await network.start(code, isRemote: true).processID
                guard office > 0, kill(office, SIGSTOP) == 0 else { throw Failure("\(code) has ended.") }
                frozen.append(office)
            }
            fresh = try await Fresh(network, quiet)
            (normal, _) = try await fresh.measure { try await Task.sleep(for: .seconds(bench.isQuick ? 2 : 10)) }
        } catch {
            // What stands still would not hear that it is to end.
            for office in frozen { kill(office, SIGCONT) }
            throw error
        }
        // Some had sent a little before they stood still.
        let before = try await reached(network, returning, bench)
        let (storm, took) = try await fresh.measure { [frozen] in
            for office in frozen { kill(office, SIGCONT) }
            try await drained(network, returning, bench)
        }
        lowering.cancel()
        try await lowering.value
        await fresh.close()
        let events = try await reached(network, returning, bench) - before
        bench.say("  fresh cases, ms, in their order: \(storm.map { String(Int($0)) }.joined(separator: " "))")
        for server in network.cast.codes { await network.stop(server) }
        try await network.verify(DemoCast.hub)
        if let first = returning.first { try await network.verify(first) }
        await network.closeAll()
        return [
            Comparison(
                "storm, \(returning.count) provinces return", unit: "events/s", ours: Double(events) / took.seconds,
                details: [("events", Double(events)), ("seconds", took.seconds)]),
            Comparison(
                "storm, a fresh case on the feed p99", unit: "ms", ours: storm.quantile(0.99),
                peer: ("without a storm", normal.quantile(0.99)),
                ratio: normal.quantile(0.99) / storm.quantile(0.99), rounds: storm.count, goal: .atMost(1000),
                details: [("p50", storm.quantile(0.5)), ("max", storm.max() ?? 0)]),
        ]
    }

    private func write(_ cases: Int, at code: String, _ network: BenchNetwork, _ bench: BenchRun) async throws {
        let office = try await network.open(code)
        guard let origin = Origin(code) else { throw Failure("\(code) is no province.") }
        let database = try await Database.open(url: office.url, connections: 2, logger: bench.logger)
        try await JournalMaker(origin: origin, database: database)
            .make(cases: cases, abroad: 50, seed: UInt64(cases) << 32 | UInt64(origin.number) << 16)
        await database.close()
    }

    private func drained(_ network: BenchNetwork, _ codes: [String], _ bench: BenchRun) async throws {
        let office = try await network.open(DemoCast.hub)
        let connection = try await Connection.connect(ConnectionConfiguration(url: office.url), logger: bench.logger)
        var ends: [(String, Int64)] = []
        for code in codes { ends.append((code, try await end(network, code, bench))) }
        let deadline = ContinuousClock.now + .seconds(900)
        while true {
            let rows = try await connection.run { try $0.query("SELECT origin, max(seq) FROM chains GROUP BY origin") }
            let reached = try rows.reduce(into: [String: Int64]()) { $0[try $1.get(0)] = try $1.get(1) }
            if ends.allSatisfy({ reached[$0.0] ?? 0 >= $0.1 }) { break }
            guard ContinuousClock.now < deadline else { throw Failure("the storm has not drained after 15 minutes.") }
            try await Task.sleep(for: .milliseconds(50))
        }
        await connection.close()
    }

    private func end(_ network: BenchNetwork, _ code: String, _ bench: BenchRun) async throws -> Int64 {
        let office = try await network.open(code)
        let connection = try await Connection.connect(ConnectionConfiguration(url: office.url), logger: bench.logger)
        let seq: Int64 = try await connection.run { try $0.query("SELECT seq FROM head")[0].get(0) }
        await connection.close()
        return seq
    }

    /// How many events of these provinces the hub has.
    private func reached(_ network: BenchNetwork, _ codes: [String], _ bench: BenchRun) async throws -> Int64 {
        let office = try await network.open(DemoCast.hub)
        let connection = try await Connection.connect(ConnectionConfiguration(url: office.url), logger: bench.logger)
        let sum: Int64 = try await connection.run { connection in
            try connection.query(
                """
                SELECT coalesce(sum(last), 0)::bigint FROM (
                    SELECT max(seq) AS last FROM chains WHERE origin = ANY ($1) GROUP BY origin
                ) of_each
                """, [.textArray(codes)])[0].get(0)
        }
        await connection.close()
        return sum
    }

    /// Registers at one node, five cases a second, and sees them come.
    private struct Fresh: Sendable {
        private let node, hub: BenchLine
        private let code: String

        init(_ network: BenchNetwork, _ code: String) async throws {
            self.code = code
            (node, hub) = (try await network.line(code), try await network.line(DemoCast.hub))
        }

        func close() async {
            await node.close()
            await hub.close()
        }

        /// - Returns: milliseconds from each answer to the feed's first message that counts the case, and how long `body`
        ///   took.
        func measure(
            while body: @escaping @Sendable () async throws -> Void
        ) async throws -> ([Double], Duration) {
            let counts = Counts()
            let watching = Task {
                try await hub.feed { _, data, at in
                    let provinces = data["provinces"]?.array ?? [data["province"] ?? .null]
                    let mine = provinces.first { $0["code"]?.string == code }
                    if let registered = mine?["registered"]?.int { await counts.note(registered, at) }
                    return !Task.isCancelled
                }
            }
            // The snapshot says how many there are before.
            while await counts.seen.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
            let before = await counts.seen[0].registered
            let registering = Task { try await register(until: counts) }
            let took: Duration
            do {
                took = try await ContinuousClock().measure { try await body() }
            } catch {
                registering.cancel()
                throw error
            }
            await counts.end()
            let answered = try await registering.value
            try await Task.sleep(for: .seconds(2))
            watching.cancel()
            let seen = await counts.seen
            let latencies = answered.enumerated().compactMap { number, at in
                seen.first { $0.registered >= before + Int64(number) + 1 }.map { max(0, Double($0.at - at) / 1000) }
            }
            guard latencies.count == answered.count else { throw Failure("the feed has not brought every fresh case.") }
            return (latencies, took)
        }

        /// Not ended by cancelling it, which would break off a registration.
        /// - Returns: when each was answered.
        private func register(until counts: Counts) async throws -> [Int64] {
            var (workload, answered) = (Workload(seed: 99), [Int64]())
            while await !counts.hasEnded {
                try await node.post("/api/v1/cases", workload.body(), key: "fresh-\(Wall.microseconds)")
                answered.append(Wall.microseconds)
                try await Task.sleep(for: .milliseconds(200))
            }
            return answered
        }
    }
}

/// How many cases of one province the feed has counted, and when it said so.
private actor Counts {
    private(set) var seen: [(registered: Int64, at: Int64)] = []
    private(set) var hasEnded = false

    func end() { hasEnded = true }

    func note(_ registered: Int64, _ at: Int64) { seen.append((registered, at)) }
}
