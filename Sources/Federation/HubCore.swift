import Casework

/// The hub's decisions: it verifies what origins send, gives custody, bounds stamps, and routes every event to the
/// feeds of those who are entitled to it.
///
/// Order of durability: one transaction saves accepted events, the hub's own, and the feed rows; only then are they
/// acknowledged and sent.
public struct HubCore: ServerCore {
    /// What one link sent.
    public struct Arrival: Sendable {
        /// From the certificate alone.
        public var origin: Origin
        public var events: [Event]
        /// The hashes accepted earlier at the places that these events claim, where there are any.
        public var known: [Position: EventHash]

        public init(origin: Origin, events: [Event], known: [Position: EventHash]) {
            (self.origin, self.events, self.known) = (origin, events, known)
        }
    }

    /// What a seat last said of itself: the hub escalates only what the seat has had the time to report.
    public struct SeatReport: Sendable, Equatable {
        public var heardAt: Instant
        public var backlog: UInt64

        public init(heardAt: Instant, backlog: UInt64) { (self.heardAt, self.backlog) = (heardAt, backlog) }
    }

    /// Refusals of one case after which the hub arbitrates.
    static let bounces = 3

    public var desk: Desk
    public private(set) var chains: [Origin: ChainTree]
    /// The dense number of the last event accepted or written here.
    public private(set) var position: UInt64
    /// The last seq of each destination's feed.
    public private(set) var feeds: [Origin: UInt64]
    /// Origins whose events are kept and acknowledged, but not merged until a person has chosen.
    public private(set) var quarantined: Set<Origin>
    public var reports: [Origin: SeatReport] = [:]

    public init(
        desk: Desk, chains: [Origin: ChainTree], position: UInt64, feeds: [Origin: UInt64],
        quarantined: Set<Origin> = []
    ) {
        self.desk = desk
        self.chains = chains
        self.position = position
        self.feeds = feeds
        self.quarantined = quarantined
    }

    // MARK: Events of an origin

    /// Accepts what an origin sent, as far as its chain holds.
    public mutating func take(
        _ arrival: Arrival, now: Instant, random: inout some RandomNumberGenerator
    ) throws(FeedFault) -> Effects {
        var effects = Effects()
        accept(arrival, now: now, random: &random, into: &effects)
        effects.heads = chains[arrival.origin].map { [$0.latest] } ?? []
        settle(&effects, now: now, random: &random)
        return effects
    }

    private mutating func accept(
        _ arrival: Arrival, now: Instant, random: inout some RandomNumberGenerator, into effects: inout Effects
    ) {
        let origin = arrival.origin
        for event in arrival.events {
            func alarm(_ code: String, _ detail: String) {
                effects.alarms.append((origin, Alarm(code: code, detail: detail, event: event.hash)))
            }
            guard event.origin == origin, let id = event.caseID else {
                return alarm("foreign_origin", "sent an event of \(event.origin.code)")
            }
            // `known` was looked up before this batch had its turn: an old call's batch may have come in between.
            let isHere = desk.cases[id]?.holds(event.hash) ?? false
            let tree = chains[origin, default: ChainTree()]
            switch isHere ? .duplicate : tree.verdict(on: event, known: { arrival.known[$0] }) {
            case .next: break
            case .duplicate:
                if desk.insert(event, into: id) == .completed {
                    effects.completed.append(event)
                    effects.touch(id)
                }
                continue
            case .gap(let head):
                return alarm("gap", "events after seq \(head.seq) are missing")
            case .forged, .brokenLink:
                quarantined.insert(origin)
                effects.quarantined.append(origin)
                return alarm("tampering", "seq \(event.envelope.seq) does not fit its chain")
            }
            bound(event, id, &effects, now: now, random: &random)
            chains[origin, default: ChainTree()].accept(event)
            if desk.insert(event, into: id) == .new { place([event], id, &effects) }
            if !(desk.cases[id]?.takesPart(origin) ?? false) {
                alarm("foreign_origin", "has no part in case \(id)")
            }
            let actor = event.envelope.actor
            if desk.tree.seat(of: actor.organization) != origin {
                alarm("foreign_actor", "names an actor of \(actor.organization.rawValue), which does not work there")
            }
            if event.envelope.change == nil || event.envelope.minReader > Schema.reader {
                alarm("undecodable", "\(event.envelope.type) parks case \(id) until this hub is upgraded")
            }
        }
    }

