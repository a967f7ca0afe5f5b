import Casework
import Federation

/// The node's drivers: the writer, which commits what the core decided, and the link's, which moves frames.
extension World {
    // MARK: The link

    func deliverToNode(_ call: LinkSession) throws {
        guard let node = call.node, !call.down.isEmpty else { return }
        let frame = call.down.removeFirst()
        trace.note("\(node.name) hears \(frame.name)")
        do {
            let frame = try crossed(frame)
            try perform(node.link.received(frame, now: now), at: node)
        } catch is FrameFault {
            hangUp(node)
        }
    }

    /// Reads the store for the link.
    func read(_ node: NodeProcess) throws {
        guard !node.reads.isEmpty else { return }
        let limit = 1 + random.below(7)
        let action = node.reads.removeFirst()
        switch action {
        case .readJournal(let stretches):
            let events = node.disk.journal(of: node.origin, stretches, limit: limit)
            if try isWhole(events, action, at: node) {
                try perform(node.link.journalRead(events.map { JournalRow($0) }), at: node)
            }
        case .readHubEvents(let stretches):
            let events = node.disk.journal(of: .hub, stretches, limit: limit)
            if try isWhole(events, action, at: node) {
                try perform(node.link.hubEventsRead(events.map { JournalRow($0) }), at: node)
            }
        case .readCases(let cases):
            var events = [Event]()
            for id in cases where !node.disk.isDamaged(id) {
                events += node.disk.events(of: id).filter { $0.origin == node.origin || $0.origin == .hub }
            }
            try perform(node.link.casesRead(events), at: node)
        case .readDigests(let after):
            var last: [CaseID: UInt64] = [:]
            for (place, event) in node.disk.events.enumerated() {
                if let id = event.caseID { last[id] = UInt64(place) + 1 }
            }
            let moved = last.filter { $0.value > after }.sorted { $0.value < $1.value }.prefix(1 + random.below(9))
            let digests = moved.map { CaseDigest(caseID: $0.key, digest: digest(node.disk.events(of: $0.key))) }
            try perform(node.link.digestsRead(digests, through: moved.last?.value ?? after, now: now), at: node)
        default: break
        }
    }

    func digest(_ events: [Event]) -> EventHash { sha256(events.map(\.hash).sorted().flatMap(\.bytes)) }

    /// What was read has its hashes; else the hub is asked for it, and it is read again later.
    private func isWhole(_ events: [Event], _ action: NodeLink.Action, at node: NodeProcess) throws -> Bool {
        guard let damaged = events.first(where: { node.disk.isDamaged($0) })?.caseID else { return true }
        trace.note("\(node.name) finds damage in \(damaged)")
        try perform(node.link.blocked(action, by: damaged), at: node)
        return false
    }

    func perform(_ actions: [NodeLink.Action], at node: NodeProcess) throws {
        let call = node.call
        for action in actions {
            switch action {
            case .send(let frame):
                if case .events(let events) = frame { try checkNoEcho(events, from: node) }
                if call?.isOpenAtNode == true { call?.up.append(frame) }
            case .readJournal, .readHubEvents, .readCases, .readDigests: node.reads.append(action)
            case .recordAck(let ack): try record(ack, at: node)
            case .apply(let rows): try apply(rows, at: node)
            case .restore(let wire, let latest, let isLast):
                guard let events = decode(wire, at: node) else { return hangUp(node) }
                let known = node.disk.known(around: events, of: node.origin)
                let tail = NodeCore.Arrival.tail(events, latest: latest, known: known)
                node.post(
                    .tail(wire, latest: latest, isLast: isLast, call: call?.id ?? 0),
                    as: .arrival(tail, cases: tail.cases, .init(size: events.count)), now: now)
            case .repair(let wire):
                guard let events = decode(wire, at: node) else { return hangUp(node) }
                repair(events, at: node)
            case .openWriting:
                node.inbox.isOpen = true
                node.wakeAt = now
                // It writes without what the hub knows of it: from here it may have a branch.
                let own = node.disk.tree(node.origin)
                if !hub.disk.tree(node.origin).heads.allSatisfy({ own.reaches($0) }) {
                    causes.blind.insert(node.origin)
                }
                trace.note("\(node.name) opens writing")
            case .noteWelcome(_, _, let hubReads, let feed):
                node.backOff.succeeded()
                for arrival in [NodeCore.Arrival.hubReads(hubReads), .resume(feed)] {
                    node.post(
                        .arrival(arrival, call: call?.id ?? 0, rows: []),
                        as: .arrival(arrival, cases: [], .init(size: 1)), now: now)
                }
            case .raise(let alarm): ring(alarm, about: node.origin, at: node.origin)
            case .close(let reason, let retryAfter):
                trace.note("\(node.name) closes: \(reason)")
                hangUp(node, retryAfter: Int64(retryAfter))
            }
        }
    }

