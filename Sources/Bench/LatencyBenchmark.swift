import Casework
import Contract
import Demo
import Glibc
import JSON
import NIOCore
import POSIX
import Postgres
import Program

/// From the commit at a node until the national feed has brought it to who watches, on an idle system; durable at the hub
/// before. In turn with it, from a commit at a publisher until a subscriber of logical replication over TLS shows the row.
/// PostgreSQL itself tells when it committed (`track_commit_timestamp`), so that both begin at the same moment. Both wait
/// for the disk: how long it takes alone is measured between them. A disk may stand still for a moment, for ours or for
/// the peer as it happens: hence several rounds, of which the median counts, and the worst is told beside it.
struct LatencyBenchmark: Benchmark {
    fileprivate static let settings = ["track_commit_timestamp": "on"]

    func run(_ bench: BenchRun) async throws -> [Comparison] {
        let rounds = bench.rounds(5, quick: 1)
        let samples = bench.isQuick ? 60 : 300
        let peer = try await Peer(bench)
        let feed = try await Feed(bench)
        let disk = try DiskProbe(bench.folder + "/latency-disk")
        var (theirs, flushes, random) = ([Double](), [Double](), SystemRandomNumberGenerator())
        // The first find connections and statements that are new.
        for number in -5..<rounds * samples {
            // Idle between: not always at the same distance from what runs by the clock.
            try await Task.sleep(for: .milliseconds(Int.random(in: 30...70, using: &random)))
            try await feed.measure(counts: number >= 0)
            try await Task.sleep(for: .milliseconds(10))
            let replicated = try await peer.measure()
            try await Task.sleep(for: .milliseconds(10))
            let flushed = try disk.flush()
            if number >= 0 {
                theirs.append(replicated)
                flushes.append(flushed)
            }
        }
        let ours = try await feed.end()
        try await peer.end()
        func quantiles(_ share: Double, of times: [Double]) -> [Double] {
            (0..<rounds).map { Array(times[$0 * samples..<($0 + 1) * samples]).quantile(share) }
        }
        func line(_ name: String, _ share: Double, goal: Comparison.Bound, floor: Comparison.Bound? = nil) -> Comparison
        {
            let (mine, other) = (quantiles(share, of: ours), quantiles(share, of: theirs))
            return Comparison(
                name, unit: "ms", ours: mine.median, peer: ("logical replication", other.median),
                ratio: zip(mine, other).map { $1 / $0 }.median, rounds: rounds, goal: goal, floor: floor,
                details: [
                    ("samples", Double(ours.count)), ("of all samples", ours.quantile(share)),
                    ("worst round", mine.quantile(1)), ("max", ours.quantile(1)),
                    ("peer of all samples", theirs.quantile(share)), ("peer worst round", other.quantile(1)),
                    ("peer max", theirs.quantile(1)),
                ])
        }
        return [
            line("latency p50", 0.5, goal: .atMost(5)),
            line("latency p99", 0.99, goal: .atMost(25), floor: .atMost(50)),
            Comparison(
                "the disk alone p99", unit: "ms", ours: quantiles(0.99, of: flushes).median, rounds: rounds,
                details: [
                    ("p50", flushes.median), ("of all samples", flushes.quantile(0.99)), ("max", flushes.quantile(1)),
                ]),
        ]
    }
}

/// A node, its hub, and who watches the national feed.
private final class Feed {
    private let bench: BenchRun
    private let network: BenchNetwork
    private let node, hub: BenchLine
    private let seen = Seen()
    private let watching: Task<Void, Never>
    private var workload = Workload(seed: 7)
    private var (number, ids) = (0, [String]())
    private static let code = CatchUpBenchmark.origin

    init(_ bench: BenchRun) async throws {
        self.bench = bench
        network = try BenchNetwork(
            folder: bench.folder + "/latency", provinces: 1, settings: LatencyBenchmark.settings, logger: bench.logger)
        for server in [DemoCast.hub, Self.code] { try await network.start(server) }
        let (node, hub) = (try await network.line(Self.code), try await network.line(DemoCast.hub))
        (self.node, self.hub) = (node, hub)
        watching = Task { [seen] in
            do {
                try await hub.feed { _, data, at in
                    if let id = data["case_id"]?.string { await seen.note(id, at) }
                    return !Task.isCancelled
                }
            } catch {
                await seen.fail(error)
            }
        }
    }

