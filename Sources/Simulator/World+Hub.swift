import Casework
import Federation

/// The hub's drivers: the committer, and its half of every call.
extension World {
    // MARK: The calls

    func deliverToHub(_ call: LinkSession) throws {
        guard !call.up.isEmpty else { return }
        let frame = call.up.removeFirst()
        trace.note("hub hears \(frame.name) of call \(call.id), \(call.peer)")
        do {
            let frame = try crossed(frame)
            try perform(call.machine.received(frame), on: call)
        } catch is FrameFault {
            drop(call)
        }
    }

    func read(_ call: LinkSession) throws {
        guard !call.reads.isEmpty else { return }
        let limit = 1 + random.below(7)
        let action = call.reads.removeFirst()
        switch action {
        case .readTail(let stretches):
            let events = hub.disk.journal(of: call.peer, stretches, limit: limit)
            guard try isWhole(events, action, of: call) else { return }
            try perform(call.machine.tailRead(events.map { JournalRow($0) }), on: call)
        case .readFeed(let after):
            let rows = hub.disk.feed(of: call.peer, after: after, limit: limit)
            let events = rows.compactMap { hub.disk.event($0.cursor.hash) }
            guard try isWhole(events, action, of: call) else { return }
            for row in rows where isHeld(row) { throw Violation("a feed carries what is held of a quarantined origin") }
            try perform(call.machine.feedRead(rows), on: call)
        case .compare(let digests):
            var differing = [CaseID]()
            for digest in digests where !hub.disk.isDamaged(digest.caseID) {
                let events = hub.disk.events(of: digest.caseID)
                let visible = HubCore.visible(events, of: digest.caseID, to: call.peer)
                if self.digest(visible) != digest.digest { differing.append(digest.caseID) }
            }
            if !differing.isEmpty { tally.add("digests differ") }
            try perform(call.machine.compared(differing), on: call)
        case .readCases(let cases):
            var events = [Event]()
            for id in cases {
                if hub.disk.isDamaged(id) {
                    try ask(for: id)
                } else {
                    events += HubCore.visible(hub.disk.events(of: id), of: id, to: call.peer)
                }
            }
            try perform(call.machine.casesRead(events), on: call)
        default: break
        }
    }

    private func isHeld(_ row: FeedRow) -> Bool { !hub.disk.holds(row.cursor.hash) }

    /// What was read has its hashes; else everybody is asked for it, and it is read again later.
    private func isWhole(_ events: [Event], _ action: HubLink.Action, of call: LinkSession) throws -> Bool {
        guard let damaged = events.first(where: { hub.disk.isDamaged($0) })?.caseID else { return true }
        try perform(call.machine.blocked(action, by: damaged), on: call)
        try ask(for: damaged)
        return false
    }

    /// Everybody is asked for a damaged case.
    func ask(for id: CaseID) throws {
        for call in calls where call.isOpenAtHub { try perform(call.machine.found(damaged: id), on: call) }
    }

    func perform(_ actions: [HubLink.Action], on call: LinkSession) throws {
        for action in actions {
            switch action {
            case .send(let frame):
                if case .ack(let ack) = frame { try checkCommitted(ack, of: call.peer) }
                if call.isOpenAtNode { call.down.append(frame) }
            case .prepare(let hello):
                enqueue(.hello(call, hello, hello.cursors.map { hub.disk.fact($0, of: call.peer) }))
            case .noteAlive(let writer):
                for other in calls where other.peer == call.peer && other !== call && other.isOpenAtHub {
                    try perform(other.machine.superseded(), on: other)
                }
                enqueue(.alive(call, writer: writer))
            case .submit(let wire):
                let events = decode(wire, of: call)
                enqueue(.events(call, wire, events, known: hub.disk.known(around: events, of: call.peer)))
            case .takeLost(let wire, let isLast):
                let events = decode(wire, of: call)
                guard events.count == wire.count else { return drop(call) }
                enqueue(.lost(call, wire, events, known: hub.disk.known(around: events, of: .hub), isLast: isLast))
            case .repair(let wire):
                let events = decode(wire, of: call)
                guard events.count == wire.count else { return drop(call) }
                let own = events.filter { $0.origin == call.peer }
                let known = hub.disk.known(around: own, of: call.peer)
                let hubs = hub.disk.known(around: events.filter { $0.origin == .hub }, of: .hub)
                enqueue(.repair(call, events, known: known, ofHub: hubs))
            case .readTail, .readFeed, .compare, .readCases: call.reads.append(action)
            case .noteReport(_, _, let backlog):
                hub.core.reports[call.peer] = HubCore.SeatReport(heardAt: hubClock, backlog: backlog)
            case .raise(let alarm): ring(alarm, about: call.peer, at: .hub)
            case .close(let reason):
                trace.note("hub closes call \(call.id): \(reason)")
                drop(call)
            }
        }
    }

    private func enqueue(_ work: HubWork) {
        hub.queue.append(work)
        work.call?.waiting += 1
    }