    private func checkNoEcho(_ events: [WireEvent], from node: NodeProcess) throws {
        for wire in events {
            guard let event = try? Event(wire, hashing: sha256) else { continue }
            guard event.origin == node.origin else { throw Violation("\(node.name) sends what it did not write") }
            guard node.disk.holds(event.hash) else { throw Violation("\(node.name) sends what it has not committed") }
        }
    }

    private func record(_ ack: Ack, at node: NodeProcess) throws {
        for head in ack.heads {
            let place = ChainPlace(incarnation: head.incarnation, seq: head.seq)
            // What it has lost may be acknowledged before it has come back.
            guard let own = node.disk.hash(at: place, of: node.origin) else { continue }
            guard own == head.hash else { throw Violation("\(node.name) got a receipt for what it did not write") }
        }
        node.disk.record(ack)
        ledger.acknowledged(ack, by: node)
    }

    private func apply(_ rows: [FeedRow], at node: NodeProcess) throws {
        var arrived = [(cursor: FeedCursor, event: Event)]()
        for row in rows {
            guard let event = try? Event(row.event, hashing: sha256) else {
                tally.add("event unreadable at a node")
                return hangUp(node)
            }
            arrived.append((row.cursor, event))
        }
        let arrival = NodeCore.Arrival.feed(arrived)
        node.post(
            .arrival(arrival, call: node.call?.id ?? 0, rows: rows),
            as: .arrival(arrival, cases: arrival.cases, .init(size: rows.count)), now: now)
    }

    private func decode(_ wire: [WireEvent], at node: NodeProcess) -> [Event]? {
        var events = [Event]()
        for wire in wire {
            guard let event = try? Event(wire, hashing: sha256) else { return nil }
            events.append(event)
        }
        return events
    }

    /// Mends what is damaged here, then has the writer take what is new.
    private func repair(_ events: [Event], at node: NodeProcess) {
        for event in events where node.disk.mend(event) {
            tally.show(.flipped)
            trace.note("\(node.name) mends \(short(event.hash))")
            ring(Alarm(code: .mended, detail: "a stored event was damaged here"), about: node.origin, at: node.origin)
        }
        let own = events.filter { $0.origin == node.origin }
        let arrival = NodeCore.Arrival.repair(events, known: node.disk.known(around: own, of: node.origin))
        node.post(
            .repair(events, call: node.call?.id ?? 0),
            as: .arrival(arrival, cases: arrival.cases, .init(size: events.count)), now: now)
    }

    // MARK: The writer

    func write(_ node: NodeProcess) throws {
        try drive(node, clock: clock(node), makeCore: { node.makeCore() }) { try hear($0, at: node) }
    }

    func save(_ node: NodeProcess) throws {
        try endCommit(node) {
            try commit($0, at: node)
        } die: {
            crash(node)
        }
    }

    private func commit(_ saving: NodeProcess.Saving, at node: NodeProcess) throws {
        let (batch, effects) = (saving.batch, saving.batch.effects)
        let before = node.disk.position
        try checkKeys(batch, at: node)
        try node.disk.commit(batch, saving.cases)
        if !isCalm, options.has(.hubRestored), effects.numbered.contains(where: { $0.event.isGrant }) {
            isHubDoomed = random.chance(30)
        }
        ledger.committed(effects, at: node.origin)
        // Alarms are saved with what they are about: they are told, though the process may die.
        ring(effects, at: node.origin)
        try checkClock(of: node, batch.becomes.stamp.instant)
        try checkVersions(of: node.core.desk, effects, node.disk.reads)
        for numbered in effects.numbered { trace.note("\(node.name) \(numbered.position) \(label(numbered.event))") }
        if before != node.disk.position {
            tally.add("events", effects.numbered.filter { $0.event.origin == node.origin }.count)
        }
        for (item, outcome) in zip(batch.items, batch.outcomes) {
            guard case .arrival(.feed(let rows), _, _) = item.work, case .success = outcome else { continue }
            ledger.feed(rows.map(\.event), to: node.origin)
        }
    }

