import Casework

/// A province's decisions: commands of its people, and what the hub's feed brings.
///
/// Order of durability: the events and the cursor that a call returns are committed in one transaction; only then are
/// callers answered, frames sent and feed rows acknowledged.
public struct NodeCore: ServerCore {
    /// Feed rows with their events, decoded, in their order.
    public struct Arrival: Sendable {
        public var rows: [(cursor: FeedCursor, event: Event)]

        public init(rows: [(cursor: FeedCursor, event: Event)]) { self.rows = rows }
    }

    public var desk: Desk
    /// The feed's last row that is committed, or about to be.
    public private(set) var cursor: FeedCursor?
    public private(set) var position: UInt64

    public init(desk: Desk, cursor: FeedCursor?, position: UInt64) {
        (self.desk, self.cursor, self.position) = (desk, cursor, position)
    }

    public mutating func decide(
        _ wish: Wish, now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) -> Effects {
        var effects = Effects()
        place(try desk.decide(wish, now: now, random: &random), wish.caseID, &effects)
        return effects
    }

    /// The seat's level: the holder's own office is told first.
    public mutating func escalate(
        _ id: CaseID, now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) -> Effects {
        var effects = Effects()
        guard desk.cases[id]?.state.seat == desk.origin else { return effects }
        place(try desk.escalate(id, level: 1, now: now, random: &random), id, &effects)
        return effects
    }

    public mutating func take(
        _ arrival: Arrival, now: Instant, random: inout some RandomNumberGenerator
    ) throws(FeedFault) -> Effects {
        var effects = Effects()
        try follow(arrival)
        for (_, event) in arrival.rows { take(event, &effects, now: now) }
        for id in effects.touched { desk.refold(id) }
        observe(arrival.rows.map(\.event))
        for id in effects.touched {
            do {
                place(try desk.settle(id, now: now, random: &random), id, &effects)
            } catch {
                // `received` is small and always fits; should it not, a person must know.
                effects.alarms.append((desk.origin, Alarm(code: "not_settled", detail: "\(id): \(error)")))
            }
        }
        cursor = arrival.rows.last?.cursor ?? cursor
        effects.cursor = cursor
        return effects
    }

    /// A feed never leaves rows out. It may go back: a hub that does not know this cursor, as one restored from a
    /// backup, begins anew, and other events may stand in rows of the same number. What is known is recognised by its
    /// hash.
    private func follow(_ arrival: Arrival) throws(FeedFault) {
        var last = cursor
        for (index, row) in arrival.rows.enumerated() {
            guard row.cursor.hash == row.event.hash else { throw .wrongHash(row.cursor.seq) }
            let isSameFeed = row.cursor.hubIncarnation == last?.hubIncarnation
            let next = isSameFeed ? (last?.seq ?? 0) + 1 : 1
            guard row.cursor.seq == next || (index == 0 && 1..<next ~= row.cursor.seq) else {
                throw .notDense(expected: next, found: row.cursor.seq)
            }
            last = row.cursor
        }
    }

    private mutating func take(_ event: Event, _ effects: inout Effects, now: Instant) {
        guard let id = event.caseID else { return }
        switch desk.insert(event, into: id) {
        case .new: place([event], id, &effects)
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
        effects.alarms.append((desk.origin, Alarm(code: "clock_ahead", detail: detail, event: hash)))
    }

    private mutating func place(_ events: [Event], _ id: CaseID, _ effects: inout Effects) {
        for event in events {
            position += 1
            effects.placed.append(Effects.Placed(position: position, event: event))
        }
        if !events.isEmpty { effects.touch(id) }
    }

    /// Other origins' stamps move this clock only as far as the hub lets them count.
    private mutating func observe(_ events: [Event]) {
        for event in events where event.origin != desk.origin {
            guard let id = event.caseID, let record = desk.cases[id] else { continue }
            var stamp = event.envelope.stamp
            for other in record.events {
                guard case .stamped(event.hash, let hlc) = other.envelope.change else { continue }
                stamp = min(stamp, Stamp(rawValue: hlc))
            }
            desk.writer.clock.observe(stamp)
        }
    }
}
