import Casework
import Glibc
import NIOCore
import POSIX
import Postgres
import Program
import Store

/// Registrations at one node through its REST interface over TLS, each durable before it is answered. Beside it, the
/// same rows by pgbench, each in a transaction of its own: what an office's own program on PostgreSQL reaches.
struct RegisterBenchmark: Benchmark {
    private static let clients = 32

    func run(_ bench: BenchRun) async throws -> [Comparison] {
        let rounds = bench.rounds(9, quick: 3)
        let seconds = bench.isQuick ? 2 : 3
        let network = try BenchNetwork(folder: bench.folder + "/register", provinces: 1, logger: bench.logger)
        let code = CatchUpBenchmark.origin
        let office = try await network.open(code)
        let peer = try await Peer(office.url, bench)
        try await network.start(code)
        var lines: [BenchLine] = []
        for _ in 0..<Self.clients { lines.append(try await network.line(code)) }
        // The first waits until the node has given up asking the hub.
        try await lines[0].post("/api/v1/cases", Self.bodies(seed: 0)[0], key: "first")
        var (ours, theirs, acknowledged) = ([Double](), [Double](), 1)
        for round in 1...rounds {
            let count = try await Self.round(lines, round, seconds: seconds)
            acknowledged += count.all
            ours.append(Double(count.measured) / Double(seconds))
            theirs.append(try await peer.round(seconds: seconds))
            bench.say("  round \(round): ours \(Int(ours[round - 1]))/s, pgbench \(Int(theirs[round - 1]))/s")
        }
        for line in lines { await line.close() }
        await network.stop(code)
        try await check(office.url, acknowledged, bench)
        try await network.verify(code)
        await network.closeAll()
        return [
            .rates(
                "registration, \(Self.clients) clients", unit: "cases/s", ours: ours,
                peer: ("pgbench, same rows", theirs),
                goal: .atLeast(5000), floor: .atLeast(2000))
        ]
    }

    private static func bodies(seed: UInt64) -> [ByteBuffer] {
        var workload = Workload(seed: seed)
        return (0..<100).map { _ in workload.body() }
    }

    /// - Returns: cases registered within the measured time, and all of this round.
    private static func round(
        _ lines: [BenchLine], _ round: Int, seconds: Int
    ) async throws -> (measured: Int, all: Int) {
        let begin = ContinuousClock.now + .milliseconds(300)
        let end = begin + .seconds(seconds)
        return try await withThrowingTaskGroup(of: (measured: Int, all: Int).self) { group in
            for (number, line) in lines.enumerated() {
                group.addTask { @Sendable in
                    let bodies = bodies(seed: UInt64(number))
                    var counts = (measured: 0, all: 0)
                    while true {
                        let key = "\(round)-\(number)-\(counts.all)"
                        try await line.post("/api/v1/cases", bodies[counts.all % bodies.count], key: key)
                        let now = ContinuousClock.now
                        counts.all += 1
                        if begin < now, now <= end { counts.measured += 1 }
                        if now > end { return counts }
                    }
                }
            }
            return try await group.reduce(into: (measured: 0, all: 0)) { sum, counts in
                sum = (sum.measured + counts.measured, sum.all + counts.all)
            }
        }
    }

    /// Every acknowledged case exists, once.
    private func check(_ url: String, _ acknowledged: Int, _ bench: BenchRun) async throws {
        let connection = try await Connection.connect(ConnectionConfiguration(url: url), logger: bench.logger)
        let found: Int = try await connection.run { connection in
            try connection.query("SELECT count(*) FROM cases")[0].get(0)
        }
        await connection.close()
        guard found == acknowledged else { throw Failure("\(acknowledged) cases were acknowledged, \(found) exist.") }
    }

    /// pgbench on a database of its own beside the node's, in the same PostgreSQL.
    private struct Peer {
        private let program, url, script, log: String

        init(_ url: String, _ bench: BenchRun) async throws {
            program = try Tool.path(of: "pgbench", package: "postgresql-15")
            self.url = url.replacing("/peyvand?", with: "/peer?")
            script = bench.folder + "/register.sql"
            log = bench.folder + "/pgbench.log"
            let connection = try await Connection.connect(ConnectionConfiguration(url: url), logger: bench.logger)
            try await connection.run { try $0.execute("CREATE DATABASE peer") }
            await connection.close()
            let database = try await Database.open(url: self.url, connections: 1, logger: bench.logger)
            try await database.migrate()
            let store = PostgresStore(database: database, hashing: { _ in .zero })
            if let origin = Origin(CatchUpBenchmark.origin) { _ = try await store.takeOver(origin, token: 1) }
            try await database.readers.run { try $0.execute("CREATE SEQUENCE bench_seq") }
            await store.close()
            await database.close()
            try Files.replace(script, with: Self.transaction)
        }

        /// - Returns: transactions per second.
        func round(seconds: Int) async throws -> Double {
            let text = try await Tool.run(
                [
                    program, "-n", "-c", "\(RegisterBenchmark.clients)", "-j", "1", "-T", "\(seconds)", "-M",
                    "prepared", "-f", script, url,
                ],
                log: log)
            guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("tps = ") }),
                let tps = Double(line.dropFirst(6).prefix { $0 != " " })
            else { throw Failure("pgbench said nothing of its speed; its log is \(log).") }
            return tps
        }

        /// The rows of one registration, as large as ours.
        private static let transaction = """
            BEGIN;
            SELECT nextval('bench_seq') AS seq, gen_random_uuid() AS id \\gset
            INSERT INTO journal VALUES ('IR-03', :seq::bigint, 1, sha256(:id::text::bytea), :id::uuid, :seq::bigint,
                decode(repeat(md5(:id::text), 24), 'hex'));
            INSERT INTO parts VALUES ('IR-03', :seq::bigint, 1, 1, decode(repeat(md5(:id::text), 24), 'hex'));
            INSERT INTO case_origins VALUES (:id::uuid, 8);
            INSERT INTO cases (id, tracking_code, home, holder, seat, epoch, status, kind, channel, category, priority,
                subject, registered_at, deadline, is_open, counts_due, imported, conflicts, proposals, revision,
                position, pending, parked, digest)
            VALUES (:id::uuid, left(:id::text, 13), 'IR-03', 'IR-03', 'IR-03', 0, 'registered', 'request', 'phone', 'loans',
                'normal', repeat('x', 40), now(), now() + interval '15 days', true, true, false, 0, 0, 1,
                :seq::bigint, false, false, sha256(:id::text::bytea));
            INSERT INTO idempotency VALUES ('bench@IR-03', :id::text, sha256(:id::text::bytea), :id::uuid,
                sha256(:id::text::bytea), now(), true);
            COMMIT;

            """
    }
}
