import Casework
import Federation

/// What a seed lets happen: first with faults, then without, until nothing moves.
extension World {
    private enum Motion {
        case dial(NodeProcess)
        case toHub(LinkSession)
        case toNode(LinkSession)
        case writeAtHub
        case write(NodeProcess)
        /// A commit under way ends.
        case saveAtHub
        case save(NodeProcess)
        case read(NodeProcess)
        case readAtHub(LinkSession)
        /// A side learns that the other is gone.
        case nodeNotices(NodeProcess)
        case hubNotices(LinkSession)
    }

    /// The safety phase.
    func runWithFaults() throws {
        for _ in 0..<options.steps { try step() }
    }

    private func step() throws {
        now = now + Int64(random.below(options.pace))
        if random.below(1000) < options.faultRate { try injectFault() }
        if isHubDoomed {
            isHubDoomed = false
            try injectFault(.hubRestored)
        }
        if random.chance(4) { takeImage() }
        if random.chance(8), let node = random.pick(running) { try tick(node) }
        if let stranger, random.chance(6) { try stranger.act(in: self) }
        if random.chance(options.work) { return try work() }
        if random.chance(3) { return try look() }
        let motions = motions()
        if !motions.isEmpty { try perform(motions[random.below(motions.count)]) }
    }

    private func tick(_ node: NodeProcess) throws {
        try perform(node.link.tick(now: now), at: node)
        if random.chance(50) { try perform(node.link.report(clock: clock(node)), at: node) }
    }

    private func motions() -> [Motion] {
        var motions = [Motion]()
        for call in calls {
            if call.isOpenAtHub, isHubUp {
                if !call.up.isEmpty, call.waiting == 0, call.submitted < 3, now >= call.upStalledUntil {
                    motions.append(.toHub(call))
                }
                if !call.reads.isEmpty { motions.append(.readAtHub(call)) }
                if !call.isOpenAtNode, call.up.isEmpty { motions.append(.hubNotices(call)) }
            } else if !call.isOpenAtHub, !call.up.isEmpty {
                call.up = []
            }
            guard call.isOpenAtNode, let node = call.node else { continue }
            if !call.down.isEmpty {
                if !node.isBusy, now >= call.downStalledUntil { motions.append(.toNode(call)) }
            } else if !call.isOpenAtHub {
                motions.append(.nodeNotices(node))
            }
        }
        if isHubUp {
            if hub.isAwake(now) { motions.append(.writeAtHub) }
            if !hub.saving.isEmpty { motions.append(.saveAtHub) }
        }
        for node in nodes where !node.isStopped {
            if node.call == nil, isHubUp, !node.isBusy, now >= max(node.dialAt, node.isolatedUntil) {
                motions.append(.dial(node))
            }
            if node.isAwake(now) { motions.append(.write(node)) }
            if !node.saving.isEmpty { motions.append(.save(node)) }
            if !node.reads.isEmpty { motions.append(.read(node)) }
        }
        return motions
    }

    private func perform(_ motion: Motion) throws {
        switch motion {
        case .dial(let node): try dial(node)
        case .toHub(let call): try deliverToHub(call)
        case .toNode(let call): try deliverToNode(call)
        case .writeAtHub: try writeAtHub()
        case .write(let node): try write(node)
        case .saveAtHub: try saveAtHub()
        case .save(let node): try save(node)
        case .read(let node): try read(node)
        case .readAtHub(let call): try read(call)
        case .nodeNotices(let node): hangUp(node)
        case .hubNotices(let call): drop(call)
        }
    }

    // MARK: The end

    /// The liveness phase: faults stop, people act on what waits for them, and everything must arrive.
    func comeToRest() throws {
        isCalm = true
        trace.note("faults are over")
        for node in nodes {
            node.skew = max(-120_000, min(120_000, node.skew))
            node.isolatedUntil = now
            node.dialAt = min(node.dialAt, now + Instant.minute)
        }
        hub.skew = 0
        hub.downUntil = now
        for call in calls { (call.upStalledUntil, call.downStalledUntil) = (now, now) }
        if let stranger { stranger.leave(self) }
        // Two copies of one node never rest: each ends the other's call.
        let twins = running.filter(\.isCopy).map(\.origin)
        // Nobody stops a server while another mends its damage from it, or while a restored hub asks for what it forgot.
        if !twins.isEmpty { try settle { self.areTold(twins) && self.isUndamaged && self.areHeard(twins) } }
        causes.met.formUnion(twins)
        if twins.isEmpty { try settle() }
        // With everybody connected anew: what was lost with a call must not be missing. And once more: what a call of before
        // was still bringing, of a copy that was stopped, comes back to its node with the next.
        for round in 0..<4 {
            guard try peopleAct() || round < 2 else { break }
            for node in running { hangUp(node) }
            try settle()
        }
        // Night falls: all digests are compared.
        now = now + 2 * Instant.day
        try settle()
    }

    private var isUndamaged: Bool { hub.disk.damage.isEmpty && running.allSatisfy { $0.disk.damage.isEmpty } }

