public import Casework

/// A province's decisions: commands of its people, and what the hub sends.
///
/// Order of durability: the events and the cursor that a call returns are committed in one transaction; only then are
/// callers answered, frames sent and feed rows acknowledged.
public struct NodeCore: DecidingCore {
    public enum Arrival: CoreArrival {
        /// Feed rows with their events, decoded, in their order.
        case feed([(cursor: FeedCursor, event: Event)])
        /// Own events that were lost here. `latest` is where the hub says that this origin stands; `known`, the hashes at
        /// the places that the events claim and at those before them, where there are any.
        case tail([Event], latest: ChainHead, known: [ChainPlace: EventHash])
        /// All that the hub may send of some cases.
        case repair([Event], known: [ChainPlace: EventHash])
        /// The greatest schema that the hub reads.
        case hubReads(UInt32)
        /// The last row that the hub knows this node to have: a hub restored from a backup may have lost later ones.
        case resume(FeedCursor?)
        /// Cases that an earlier version could not read.
        case refold([CaseID])

        public var cases: [CaseID] {
            switch self {
            case .feed(let rows): casesConcerned(by: rows.map(\.event))
            case .tail(let events, _, _), .repair(let events, _): casesConcerned(by: events)
            case .hubReads, .resume: []
            case .refold(let cases): cases
            }
        }

        public var goesOn: Bool { false }

        public func without(_ id: CaseID) -> Arrival? {
            guard case .refold(let cases) = self else { return nil }
            return .refold(cases.filter { $0 != id })
        }
    }

    public var desk: Desk
    /// The last row of each hub incarnation that is committed, or about to be; the newest first.
    public private(set) var cursors: [FeedCursor]
    public private(set) var position: UInt64
    /// Of the hub's chains, how far each is known here: only events of this node's cases come here, so there are holes.
    public private(set) var hub: ChainTree

    public init(desk: Desk, hub: ChainTree, cursors: [FeedCursor], position: UInt64) {
        (self.desk, self.hub, self.cursors, self.position) = (desk, hub, cursors, position)
    }

    /// The feed's last row that is committed, or about to be.
    public var cursor: FeedCursor? { cursors.first }

    public mutating func decide(
        _ wish: Wish, now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) -> Effects {
        var effects = Effects()
        number(try desk.decide(wish, now: now, random: &random), wish.caseID, &effects)
        return effects
    }

    /// The seat's level: the holder's own office is told first.
    public mutating func escalate(
        _ id: CaseID, now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) -> Effects {
        var effects = Effects()
        guard desk.cases[id]?.state.seat == desk.origin else { return effects }
        number(try desk.escalate(id, level: 1, before: now, now: now, random: &random), id, &effects)
        return effects
    }

    public mutating func take(
        _ arrival: Arrival, now: Instant, random: inout some RandomNumberGenerator
    ) throws(FeedFault) -> Effects {
        var effects = Effects()
        switch arrival {
        case .feed(let rows):
            try follow(rows)
            for (_, event) in rows { take(event, &effects, now: now) }
            finish(rows.map(\.event), &effects, now: now, random: &random)
            if let last = rows.last?.cursor { note(last) }
            effects.cursor = cursor
        case .tail(let events, let latest, var known):
            for event in events { restore(event, &known, &effects) }
            for id in effects.touched { desk.refold(id) }
            observe(events)
            // The writer goes on where the hub saw this origin last, unless it has begun a line of its own.
            if let head = desk.journal.head(of: latest.incarnation), head.seq >= latest.seq {
                desk.writer.continueFrom(head)
            }
        case .repair(let events, var known):
            // An upgrade may have passed them over while they were damaged.
            for id in arrival.cases { effects.touch(id) }
            effects.isRefold = !events.isEmpty
            for event in events {
                if event.origin == desk.origin {
                    restore(event, &known, isRepair: true, &effects)
                } else {
                    take(event, &effects, now: now)
                }
            }
            finish(events, &effects, now: now, random: &random)
        case .hubReads(let schema):
            guard desk.reads[.hub] != schema else { break }
            desk.reads[.hub] = schema
            effects.reads.append((.hub, schema))
        case .resume(let place):
            guard place != cursor else { break }
            let greatest = cursors.map(\.seq).max() ?? 0
            guard place?.seq ?? 0 <= greatest else {
                throw .notDense(expected: greatest + 1, found: (place?.seq ?? 0) + 1)
            }
            cursors.removeAll { $0.seq > place?.seq ?? 0 }
            if let place { note(place) }
            (effects.rewound, effects.cursor) = (place?.seq ?? 0, place)
        case .refold(let cases):
            for id in cases { effects.touch(id) }
            effects.isRefold = true
            finish([], &effects, now: now, random: &random)
        }
        return effects
    }

