import Casework
import Cryptography
import Testing

import struct Simulator.Generator

@testable import Federation

let sha256: Hashing = { EventHash(Digest.sha256($0)) ?? .zero }

enum Place {
    static let home = Origin.provinces[3]
    static let seat = Origin.provinces[23]
    static let other = Origin.provinces[7]
    static let stranger = Origin.provinces[11]
}

func person(_ name: String, at origin: Origin, _ role: Role = .operator) -> Actor {
    Actor(name: name, role: role, organization: OrganizationCode(origin))
}

func office(_ text: String) -> OrganizationCode { OrganizationCode(rawValue: text) ?? .presidency }

/// All events of one case, each written through its origin's own journal.
struct Docket {
    static let start = Instant(milliseconds: 1_794_818_000_000)

    let id: CaseID
    /// The true time; a second passes with every event.
    var now = Docket.start
    /// Milliseconds by which an origin's wall clock is wrong.
    var skews: [Origin: Int64] = [:]
    private(set) var events: [Event] = []
    private(set) var writers: [Origin: JournalWriter] = [:]
    private var random: Generator

    init(seed: UInt64 = 1) {
        id = CaseID(home: Place.home, at: Docket.start, random: (seed, seed))
        random = Generator(seed: seed)
    }

    /// A case that its home has registered; the hash of its registration.
    static func registered(imported: Bool = false, about: String? = nil) throws -> (Docket, EventHash) {
        var docket = Docket()
        let hash = try docket.write(Place.home, docket.registration(imported: imported, about: about))
        return (docket, hash)
    }

    func registration(imported: Bool = false, about: String? = nil, code: UInt64 = 5) throws -> CaseChange {
        .registered(
            Registration(
                trackingCode: try #require(TrackingCode(province: 3, random: code)), kind: .complaint, channel: .phone,
                category: "water", about: about.map(office), due: Due(at: Docket.start + 15 * Instant.day, calendar: 1),
                imported: imported))
    }

    @discardableResult
    mutating func write(
        _ origin: Origin, _ change: CaseChange, epoch: Epoch = 0, base: [Base] = [], texts: Texts = Texts(),
        applies: EventHash? = nil, by actor: Actor? = nil
    ) throws -> EventHash {
        now = now + Instant.second
        let wall = now + (skews[origin] ?? 0)
        let newEvent = NewEvent(
            change, texts: texts, base: base, applies: applies, actor: actor ?? person("clerk", at: origin),
            occurredAt: now)
        var writer =
            writers[origin]
            ?? JournalWriter(
                origin: origin, incarnation: UInt64(origin.number) + 1, continuing: .empty, clock: HybridClock(),
                seal: origin == .hub ? testSeal : nil)
        let event = try writer.append(
            newEvent, caseID: id, epoch: epoch, now: wall, hashing: sha256, random: &random)
        writers[origin] = writer
        events.append(event)
        return event.hash
    }

    /// Custody moves, with a cut at what the outgoing seat has written so far.
    @discardableResult
    mutating func grant(
        _ holder: String, at seat: Origin, epoch: Epoch, from outgoing: Origin, causedBy cause: EventHash? = nil
    ) throws -> EventHash {
        try write(
            .hub,
            .granted(
                Grant(epoch: epoch, holder: office(holder), seat: seat, cut: positions(of: outgoing), cause: cause)))
    }

    @discardableResult
    mutating func amend(
        _ origin: Origin, subject: String, seeing base: [EventHash]
    ) throws -> EventHash {
        try write(
            origin, .amended(Amendment(textFields: [.subject])), base: [Base(field: .subject, events: base)],
            texts: Texts(subject: subject))
    }

    @discardableResult
    mutating func hide(_ entry: EventHash, at origin: Origin, seeing base: [EventHash]) throws -> EventHash {
        try write(origin, .hidden(entry), base: [Base(field: nil, events: base)])
    }

    /// The last position of each incarnation.
    func positions(of origin: Origin) -> [ChainPlace] {
        var last: [UInt64: UInt64] = [:]
        for event in events where event.origin == origin {
            last[event.envelope.incarnation] = max(last[event.envelope.incarnation] ?? 0, event.envelope.seq)
        }
        return last.sorted { $0.key < $1.key }.map { ChainPlace(incarnation: $0.key, seq: $0.value) }
    }

    func head(of origin: Origin) -> ChainHead { writers[origin]?.head ?? .empty }

    /// The origin's writer starts anew, as another incarnation, perhaps from an older head.
    mutating func restart(_ origin: Origin, as incarnation: UInt64, from head: ChainHead? = nil) {
        writers[origin] = JournalWriter(
            origin: origin, incarnation: incarnation, continuing: head ?? self.head(of: origin), clock: HybridClock(),
            seal: origin == .hub ? testSeal : nil)
    }

    /// An origin's writer goes on after an event that was written elsewhere.
    mutating func adopt(_ event: Event?) {
        guard let event else { return }
        let head = ChainHead(incarnation: event.envelope.incarnation, seq: event.envelope.seq, hash: event.hash)
        restart(event.origin, as: event.envelope.incarnation, from: head)
    }

    /// Replaces the last event by what another program might have written there.
    mutating func forgeLast(_ edit: (inout Envelope) -> Void) throws -> EventHash {
        let last = events.removeLast()
        var envelope = last.envelope
        edit(&envelope)
        let event = try Event(bytes: envelope.wire, part: last.part, hashing: sha256)
        events.append(event)
        return event.hash
    }

    /// The state, which is the same whichever way the events arrived.
    func state(sourceLocation: SourceLocation = #_sourceLocation) -> Case {
        let state = Fold.fold(id, events)
        #expect(Fold.fold(id, events.reversed()) == state, sourceLocation: sourceLocation)
        #expect(Fold.fold(id, events + events) == state, sourceLocation: sourceLocation)
        return state
    }

    func effect(of hash: EventHash) -> Effect? { state().history.first { $0.event == hash }?.effect }
}

/// A hub's mark, good enough for tests.
let testSeal = Seal(
    sign: { bytes in sha256(bytes + [1]).bytes + sha256(bytes + [2]).bytes },
    isValid: { signature, bytes in signature == sha256(bytes + [1]).bytes + sha256(bytes + [2]).bytes })