    /// A stamp that runs ahead is bounded by an event of the hub, which every feed carries before it.
    private mutating func bound(
        _ event: Event, _ id: CaseID, _ effects: inout Effects, now: Instant,
        random: inout some RandomNumberGenerator
    ) {
        guard event.envelope.stamp.instant.milliseconds > now.milliseconds + HybridClock.tolerance else {
            desk.writer.clock.observe(event.envelope.stamp)
            return
        }
        let stamp = desk.writer.clock.tick(now: now)
        let draft = Draft(.stamped(event.hash, hlc: stamp.rawValue), actor: desk.system, occurredAt: now)
        write([draft], on: id, &effects, now: now, random: &random)
        effects.alarms.append(
            (event.origin, Alarm(code: "clock_ahead", detail: "stamp is ahead of the hub's clock", event: event.hash)))
    }

    // MARK: The hub's own decisions

    /// Decides a command of the hub's people or of a ministry.
    public mutating func decide(
        _ wish: Wish, now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) -> Effects {
        var effects = Effects()
        if case .moveCustody = wish.command {
            try moveCustody(wish, &effects, now: now, random: &random)
        } else {
            place(try desk.decide(wish, now: now, random: &random), wish.caseID, &effects)
        }
        settle(&effects, now: now, random: &random)
        return effects
    }

    private mutating func moveCustody(
        _ wish: Wish, _ effects: inout Effects, now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) {
        guard let record = desk.cases[wish.caseID], !record.events.isEmpty else { throw .unknownCase }
        let context = DecisionContext(
            now: now, origin: .hub, actor: wish.actor, tree: desk.tree, calendar: desk.calendar)
        for draft in try record.state.decide(wish.command, in: context) {
            guard case .granted(let asked) = draft.change else { continue }
            let grant = grant(record, holder: asked.holder, seat: asked.seat, cause: nil, now: now)
            let draft = Draft(.granted(grant), texts: draft.texts, actor: wish.actor, occurredAt: now)
            place(try desk.write([draft], on: wish.caseID, now: now, random: &random), wish.caseID, &effects)
        }
    }

    /// The hub's level: only when the seat has reported, with nothing unsent, at a time past the clock's end. Cases
    /// seated here are the hub's own to tell, at the first level.
    public mutating func escalate(
        _ id: CaseID, now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) -> Effects {
        var effects = Effects()
        guard let state = desk.cases[id]?.state, let due = state.deadline else { return effects }
        if state.seat != .hub {
            guard let report = reports[state.seat], report.backlog == 0, report.heardAt > due.at else { return effects }
        }
        let level = state.seat == .hub ? 1 : 2
        place(try desk.escalate(id, level: level, now: now, random: &random), id, &effects)
        settle(&effects, now: now, random: &random)
        return effects
    }

    /// Folds what was touched, grants what is pending, and routes all of it in its order.
    private mutating func settle(
        _ effects: inout Effects, now: Instant, random: inout some RandomNumberGenerator
    ) {
        for id in effects.touched { desk.refold(id) }
        for id in effects.touched {
            if let record = desk.cases[id], let transfer = record.state.transfer,
                !quarantined.contains(record.state.seat)
            {
                // A case that nobody takes comes to the hub's own people, who decide whose it is.
                let isArbitrated = transfer.isReturn && record.state.refusals >= Self.bounces
                let grant = grant(
                    record, holder: isArbitrated ? .presidency : transfer.holder,
                    seat: isArbitrated ? .hub : seat(of: transfer), cause: transfer.cause, now: now)
                let draft = Draft(.granted(grant), actor: desk.system, occurredAt: now)
                write([draft], on: id, &effects, now: now, random: &random)
            }
            do {
                place(try desk.settle(id, now: now, random: &random), id, &effects)
            } catch {
                effects.alarms.append((.hub, Alarm(code: "not_settled", detail: "\(id): \(error)")))
            }
        }
        route(&effects)
    }

    /// The tree says where an organisation works, not the origin that refers to it.
    private func seat(of transfer: Transfer) -> Origin { desk.tree.seat(of: transfer.holder) ?? transfer.seat }

    private func grant(
        _ record: CaseRecord, holder: OrganizationCode, seat: Origin, cause: EventHash?, now: Instant
    ) -> Grant {
        let epoch = max(record.state.epoch + 1, UInt64(clamping: now.milliseconds / 1000))
        return Grant(epoch: epoch, holder: holder, seat: seat, cut: cut(record), cause: cause)
    }