    /// Registers a case and waits until the feed has brought it.
    func measure(counts: Bool) async throws {
        number += 1
        let answer = try await node.post("/api/v1/cases", workload.body(), key: "latency-\(number)")
        let id = try JSON(parsing: Array(answer.readableBytesView))["id"]?.string ?? ""
        guard try await seen.wait(for: id) else { throw Failure("the feed has not brought case \(id) for 10 s.") }
        if counts { ids.append(id) }
    }

    /// - Returns: milliseconds, one for each case that counts.
    func end() async throws -> [Double] {
        watching.cancel()
        let arrivals = await seen.arrivals
        let commits = try await commits()
        await node.close()
        await hub.close()
        for server in [Self.code, DemoCast.hub] { await network.stop(server) }
        for server in [Self.code, DemoCast.hub] { try await network.verify(server) }
        await network.closeAll()
        return try ids.map { id in
            guard let begun = commits[id], let ended = arrivals[id] else { throw Failure("case \(id) has no time.") }
            return Double(ended - begun) / 1000
        }
    }

    /// When the node committed each case's registration, in microseconds of the wall clock.
    private func commits() async throws -> [String: Int64] {
        let office = try await network.open(Self.code)
        let connection = try await Connection.connect(ConnectionConfiguration(url: office.url), logger: bench.logger)
        let rows = try await connection.run { connection in
            try connection.query(
                "SELECT case_id::text, pg_xact_commit_timestamp(xmin) FROM journal_ir_03_0 WHERE seq IS NOT NULL")
        }
        await connection.close()
        return try rows.reduce(into: [:]) { $0[try $1.get(0)] = try $1.timestamp(1) }
    }
}

/// Two servers of PostgreSQL, the one a subscriber of the other's journal.
private final class Peer {
    private let publisher, subscriber: PrivateServer
    private let source, target: Connection
    private var seq: Int64 = 0

    init(_ bench: BenchRun) async throws {
        let network = try BenchNetwork(folder: bench.folder + "/latency-peer", provinces: 1, logger: bench.logger)
        try await network.open(DemoCast.hub)
        await network.close(DemoCast.hub)
        let empty = network.home(of: DemoCast.hub) + "/postgres/data"
        let place = bench.folder + "/latency-publisher"
        let made = try await ReplicationPeer.subscriber(empty, at: place, bench.logger)
        await made.stop()
        let settings = try ReplicationPeer.settings(network, at: place, more: LatencyBenchmark.settings)
        publisher = try await PrivateServer.start(
            directory: place, options: .init(maximumConnections: 40, settings: settings), logger: bench.logger)
        subscriber = try await ReplicationPeer.subscriber(empty, at: bench.folder + "/latency-subscriber", bench.logger)
        source = try await ReplicationPeer.connect(publisher, bench.logger)
        target = try await ReplicationPeer.connect(subscriber, bench.logger)
        try await source.run { connection in
            try connection.execute(
                "CREATE PUBLICATION bench FOR TABLE journal WITH (publish_via_partition_root = true)")
        }
        try await target.run { connection in
            try connection.execute(
                """
                CREATE SUBSCRIPTION bench
                CONNECTION 'host=\(ReplicationPeer.address) dbname=peyvand user=peyvand sslmode=require'
                PUBLICATION bench WITH (copy_data = false)
                """)
        }
    }

    func end() async throws {
        try await target.run { try $0.execute("DROP SUBSCRIPTION bench") }
        for connection in [source, target] { await connection.close() }
        for server in [subscriber, publisher] { await server.stop() }
    }

    /// - Returns: milliseconds from a commit until the subscriber shows the row.
    func measure() async throws -> Double {
        seq += 1
        let seq = seq
        _ = try await source.run { connection in
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
    private var failure: (any Error)?

    func fail(_ error: any Error) { failure = error }

    func note(_ id: String, _ at: Int64) { if arrivals[id] == nil { arrivals[id] = at } }

    func wait(for id: String) async throws -> Bool {
        for _ in 0..<2_000 {
            if arrivals[id] != nil { return true }
            if let failure { throw failure }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }
}

/// Asks the disk below the servers' data how long it takes to make 8 KiB durable, as a commit does.
private final class DiskProbe {
    private let file: Int32
    private let block = [UInt8](repeating: 1, count: 8192)

    init(_ path: String) throws {
        try Files.replace(path, with: String(repeating: "0", count: 8192))
        file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw SystemError("open", path) }
    }

    deinit { close(file) }

    /// - Returns: milliseconds.
    func flush() throws -> Double {
        let begun = ContinuousClock.now
        guard pwrite(file, block, block.count, 0) == block.count, fdatasync(file) == 0 else {
            throw SystemError("write to", "the disk")
        }
        return (ContinuousClock.now - begun).seconds * 1000
    }
}
