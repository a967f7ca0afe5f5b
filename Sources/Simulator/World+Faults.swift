import Casework
import Federation

/// What goes wrong outside of commits.
extension World {
    private static let happening: Set<FaultKind> = [
        .nodeCrash, .hubCrash, .memoryDropped, .cut, .oneWayCut, .halfOpen, .flapping, .longOffline, .allReturn,
        .nodeRestoredOnline, .nodeRestoredOffline, .hubRestored, .twoCopies, .flipAtNode, .flipAtHub, .flipInPart,
        .flipInFrame, .clockAhead, .clockBack, .hubClockBack, .timePasses, .versionSkew,
    ]

    func injectFault() throws {
        let drawn = options.faults.filter { Self.happening.contains($0) }
        if let kind = random.pick(drawn) { try injectFault(kind) }
    }

    func injectFault(_ kind: FaultKind) throws {
        guard let node = random.pick(running), try inject(kind, node) else { return }
        tally.add(kind)
        trace.note("fault: \(kind.rawValue)")
    }

    /// Returns whether there was anything to break.
    private func inject(_ kind: FaultKind, _ node: NodeProcess) throws -> Bool {
        switch kind {
        case .nodeCrash: crash(node)
        case .hubCrash:
            hub.downUntil = now + Int64(random.below(options.pace * 10))
            crashHub()
        case .memoryDropped:
            hub.machine.forgetCases()
            for node in nodes { node.machine.forgetCases() }
        case .cut: return cut(node)
        case .oneWayCut:
            guard let call = node.call else { return false }
            let until = now + Int64(1 + random.below(options.pace * 40))
            if random.chance(50) { call.upStalledUntil = until } else { call.downStalledUntil = until }
            tally.show(.cut)
        case .halfOpen:
            guard let call = node.call, call.isOpenAtHub else { return false }
            // The hub's side is gone and the node has not heard of it, or the other way round.
            if random.chance(50) { drop(call) } else { hangUp(node) }
        case .flapping:
            guard cut(node) else { return false }
            node.dialAt = now
            node.backOff.succeeded()
            tally.show(.cut)
        case .longOffline:
            hangUp(node)
            node.isolatedUntil = now + Int64(options.pace) * Int64(50 + random.below(100))
            tally.show(.cut)
        case .allReturn:
            let back = now + Int64(options.pace) * Int64(30 + random.below(60))
            for node in running {
                hangUp(node)
                node.isolatedUntil = back
                node.dialAt = back
            }
            tally.show(.allReturn)
        case .timePasses:
            let span = [Instant.hour, Instant.day, 21 * Instant.day, 366 * Instant.day][random.below(4)]
            now = now + span
            if span > 300 * Instant.day { tally.add("a year passes") }
        case .nodeRestoredOnline, .nodeRestoredOffline: return restore(node, isOnline: kind == .nodeRestoredOnline)
        case .hubRestored: return restoreHub()
        case .twoCopies: return copy(node)
        case .flipAtNode: return flip(&node.disk, of: node.origin, inPart: false)
        case .flipAtHub: return flip(&hub.disk, of: .hub, inPart: false)
        case .flipInPart:
            return random.chance(50)
                ? flip(&node.disk, of: node.origin, inPart: true) : flip(&hub.disk, of: .hub, inPart: true)
        case .flipInFrame: return flipFrame(node)
        case .clockAhead:
            node.skew = [20 * Instant.minute, Instant.day, 365 * Instant.day][random.below(3)]
            causes.ahead.insert(node.origin)
        case .clockBack: node.skew -= [Instant.minute, Instant.hour, 30 * Instant.day][random.below(3)]
        case .hubClockBack:
            hub.skew -= [Instant.minute, Instant.hour][random.below(2)]
            causes.hubClock = true
        case .versionSkew: return upgrade(node)
        default: return false
        }
        return true
    }

    private func cut(_ node: NodeProcess) -> Bool {
        guard let call = node.call else { return false }
        if !call.up.isEmpty || !call.down.isEmpty { tally.show(.cut) }
        hangUp(node)
        return true
    }

    /// The hub is upgraded first as a rule, then nodes, in any order; now and then one goes back to its earlier version.
    func upgrade(_ node: NodeProcess) -> Bool {
        if hub.reader < 2, random.chance(80) {
            hub.reader = 2
            crashHub()
        } else if node.reader < 2 {
            upgradeNode(node)
        } else if random.chance(40) {
            node.reader = 1
            trace.note("\(node.name) goes back to its earlier version")
            crash(node)
        } else {
            return false
        }
        return true
    }

