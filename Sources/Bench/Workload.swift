import Casework
import Contract
import Cryptography
import Demo
import Federation
import Logging
import Program
import Simulator
import Store

/// Made-up cases, the same for the same seed: what people say, as the demonstration's cases have it.
struct Workload: Sendable {
    private var random: Generator
    private let weights = Phrase.all.reduce(0) { $0 + $1.weight }

    init(seed: UInt64) { random = Generator(seed: seed) }

    mutating func intake() -> Intake {
        let phrase = phrase()
        let (street, place) = (pick(Phrase.streets), pick(Phrase.places))
        let number = PersianText.persianDigits(2 + random.below(8))
        let fill = { (text: String) in
            text.replacing("{street}", with: street).replacing("{place}", with: place)
                .replacing("{number}", with: number)
        }
        return Intake(
            kind: Kind(rawValue: phrase.kind) ?? .request, channel: .phone, category: phrase.category,
            texts: Texts(
                subject: fill(phrase.subject), description: fill(phrase.description),
                citizenName: pick(Phrase.givenNames) + " " + pick(Phrase.familyNames),
                // No operator has numbers that begin so.
                citizenMobile: "0999" + String(1_000_000 + random.below(9_000_000)),
                citizenAddress: "\(street)، پلاک \(PersianText.persianDigits(1 + random.below(180)))"))
    }

    mutating func referral() -> String { pick(Phrase.referral) }

    private mutating func phrase() -> Phrase {
        var number = random.below(weights)
        for phrase in Phrase.all {
            number -= phrase.weight
            if number < 0 { return phrase }
        }
        return Phrase.all[0]
    }

    private mutating func pick(_ texts: [String]) -> String { texts[random.below(texts.count)] }
}

/// A province's journal, written by the real core and store without a server around them.
struct JournalMaker: Sendable {
    let origin: Origin
    let database: Database

    /// Cases at work at the same time: as many commands wait for each commit.
    private static let lanes = 256

    /// Registers cases and refers each at once: nearly all to the province's own municipality, one in `abroad` to another
    /// province, as people's complaints go.
    func make(cases: Int, abroad: Int, seed: UInt64) async throws {
        let store = PostgresStore(database: database, hashing: Digest.hashing)
        let origin = origin
        let writer = Writer<NodeCore>(
            origin: origin, store: store, token: SecureRandom.uint64(), incarnation: SecureRandom.uint64() | 1,
            environment: .init(now: { .now }, observe: { _ in }) { head, incarnation in
                let chains = try await store.chains()
                let journal = JournalWriter(
                    origin: origin, incarnation: incarnation, continuing: head.head,
                    clock: HybridClock(last: head.stamp))
                let desk = Desk(
                    writer: journal, journal: chains[origin] ?? ChainTree(), tree: .standard, calendar: .standard,
                    hashing: Digest.hashing)
                return NodeCore(desk: desk, hub: ChainTree(), cursors: [], position: head.position)
            }, logger: .init(label: "peyvand.bench"))
        let running = Task { try await writer.run() }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<min(Self.lanes, cases) {
                    group.addTask {
                        var workload = Workload(seed: seed &+ UInt64(lane))
                        for number in stride(from: lane, to: cases, by: Self.lanes) {
                            let agency = number % abroad == abroad - 1 ? other : municipality
                            try await write(&workload, to: agency, writer)
                        }
                    }
                }
                try await group.waitForAll()
            }
        } catch {
            running.cancel()
            throw error
        }
        running.cancel()
        _ = await running.result
        // As a server that has run for weeks leaves it: every case read by this version, and the search level.
        try await Upkeep.refold(database) { _ in }
        let projections = ProjectionFrame(database: database, store: store, origin: origin)
        while try await projections.advance(limit: 500) > 0 {}
        await store.close()
    }

    /// A province that is not this one.
    private var other: OrganizationCode { OrganizationCode(Origin.provinces[origin.number == 23 ? 3 : 23]) }

    private var municipality: OrganizationCode {
        OrganizationCode(rawValue: origin.code + "-MUN") ?? OrganizationCode(origin)
    }

    private func write(_ workload: inout Workload, to agency: OrganizationCode, _ writer: Writer<NodeCore>) async throws
    {
        let principal = Principal(name: "bench", role: .supervisor, organization: OrganizationCode(origin))
        let registered = try await writer.submit(
            CommandRequest(principal: principal, command: .register(workload.intake()), caseID: nil, bodyHash: []))
        _ = try await writer.submit(
            CommandRequest(
                principal: principal, command: .refer(to: agency, reason: workload.referral()),
                caseID: registered.record.id, bodyHash: []))
    }
}