    private func areHeard(_ twins: [Origin]) -> Bool {
        running.filter { twins.contains($0.origin) }.allSatisfy { twin in
            twin.disk.written(by: twin.origin).allSatisfy { event in
                hub.disk.accepted(event.hash, of: twin.origin)
                    || !running.contains { $0 !== twin && $0.disk.holds(event.hash) }
            }
        }
    }

    private func areTold(_ twins: [Origin]) -> Bool {
        twins.allSatisfy { twin in
            alarms.contains { $0.at == .hub && $0.about == twin && [.twoCopies, .fenced].contains($0.alarm.known) }
        }
    }

    /// Moves until nothing moves any more and no timer is left that matters, or until something has come about.
    private func settle(until hasCome: (() -> Bool)? = nil) throws {
        var idle = 0
        var reached: UInt64 = 0
        for count in 0... {
            now = now + 1
            if let hasCome, hasCome() || count > 20_000 { return }
            let motions = motions()
            if !motions.isEmpty {
                guard count < 150_000 else {
                    throw Stuck("after \(count) steps without faults there is still traffic")
                }
                try perform(motions[random.below(motions.count)])
                continue
            }
            if hasCome == nil, isAtRest, idle >= 3 { return }
            idle = reached == progress ? idle + 1 : 0
            reached = progress
            guard idle < 60 || hasCome != nil else { throw Stuck(whyNotAtRest) }
            now = now + 11 * Instant.second
            for node in running {
                try perform(node.link.tick(now: now), at: node)
                try perform(node.link.report(clock: clock(node)), at: node)
            }
        }
    }

    /// Grows with everything that is saved, and with every call.
    private var progress: UInt64 {
        running.reduce(hub.disk.position + UInt64(dialled)) { $0 + $1.disk.position + UInt64($1.disk.acks.count) }
    }

    private var isAtRest: Bool { whyNotAtRest.isEmpty }

    private var whyNotAtRest: String {
        if !hub.works.isEmpty { return "the hub has not answered \(hub.works.count)" }
        for node in running {
            if node.call == nil { return "\(node.name) is not connected" }
            guard case .live = node.link.state else { return "\(node.name) is not welcome" }
            if !node.isWriting { return "\(node.name) does not write" }
            if !node.works.isEmpty { return "\(node.name) has not answered \(node.works.count)" }
            if node.link.backlog > 0 { return "\(node.name) waits for \(node.link.backlog) receipts" }
        }
        return ""
    }

    /// Copies are stopped, quarantines lifted, old programs upgraded, damage looked at. Returns whether there was any.
    private func peopleAct() throws -> Bool {
        var acted = false
        for twin in running where twin.isCopy {
            try choose(among: running.filter { $0.origin == twin.origin })
            acted = true
        }
        if hub.reader < running.map(\.reader).max() ?? 1 {
            hub.reader = 2
            crashHub()
            acted = true
        }
        for node in running where node.reader < hub.reader {
            upgradeNode(node)
            acted = true
        }
        for origin in hub.disk.quarantined.sorted() where !isQueued(origin) {
            release(origin, keep: nil)
            acted = true
        }
        if let awaited = hub.core.restoration?.awaited.sorted() {
            for origin in awaited where !running.contains(where: { $0.origin == origin }) && !isQueued(origin) {
                release(origin, keep: nil)
                acted = true
            }
        }
        // What was not answered is asked again.
        while !unanswered.isEmpty {
            askAgain(0)
            acted = true
        }
        return try lookAtDamage() || acted
    }

    private func isQueued(_ origin: Origin) -> Bool {
        hub.works.values.contains { if case .release(origin, _) = $0 { true } else { false } }
    }

    /// A person stops one of two copies and tells the hub which goes on.
    private func choose(among twins: [NodeProcess]) throws {
        guard let kept = random.pick(twins) else { return }
        for other in twins where other !== kept {
            hangUp(other)
            other.isStopped = true
            trace.note("\(other.name) of \(other.origin) is stopped for good, \(kept.name) goes on")
            for event in other.disk.events
            where !hub.disk.accepted(event.hash, of: event.origin)
                && !running.contains(where: { $0.disk.holds(event.hash) })
            {
                ledger.lose(event.hash)
            }
        }
        kept.isCopy = false
        if hub.disk.quarantined.contains(kept.origin) {
            tally.add("releases with keep")
            release(kept.origin, keep: kept.incarnation)
        }
    }

    private func lookAtDamage() throws -> Bool {
        var found = false
        for node in running {
            for id in node.disk.cases where node.disk.isDamaged(id) {
                try perform(node.link.found(damaged: id), at: node)
                found = true
            }
        }
        for id in hub.disk.cases where hub.disk.isDamaged(id) {
            try ask(for: id)
            found = true
        }
        return found
    }

    /// Somebody opens a page: what is damaged is found, and not shown.
    private func look() throws {
        if random.chance(30) {
            if let id = random.pick(hub.disk.cases), hub.disk.isDamaged(id) { try ask(for: id) }
        } else if let node = random.pick(running), let id = random.pick(node.disk.cases), node.disk.isDamaged(id) {
            try perform(node.link.found(damaged: id), at: node)
        }
    }
}
