import Casework
import Testing

@testable import Federation

/// What must hold once everything is delivered.
extension Network {
    func check() throws {
        try checkAlarms()
        for origin in origins {
            try checkJournal(of: origin)
            try checkFeed(of: origin)
            try checkMemory(of: origin)
        }
        try checkEachEventIsAtTheHub()
        for id in hub.disk.cases {
            try checkCase(id)
            try checkEpochs(id)
        }
    }

    /// Nobody lies here: the only alarm that may ring is that of a wrong clock.
    private func checkAlarms() throws {
        if let (origin, alarm) = alarms.first(where: { $0.alarm.code != "clock_ahead" }) {
            throw Fault("alarm \(alarm.code) about \(origin): \(alarm.detail)")
        }
    }

    /// One line without a hole, each event naming the one before.
    private func checkJournal(of origin: Origin) throws {
        var head = ChainHead.empty
        for event in node(origin).disk.journal(of: origin) {
            guard event.envelope.seq == head.seq + 1, event.envelope.previous == head.hash else {
                throw Fault("the chain of \(origin) breaks at \(event.envelope.seq)")
            }
            head = ChainHead(
                incarnation: event.envelope.incarnation, seq: event.envelope.seq, hash: event.hash)
        }
        guard head == node(origin).disk.head else { throw Fault("the head of \(origin) is not its last event") }
        guard head.seq == 0 || hub.disk.chains[origin]?.latest == head else {
            throw Fault("the hub lacks events of \(origin)")
        }
        guard node(origin).disk.acknowledged == head.seq else { throw Fault("\(origin) waits for a receipt") }
    }

    private func checkFeed(of origin: Origin) throws {
        let rows = hub.disk.feeds[origin] ?? []
        let last = rows.last.map { FeedCursor(hubIncarnation: Self.generation, seq: $0.seq, hash: $0.event) }
        guard node(origin).disk.cursor == last else { throw Fault("\(origin) has not followed its feed") }
        if rows.contains(where: { $0.origin == origin }) { throw Fault("\(origin) is sent what it wrote") }
    }

    /// What a server has in memory is what its disk says.
    private func checkMemory(of origin: Origin) throws {
        let host = node(origin)
        for (id, record) in host.core.desk.cases where record != CaseRecord(id: id, events: host.disk.events(of: id)) {
            throw Fault("\(origin) remembers \(id) otherwise than its disk")
        }
        guard host.core.cursor == host.disk.cursor, host.core.position == host.disk.position else {
            throw Fault("\(origin) remembers another place in its feed")
        }
    }

    private func checkEachEventIsAtTheHub() throws {
        for origin in origins {
            for event in node(origin).disk.events where !hub.disk.holds(event.hash) {
                throw Fault("\(origin) holds \(event.envelope.type) of \(event.origin), the hub does not")
            }
        }
        for event in hub.disk.events where event.origin != .hub && !node(event.origin).disk.holds(event.hash) {
            throw Fault("the hub holds \(event.envelope.type) that \(event.origin) never committed")
        }
    }

    /// Home and every seat hold the same case, with the parts that are theirs to read; nobody else holds any of it.
    private func checkCase(_ id: CaseID) throws {
        let events = hub.disk.events(of: id)
        let state = Fold.fold(id, events)
        let seats = seatsByEvent(id, events)
        let entitled = Set(seats + [id.home])
        if events.contains(where: { $0.part == .withheld }) { throw Fault("the hub lacks a part of \(id)") }
        for origin in origins {
            let held = node(origin).disk.events(of: id)
            guard entitled.contains(origin) else {
                if held.isEmpty { continue }
                throw Fault("\(origin) holds a case that is not its own")
            }
            guard Set(held.map(\.hash)) == Set(events.map(\.hash)) else {
                throw Fault("\(origin) has \(held.count) events of a case of \(events.count)")
            }
            guard Fold.fold(id, held) == state else { throw Fault("\(origin) sees another state of \(id)") }
            try checkParts(of: origin, held, seats: zip(events, seats))
        }
    }

    /// The seat when the hub placed each event: that of the last grant up to it.
    private func seatsByEvent(_ id: CaseID, _ events: [Event]) -> [Origin] {
        var seat = id.home
        return events.map { event in
            if case .granted(let grant) = event.envelope.change { seat = grant.seat }
            return seat
        }
    }

    /// A part is read by its author, by the home, and by who was the seat when it came or later.
    private func checkParts(of origin: Origin, _ held: [Event], seats: Zip2Sequence<[Event], [Origin]>) throws {
        let order = Array(seats)
        for (index, (event, _)) in order.enumerated() where event.envelope.partHash != nil {
            let mayRead = event.origin == origin || event.caseID?.home == origin
                || order[index...].contains { $0.1 == origin }
            let part = held.first { $0.hash == event.hash }?.part
            guard mayRead == (part?.bytes != nil) else {
                let verb = mayRead ? "lacks" : "holds"
                throw Fault("\(origin) \(verb) the part of \(event.envelope.type) of \(event.origin)")
            }
        }
    }

    private func checkEpochs(_ id: CaseID) throws {
        var last: Epoch = 0
        for event in hub.disk.events(of: id) {
            guard case .granted(let grant) = event.envelope.change else { continue }
            guard grant.epoch > last else { throw Fault("epoch \(grant.epoch) after \(last) in \(id)") }
            last = grant.epoch
        }
    }
}
