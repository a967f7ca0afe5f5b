public import Casework

/// The hub's decisions: it verifies what origins send, gives custody, bounds stamps, and routes every event to the
/// feeds of those who are entitled to it.
///
/// Order of durability: one transaction saves accepted events, the hub's own, and the feed rows; only then are they
/// acknowledged and sent.
public struct HubCore: DecidingCore {
    public enum Arrival: CoreArrival {
        /// A node says Hello. `feed`: what is known of each of its cursors, in their order.
        case hello(Hello, feed: [FeedFact])
        /// The process that said this Hello has answered a Welcome.
        case alive(Origin, writer: UInt64)
        /// Events of an origin's own journal; the origin is the certificate's. `known`: the hashes accepted earlier at the
        /// places that they claim and at those before them, where there are any.
        case events(Origin, [Event], known: [ChainPlace: EventHash])
        /// The hub's own events, returned by a node. `known` as above, of the hub's journal.
        case lost(Origin, [Event], known: [ChainPlace: EventHash], isLast: Bool)
        /// What a node holds of cases of which this hub holds something else. `known` as above, of the node's journal, and
        /// of the hub's.
        case repair(Origin, [Event], known: [ChainPlace: EventHash], ofHub: [ChainPlace: EventHash])
        /// A person lets an origin in again; `keep` names the copy that goes on, where there are several. `held`: the
        /// next of the origin's held events, in the order of `releaseOrder`.
        case release(Origin, keep: UInt64?, held: [Event])
        /// Cases that wait for a decision of the hub.
        case pending([CaseID])
        /// Cases that an earlier version could not read.
        case refold([CaseID])

        public var cases: [CaseID] {
            switch self {
            case .hello, .alive: []
            case .events(_, let events, _), .lost(_, let events, _, _), .repair(_, let events, _, _),
                .release(_, _, let events):
                casesConcerned(by: events)
            case .pending(let cases), .refold(let cases): cases
            }
        }

        public var goesOn: Bool { if case .events = self { true } else { false } }

