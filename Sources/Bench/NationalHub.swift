import Casework
import Contract
import Cryptography
import Demo
import Federation
import Glibc
import Hub
import POSIX
import Postgres
import Program
import Store
import Synchronization

/// A hub with the cases of all provinces but one, which stays away so that a real node can come with news of its own.
/// Its data lies in the run's folder: `reads` and `scale` fill it once.
struct NationalHub: Sendable {
    /// What a stretch of its growth cost.
    struct Growth: Sendable {
        var events = 0
        /// From the arrival of the events' bytes until they are committed.
        var accepting = Duration.zero
        /// Until the search projection is level.
        var projecting = Duration.zero
    }

    static let absent = Origin.provinces[30]
    private static let present = Origin.provinces.filter { $0 != absent }
    /// Days over which the cases were registered.
    private static let days: Int64 = 120
    /// New cases of each province between two looks at the clock: bounds what is in memory.
    private static let stride = 160
    private static let eventsPerCase = 6
    /// On disk with indexes, and the log until the next checkpoint.
    private static let bytesPerEvent = 1_400

    let network: BenchNetwork
    private let bench: BenchRun
    /// How many cases it shall come to hold, over which the months are spread.
    private let top: Int

    init(_ bench: BenchRun, top: Int) throws {
        (self.bench, self.top) = (bench, top)
        network = try BenchNetwork(
            folder: bench.folder + "/national", provinces: Origin.provinces.count, logger: bench.logger)
    }

    /// Registered cases that it holds.
    func size() async throws -> Int {
        try await withDatabase { database in
            try await database.readers.run { connection in
                try connection.query("SELECT coalesce(sum(registered), 0)::bigint FROM figures")[0].get(0)
            }
        }
    }

    /// Has it hold so many cases, if it has fewer, and everything level as on a server in use.
    func grow(to cases: Int) async throws -> Growth {
        var growth = Growth()
        let found = try await size()
        guard found < cases else { return growth }
        if let shortage = try shortage(for: cases - found) { throw shortage }
        let maker = try await HubMaker.open(network, bench: bench)
        do {
            let span = Self.days * Instant.day
            let pace = ProvinceJournal.Pace(
                begins: .now + -span + span * Int64(found) / Int64(top),
                interval: max(1, span * Int64(Self.present.count) / Int64(top * ProvinceJournal.turnsPerCase)))
            var journals = try await maker.journals(of: Self.present, pace: pace)
            var left = cases - found
            while left > 0 {
                let share = min(Self.stride, (left + journals.count - 1) / journals.count)
                let (batch, took) = try await maker.write(&journals, cases: share)
                growth.events += batch
                growth.accepting += took
                left -= share * journals.count
                try Task.checkCancellation()
            }
            growth.projecting = try await maker.project()
        } catch {
            await maker.close()
            throw error
        }
        await maker.close()
        try await settle()
        return growth
    }

    /// Of the hub's database: bytes, and how many events it holds.
    func bytes() async throws -> (bytes: Int, events: Int) {
        try await withDatabase { database in
            try await database.readers.run { connection in
                let row = try connection.query(
                    "SELECT pg_database_size(current_database()), max(position) FROM head")[0]
                return (try row.get(0), try row.get(1, as: Int?.self) ?? 0)
            }
        }
    }

    /// Waits until the running hub's search projection is level: an earlier run may have ended before it was.
    func awaitSearch() async throws {
        try await withDatabase { database in
            for _ in 0..<3_000 {
                let isLevel: Bool = try await database.readers.run { connection in
                    try connection.query(
                        "SELECT position >= (SELECT max(position) FROM cases) FROM projections WHERE name = 'search'")[
                            0
                        ]
                        .get(0)
                }
                if isLevel { return }
                try await Task.sleep(for: .milliseconds(100))
            }
            throw Failure("the search projection is not level after five minutes.")
        }
    }

    /// The vacuum that a server in use gets by itself, and no change that waits for the disk.
    private func settle() async throws {
        let url = try await network.open(DemoCast.hub).url
        let connection = try await Connection.connect(
            ConnectionConfiguration(url: url, statementTimeout: nil), logger: bench.logger)
        try await connection.execute("VACUUM ANALYZE")
        try await connection.execute("CHECKPOINT")
        await connection.close()
    }

    func withDatabase<T: Sendable>(_ body: (Database) async throws -> T) async throws -> T {
        let url = try await network.open(DemoCast.hub).url
        let database = try await Database.open(url: url, connections: 1, logger: bench.logger)
        do {
            let value = try await body(database)
            await database.close()
            return value
        } catch {
            await database.close()
            throw error
        }
    }

