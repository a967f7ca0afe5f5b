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
                node.queue.append(.tail(wire, events, latest: latest, isLast: isLast, call: call?.id ?? 0))
            case .repair(let wire):
                guard let events = decode(wire, at: node) else { return hangUp(node) }
                node.queue.append(.repair(events, call: call?.id ?? 0))
            case .openWriting:
                node.isWriting = true
                // It writes without what the hub knows of it: from here it may have a branch.
                let own = node.disk.tree(node.origin)
                if !hub.disk.tree(node.origin).heads.allSatisfy({ own.reaches($0) }) {
                    causes.blind.insert(node.origin)
                }
                trace.note("\(node.name) opens writing")
            case .noteWelcome(_, _, let hubReads, let feed):
                node.backOff.succeeded()
                node.queue.append(.arrival(.hubReads(hubReads), call: call?.id ?? 0, rows: []))
                node.queue.append(.arrival(.resume(feed), call: call?.id ?? 0, rows: []))
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
        node.queue.append(.arrival(.feed(arrived), call: node.call?.id ?? 0, rows: rows))
    }

    private func decode(_ wire: [WireEvent], at node: NodeProcess) -> [Event]? {
        var events = [Event]()
        for wire in wire {
            guard let event = try? Event(wire, hashing: sha256) else { return nil }
            events.append(event)
        }
        return events
    }

    // MARK: The writer

    func load(_ cases: [CaseID], at node: NodeProcess) -> CaseID? {
        for id in cases where !node.core.desk.isLoaded(id) {
            if node.disk.isDamaged(id) { return id }
            node.core.desk.load(id, events: node.disk.events(of: id))
        }
        return nil
    }

    /// One decision of a batch.
    private enum Outcome {
        case effects(Effects)
        case refused
        case faulty
        case damaged(CaseID)
    }

    private func decide(_ work: NodeWork, at node: NodeProcess) -> Outcome {
        let now = clock(node)
        do {
            switch work {
            case .wish(let wish):
                if let damaged = load([wish.caseID], at: node) { return .damaged(damaged) }
                return .effects(try node.core.decide(wish, now: now, random: &random))
            case .escalate(let id):
                if let damaged = load([id], at: node) { return .damaged(damaged) }
                return .effects(try node.core.escalate(id, now: now, random: &random))
            case .refold(let cases): return try take(.refold(cases.filter { !node.disk.isDamaged($0) }), at: node)
            case .arrival(let arrival, _, _): return try take(arrival, at: node)
            case .tail(_, let events, let latest, _, _):
                return try take(
                    .tail(events, latest: latest, known: node.disk.known(around: events, of: node.origin)), at: node)
            case .repair(let events, _):
                for event in events where node.disk.mend(event) {
                    tally.show(.flipped)
                    trace.note("\(node.name) mends \(short(event.hash))")
                    let alarm = Alarm(code: .mended, detail: "a stored event was damaged here")
                    ring(alarm, about: node.origin, at: node.origin)
                    // An upgrade may have passed it over.
                    if let id = event.caseID { node.queue.append(.refold([id])) }
                }
                let own = events.filter { $0.origin == node.origin }
                return try take(.repair(events, known: node.disk.known(around: own, of: node.origin)), at: node)
            }
        } catch is Refusal {
            return .refused
        } catch {
            return .faulty
        }
    }

    private func take(_ arrival: NodeCore.Arrival, at node: NodeProcess) throws -> Outcome {
        if let damaged = load(arrival.cases, at: node) { return .damaged(damaged) }
        return .effects(try node.core.take(arrival, now: clock(node), random: &random))
    }

    /// The writer takes some of what waits and commits it in one transaction.
    func write(_ node: NodeProcess) throws {
        let limit = 1 + random.below(4)
        var batch = [NodeWork]()
        var rest = [NodeWork]()
        for work in node.queue {
            if batch.count < limit, node.isWriting || !work.isOwn { batch.append(work) } else { rest.append(work) }
        }
        guard !batch.isEmpty else { return }
        node.queue = rest
        while true {
            var total = Effects()
            let outcomes = batch.map { work in
                let outcome = decide(work, at: node)
                if case .effects(let effects) = outcome { total.append(effects) }
                return outcome
            }
            let fate = total.isEmpty ? .commits : fate()
            if fate == .commits || fate == .keepsUnknown || fate == .diesAfter {
                try commit(total, at: node)
                for (work, outcome) in zip(batch, outcomes) {
                    if case .arrival(.feed(let rows), _, _) = work, case .effects = outcome {
                        ledger.feed(rows.map(\.event), to: node.origin)
                    }
                }
            }
            switch fate {
            case .refuses, .losesUnknown:
                node.reload()
                continue
            case .keepsUnknown: node.reload()
            case .diesBefore, .diesAfter: return crash(node)
            case .commits: break
            }
            return try tell(Array(zip(batch, outcomes)), total, at: node)
        }
    }

    private func commit(_ effects: Effects, at node: NodeProcess) throws {
        let before = node.disk.position
        try node.disk.commit(effects, of: node.core)
        if !isCalm, options.has(.hubRestored), effects.numbered.contains(where: { $0.event.isGrant }) {
            isHubDoomed = random.chance(30)
        }
        ledger.committed(effects, at: node.origin)
        // Alarms are saved with what they are about: they are told, though the process may die.
        ring(effects, at: node.origin)
        try checkClock(of: node)
        try checkVersions(of: node.core.desk, effects, node.disk.reads)
        for numbered in effects.numbered { trace.note("\(node.name) \(numbered.position) \(label(numbered.event))") }
        if before != node.disk.position {
            tally.add("events", effects.numbered.filter { $0.event.origin == node.origin }.count)
        }
    }

    /// Nobody else's wrong clock moves this one.
    private func checkClock(of node: NodeProcess) throws {
        guard !causes.ahead.contains(node.origin) else { return }
        let last = node.core.desk.writer.clock.last.instant
        guard last.milliseconds <= now.milliseconds + HybridClock.tolerance + 125_000 else {
            throw Violation("the clock of \(node.name) has moved to \(last), and it is \(now)")
        }
    }

    /// After the commit: those who wait hear of it.
    private func tell(_ batch: [(NodeWork, Outcome)], _ total: Effects, at node: NodeProcess) throws {
        var commands = 0
        for (work, outcome) in batch {
            switch (work, outcome) {
            case (.wish(let wish), .effects):
                commands += 1
                tally.add("node \(wish.command.name)")
            case (.wish(let wish), .refused):
                tally.add("refused")
                trace.note("\(node.name) refuses \(wish.command.name)")
            case (.arrival(.feed(let arrived), let call, _), .effects):
                guard let last = arrived.last, call == node.call?.id else { break }
                try perform(node.link.committed(last.cursor, clock: clock(node)), at: node)
            case (.arrival(_, let call, let rows), .damaged(let id)):
                if call == node.call?.id { try perform(node.link.blocked(.apply(rows), by: id), at: node) }
            case (.tail(let wire, _, let latest, let isLast, let call), .damaged(let id)):
                guard call == node.call?.id else { break }
                try perform(node.link.blocked(.restore(wire, latest: latest, isLast: isLast), by: id), at: node)
            case (.tail(_, _, _, let isLast, let call), .effects):
                guard call == node.call?.id else { break }
                if total.numbered.isEmpty == false { tally.show(.restoredOnline) }
                try perform(node.link.restored(node.core.desk.journal, isLast: isLast), at: node)
            case (.repair(let events, let call), .effects):
                if call == node.call?.id {
                    try perform(node.link.repaired(casesConcerned(by: events)), at: node)
                }
            case (_, .faulty):
                tally.add("feed fault")
                hangUp(node)
            case (.wish, .damaged(let id)), (.escalate, .damaged(let id)), (.repair, .damaged(let id)):
                try perform(node.link.found(damaged: id), at: node)
            default: break
            }
        }
        if commands > 1 { tally.show(.together) }
        if total.numbered.contains(where: { $0.event.origin == node.origin }) {
            try perform(node.link.advanced(to: node.core.desk.journal), at: node)
        }
    }

    /// The process dies and starts again, as another incarnation.
    func crash(_ node: NodeProcess) {
        trace.note("\(node.name) dies")
        hangUp(node)
        restart(node)
    }

    func restart(_ node: NodeProcess) {
        node.incarnation = random.next()
        node.queue = []
        node.reads = []
        node.reload()
        node.link = NodeLink(startedAt: now)
        node.backOff = BackOff()
        node.isWriting = false
        node.dialAt = now + Int64(random.below(2_000))
        trace.note("\(node.name) starts at seq \(node.disk.head.seq)")
        if node.reader > 1 { node.queue.append(.refold(unread(node.disk))) }
    }
}