    /// The outgoing seat's accepted positions, one for each incarnation that wrote this case.
    private func cut(_ record: CaseRecord) -> [Position] {
        let seat = record.state.seat
        var last: [UInt64: UInt64] = [:]
        for event in record.events where event.origin == seat {
            let incarnation = event.envelope.incarnation
            let accepted = chains[seat]?.head(of: incarnation)?.seq ?? 0
            last[incarnation] = max(last[incarnation] ?? 0, accepted, event.envelope.seq)
        }
        return last.sorted { $0.key < $1.key }.map { Position(incarnation: $0.key, seq: $0.value) }
    }

    private mutating func write(
        _ drafts: [Draft], on id: CaseID, _ effects: inout Effects, now: Instant,
        random: inout some RandomNumberGenerator
    ) {
        do {
            place(try desk.write(drafts, on: id, now: now, random: &random), id, &effects)
        } catch {
            // Grants and stamps are small and always fit; should one not, a person must know.
            effects.alarms.append((.hub, Alarm(code: "not_written", detail: "\(id): \(error)")))
        }
    }

    /// Numbers events that are already in their case.
    private mutating func place(_ events: [Event], _ id: CaseID, _ effects: inout Effects) {
        for event in events {
            position += 1
            effects.placed.append(Effects.Placed(position: position, event: event))
        }
        if !events.isEmpty { effects.touch(id) }
    }

    // MARK: Routing

    /// Rows for each new event, in order: to home, present and past seats but its author. A newly entitled
    /// destination first gets the case's earlier events. Parts go to the home and to the seat of that moment; a seat
    /// that comes back gets the parts that were kept from it meanwhile.
    private mutating func route(_ effects: inout Effects) {
        let new = Set(effects.placed.map(\.event.hash))
        var audiences: [CaseID: Audience] = [:]
        for placed in effects.placed {
            let event = placed.event
            guard let id = event.caseID, let record = desk.cases[id] else { continue }
            var audience = audiences[id] ?? Audience(record, before: new)
            if event.origin == .hub, case .granted(let grant) = event.envelope.change {
                for earlier in audience.admit(grant.seat, record, by: event) {
                    row(earlier, to: grant.seat, audience, &effects)
                }
            }
            for destination in audience.destinations where destination != event.origin {
                row(event, to: destination, audience, &effects)
            }
            audiences[id] = audience
        }
    }

    private mutating func row(
        _ event: Event, to destination: Origin, _ audience: Audience, _ effects: inout Effects
    ) {
        let seq = feeds[destination, default: 0] + 1
        feeds[destination] = seq
        effects.routed.append(
            Effects.Routed(
                destination: destination, seq: seq, event: event.hash, origin: event.origin,
                place: event.envelope.position, withPart: destination == audience.home || destination == audience.seat))
    }
}

/// Who is entitled to a case at one moment of its history.
private struct Audience {
    let home: Origin
    var destinations: [Origin]
    var seat: Origin

    /// As it was before the events of `new`.
    init(_ record: CaseRecord, before new: Set<EventHash>) {
        let earlier = record.events.filter { !new.contains($0.hash) }
        home = record.id.home
        destinations = CaseRecord.destinations(home: home, earlier)
        seat = earlier.last { $0.grantedSeat != nil }?.grantedSeat ?? home
    }

    /// The seat is now `origin`, by a grant of `record`. Returns what it must be sent first: all earlier events, or,
    /// when it had the case before, those whose parts were kept from it.
    mutating func admit(_ origin: Origin, _ record: CaseRecord, by grant: Event) -> [Event] {
        seat = origin
        guard origin != .hub else { return [] }
        let earlier = record.events.prefix { $0.hash != grant.hash }
        if !destinations.contains(origin) {
            destinations.append(origin)
            return earlier.filter { $0.origin != origin }
        }
        if origin == home { return [] }
        var keeper = home
        var withheld = [Event]()
        for event in earlier {
            if let next = event.grantedSeat {
                keeper = next
                if next == origin { withheld = [] }
            }
            if keeper != origin, event.origin != origin, event.envelope.partHash != nil { withheld.append(event) }
        }
        return withheld
    }
}

extension Event {
    /// The seat that this event gives a case to.
    fileprivate var grantedSeat: Origin? {
        if origin == .hub, case .granted(let grant) = envelope.change { grant.seat } else { nil }
    }
}