    private func checkCommitted(_ ack: Ack, of origin: Origin) throws {
        for head in ack.heads {
            let place = ChainPlace(incarnation: head.incarnation, seq: head.seq)
            guard hub.disk.hash(at: place, of: origin) == head.hash else {
                throw Violation("seq \(head.seq) of \(origin) is acknowledged and not committed")
            }
        }
    }

    /// Up to what cannot be read: that is charged to the origin.
    private func decode(_ wire: [WireEvent], of call: LinkSession) -> [Event] {
        var events = [Event]()
        for wire in wire {
            do {
                events.append(try Event(wire, hashing: sha256))
            } catch {
                let alarm = Alarm(code: .unreadable, detail: "\(error)")
                ring(alarm, about: call.peer, at: .hub)
                if call.isOpenAtNode { call.down.append(.alarm(alarm)) }
                break
            }
        }
        return events
    }

    // MARK: The committer

    private enum Outcome {
        case effects(Effects)
        case refused
        case damaged(CaseID)
    }

    private func load(_ cases: [CaseID]) -> CaseID? {
        for id in cases where !hub.core.desk.isLoaded(id) {
            if hub.disk.isDamaged(id) { return id }
            hub.core.desk.load(id, events: hub.disk.events(of: id))
        }
        return nil
    }

    private func decide(_ work: HubWork) throws -> Outcome {
        let now = hubClock
        switch work {
        case .wish(let wish):
            if let damaged = load([wish.caseID]) { return .damaged(damaged) }
            do {
                return .effects(try hub.core.decide(wish, now: now, random: &random))
            } catch {
                return .refused
            }
        case .escalate(let id):
            if let damaged = load([id]) { return .damaged(damaged) }
            do {
                return .effects(try hub.core.escalate(id, now: now, random: &random))
            } catch {
                return .refused
            }
        case .release(let origin, let keep): return try take(.release(origin, keep: keep, held: released(origin, keep)))
        case .refold(let cases): return try take(.refold(cases.filter { !hub.disk.isDamaged($0) }))
        case .pending(let cases): return try take(.pending(cases.filter { !hub.disk.isDamaged($0) }))
        case .hello(_, let hello, let facts): return try take(.hello(hello, feed: facts))
        case .alive(let call, let writer): return try take(.alive(call.peer, writer: writer))
        case .events(let call, _, let events, let known):
            return try take(.events(call.peer, events, known: known))
        case .lost(let call, _, let events, let known, let isLast):
            return try take(.lost(call.peer, events, known: known, isLast: isLast))
        case .repair(let call, let events, let known, let ofHub):
            for event in events where hub.disk.mend(event) {
                tally.show(.flipped)
                trace.note("hub mends \(short(event.hash))")
                ring(Alarm(code: .mended, detail: "a stored event was damaged here"), about: .hub, at: .hub)
            }
            return try take(.repair(call.peer, events, known: known, ofHub: ofHub))
        }
    }

    private func take(_ arrival: HubCore.Arrival) throws -> Outcome {
        if let damaged = load(arrival.cases) { return .damaged(damaged) }
        return .effects(try hub.core.take(arrival, now: hubClock, random: &random))
    }

    /// The next of an origin's held events: those on the line that goes on first.
    private func released(_ origin: Origin, _ keep: UInt64?) -> [Event] {
        let first = Set(hub.core.releaseOrder(of: origin, keep: keep))
        let held = hub.disk.held[origin] ?? []
        let order =
            held.filter { first.contains($0.envelope.incarnation) }
            + held.filter { !first.contains($0.envelope.incarnation) }
        return Array(order.prefix(1 + random.below(12)))
    }

    /// The committer takes some of what waits and commits it in one transaction.
    func commitAtHub() throws {
        guard isHubUp, let first = hub.queue.first else { return }
        var count = min(hub.queue.count, 1 + random.below(4))
        if case .release = first { count = 1 }
        let batch = Array(
            hub.queue.prefix(count).enumerated().prefix { index, work in
                if index > 0, case .release = work { false } else { true }
            }.map(\.element))
        hub.queue.removeFirst(batch.count)
        while true {
            var total = Effects()
            let outcomes = try batch.map { work in
                let outcome = try decide(work)
                if case .effects(let effects) = outcome { total.append(effects) }
                return outcome
            }
            let fate = total.isEmpty ? .commits : fate()
            if fate == .commits || fate == .keepsUnknown || fate == .diesAfter { try commit(total) }
            switch fate {
            case .refuses, .losesUnknown:
                hub.reload()
                continue
            case .keepsUnknown: hub.reload()
            case .diesBefore, .diesAfter: return crashHub()
            case .commits: break
            }
            return try tell(Array(zip(batch, outcomes)), total)
        }
    }

