import Casework
import Cryptography
import Federation
import Store
import Testing

let sha256: Hashing = { bytes in EventHash(Digest.sha256(bytes)) ?? .zero }

/// SplitMix64: the same numbers from the same seed.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

/// One origin that writes events, and what it has told the store so far.
struct ContractOffice {
    static let noon = Instant(milliseconds: 1_800_000_000_000)

    let origin: Origin
    var writer: JournalWriter
    var random: SeededRandom
    var stored = StoredHead.empty
    var position: UInt64 = 0
    var records: [CaseID: CaseRecord] = [:]
    /// Of every origin whose events were given to a batch.
    var trees: [Origin: ChainTree] = [:]
    private var hashes: [Origin: [ChainPlace: EventHash]] = [:]
    var now = noon
    let token: UInt64

    init(_ code: String = "IR-03", seed: UInt64 = 1, token: UInt64 = 7, incarnation: UInt64 = 0xFFFF_0000_0000_0001) {
        origin = Origin(code) ?? .hub
        random = SeededRandom(state: seed)
        self.token = token
        writer = JournalWriter(origin: origin, incarnation: incarnation, continuing: .empty, clock: HybridClock())
    }

    var actor: Actor { Actor(name: "maryam", role: .operator, organization: OrganizationCode(origin)) }

    mutating func newCase() -> CaseID { CaseID(home: origin, at: now, random: (random.next(), random.next())) }

    mutating func write(_ change: CaseChange, _ id: CaseID?, texts: Texts = Texts()) throws -> Event {
        now = now + 1
        return try writer.append(
            NewEvent(change, texts: texts, actor: actor, occurredAt: now), caseID: id, epoch: 0, now: now,
            hashing: sha256, random: &random)
    }

    mutating func register(
        _ id: CaseID? = nil, subject: String = "آب قطع است", due: Instant? = nil
    ) throws -> Event {
        let code = try #require(TrackingCode(province: origin.provinceNumber ?? 0, random: random.next()))
        let registration = Registration(
            trackingCode: code, kind: .complaint, channel: .phone, category: "water",
            due: Due(at: due ?? now + 15 * Instant.day, calendar: 1))
        let texts = Texts(subject: subject, citizenName: "زهرا", citizenMobile: "09121234567")
        return try write(.registered(registration), id ?? newCase(), texts: texts)
    }

    mutating func note(_ id: CaseID, _ text: String = "پیگیری شد") throws -> Event {
        try write(.noted, id, texts: Texts(text: text))
    }

    /// An event of another origin, given this server's next position.
    mutating func place(_ event: Event) -> Commit.Numbered {
        position += 1
        return Commit.Numbered(position: position, event: event)
    }

    /// A start that goes on from `head`, as after a restart or, from an earlier event, after a restore.
    mutating func restart(_ incarnation: UInt64, from head: ChainHead? = nil) {
        writer = JournalWriter(
            origin: origin, incarnation: incarnation, continuing: head ?? writer.head, clock: writer.clock)
    }

    /// Takes events into their origins' trees; returns the chains as they stand, in the order of extension.
    mutating func extend(_ events: [Event]) -> [(origin: Origin, chain: Chain)] {
        var effects = Effects()
        for event in events {
            let (origin, known) = (event.origin, hashes[event.origin] ?? [:])
            let verdict = trees[origin, default: ChainTree()].verdict(on: event) { known[$0] }
            var parent = trees[origin]?.chain(of: event.envelope.incarnation)?.parent ?? 0
            if case .next(let found) = verdict { parent = found }
            effects.note(trees[origin, default: ChainTree()].accept(event, parent: parent), of: origin)
            hashes[origin, default: [:]][event.envelope.place] = event.hash
        }
        return effects.chains
    }

    /// A batch that saves these events, own ones last written at its end, and the rows of their cases.
    mutating func batch(_ events: [Event]) -> Commit {
        let before = stored
        let numbered = events.map { place($0) }
        stored = StoredHead(head: writer.head, stamp: writer.clock.last, position: position)
        var commit = Commit(origin: origin, token: token, expected: before, becomes: stored, now: now)
        commit.effects.numbered = numbered
        commit.note(extend(events))
        var touched: [CaseID: UInt64] = [:]
        for numbered in numbered {
            guard let id = numbered.event.caseID else { continue }
            _ = records[id, default: CaseRecord(id: id)].insert(numbered.event)
            touched[id] = numbered.position
        }
        for (id, position) in touched.sorted(by: { $0.key < $1.key }) {
            records[id]?.refold()
            if let record = records[id], let row = CaseRow(record, position: position) { commit.cases.append(row) }
        }
        return commit
    }

    /// Takes the origin over, so that batches can be committed.
    func begin(_ store: any CaseStore) async throws {
        #expect(try await store.takeOver(origin, token: token) == .empty)
    }

    func reply(_ event: Event, key: String) throws -> (key: IdempotencyKey, reply: IdempotentReply) {
        let id = try #require(event.caseID)
        return (
            IdempotencyKey(principal: "maryam@\(origin)", key: key),
            IdempotentReply(bodyHash: [1, 2, 3], caseID: id, events: [event.hash], isForEver: true)
        )
    }
}

func route(
    _ event: Event, to destination: Origin, _ seq: UInt64, withPart: Bool = true, by hubIncarnation: UInt64 = .max
) -> Commit.Routed {
    Commit.Routed(
        destination: destination, seq: seq, event: event.hash, origin: event.origin, place: event.envelope.place,
        withPart: withPart, hubIncarnation: hubIncarnation)
}

extension Commit {
    /// Chains that this batch extends, in their order.
    mutating func note(_ chains: [(origin: Origin, chain: Chain)]) {
        for (origin, chain) in chains { effects.note(chain, of: origin) }
    }
}

extension CaseStore {
    /// One batch of an origin's events with a greater seq, of all its chains.
    func journal(of origin: Origin, after seq: UInt64) async throws -> [Event] {
        let chains = try await chains()[origin]?.chains ?? []
        let rows = try await journal(of: origin, in: chains.map { Stretch(incarnation: $0.incarnation, after: seq) })
        return try rows.map { try Event($0.event, hashing: Digest.hashing) }
    }
}

func rows(_ events: [Event]) -> [JournalRow] { events.map { JournalRow($0) } }
