import Casework
import Demo
import Glibc
import POSIX
import Postgres
import Program
import Store

/// A province comes back with a long journal: how fast is all of it committed at the hub? Beside it, PostgreSQL's own
/// replication of the very tables that our accepting transaction writes, and one COPY into them.
struct CatchUpBenchmark: Benchmark {
    static let origin = "IR-03"
    private static let abroad = 50

    func run(_ bench: BenchRun) async throws -> [Comparison] {
        let cases = bench.isQuick ? 10_000 : 100_000
        let rounds = bench.rounds(5, quick: 1)
        let backlog = try await Backlog.make(cases: cases, abroad: Self.abroad, bench)
        let peer = try await ReplicationPeer.prepare(backlog, bench)
        var ours = [Double]()
        var replication = [Double]()
        var floor = [Double]()
        for round in 1...rounds {
            let isLast = round == rounds
            ours.append(try await backlog.catchUp(bench, verifies: isLast))
            bench.say("  round \(round): ours \(Int(ours[round - 1])) events/s")
            replication.append(try await peer.catchUp(checked: isLast))
            bench.say("  round \(round): logical replication \(Int(replication[round - 1])) events/s")
            floor.append(try await peer.copy())
            bench.say("  round \(round): COPY \(Int(floor[round - 1])) events/s")
        }
        await peer.stop()
        var results: [Comparison] = [
            .rates(
                "catch-up", unit: "events/s", ours: ours, peer: ("logical replication", replication),
                goal: .ratio(6), floor: .ratio(3), details: [("events", Double(backlog.events))]),
            .rates(
                "catch-up, of the COPY floor", unit: "events/s", ours: ours, peer: ("COPY and upsert", floor),
                goal: .ratio(0.5)),
        ]
        if !bench.isQuick {
            let other = try await PglogicalPeer.measure(backlog, bench)
            results.insert(
                .rates("catch-up", unit: "events/s", ours: [ours.median], peer: ("pglogical", [other])), at: 1)
        }
        return results
    }
}

/// A province's journal that the hub has not seen, kept as a folder to begin each round from, and a hub that has nothing.
struct Backlog: Sendable {
    let network: BenchNetwork
    /// Folders of a stopped PostgreSQL: the province's, and an empty hub's.
    let province, hub: String
    let events: Int
    /// How often ours and the peers are asked how far they are: seldom enough to cost nothing.
    static let look = Duration.milliseconds(20)
    private let head: (seq: Int64, digest: String)

    static func make(cases: Int, abroad: Int, _ bench: BenchRun) async throws -> Backlog {
        let code = CatchUpBenchmark.origin
        let network = try BenchNetwork(
            folder: bench.folder + "/catch-up", provinces: 1, settings: ["min_wal_size": "1GB"], logger: bench.logger)
        let office = try await network.open(code)
        let database = try await Database.open(url: office.url, connections: 2, logger: bench.logger)
        let clock = ContinuousClock()
        let began = clock.now
        guard let origin = Origin(code) else { throw Failure("\(code) is no province.") }
        try await JournalMaker(origin: origin, database: database).make(cases: cases, abroad: abroad, seed: 1)
        let head = try await digest(of: database)
        // What a server in use has: statistics, and no change that waits for the disk.
        try await database.readers.run { connection in
            try connection.execute("ANALYZE")
            try connection.execute("CHECKPOINT")
        }
        await database.close()
        bench.say("  \(cases) cases, \(head.seq) events written in \(BenchReport.text((clock.now - began).seconds)) s")
        let hub = try await Database.open(
            url: try await network.open(DemoCast.hub).url, connections: 1, logger: bench.logger)
        try await age(hub)
        await hub.close()
        await network.closeAll()
        let backlog = Backlog(
            network: network, province: bench.folder + "/backlog", hub: bench.folder + "/hub", events: Int(head.seq),
            head: head)
        try FileTree.move(network.home(of: code) + "/postgres/data", to: backlog.province)
        try FileTree.move(network.home(of: DemoCast.hub) + "/postgres/data", to: backlog.hub)
        return backlog
    }