    private func commit(_ effects: Effects) throws {
        for numbered in effects.numbered
        where numbered.event.origin != .hub && hub.disk.quarantined.contains(numbered.event.origin)
            && !effects.released.contains(numbered.event.hash) && !effects.lifted.contains(numbered.event.origin)
        {
            throw Violation("an event of \(numbered.event.origin) is merged while it is quarantined")
        }
        if effects.numbered.contains(where: { $0.event.isGrant }), random.chance(30) { keepImage(of: hub) }
        try hub.disk.commit(effects, of: hub.core)
        if effects.restoration != nil { hub.isToldRestored = false }
        ledger.committed(effects, at: .hub)
        try checkVersions(of: hub.core.desk, effects, hub.disk.reads)
        ring(effects, at: .hub)
        let last = hub.core.desk.writer.clock.last.instant
        guard last.milliseconds <= now.milliseconds + HybridClock.tolerance + Instant.second else {
            throw Violation("the hub's clock has moved to \(last), and it is \(now)")
        }
        for numbered in effects.numbered { trace.note("hub \(numbered.position) \(label(numbered.event))") }
        for origin in effects.quarantined { trace.note("hub quarantines \(origin)") }
        for origin in effects.lifted { trace.note("hub lets \(origin) in") }
        tally.add("events", effects.numbered.filter { $0.event.origin == .hub }.count)
        tally.add("quarantines", effects.quarantined.count)
        tally.add("releases", effects.lifted.count)
    }

    private func tell(_ batch: [(HubWork, Outcome)], _ total: Effects) throws {
        var commands = 0
        for (work, outcome) in batch {
            let call = work.call
            call?.waiting -= 1
            let effects: Effects? = if case .effects(let effects) = outcome { effects } else { nil }
            if case .damaged(let id) = outcome { try ask(for: id) }
            switch work {
            case .wish(let wish):
                commands += effects == nil ? 0 : 1
                tally.add(effects == nil ? "refused" : "hub \(wish.command.name)")
                if effects != nil, wish.actor.role == .ministry { tally.add("ministry acts") }
            case .release(let origin, let keep):
                if effects?.lifted.isEmpty ?? true, hub.disk.quarantined.contains(origin) {
                    hub.queue.append(.release(origin, keep: keep))
                }
            case .hello(let call, _, _):
                guard call.isOpenAtHub, let greeting = effects?.greeting else { break }
                let end = UInt64(hub.disk.feeds[call.peer]?.count ?? 0)
                try perform(call.machine.greeted(greeting, feedEnd: end), on: call)
                for id in hub.disk.cases where hub.disk.isDamaged(id) { try ask(for: id) }
            case .events(let call, let wire, _, _):
                guard call.isOpenAtHub else { break }
                if let effects {
                    try perform(call.machine.committed(receipt(effects), alarms: alarms(effects, call)), on: call)
                } else if case .damaged(let id) = outcome {
                    try perform(call.machine.blocked(.submit(wire), by: id), on: call)
                }
            case .lost(let call, let wire, _, _, let isLast):
                guard call.isOpenAtHub else { break }
                if let effects {
                    if !effects.numbered.isEmpty { tally.show(.hubRestored) }
                    try perform(call.machine.returned(), on: call)
                } else if case .damaged(let id) = outcome {
                    try perform(call.machine.blocked(.takeLost(wire, isLast: isLast), by: id), on: call)
                }
            case .repair(_, let events, _, _):
                guard effects != nil else { break }
                let cases = casesConcerned(by: events)
                for call in calls where call.isOpenAtHub { try perform(call.machine.repaired(cases), on: call) }
            case .escalate, .pending, .refold, .alive: break
            }
        }
        if commands > 1 { tally.show(.together) }
        if !total.lifted.isEmpty || total.restoration != nil { enqueuePending() }
        for call in calls where call.isOpenAtHub {
            try perform(call.machine.feedAdvanced(to: UInt64(hub.disk.feeds[call.peer]?.count ?? 0)), on: call)
        }
    }

    private func receipt(_ effects: Effects) -> Ack {
        Ack(heads: effects.heads, committedAt: hubClock, position: hub.disk.position, signature: [])
    }

    private func alarms(_ effects: Effects, _ call: LinkSession) -> [Alarm] {
        effects.alarms.filter { $0.origin == call.peer }.map(\.alarm)
    }

    /// Cases that may wait for a decision that the hub could not take before.
    func enqueuePending() {
        for start in stride(from: 0, to: hub.disk.cases.count, by: 20) {
            hub.queue.append(.pending(Array(hub.disk.cases[start..<min(start + 20, hub.disk.cases.count)])))
        }
    }

    /// The hub's process dies and starts again.
    func crashHub() {
        trace.note("hub dies")
        for call in calls { drop(call) }
        restartHub()
    }

    func restartHub() {
        for work in hub.queue { work.call?.waiting = 0 }
        hub.queue = []
        hub.incarnation = random.next()
        hub.core = HubProcess.core(
            hub.disk, incarnation: hub.incarnation, reader: hub.reader, later: later,
            wasRestored: hub.isToldRestored)
        trace.note("hub starts at position \(hub.disk.position)")
        // A program that starts looks for what waits.
        enqueuePending()
        if hub.reader > 1 { hub.queue.append(.refold(unread(hub.disk))) }
    }
}
