public import Casework

extension HubCore {
    /// Rows for each new event, in order: to home, present and past seats but its author. A newly entitled
    /// destination first gets the case's earlier events. Parts go to the home and to the seat of that moment; a seat
    /// that comes back gets the parts that were kept from it meanwhile, and both get parts that came late.
    mutating func route(_ effects: inout Effects) {
        // Most cases never leave their home, which wrote all that there is.
        var (last, isTravelling) = (CaseID?.none, false)
        let travelling = effects.numbered.filter { numbered in
            if numbered.event.caseID != last {
                last = numbered.event.caseID
                isTravelling = last.flatMap { desk.cases[$0]?.isOnlyItsHomes } == false
            }
            return isTravelling
        }
        guard !travelling.isEmpty || !effects.completed.isEmpty else { return }
        let new = Set(effects.numbered.map(\.event.hash))
        var audiences: [CaseID: Audience] = [:]
        for numbered in travelling {
            let event = numbered.event
            guard let id = event.caseID, let record = desk.cases[id] else { continue }
            var audience = audiences[id] ?? Audience(record, before: new)
            if let grant = event.grant {
                for earlier in audience.admit(grant.seat, record, by: event) {
                    row(earlier, to: grant.seat, audience, &effects)
                }
            }
            for destination in audience.destinations where destination != event.origin {
                row(event, to: destination, audience, &effects)
            }
            audiences[id] = audience
        }
        for event in effects.completed where !new.contains(event.hash) {
            guard let id = event.caseID, let record = desk.cases[id] else { continue }
            let audience = audiences[id] ?? Audience(record, before: [])
            for destination in Set([audience.home, audience.seat]).sorted()
            where destination != event.origin && destination != .hub {
                row(event, to: destination, audience, &effects)
            }
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
                place: event.envelope.place, withPart: audience.mayRead(destination),
                hubIncarnation: desk.writer.incarnation))
    }

    /// What a destination may see of a case outside its feed: all envelopes if it is entitled, and the parts that its feed
    /// has carried: those of events up to the last moment at which it was the seat. A home reads all.
    public static func visible(_ events: [Event], of id: CaseID, to destination: Origin) -> [Event] {
        let record = CaseRecord(id: id, events: events)
        var audience = Audience(record, before: Set(events.map(\.hash)))
        var readable = destination == id.home ? events.count : 0
        for (index, event) in events.enumerated() {
            audience.note(event)
            if audience.seat == destination { readable = max(readable, index + 1) }
        }
        guard record.destinations.contains(destination) else { return [] }
        return events.enumerated().map { index, event in
            index < readable || event.origin == destination ? event : event.withheld
        }
    }
}

/// Who is entitled to a case at one moment of its history.
private struct Audience {
    let home: Origin
    var destinations: [Origin]
    var seat: Origin
    private var epoch: Epoch = 0

    /// As it was before the events of `new`.
    init(_ record: CaseRecord, before new: Set<EventHash>) {
        let earlier = record.events.filter { !new.contains($0.hash) }
        home = record.id.home
        seat = home
        destinations = CaseRecord.destinations(home: home, earlier)
        for event in earlier { note(event) }
    }

    /// The seat is that of the greatest epoch: a restored hub's grants come back in any order.
    mutating func note(_ event: Event) {
        guard let grant = event.grant, grant.epoch >= epoch else { return }
        (seat, epoch) = (grant.seat, grant.epoch)
    }

    func mayRead(_ destination: Origin) -> Bool { destination == home || destination == seat }

    /// The seat is now `origin`, by a grant of `record`. Returns what it must be sent first: all earlier events, or,
    /// when it had the case before, those whose parts were kept from it.
    mutating func admit(_ origin: Origin, _ record: CaseRecord, by grant: Event) -> [Event] {
        note(grant)
        guard origin != .hub else { return [] }
        let earlier = record.events.prefix { $0.hash != grant.hash }
        if !destinations.contains(origin) {
            destinations.append(origin)
            return earlier.filter { $0.origin != origin }
        }
        if origin == home { return [] }
        var (keeper, newest) = (home, Epoch(0))
        var withheld = [Event]()
        for event in earlier {
            if let grant = event.grant, grant.epoch >= newest {
                (keeper, newest) = (grant.seat, grant.epoch)
                if keeper == origin { withheld = [] }
            }
            if keeper != origin, event.origin != origin, event.envelope.partHash != nil { withheld.append(event) }
        }
        return withheld
    }
}

extension Event {
    /// The grant that the hub gave with this event.
    fileprivate var grant: Grant? {
        if origin == .hub, case .granted(let grant) = envelope.change { grant } else { nil }
    }
}