    /// Nobody else's wrong clock moves this one.
    private func checkClock(of node: NodeProcess, _ last: Instant) throws {
        guard !causes.ahead.contains(node.origin) else { return }
        guard last.milliseconds <= now.milliseconds + HybridClock.tolerance + 125_000 else {
            throw Violation("the clock of \(node.name) has moved to \(last), and it is \(now)")
        }
    }

    /// After the commit: the link hears what is new, and those who wait how it went.
    private func hear(_ news: WriterNews<NodeCore, NodeWork>, at node: NodeProcess) throws {
        switch news {
        case .saved(let batch):
            if batch.outcomes.count(where: { if case .success(.answer) = $0 { true } else { false } }) > 1 {
                tally.show(.together)
            }
            if batch.effects.numbered.contains(where: { $0.event.origin == node.origin }) {
                try perform(node.link.advanced(to: node.machine.journal), at: node)
            }
        case .done(let work, let outcome): try hear(work, outcome, at: node)
        case .refused(let work, let fault): try hear(work, refused: fault, at: node)
        case .damaged(let id):
            trace.note("\(node.name) finds damage in \(id)")
            try perform(node.link.found(damaged: id), at: node)
        }
    }

    private func hear(_ work: NodeWork, _ outcome: Result<WriterDone, any Error>, at node: NodeProcess) throws {
        switch (work, outcome) {
        case (.wish(let client), .success(.answer(let answer))):
            tally.add("node \(client.request.command.name)")
            try hear(client, answer, at: node)
        case (.wish(let client), _):
            tally.add("refused")
            trace.note("\(node.name) refuses \(client.request.command.name)")
        case (.escalate, _), (.refold, _): break
        case (.arrival(.feed(let arrived), let call, _), .success):
            guard let last = arrived.last, call == node.call?.id else { break }
            try perform(node.link.committed(last.cursor, clock: clock(node)), at: node)
        case (.tail(_, _, let isLast, let call), .success(.effects(let effects))):
            guard call == node.call?.id else { break }
            if !effects.numbered.isEmpty { tally.show(.restoredOnline) }
            try perform(node.link.restored(node.machine.journal, isLast: isLast), at: node)
        case (.repair(let events, let call), .success):
            guard call == node.call?.id else { break }
            try perform(node.link.repaired(casesConcerned(by: events)), at: node)
        case (_, .success): break
        case (_, .failure):
            tally.add("feed fault")
            hangUp(node)
        }
    }

    private func hear(_ work: NodeWork, refused fault: WriterFault, at node: NodeProcess) throws {
        tally.add("not saved")
        var blocked: NodeLink.Action?
        switch work {
        case .wish(let client):
            if case .damaged = fault { break }
            unanswered.append((node, client))
        case .escalate: break
        case .refold(let cases):
            if case .damaged(let id, _) = fault { throw Violation("\(node.name) folds nothing anew because of \(id)") }
            refold(cases, at: node)
        case .arrival(_, let call, let rows): if call == node.call?.id { blocked = .apply(rows) }
        case .tail(let wire, let latest, let isLast, let call):
            if call == node.call?.id { blocked = .restore(wire, latest: latest, isLast: isLast) }
        // What the hub sent does not help: what waits goes on waiting.
        case .repair(_, let call): if call == node.call?.id, fault == .away { hangUp(node) }
        }
        guard let blocked else { return }
        if case .damaged(let id, _) = fault {
            try perform(node.link.blocked(blocked, by: id), at: node)
        } else {
            hangUp(node)
        }
    }

    private func refold(_ cases: [CaseID], at node: NodeProcess) {
        guard !cases.isEmpty else { return }
        node.post(
            .refold(cases), as: .arrival(.refold(cases), cases: cases, .init(size: cases.count, isOwn: true)), now: now)
    }

    /// The process dies and starts again, as another incarnation.
    func crash(_ node: NodeProcess) {
        trace.note("\(node.name) dies")
        hangUp(node)
        restart(node)
    }

    func restart(_ node: NodeProcess) {
        for work in node.forgetAll(as: random.next(), isOpen: false, now: now) {
            if case .wish(let client) = work { unanswered.append((node, client)) }
        }
        node.reads = []
        node.link = NodeLink(startedAt: now)
        node.backOff = BackOff()
        node.dialAt = now + Int64(random.below(2_000))
        trace.note("\(node.name) starts at seq \(node.disk.head.seq)")
        if node.reader > 1 { refold(unread(node.disk), at: node) }
    }
}
