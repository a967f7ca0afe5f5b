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
            let known = digests.map(\.caseID).filter { hub.disk.count(of: $0) > 0 }
            let here = known.map { CaseDigest(caseID: $0, digest: digest(hub.disk.events(of: $0))) }
            let actions = call.machine.compared(digests, here: here)
            if !actions.isEmpty { tally.add("digests differ") }
            try perform(actions, on: call)
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
                if call.isOpenAtNode { call.down.append(frame) }
            case .acknowledge(let heads):
                let ack = Ack(heads: heads, committedAt: hubClock, position: hub.disk.position, signature: [])
                try checkCommitted(ack, of: call.peer)
                if call.isOpenAtNode { call.down.append(.ack(ack)) }
            case .prepare(let hello):
                let facts = hello.cursors.map { hub.disk.fact($0, of: call.peer) }
                enqueue(.hello(call), .hello(hello, feed: facts))
            case .noteAlive(let writer):
                for other in calls where other.peer == call.peer && other !== call && other.isOpenAtHub {
                    try perform(other.machine.superseded(), on: other)
                }
                enqueue(.alive(call), .alive(call.peer, writer: writer))
            case .submit(let wire):
                let events = decode(wire, of: call)
                let known = call.machine.follows(events) ? [:] : hub.disk.known(around: events, of: call.peer)
                enqueue(.events(call, wire), .events(call.peer, events, known: known), size: events.count)
            case .takeLost(let wire, let isLast):
                let events = decode(wire, of: call)
                guard events.count == wire.count else { return drop(call) }
                let known = hub.disk.known(around: events, of: .hub)
                enqueue(
                    .lost(call, wire, isLast: isLast), .lost(call.peer, events, known: known, isLast: isLast),
                    size: events.count)
            case .repair(let wire):
                let events = decode(wire, of: call)
                guard events.count == wire.count else { return drop(call) }
                repair(events, from: call)
            case .readTail, .readFeed, .compare, .readCases: call.reads.append(action)
            case .noteReport(_, _, let backlog):
                hub.reports[call.peer] = HubCore.SeatReport(heardAt: hubClock, backlog: backlog)
                hub.machine.core?.reports = hub.reports
            case .raise(let alarm): ring(alarm, about: call.peer, at: .hub)
            case .close(let reason):
                trace.note("hub closes call \(call.id): \(reason)")
                drop(call)
            }
        }
    }

    /// - Parameter size: how many events it brings.
    private func enqueue(_ work: HubWork, _ arrival: HubCore.Arrival, size: Int = 1) {
        work.count(1)
        let item = Admission.Item(size: size, lane: work.call?.peer)
        hub.post(work, as: .arrival(arrival, cases: arrival.cases, item), now: now)
    }

    /// Mends what is damaged here, then has the committer take what is new.
    private func repair(_ events: [Event], from call: LinkSession) {
        for event in events where hub.disk.mend(event) {
            tally.show(.flipped)
            trace.note("hub mends \(short(event.hash))")
            ring(Alarm(code: .mended, detail: "a stored event was damaged here"), about: .hub, at: .hub)
        }
        let known = hub.disk.known(around: events.filter { $0.origin == call.peer }, of: call.peer)
        let hubs = hub.disk.known(around: events.filter { $0.origin == .hub }, of: .hub)
        enqueue(.repair(call, events), .repair(call.peer, events, known: known, ofHub: hubs), size: events.count)
    }

    private func checkCommitted(_ ack: Ack, of origin: Origin) throws {
        for head in ack.heads {
            let place = ChainPlace(incarnation: head.incarnation, seq: head.seq)
            guard hub.disk.hash(at: place, of: origin) == head.hash else {
                throw Violation("seq \(head.seq) of \(origin) is acknowledged and not committed")
            }
        }
    }

    private func decode(_ wire: [WireEvent], of call: LinkSession) -> [Event] {
        let (events, alarm) = HubLink.decode(wire, hashing: sha256)
        if let alarm {
            ring(alarm, about: call.peer, at: .hub)
            if call.isOpenAtNode { call.down.append(.alarm(alarm)) }
        }
        return events
    }

    // MARK: The committer

    func writeAtHub() throws {
        try drive(hub, clock: hubClock, makeCore: { hub.makeCore() }) { try hear($0) }
    }

    func saveAtHub() throws {
        try endCommit(hub) {
            try commit($0)
        } die: {
            crashHub()
        }
    }

    /// A person lets an origin in again. The next of its held events go first that stand on the line that goes on.
    func release(_ origin: Origin, keep: UInt64?) {
        let first = Set(hub.core.releaseOrder(of: origin, keep: keep))
        let held = hub.disk.held[origin] ?? []
        let order =
            held.filter { first.contains($0.envelope.incarnation) }
            + held.filter { !first.contains($0.envelope.incarnation) }
        let next = Array(order.prefix(1 + random.below(12)))
        enqueue(.release(origin, keep: keep), .release(origin, keep: keep, held: next), size: next.count)
    }

    private func commit(_ saving: HubProcess.Saving) throws {
        let effects = saving.batch.effects
        for numbered in effects.numbered
        where numbered.event.origin != .hub && hub.disk.quarantined.contains(numbered.event.origin)
            && !effects.released.contains(numbered.event.hash) && !effects.lifted.contains(numbered.event.origin)
        {
            throw Violation("an event of \(numbered.event.origin) is merged while it is quarantined")
        }
        if effects.numbered.contains(where: { $0.event.isGrant }), random.chance(30) { keepImage(of: hub) }
        try checkKeys(saving.batch, at: hub)
        try hub.disk.commit(saving.batch, saving.cases)
        if effects.restoration != nil { hub.isToldRestored = false }
        ledger.committed(effects, at: .hub)
        try checkVersions(of: hub.core.desk, effects, hub.disk.reads)
        ring(effects, at: .hub)
        let last = saving.batch.becomes.stamp.instant
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

    /// After the commit: every call hears what is new for it, and those who wait how it went.
    private func hear(_ news: WriterNews<HubCore, HubWork>) throws {
        switch news {
        case .saved(let batch):
            for item in batch.items {
                if case .events(let call, _)? = hub.works[item.caller] { call.saved += 1 }
            }
            if batch.outcomes.count(where: { if case .success(.answer) = $0 { true } else { false } }) > 1 {
                tally.show(.together)
            }
            if !batch.effects.lifted.isEmpty || batch.effects.restoration != nil { enqueuePending() }
            for call in calls where call.isOpenAtHub {
                try perform(call.machine.feedAdvanced(to: UInt64(hub.disk.feeds[call.peer]?.count ?? 0)), on: call)
            }
        case .done(let work, let outcome):
            work.count(-1)
            try hear(work, outcome)
        case .refused(let work, let fault):
            work.count(-1)
            try hear(work, refused: fault)
        case .damaged(let id): try ask(for: id)
        }
    }

    private func hear(_ work: HubWork, _ outcome: Result<WriterDone, any Error>) throws {
        let effects: Effects? = if case .success(.effects(let effects)) = outcome { effects } else { nil }
        if let call = work.call, !call.isOpenAtHub {
            if case .repair = work {} else { return }
        }
        switch work {
        case .wish(let client):
            guard case .success(.answer(let answer)) = outcome else { return tally.add("refused") }
            tally.add("hub \(client.request.command.name)")
            if client.request.actor.role == .ministry { tally.add("ministry acts") }
            try hear(client, answer, at: nil)
        case .release(let origin, let keep):
            if effects?.lifted.isEmpty ?? true, hub.disk.quarantined.contains(origin) {
                release(origin, keep: keep)
            }
        case .hello(let call):
            guard let greeting = effects?.greeting else { break }
            let end = UInt64(hub.disk.feeds[call.peer]?.count ?? 0)
            try perform(call.machine.greeted(greeting, feedEnd: end), on: call)
            for id in hub.disk.cases where hub.disk.isDamaged(id) { try ask(for: id) }
        case .events(let call, _):
            guard let effects else { break }
            try perform(
                call.machine.committed(
                    effects.heads, alarms: alarms(effects, call), isMoreDone: call.saved > 0), on: call)
        case .lost(let call, _, _):
            if effects?.numbered.isEmpty == false { tally.show(.hubRestored) }
            try perform(call.machine.returned(), on: call)
        case .repair(_, let events):
            let cases = casesConcerned(by: events)
            for call in calls where call.isOpenAtHub { try perform(call.machine.repaired(cases), on: call) }
        case .escalate, .pending, .refold, .alive: break
        }
    }

    private func hear(_ work: HubWork, refused fault: WriterFault) throws {
        tally.add("not saved")
        switch work {
        case .wish(let client):
            if case .damaged = fault { break }
            unanswered.append((nil, client))
        case .release(let origin, let keep): release(origin, keep: keep)
        case .pending(let cases):
            try checkPassedOver(fault)
            enqueue(work, .pending(cases), size: cases.count)
        case .refold(let cases):
            try checkPassedOver(fault)
            enqueue(work, .refold(cases), size: cases.count)
        case .escalate: break
        case .events(let call, let wire): try hear(call, .submit(wire), refused: fault)
        case .lost(let call, let wire, let isLast): try hear(call, .takeLost(wire, isLast: isLast), refused: fault)
        case .hello(let call), .alive(let call): if call.isOpenAtHub { drop(call) }
        // Another node may hold the rest; what waits goes on waiting.
        case .repair(let call, _): if call.isOpenAtHub, fault == .away { drop(call) }
        }
    }

    private func checkPassedOver(_ fault: WriterFault) throws {
        if case .damaged(let id, _) = fault { throw Violation("the hub looks after no case because of \(id)") }
    }

    private func hear(_ call: LinkSession, _ action: HubLink.Action, refused fault: WriterFault) throws {
        guard call.isOpenAtHub else { return }
        guard case .damaged(let id, _) = fault else { return drop(call) }
        try perform(call.machine.blocked(action, by: id), on: call)
    }

    private func alarms(_ effects: Effects, _ call: LinkSession) -> [Alarm] {
        effects.alarms.filter { $0.origin == call.peer }.map(\.alarm)
    }

    /// Cases that may wait for a decision that the hub could not take before.
    func enqueuePending() {
        for start in stride(from: 0, to: hub.disk.cases.count, by: 20) {
            let cases = Array(hub.disk.cases[start..<min(start + 20, hub.disk.cases.count)])
            enqueue(.pending(cases), .pending(cases), size: cases.count)
        }
    }

    /// The hub's process dies and starts again.
    func crashHub() {
        trace.note("hub dies")
        for call in calls { drop(call) }
        restartHub()
    }

    func restartHub() {
        for work in hub.forgetAll(as: random.next(), isOpen: true, now: now) {
            if let call = work.call { (call.waiting, call.submitted, call.saved) = (0, 0, 0) }
            if case .wish(let client) = work { unanswered.append((nil, client)) }
        }
        trace.note("hub starts at position \(hub.disk.position)")
        // A program that starts looks for what waits.
        enqueuePending()
        let cases = hub.reader > 1 ? unread(hub.disk) : []
        if !cases.isEmpty { enqueue(.refold(cases), .refold(cases), size: cases.count) }
    }
}
