import Casework
import Cryptography
import Federation
import HTTP2
import HTTPTypes
import NIOCore
import Program
import Simulator
import Store

/// The functions that every event or request passes, each beside the same work of the system's OpenSSL: the ratio says
/// on any machine whether one has become slower.
struct FunctionsBenchmark: Benchmark {
    /// One function, and how many operations a call of it does.
    private struct Subject {
        var name: String
        var operations: Int
        var body: () throws -> Void
    }

    private static let reference = "SHA-256 of 4 KiB"

    func run(_ bench: BenchRun) async throws -> [Comparison] {
        let subjects = try Self.subjects()
        let block = [UInt8](repeating: 7, count: 4096)
        let reference = Subject(name: Self.reference, operations: 64) {
            for _ in 0..<64 { keep(Digest.sha256(block)) }
        }
        let goal: Duration = bench.isQuick ? .milliseconds(10) : .milliseconds(50)
        let rounds = bench.rounds(9, quick: 3)
        var peers = [[Double]](repeating: [], count: subjects.count)
        var ours = peers
        for _ in 0..<rounds {
            for (index, subject) in subjects.enumerated() {
                peers[index].append(try Self.nanoseconds(reference, for: goal))
                ours[index].append(try Self.nanoseconds(subject, for: goal))
            }
        }
        return subjects.indices.map { index in
            Comparison(
                "function " + subjects[index].name, unit: "ns", ours: ours[index].median,
                peer: (Self.reference, peers[index].median),
                ratio: zip(ours[index], peers[index]).map { $1 / $0 }.median, rounds: rounds)
        }
    }

    /// For one operation, over calls that take at least `goal` together.
    private static func nanoseconds(_ subject: Subject, for goal: Duration) throws -> Double {
        let clock = ContinuousClock()
        let began = clock.now
        var calls = 0
        while true {
            try subject.body()
            calls += 1
            let took = clock.now - began
            if took >= goal { return took / .nanoseconds(1) / Double(calls * subject.operations) }
        }
    }

    private static func subjects() throws -> [Subject] {
        let sample = try Sample()
        let stored = sample.journal.map { ($0.bytes, $0.part) }
        let (short, long) = (sample.short, sample.long)
        let hub = sample.hub
        let cases = Set(sample.journal.compactMap(\.caseID))
        var pair = try SessionPair()
        let (request, response) = (Self.request, Self.response)
        let body = ByteBuffer(repeating: 7, count: 600)
        return [
            Subject(name: "decode", operations: stored.count) {
                for (bytes, part) in stored {
                    keep(try Event(bytes: bytes, part: part, hashing: Digest.hashing))
                }
            },
            Subject(name: "hash chain", operations: stored.count) {
                var tree = ChainTree()
                for event in sample.journal {
                    keep(Digest.hashing(event.bytes))
                    guard case .next(let parent) = tree.verdict(on: event, known: { _ in nil }) else {
                        throw Failure("a journal of the benchmark is no chain.")
                    }
                    tree.accept(event, parent: parent)
                }
            },
            Subject(name: "fold of \(short.count) events", operations: 1) { keep(Fold.fold(sample.shortID, short)) },
            Subject(name: "fold of \(long.count) events", operations: 1) { keep(Fold.fold(sample.longID, long)) },
            Subject(name: "merge", operations: sample.journal.count) {
                var core = hub
                var random = Generator(seed: 2)
                for id in cases { core.desk.load(id, events: []) }
                let effects = try core.take(
                    .events(sample.origin, sample.journal, known: [:]), now: sample.now, random: &random)
                guard effects.alarms.isEmpty, effects.numbered.count >= sample.journal.count else {
                    throw Failure("the hub's core did not take the benchmark's journal.")
                }
            },
            Subject(name: "HTTP/2 exchange", operations: 16) {
                for _ in 0..<16 { try pair.exchange(request, answer: response, body: body) }
            },
        ]
    }

    private static let request = HTTPRequest(
        method: .get, scheme: "https", authority: "hub.example", path: "/api/v1/cases",
        headerFields: [.accept: "application/json", .userAgent: "bench", .acceptLanguage: "fa"])

    private static let response = HTTPResponse(
        status: .ok,
        headerFields: [
            .contentType: "application/json", .contentLength: "600", .cacheControl: "no-store",
            .contentSecurityPolicy: "default-src 'none'",
        ])
}

/// Lets no compiler leave out what made `value`.
@inline(never)
private func keep<Value>(_ value: Value) {}

/// What a province writes in memory: cases of two events each, and one of twelve.
private struct Sample {
    let origin: Origin
    let now = Instant.now
    private(set) var journal: [Event] = []
    private(set) var short: [Event] = []
    private(set) var long: [Event] = []
    let shortID, longID: CaseID
    /// A hub that has heard of nothing.
    let hub: HubCore

    private static let cases = 64

    init() throws {
        guard let origin = Origin("IR-03"), let agency = OrganizationCode(rawValue: "IR-03-MUN") else {
            throw Failure("IR-03 is no province.")
        }
        self.origin = origin
        var random = Generator(seed: 1)
        var workload = Workload(seed: 1)
        var node = NodeCore(desk: Self.desk(of: origin, incarnation: 7), hub: ChainTree(), cursors: [], position: 0)
        hub = HubCore(desk: Self.desk(of: .hub, incarnation: 9), chains: [:], position: 0, feeds: [:])
        let actor = Actor(name: "bench", role: .supervisor, organization: OrganizationCode(origin))
        let now = now
        func write(_ command: Command, on id: CaseID) throws -> [Event] {
            let code = TrackingCode(province: 3, random: random.next())
            let wish = Wish(command: command, caseID: id, actor: actor, trackingCode: code)
            return try node.decide(wish, now: now, random: &random).numbered.map(\.event)
        }
        var ids = [CaseID]()
        for _ in 0..<Self.cases {
            let id = CaseID(home: origin, at: now, random: (random.next(), random.next()))
            ids.append(id)
            journal += try write(.register(workload.intake()), on: id)
            journal += try write(.refer(to: agency, reason: workload.referral()), on: id)
        }
        (shortID, longID) = (ids[0], ids[1])
        short = journal.filter { $0.caseID == ids[0] }
        long = journal.filter { $0.caseID == ids[1] }
        while long.count < 12 { long += try write(.note(text: workload.referral()), on: longID) }
    }

    private static func desk(of origin: Origin, incarnation: UInt64) -> Desk {
        Desk(
            writer: JournalWriter(origin: origin, incarnation: incarnation, continuing: .empty, clock: HybridClock()),
            journal: ChainTree(), tree: .standard, calendar: .standard, hashing: Digest.hashing)
    }
}
