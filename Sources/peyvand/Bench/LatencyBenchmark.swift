import Casework
import Glibc
import NIOCore
import Postgres
import Service

/// From the commit at a node until the national feed has brought it to who watches, on an idle system; durable at the hub
/// before. Beside it, from a commit at a publisher until a subscriber of logical replication over TLS shows the row.
/// PostgreSQL itself tells when it committed (`track_commit_timestamp`), so that both begin at the same moment.
struct LatencyBenchmark: Benchmark {
    private static let settings = ["track_commit_timestamp": "on"]

    func run(_ bench: Bench) async throws -> [Comparison] {
        let count = bench.isQuick ? 60 : 500
        let ours = try await ours(count, bench)
        let theirs = try await peer(count, bench)
        func line(_ name: String, _ share: Double, goal: Comparison.Bound, floor: Comparison.Bound? = nil) -> Comparison {
            let (mine, other) = (ours.quantile(share), theirs.quantile(share))
            return Comparison(
                name, unit: "ms", ours: mine, peer: ("logical replication", other), ratio: other / mine, rounds: count,
                goal: goal, floor: floor)
        }
        return [
            line("latency p50", 0.5, goal: .atMost(5)),
            line("latency p99", 0.99, goal: .atMost(25), floor: .atMost(50)),
        ]
    }

    /// Milliseconds, one for each case.
    private func ours(_ count: Int, _ bench: Bench) async throws -> [Double] {
        let network = try BenchNetwork(
            folder: bench.folder + "/latency", provinces: 1, settings: Self.settings, logger: bench.logger)
        let code = CatchUpBenchmark.origin
        for server in [DemoCast.hub, code] { try await network.start(server) }
        let node = try await network.line(code)
        let hub = try await network.line(DemoCast.hub)
        let seen = Seen()
        let watching = Task {
            try await hub.feed { _, data, at in
                if let id = data["case_id"]?.string { await seen.note(id, at) }
                return !Task.isCancelled
            }
        }
        var workload = Workload(seed: 7)
        var (ids, random) = ([String](), SystemRandomNumberGenerator())
        for number in 0..<count + 5 {
            let answer = try await node.post("/api/v1/cases", workload.body(), key: "latency-\(number)")
            let id = try JSON(parsing: Array(answer.readableBytesView))["id"]?.string ?? ""
            guard try await seen.wait(for: id) else { throw Failure("the feed has not brought case \(id) for 10 s.") }
            // The first find connections and statements that are new.
            if number >= 5 { ids.append(id) }
            // Idle between: not always at the same distance from what runs by the clock.
            try await Task.sleep(for: .milliseconds(Int.random(in: 40...90, using: &random)))
        }
        watching.cancel()
        let arrivals = await seen.arrivals
        let commits = try await commits(network, code, bench)
        await node.close()
        await hub.close()
        for server in [code, DemoCast.hub] { await network.stop(server) }
        for server in [code, DemoCast.hub] { try await network.verify(server) }
        await network.closeAll()
        return ids.compactMap { id in
            guard let begun = commits[id], let ended = arrivals[id] else { return nil }
            return Double(ended - begun) / 1000
        }
    }

    /// When the node committed each case's registration, in microseconds of the wall clock.
    private func commits(_ network: BenchNetwork, _ code: String, _ bench: Bench) async throws -> [String: Int64] {
        let office = try await network.open(code)
        let connection = try await Connection.connect(ConnectionConfiguration(url: office.url), logger: bench.logger)
        let rows = try await connection.run { connection in
            try connection.query(
                "SELECT case_id::text, pg_xact_commit_timestamp(xmin) FROM journal_ir_03_0 WHERE seq IS NOT NULL")
        }
        await connection.close()
        return try rows.reduce(into: [:]) { $0[try $1.get(0)] = try $1.timestamp(1) }
    }

    private func peer(_ count: Int, _ bench: Bench) async throws -> [Double] {
        let network = try BenchNetwork(folder: bench.folder + "/latency", provinces: 1, logger: bench.logger)
        try FileTree.remove(network.home(of: DemoCast.hub))
        try await network.open(DemoCast.hub)
        await network.close(DemoCast.hub)
        let empty = network.home(of: DemoCast.hub) + "/postgres/data"
        let place = bench.folder + "/latency-publisher"
        var publisher = try await ReplicationPeer.subscriber(empty, at: place, bench.logger)
        await publisher.stop()
        let settings = try ReplicationPeer.settings(network, at: place, more: Self.settings)
        publisher = try await PrivateServer.start(
            directory: place, options: .init(maximumConnections: 40, settings: settings), logger: bench.logger)
        let subscriber = try await ReplicationPeer.subscriber(
            empty, at: bench.folder + "/latency-subscriber", bench.logger)
        let source = try await ReplicationPeer.connect(publisher, bench.logger)
        let target = try await ReplicationPeer.connect(subscriber, bench.logger)
        try await source.run { connection in
            try connection.execute("CREATE PUBLICATION bench FOR TABLE journal WITH (publish_via_partition_root = true)")
        }
        try await target.run { connection in
            try connection.execute(
                """
                CREATE SUBSCRIPTION bench
                CONNECTION 'host=\(ReplicationPeer.address) dbname=peyvand user=peyvand sslmode=require'
                PUBLICATION bench WITH (copy_data = false)
                """)
        }
        var latencies = [Double]()
        for number in 1...count + 5 {
            let latency = try await replicate(Int64(number), source, target)
            if number > 5 { latencies.append(latency) }
            try await Task.sleep(for: .milliseconds(50))
        }
        try await target.run { try $0.execute("DROP SUBSCRIPTION bench") }
        for connection in [source, target] { await connection.close() }
        for server in [subscriber, publisher] { await server.stop() }
        return latencies
    }

    private func replicate(_ seq: Int64, _ source: Connection, _ target: Connection) async throws -> Double {
        try await source.run { connection in
            try connection.query(
                """
                INSERT INTO journal VALUES ('IR-03', $1, 1, sha256($1::text::bytea), gen_random_uuid(), $1,
                    decode(repeat(md5($1::text), 24), 'hex'))
                """, [.int64(seq)])
        }
        let ended = try await target.run { connection in
            let deadline = ContinuousClock.now + .seconds(30)
            while try connection.query("SELECT 1 FROM journal_ir_03_0 WHERE seq = $1", [.int64(seq)]).isEmpty {
                guard ContinuousClock.now < deadline else { throw Failure("the peer has not replicated for 30 s.") }
                usleep(50)
            }
            return Wall.microseconds
        }
        let begun = try await source.run { connection in
            try connection.query(
                "SELECT pg_xact_commit_timestamp(xmin) FROM journal_ir_03_0 WHERE seq = $1", [.int64(seq)]
            )[0].timestamp(0)
        }
        return Double(ended - begun) / 1000
    }
}

/// When each case was first seen on the feed.
private actor Seen {
    private(set) var arrivals: [String: Int64] = [:]

    func note(_ id: String, _ at: Int64) { if arrivals[id] == nil { arrivals[id] = at } }

    func wait(for id: String) async throws -> Bool {
        for _ in 0..<2_000 {
            if arrivals[id] != nil { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }
}