    func upgradeNode(_ node: NodeProcess) {
        node.reader = 2
        crash(node)
        if !unread(node.disk).isEmpty { tally.show(.versionSkew) }
    }

    /// What the old version could not read: a program that starts reads it anew.
    func unread(_ disk: Disk) -> [CaseID] {
        disk.cases.filter { id in
            let old = Fold.fold(id, disk.events(of: id), reader: 1)
            return old.parkedBy != nil || old.hasNewer
        }
    }

    // MARK: Disks

    /// Keeps a copy of a disk, for a restore to come.
    func takeImage() {
        if random.chance(30) {
            keepImage(of: hub)
        } else if let node = random.pick(running), node.disk.damage.isEmpty {
            node.images.append(node.disk)
            if node.images.count > 3 { node.images.removeFirst() }
        }
    }

    func keepImage(of hub: HubProcess) {
        // Damage in a backup beside another failure is more than is promised.
        guard !isCalm, hub.disk.damage.isEmpty else { return }
        hub.images.append(hub.disk)
        if hub.images.count > 3 { hub.images.removeFirst() }
    }

    /// Who else holds an event: its origin's disks and the hub's, which give it back, or only others, who cannot.
    private func holders(_ event: Event, but node: NodeProcess?) -> (authoritative: Bool, any: Bool) {
        var (authoritative, any) = (false, false)
        if node != nil, hub.disk.accepted(event.hash, of: event.origin) { authoritative = true }
        for other in running where other !== node && other.disk.holds(event.hash) {
            any = true
            if other.origin == event.origin { authoritative = true }
            if event.origin == .hub, other.disk.event(event.hash)?.part != .withheld { authoritative = true }
        }
        // What its writer has taken in hand, it will commit.
        if running.contains(where: { $0 !== node && $0.isTaking(event.hash) }) { any = true }
        return (authoritative, any || authoritative)
    }

    /// Whether a disk may go back to an image: one failure at a time is survived, so nothing that it loses may be known
    /// only to those who cannot give it back. What nobody else has may be lost.
    private func mayForget(_ lost: [Event], at node: NodeProcess?) -> Bool {
        var gone = [EventHash]()
        for event in lost {
            let (authoritative, any) = holders(event, but: node)
            if authoritative { continue }
            if any { return false }
            gone.append(event.hash)
        }
        for hash in gone { ledger.lose(hash) }
        return true
    }

    private func restore(_ node: NodeProcess, isOnline: Bool) -> Bool {
        guard let image = random.pick(node.images), image.position < node.disk.position, !node.isCopy else {
            return false
        }
        let lost = node.disk.events.filter { !image.holds($0.hash) }
        // A damaged row elsewhere is a failure already.
        guard node.disk.damage.isEmpty, hub.disk.damage.isEmpty, mayForget(lost, at: node) else { return false }
        // An image of before an earlier restore brings the line back that was left then.
        if image.events.contains(where: { !node.disk.holds($0.hash) }) { causes.blind.insert(node.origin) }
        node.call?.up = []
        hangUp(node)
        node.disk = image
        // What it had sent before may be committed only after it has begun to write again.
        let isUnderWay =
            hub.works.values.contains { $0.call?.peer == node.origin }
            || calls.contains { $0.peer == node.origin && !$0.up.isEmpty }
        if isUnderWay { causes.blind.insert(node.origin) }
        causes.restored.insert(node.origin)
        tally.add("restores")
        if !isOnline { node.isolatedUntil = now + Int64(options.pace) * Int64(40 + random.below(80)) }
        now = now + Instant.minute
        restart(node)
        return true
    }

    private func restoreHub() -> Bool {
        guard let image = random.pick(hub.images), image.position < hub.disk.position else { return false }
        var lost = hub.disk.events.filter { !image.holds($0.hash) }
        for origin in hub.disk.held.keys.sorted() {
            lost += (hub.disk.held[origin] ?? []).filter { !image.accepted($0.hash, of: origin) }
        }
        guard hub.disk.damage.isEmpty, running.allSatisfy({ $0.disk.damage.isEmpty }), mayForget(lost, at: nil) else {
            return false
        }
        for call in calls { call.down = [] }
        for call in calls { drop(call) }
        let before = hub.disk.known
        hub.disk = image
        // A backup of the line that an earlier restore left may know of a node what the node itself has lost.
        for node in running
        where !hub.disk.tree(node.origin).heads.allSatisfy({ node.disk.tree(node.origin).reaches($0) }) {
            causes.blind.insert(node.origin)
        }
        hub.isToldRestored = isTold
        causes.hubRestored = true
        causes.forgotten.formUnion(before.subtracting(hub.disk.known))
        tally.add("restores")
        // To bring a backup back takes minutes.
        now = now + 2 * Instant.minute
        hub.downUntil = now + Int64(random.below(options.pace * 20))
        restartHub()
        return true
    }