    private mutating func note(_ cursor: FeedCursor) {
        cursors.removeAll { $0.hubIncarnation == cursor.hubIncarnation }
        cursors.insert(cursor, at: 0)
    }

    /// A feed never leaves rows out. What is sent again is recognised by its hash.
    private func follow(_ rows: [(cursor: FeedCursor, event: Event)]) throws(FeedFault) {
        var last = cursor?.seq ?? 0
        for row in rows {
            guard row.cursor.hash == row.event.hash else { throw .wrongHash(row.cursor.seq) }
            guard row.cursor.seq == last + 1 else {
                throw .notDense(expected: last + 1, found: row.cursor.seq)
            }
            last = row.cursor.seq
        }
    }

    private mutating func take(_ event: Event, _ effects: inout Effects, now: Instant) {
        guard let id = event.caseID else { return }
        // A feed leaves out what its destination wrote; the hub returns lost events by themselves, and they are verified.
        guard event.origin != desk.origin else {
            let detail = "the hub's feed holds an event of this node itself"
            effects.alarms.append((desk.origin, Alarm(code: .foreignOrigin, detail: detail, event: event.hash)))
            return
        }
        switch desk.insert(event, into: id) {
        case .new: number([event], id, &effects)
        case .completed:
            effects.completed.append(event)
            effects.touch(id)
        case .duplicate: return
        }
        guard case .stamped(let hash, let hlc) = event.envelope.change, let own = desk.cases[id]?[hash],
            own.origin == desk.origin
        else { return }
        desk.writer.clock.reset(to: max(Stamp(rawValue: hlc), Stamp(at: now)))
        let detail = "the hub bounded this node's stamp: set its clock right"
        effects.alarms.append((desk.origin, Alarm(code: .clockAhead, detail: detail, event: hash)))
    }

    /// Takes back an own event. Its chain is verified as the hub verified it: the hub is not believed either.
    private mutating func restore(
        _ event: Event, _ known: inout [ChainPlace: EventHash], isRepair: Bool = false, _ effects: inout Effects
    ) {
        guard event.origin == desk.origin, let id = event.caseID else {
            let detail = "the hub returned an event of \(event.origin.code) as this node's own"
            effects.alarms.append((desk.origin, Alarm(code: .foreignOrigin, detail: detail, event: event.hash)))
            return
        }
        switch desk.journal.verdict(on: event, known: { known[$0] }) {
        case .next(let parent):
            // A branch may begin on an event of this very batch.
            known[event.envelope.place] = event.hash
            desk.journal.accept(event, parent: parent)
            if desk.insert(event, into: id) == .new { number([event], id, &effects) }
        case .duplicate:
            guard desk.insert(event, into: id) == .completed else { return }
            effects.completed.append(event)
            effects.touch(id)
        // One case's events are a chain with holes: what the tail has not brought yet, it will.
        case .gap where isRepair, .brokenLink where isRepair: return
        case .gap, .forged, .brokenLink, .tooMany:
            let detail = "the hub returned seq \(event.envelope.seq), which does not fit this journal"
            effects.alarms.append((desk.origin, Alarm(code: .tampering, detail: detail, event: event.hash)))
        }
    }

    /// Folds what came, moves the clock, and says what this seat owes.
    private mutating func finish(
        _ events: [Event], _ effects: inout Effects, now: Instant, random: inout some RandomNumberGenerator
    ) {
        for id in effects.touched { desk.refold(id) }
        observe(events)
        for id in effects.touched {
            do {
                number(try desk.settle(id, now: now, random: &random), id, &effects)
            } catch {
                // `received` is small and always fits; should it not, a person must know.
                effects.alarms.append((desk.origin, Alarm(code: .notSettled, detail: "\(id): \(error)")))
            }
        }
    }

    private mutating func number(_ events: [Event], _ id: CaseID, _ effects: inout Effects) {
        for event in events {
            position += 1
            effects.numbered.append(Effects.Numbered(position: position, event: event))
            if event.origin == desk.origin, let chain = desk.journal.chain(of: event.envelope.incarnation) {
                effects.note(chain, of: desk.origin)
            }
            if event.origin == .hub { effects.note(hub.accept(event, parent: 0), of: .hub) }
        }
        if !events.isEmpty { effects.touch(id) }
    }

    /// Stamps move this clock only as far as the hub lets them count.
    private mutating func observe(_ events: [Event]) {
        for event in events {
            // What an outsider writes has no effect, nor on this clock.
            guard let id = event.caseID, let record = desk.cases[id], record.takesPart(event.origin) else { continue }
            var stamp = event.envelope.stamp
            for other in record.events {
                guard case .stamped(event.hash, let hlc) = other.envelope.change else { continue }
                stamp = min(stamp, Stamp(rawValue: hlc))
            }
            desk.writer.clock.observe(stamp)
        }
    }
}
