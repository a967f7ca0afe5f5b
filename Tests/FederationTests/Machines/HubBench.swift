import Casework
import Testing

import struct Simulator.Generator

@testable import Federation

/// A hub's core by itself, fed with what provinces write about one case.
struct HubBench {
    var core = HubCore(
        desk: Desk(
            writer: JournalWriter(
                origin: .hub, incarnation: 1, continuing: .empty, clock: HybridClock(), seal: testSeal),
            journal: ChainTree(), tree: .standard, calendar: .standard, hashing: sha256),
        chains: [:], position: 0, feeds: [:])
    var docket = Docket()
    /// What a driver would find in the store.
    private(set) var known: [Origin: [ChainPlace: EventHash]] = [:]
    private var random = Generator(seed: 5)

    /// A case that its home has registered and the hub has.
    static func registered() throws -> HubBench {
        var bench = HubBench()
        try bench.say(Place.home, bench.docket.registration())
        return bench
    }

    /// A case that IR-23 holds by the hub's grant.
    static func referred() throws -> HubBench {
        var bench = try registered()
        try bench.say(Place.home, .referred(to: office("IR-23"), seat: Place.seat))
        return bench
    }

    var id: CaseID { docket.id }
    var now: Instant { docket.now }
    var state: Case { core.desk.cases[id]?.state ?? Case(id: id) }
    var events: [Event] { core.desk.cases[id]?.events ?? [] }
    var grants: [Grant] {
        events.compactMap { if case .granted(let grant) = $0.envelope.change { grant } else { nil } }
    }

    @discardableResult
    mutating func send(
        _ events: [Event], from origin: Origin, knowing known: [ChainPlace: EventHash]? = nil
    ) throws -> Effects {
        let effects = try take(.events(origin, events, known: known ?? self.known[origin] ?? [:]))
        for event in effects.held { self.known[origin, default: [:]][event.envelope.place] = event.hash }
        for numbered in effects.numbered where numbered.event.origin == origin {
            self.known[origin, default: [:]][numbered.event.envelope.place] = numbered.event.hash
        }
        return effects
    }

    @discardableResult
    mutating func take(_ arrival: HubCore.Arrival) throws -> Effects {
        try core.take(arrival, now: now, random: &random)
    }

    /// An origin writes under the case's present epoch, and the hub gets it at once.
    @discardableResult
    mutating func say(_ origin: Origin, _ change: CaseChange, text: String? = nil) throws -> Effects {
        try send([try write(origin, change, text: text)], from: origin)
    }

    /// Writes without sending.
    mutating func write(_ origin: Origin, _ change: CaseChange, text: String? = nil) throws -> Event {
        try docket.write(origin, change, epoch: state.epoch, texts: Texts(text: text))
        return try #require(docket.events.last)
    }

    @discardableResult
    mutating func decide(_ command: Command, by actor: Actor) throws -> Effects {
        try core.decide(Wish(command: command, caseID: id, actor: actor), now: now, random: &random)
    }

    @discardableResult
    mutating func move(to code: String) throws -> Effects {
        try decide(
            .moveCustody(to: office(code), reason: "quicker"),
            by: Actor(name: "sara", role: .hub, organization: .presidency))
    }

    mutating func escalate() throws -> Effects { try core.escalate(id, now: now, random: &random) }

    /// The rows of a destination, as `type` or, where the part is kept back, `type-`.
    func rows(_ effects: Effects, to destination: Origin) -> [String] {
        effects.routed.filter { $0.destination == destination }.compactMap { row in
            guard let event = core.desk.cases[id]?[row.event] else { return nil }
            return event.envelope.type + (event.envelope.partHash == nil || row.withPart ? "" : "-")
        }
    }
}

extension Effects {
    var types: [String] { numbered.map { "\($0.event.origin) \($0.event.envelope.type)" } }
    var codes: [String] { alarms.map { "\($0.origin) \($0.alarm.code)" } }
}