    /// A disk, copied as it is or as it was, is started beside the one that runs.
    private func copy(_ node: NodeProcess) -> Bool {
        guard !nodes.contains(where: { $0.isCopy }), !node.disk.isForgotten, node.disk.damage.isEmpty else {
            return false
        }
        let twin = NodeProcess(
            id: nodes.count, disk: random.chance(50) ? node.disk : random.pick(node.images) ?? node.disk,
            incarnation: random.next(), reader: node.reader, later: later, bounds: bounds, now: now)
        twin.isCopy = true
        twin.skew = node.skew
        nodes.append(twin)
        causes.copied.insert(node.origin)
        return true
    }

    /// One bit of a stored event changes, where somebody else can send it again.
    private func flip(_ disk: inout Disk, of owner: Origin, inPart: Bool) -> Bool {
        let candidates = disk.events.filter { event in
            guard let id = event.caseID, !inPart || event.part.bytes != nil else { return false }
            if owner == .hub {
                // Whole, with its part, at an office that may return it.
                return running.contains { node in
                    (event.origin == node.origin || (event.origin == .hub && node.origin == id.home))
                        && node.disk.event(event.hash)?.part == event.part && !node.disk.isDamaged(id)
                        && !node.isCopy
                }
            }
            guard let twin = hub.disk.event(event.hash), !hub.disk.isDamaged(id) else { return false }
            let visible = HubCore.visible(hub.disk.events(of: id), of: id, to: owner).first { $0.hash == twin.hash }
            return visible.map { $0.part == event.part || event.part.bytes == nil } ?? false
        }
        // One failure at a time: what mends the last one may still be on its way to the writer.
        guard disk.damage.isEmpty, !isRepairing(owner), let event = random.pick(candidates) else { return false }
        var wire = WireEvent(event)
        if inPart, var bytes = event.part.bytes {
            bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
            wire.part = .present(bytes)
        } else {
            wire.bytes[random.below(wire.bytes.count)] ^= 1 << UInt8(random.below(8))
        }
        disk.damage(event.hash, wire)
        trace.note("\(owner)'s copy of \(label(event)) is damaged\(inPart ? " in its part" : "")")
        if owner == .hub {
            causes.hubFlipped = true
            hub.machine.forgetCases()
        } else {
            causes.flipped.insert(owner)
            for node in nodes where node.origin == owner { node.machine.forgetCases() }
        }
        return true
    }

    private func isRepairing(_ owner: Origin) -> Bool {
        if owner == .hub { return hub.works.values.contains { if case .repair = $0 { true } else { false } } }
        return nodes.contains { node in
            node.origin == owner && node.works.values.contains { if case .repair = $0 { true } else { false } }
        }
    }

    /// One bit of an event under way changes; what carries it names the hash that it should have.
    private func flipFrame(_ node: NodeProcess) -> Bool {
        guard let call = node.call else { return false }
        for index in call.down.indices {
            switch call.down[index] {
            case .feed(var rows) where !rows.isEmpty:
                flip(&rows[random.below(rows.count)].event)
                call.down[index] = .feed(rows)
            case .history(var history) where !history.events.isEmpty:
                flip(&history.events[random.below(history.events.count)])
                call.down[index] = .history(history)
            default: continue
            }
            causes.flipped.insert(node.origin)
            return true
        }
        for index in call.up.indices {
            switch call.up[index] {
            case .events(var events) where !events.isEmpty:
                flip(&events[random.below(events.count)])
                call.up[index] = .events(events)
            case .history(var history) where !history.events.isEmpty:
                flip(&history.events[random.below(history.events.count)])
                call.up[index] = .history(history)
            default: continue
            }
            causes.flipped.insert(node.origin)
            return true
        }
        return false
    }

    private func flip(_ event: inout WireEvent) {
        if random.chance(30), var part = event.part.bytes {
            part[random.below(part.count)] ^= 1 << UInt8(random.below(8))
            event.part = .present(part)
            return
        }
        event.bytes[random.below(event.bytes.count)] ^= 1 << UInt8(random.below(8))
    }
}