    /// - Returns: what the disk lacks for so many more cases.
    func shortage(for cases: Int) throws -> Failure? {
        var status = statvfs()
        guard statvfs(bench.folder, &status) == 0 else { throw SystemError("look at", bench.folder) }
        let free = Int(status.f_bavail) * Int(status.f_frsize)
        let needed = cases * Self.eventsPerCase * Self.bytesPerEvent
        guard free <= needed + needed / 4 else { return nil }
        return Failure(
            "\(cases) cases need about \(needed >> 30) GiB and a quarter more; \(bench.folder) has \(free >> 30) "
                + "GiB: name another place with --directory.")
    }
}

/// The hub's own committer without its doors: what arrives is taken as a link takes it.
struct HubMaker: Sendable {
    /// A link's frame holds no more.
    private static let frame = Batch.maximumEvents

    private let hub: Hub
    private let clock: MadeTime
    private let running: Task<Void, any Error>

    static func open(_ network: BenchNetwork, bench: BenchRun) async throws -> HubMaker {
        let clock = MadeTime()
        let file = { (name: String) in network.cast.certificates.file(name, of: .hub) }
        let configuration = HubConfiguration(
            database: try await network.open(DemoCast.hub).url, linkAddress: "127.0.0.1", linkPort: 0,
            certificate: file("chain.pem"), privateKey: file("key.pem"),
            trustRoots: network.cast.certificates.authorityCertificate, receiptKey: file("receipt.key"))
        let hub = try await Hub.open(configuration, now: { clock.now }, logger: bench.logger)
        // As on a hub that was new once: no version has cases to read anew.
        if try await hub.office.reads.counts(now: .now).registered == 0 {
            try await Upkeep.refold(hub.office.database) { _ in }
        }
        return HubMaker(hub: hub, clock: clock, running: Task { try await hub.writer.run() })
    }

    func close() async {
        running.cancel()
        _ = await running.result
        await (hub.office.store as? PostgresStore)?.close()
        await hub.office.database.close()
    }

    /// Of some provinces, each going on where the hub saw it last.
    func journals(of origins: [Origin], pace: ProvinceJournal.Pace) async throws -> [ProvinceJournal] {
        let chains = try await hub.office.store.chains()
        let counts = try await hub.office.reads.overview(now: .now).byHome
        return origins.map { origin in
            ProvinceJournal(
                origin: origin, after: chains[origin] ?? ChainTree(), registered: counts[origin]?.registered ?? 0,
                pace: pace)
        }
    }

    /// Each province registers some cases and goes on with those under way; then all of them come to the hub at once.
    /// - Returns: how many events the hub took, and in what time.
    func write(_ journals: inout [ProvinceJournal], cases: Int) async throws -> (events: Int, took: Duration) {
        let written = try await withThrowingTaskGroup(of: (Int, ProvinceJournal, [WireEvent]).self) { group in
            for (index, journal) in journals.enumerated() {
                group.addTask {
                    var journal = journal
                    let events = try journal.write(cases: cases).map { WireEvent($0) }
                    return (index, journal, events)
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = ($1.1, $1.2) }
        }
        for (index, (journal, _)) in written {
            journals[index] = journal
            clock.advance(to: journal.now)
        }
        let began = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (journal, events) in written.values {
                group.addTask { try await take(events, of: journal.origin) }
            }
            try await group.waitForAll()
        }
        return (written.values.reduce(0) { $0 + $1.1.count }, .now - began)
    }

    /// As a link does: one frame after the other, each verified, committed and signed for.
    private func take(_ wire: [WireEvent], of origin: Origin) async throws {
        let (office, writer) = (hub.office, hub.writer)
        for start in stride(from: 0, to: wire.count, by: Self.frame) {
            let events = try wire[start..<min(start + Self.frame, wire.count)].map {
                try Event($0, hashing: Digest.hashing)
            }
            let known = try await office.store.known(around: events, of: origin)
            let arrival = HubCore.Arrival.events(origin, events, known: known)
            let effects = try await writer.apply(arrival, cases: arrival.cases, size: events.count)
            guard effects.alarms.isEmpty, effects.heads.last?.hash == events.last?.hash else {
                let reason = effects.alarms.first?.alarm.detail ?? "it stopped before the last"
                throw Failure("the hub did not take all events of \(origin.code): \(reason).")
            }
            let now = office.now()
            let text = Receipt.text(origin: origin, heads: effects.heads, committedAt: now, position: 0)
            _ = try office.receiptKey.sign(text)
            try await office.store.note(
                NodeReport(origin: origin, heardAt: now, clockOffset: nil, backlog: 0, feed: nil))
        }
    }

    /// Brings the projections level.
    func project() async throws -> Duration {
        let began = ContinuousClock.now
        while try await hub.office.projections.advance(limit: 500) > 0 { try Task.checkCancellation() }
        return .now - began
    }
}

/// The time of the made-up months: as late as the latest province's.
private final class MadeTime: Sendable {
    private let latest = Mutex(Instant(milliseconds: 0))

    var now: Instant { latest.withLock { $0 } }

    func advance(to time: Instant) { latest.withLock { $0 = max($0, time) } }
}