    /// After its first days a server writes its log into files that it has used before. Without them each 16 MiB begin
    /// with zeros, at the expense of ours and of the peers, which begin from copies of this server.
    private static func age(_ database: Database) async throws {
        for _ in 0..<40 {
            try await database.readers.run { connection in
                try connection.execute("SELECT pg_logical_emit_message(true, 'bench', '')")
                try connection.execute("SELECT pg_switch_wal()")
            }
        }
        try await database.readers.run { try $0.execute("CHECKPOINT") }
    }

    /// The last seq of the province's journal here, and one hash over all its events and parts.
    static func digest(of database: Database) async throws -> (seq: Int64, digest: String) {
        try await database.readers.run { connection in
            let row = try connection.query(
                """
                SELECT max(j.seq), encode(sha256(string_agg(j.hash || sha256(j.envelope) || coalesce(sha256(p.part), ''),
                    '' ORDER BY j.seq, j.incarnation)), 'hex')
                FROM journal j LEFT JOIN parts p USING (origin, seq, incarnation) WHERE j.origin = $1
                """, [.text(CatchUpBenchmark.origin)])[0]
            return (try row.get(0), try row.get(1))
        }
    }

    /// Puts a copy of a stopped PostgreSQL where a server of this run looks for its own.
    static func lay(_ data: String, at place: String) throws {
        if Files.exists(place + "/data") { try Files.removeTree(place + "/data") }
        try Files.makeFolder(place)
        try FileTree.copy(data, to: place + "/data")
        // Else the kernel writes the copy, more than a gigabyte, while the round is measured.
        sync()
    }

    /// One round from the beginning.
    /// - Returns: events per second, from the moment at which the province's connection stands.
    func catchUp(_ bench: BenchRun, verifies: Bool) async throws -> Double {
        let code = CatchUpBenchmark.origin
        try Self.lay(province, at: network.home(of: code) + "/postgres")
        try Self.lay(hub, at: network.home(of: DemoCast.hub) + "/postgres")
        let office = try await network.open(DemoCast.hub)
        try await network.open(code)
        try await network.start(DemoCast.hub)
        let watch = try await Connection.connect(ConnectionConfiguration(url: office.url), logger: bench.logger)
        let port = await network.state.ports[DemoCast.hub]?.link ?? 0
        async let connected = Sockets.established(port: port)
        try await network.start(code)
        let began = try await connected
        let (seq, clock) = (head.seq, ContinuousClock())
        let deadline = clock.now + .seconds(600)
        while true {
            let reached: Int64? = try await watch.run { connection in
                try connection.query("SELECT max(seq) FROM chains WHERE origin = $1", [.text(code)])[0].get(0)
            }
            if reached ?? 0 >= seq { break }
            guard clock.now < deadline else {
                throw Failure("the hub has \(reached ?? 0) of \(seq) events after 10 minutes.")
            }
            try await Task.sleep(for: Self.look)
        }
        let took = clock.now - began
        await watch.close()
        for server in [code, DemoCast.hub] { await network.stop(server) }
        try await check(bench, verifies: verifies)
        await network.closeAll()
        return Double(seq) / took.seconds
    }

    private func check(_ bench: BenchRun, verifies: Bool) async throws {
        let database = try await Database.open(
            url: try await network.open(DemoCast.hub).url, connections: 1, logger: bench.logger)
        let found = try await Self.digest(of: database)
        await database.close()
        guard found == head else { throw Failure("the hub holds another journal of \(CatchUpBenchmark.origin).") }
        guard verifies else { return }
        for server in [DemoCast.hub, CatchUpBenchmark.origin] { try await network.verify(server) }
        bench.say("  verified at both sides")
    }
}

/// What the kernel knows of TCP connections.
enum Sockets {
    /// Waits until a connection to a local port stands.
    static func established(port: Int) async throws -> ContinuousClock.Instant {
        let hex = String(port, radix: 16, uppercase: true)
        let local = ":" + String(repeating: "0", count: 4 - hex.count) + hex
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            // Columns: number, local address, remote address, state; 01 is ESTABLISHED.
            let lines = try Files.text("/proc/net/tcp").split(separator: "\n").dropFirst()
            for line in lines {
                let columns = line.split(separator: " ")
                if columns.count > 3, columns[1].hasSuffix(local), columns[3] == "01" { return .now }
            }
            try await Task.sleep(for: .milliseconds(1))
        }
        throw Failure("nobody has connected to port \(port) for two minutes.")
    }
}