        public func without(_ id: CaseID) -> Arrival? {
            switch self {
            case .refold(let cases): .refold(cases.filter { $0 != id })
            case .pending(let cases): .pending(cases.filter { $0 != id })
            default: nil
            }
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
    /// Of every origin but the hub itself, whose chains are the desk's.
    public internal(set) var chains: [Origin: ChainTree]
    /// The dense number of the last event accepted or written here.
    public internal(set) var position: UInt64
    /// The last seq of each destination's feed.
    public internal(set) var feeds: [Origin: UInt64]
    /// Origins whose events are kept and acknowledged, but not merged until a person has chosen; how many are held.
    public internal(set) var quarantined: [Origin: Int]
    /// What a restored hub still waits for; `nil` when it waits for nothing.
    public internal(set) var restoration: Restoration?
    /// A person says that this hub was brought back from an older state, and nothing has been saved since.
    var wasRestored: Bool
    /// Starts of writers that a person has shut out.
    var fenced: [Origin: Set<UInt64>]
    /// Which processes speak for each origin.
    var writers: [Origin: WriterWatch] = [:]
    /// Origins that have said Hello to this start of the hub.
    var greeted: Set<Origin> = []
    public var reports: [Origin: SeatReport] = [:]

    public init(
        desk: Desk, chains: [Origin: ChainTree], position: UInt64, feeds: [Origin: UInt64],
        quarantined: [Origin: Int] = [:], fenced: [Origin: Set<UInt64>] = [:], restoration: Restoration? = nil,
        wasRestored: Bool = false
    ) {
        self.wasRestored = wasRestored
        self.desk = desk
        self.chains = chains
        self.position = position
        self.feeds = feeds
        self.quarantined = quarantined
        self.fenced = fenced
        self.restoration = restoration
        if wasRestored { waitForAll() }
    }

    public mutating func take(
        _ arrival: Arrival, now: Instant, random: inout some RandomNumberGenerator
    ) throws(FeedFault) -> Effects {
        var effects = Effects()
        if wasRestored {
            wasRestored = false
            effects.restoration = .some(restoration)
        }
        switch arrival {
        case .hello(let hello, let feed): greet(hello, feed, &effects, now: now)
        case .alive(let origin, let writer): note(writer, of: origin, &effects)
        case .events(let origin, let events, let known):
            accept(events, from: origin, known, &effects, now: now, random: &random)
        case .lost(let origin, let events, let known, let isLast):
            recover(events, from: origin, known, &effects)
            if isLast { hasReturned(origin, &effects) }
        case .repair(let origin, let events, let known, let ofHub):
            // A decision may have waited for a case that could not be read, and an upgrade may have passed it over.
            for id in arrival.cases { effects.touch(id) }
            effects.isRefold = !events.isEmpty
            recover(events.filter { $0.origin == .hub }, from: origin, ofHub, &effects)
            accept(
                events.filter { $0.origin == origin }, from: origin, known, isRepair: true, &effects, now: now,
                random: &random)
        case .release(let origin, let keep, let held):
            release(origin, keep: keep, held, &effects, now: now, random: &random)
        case .pending(let cases): for id in cases { effects.touch(id) }
        case .refold(let cases):
            for id in cases { effects.touch(id) }
            effects.isRefold = true
        }
        settle(&effects, now: now, random: &random)
        return effects
    }

    // MARK: Events of an origin

    /// Accepts what an origin sent, as far as its chain holds. What a quarantined origin sends is kept apart.
    private mutating func accept(
        _ events: [Event], from origin: Origin, _ known: [ChainPlace: EventHash], isRepair: Bool = false,
        _ effects: inout Effects, now: Instant, random: inout some RandomNumberGenerator
    ) {
        var named: [UInt64] = []
        // A branch may begin on an event of this very batch.
        var taken = Taken()
        var tree = chains.removeValue(forKey: origin) ?? ChainTree()
        func note(_ event: Event) {
            taken.append(event)
            guard named.last != event.envelope.incarnation else { return }
            named = named.filter { $0 != event.envelope.incarnation } + [event.envelope.incarnation]
        }
        defer {
            effects.heads = named.compactMap { tree.head(of: $0) }
            if !tree.chains.isEmpty { chains[origin] = tree }
        }
        for event in events {
            let alarm = { (code: AlarmCode, detail: String) in
                (origin, Alarm(code: code, detail: detail, event: event.hash))
            }
            guard event.origin == origin else {
                effects.alarms.append(alarm(.foreignOrigin, "sent an event of \(event.origin.code)"))
                return
            }
            // `known` was looked up before this batch had its turn: an old call's batch may have come in between.
            let isHere = event.caseID.flatMap { desk.cases[$0]?.holds(event.hash) } ?? false
            let verdict = tree.verdict(on: event) { place in
                known[place] ?? taken.hash(at: place)
            }
            switch isHere ? .duplicate : verdict {
            case .next(let parent):
                note(event)
                continueChain(&tree, with: event, parent: parent, &effects)
                if quarantined[origin] != nil {
                    quarantined[origin, default: 0] += 1
                    effects.held.append(event)
                } else {
                    merge(event, &effects, now: now, random: &random)
                }
            case .duplicate:
                note(event)
                complete(event, &effects)
            // One case's events are a chain with holes: what the journal has not brought yet, it will.
            case .gap where isRepair, .brokenLink where isRepair: continue
            case .gap(let head):
                effects.alarms.append(alarm(.gap, "events after seq \(head.seq) are missing"))
                return
            case .tooMany:
                quarantine(origin, &effects)
                effects.alarms.append(alarm(.tooManyStarts, "more starts of its writer than a journal may have"))
                return
            case .forged, .brokenLink:
                quarantine(origin, &effects)
                effects.alarms.append(alarm(.tampering, "seq \(event.envelope.seq) does not fit its chain"))
                return
            }
        }
    }

    private func continueChain(
        _ tree: inout ChainTree, with event: Event, parent: UInt64, _ effects: inout Effects
    ) {
        let origin = event.origin
        let isNew = tree.chain(of: event.envelope.incarnation) == nil
        let chain = tree.accept(event, parent: parent)
        effects.note(chain, of: origin)
        let seq = event.envelope.seq
        // A line begins beside what went on from its parent, or the parent goes on beside what began on it.
        let begins =
            isNew
            && ((tree.head(of: parent)?.seq ?? 0) >= seq
                || tree.chains.contains {
                    $0.incarnation != chain.incarnation && $0.parent == parent && $0.first == seq
                })
        let goesOn = !isNew && tree.chains.contains { $0.parent == chain.incarnation && $0.first == seq }
        guard begins || goesOn else { return }
        let detail = "a branch begins at seq \(seq): an older state was brought back, or two copies write"
        effects.alarms.append((origin, Alarm(code: .branch, detail: detail, event: event.hash)))
    }

    private mutating func complete(_ event: Event, _ effects: inout Effects) {
        // What is held has no place in its case yet.
        guard let id = event.caseID, desk.cases[id]?.holds(event.hash) ?? false,
            desk.insert(event, into: id) == .completed
        else { return }
        effects.completed.append(event)
        effects.touch(id)
    }

    /// Puts an accepted event into its case.
    mutating func merge(
        _ event: Event, _ effects: inout Effects, now: Instant, random: inout some RandomNumberGenerator
    ) {
        let origin = event.origin
        let alarm = { (code: AlarmCode, detail: String) in
            (origin, Alarm(code: code, detail: detail, event: event.hash))
        }
        guard let id = event.caseID else {
            // Of a later version: kept in its journal, for an upgrade to read.
            position += 1
            effects.numbered.append(Effects.Numbered(position: position, event: event))
            effects.alarms.append(
                alarm(.undecodable, "\(event.envelope.type) concerns no case that this hub knows of"))
            return
        }
        bound(event, id, &effects, now: now, random: &random)
        if desk.insert(event, into: id) == .new { number([event], id, &effects) }
        if origin != id.home, !(desk.cases[id]?.takesPart(origin) ?? false), restoration == nil {
            effects.alarms.append(alarm(.foreignOrigin, "has no part in case \(id)"))
        }
        let actor = event.envelope.actor
        if desk.tree.seat(of: actor.organization) != origin {
            let detail = "names an actor of \(actor.organization.rawValue), which does not work there"
            effects.alarms.append(alarm(.foreignActor, detail))
        }
        if !event.isReadable(by: desk.reader) {
            let detail = "\(event.envelope.type) of case \(id) cannot be read until this hub is upgraded"
            effects.alarms.append(alarm(.undecodable, detail))
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
        // Also an outsider's, who has no effect now: he may be given the case later. A bound that came back is not said again.
        let isBounded = desk.cases[id]?.events.contains { other in
            if case .stamped(event.hash, _) = other.envelope.change { other.origin == .hub } else { false }
        }
        if isBounded != true {
            let stamp = desk.writer.clock.tick(now: now)
            let newEvent = NewEvent(.stamped(event.hash, hlc: stamp.rawValue), actor: desk.system, occurredAt: now)
            write([newEvent], on: id, &effects, now: now, random: &random)
        }
        effects.alarms.append(
            (event.origin, Alarm(code: .clockAhead, detail: "stamp is ahead of the hub's clock", event: event.hash)))
    }

    // MARK: Writing

    mutating func write(
        _ newEvents: [NewEvent], on id: CaseID, _ effects: inout Effects, now: Instant,
        random: inout some RandomNumberGenerator
    ) {
        do {
            number(try desk.write(newEvents, on: id, now: now, random: &random), id, &effects)
        } catch {
            // Grants and stamps are small and always fit; should one not, a person must know.
            effects.alarms.append((.hub, Alarm(code: .notWritten, detail: "\(id): \(error)")))
        }
    }

    /// Numbers events that are already in their case.
    mutating func number(_ events: [Event], _ id: CaseID, _ effects: inout Effects) {
        for event in events {
            position += 1
            effects.numbered.append(Effects.Numbered(position: position, event: event))
            if event.origin == .hub, let chain = desk.journal.chain(of: event.envelope.incarnation) {
                effects.note(chain, of: .hub)
            }
        }
        if !events.isEmpty { effects.touch(id) }
    }
}

/// What one batch has accepted so far. It is hardly ever asked, and gets an order only then.
private struct Taken {
    private var latest: [Event] = []
    private var hashes: [ChainPlace: EventHash] = [:]

    mutating func append(_ event: Event) { latest.append(event) }

    mutating func hash(at place: ChainPlace) -> EventHash? {
        for event in latest { hashes[event.place] = event.hash }
        latest.removeAll(keepingCapacity: true)
        return hashes[place]
    }
}
