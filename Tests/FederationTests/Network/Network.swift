import Casework
import Testing

@testable import Federation

/// A server: its disk, and what it has in memory.
struct Host<Core: ServerCore> {
    var disk: Disk
    var core: Core
    /// Milliseconds by which its wall clock is wrong.
    var skew: Int64 = 0
    /// Starts of its process.
    var starts: UInt64 = 1

    var origin: Origin { disk.origin }

    mutating func load(_ cases: [CaseID]) {
        for id in cases where !core.desk.isLoaded(id) { core.desk.load(id, events: disk.events(of: id)) }
    }

    mutating func commit(_ effects: Effects) throws { try disk.commit(effects, of: core) }
}

/// One call between a node and the hub; either side may think it open when the other does not.
struct LinkedCall {
    let node: Origin
    var machine: HubLink
    var up: [NodeFrame] = []
    var down: [HubFrame] = []
    var isOpenAtNode = true
    var isOpenAtHub = true
    /// The hub reads the next frame only when the last batch is committed.
    var isCommitting = false
    var feedWanted: UInt64?
}

/// Nodes and a hub, wired by the real machines. Every choice comes from one seed: time, randomness, which frame moves,
/// what is cut, who crashes and when. It carries out what the machines say, as the drivers do, and decides nothing.
struct Network {
    static let generation: UInt64 = 77

    let origins: [Origin]
    var random: SeededGenerator
    /// The true time; it passes with every step.
    var now = Docket.start
    /// In the order of `origins`.
    var nodes: [Host<NodeCore>] = []
    var links: [Origin: NodeLink] = [:]
    /// What each node is asked to read of its journal.
    var journalWanted: [Origin: UInt64] = [:]
    var hub: Host<HubCore>
    var calls: [Int: LinkedCall] = [:]
    private(set) var dialled = 0
    /// Batches that wait for the hub's committer.
    var waiting: [(call: Int, arrival: HubCore.Arrival)] = []
    var alarms: [(origin: Origin, alarm: Alarm)] = []
    /// How often what happened, by name: a run proves little if the interesting never came.
    var tally: [String: Int] = [:]

    init(seed: UInt64, nodes count: Int) {
        random = SeededGenerator(seed: seed)
        origins = [3, 23, 7, 11].prefix(count).map { Origin.provinces[$0] }
        let disk = Disk(origin: .hub)
        hub = Host(disk: disk, core: Self.hubCore(disk, incarnation: 1))
        for origin in origins {
            let disk = Disk(origin: origin)
            nodes.append(Host(disk: disk, core: Self.nodeCore(disk, incarnation: 1)))
            links[origin] = NodeLink()
        }
    }

    // MARK: Processes

    private static func desk(_ disk: Disk, incarnation: UInt64) -> Desk {
        Desk(
            writer: JournalWriter(
                origin: disk.origin, incarnation: incarnation, continuing: disk.head,
                clock: HybridClock(last: disk.stamp)),
            tree: .standard, calendar: .standard, hashing: sha256)
    }

    private static func nodeCore(_ disk: Disk, incarnation: UInt64) -> NodeCore {
        NodeCore(desk: desk(disk, incarnation: incarnation), cursor: disk.cursor, position: disk.position)
    }

    private static func hubCore(_ disk: Disk, incarnation: UInt64) -> HubCore {
        HubCore(
            desk: desk(disk, incarnation: incarnation), chains: disk.chains, position: disk.position,
            feeds: disk.feeds.mapValues { UInt64($0.count) })
    }

    /// The writer drops its memory and reads the store anew, as after a failed commit.
    mutating func reload(_ origin: Origin) {
        guard origin != .hub else {
            hub.core = Self.hubCore(hub.disk, incarnation: hub.starts)
            return
        }
        let host = node(origin)
        nodes[place(origin)].core = Self.nodeCore(host.disk, incarnation: host.starts)
    }

    /// The process dies and starts again, as another incarnation.
    mutating func crash(_ origin: Origin) {
        tally["crash of \(origin == .hub ? "hub" : "node")", default: 0] += 1
        if origin == .hub {
            hub.starts += 1
            waiting = []
            for id in calls.keys { calls[id]?.isOpenAtHub = false }
        } else {
            nodes[place(origin)].starts += 1
            hangUp(origin)
        }
        reload(origin)
    }

    func node(_ origin: Origin) -> Host<NodeCore> { nodes[place(origin)] }

    func place(_ origin: Origin) -> Int {
        guard let place = origins.firstIndex(of: origin) else { preconditionFailure("no node \(origin)") }
        return place
    }

    func clock(_ origin: Origin) -> Instant { now + (origin == .hub ? 0 : node(origin).skew) }

    // MARK: Connections

    mutating func connect(_ origin: Origin) throws {
        dialled += 1
        calls[dialled] = LinkedCall(node: origin, machine: HubLink(peer: origin))
        let disk = node(origin).disk
        let hello = Hello(
            origin: origin, heads: [disk.head], cursor: disk.cursor, hubHeads: disk.chains[.hub]?.heads ?? [],
            clock: clock(origin), backlog: disk.head.seq - disk.acknowledged)
        try perform(link(origin) { $0.connected(hello) }, at: origin)
    }

    /// The node's side of its call is gone. What it had sent may still be under way to the hub.
    mutating func hangUp(_ origin: Origin) {
        links[origin]?.closed()
        journalWanted[origin] = nil
        for (id, call) in calls where call.node == origin { close(id, atNode: true) }
    }

    private mutating func close(_ id: Int, atNode: Bool) {
        if atNode {
            calls[id]?.isOpenAtNode = false
            calls[id]?.down = []
        } else {
            calls[id]?.isOpenAtHub = false
            calls[id]?.machine.closed()
        }
    }

    func openCall(of origin: Origin) -> Int? {
        calls.filter { $0.value.node == origin && $0.value.isOpenAtNode }.keys.max()
    }

    private mutating func link(_ origin: Origin, _ input: (inout NodeLink) -> [NodeLink.Action]) -> [NodeLink.Action] {
        guard var machine = links[origin] else { return [] }
        defer { links[origin] = machine }
        return input(&machine)
    }

    private mutating func machine(_ id: Int, _ input: (inout HubLink) -> [HubLink.Action]) -> [HubLink.Action] {
        guard var machine = calls[id]?.machine else { return [] }
        defer { calls[id]?.machine = machine }
        return input(&machine)
    }

    // MARK: The node's driver

    mutating func deliverToNode(_ id: Int) throws {
        guard let call = calls[id], let frame = call.down.first else { return }
        calls[id]?.down.removeFirst()
        let disk = node(call.node).disk
        let actions = link(call.node) { [now = clock(call.node)] machine in
            machine.received(frame, now: now) { disk.holds($0, of: disk.origin) }
        }
        try perform(actions, at: call.node)
    }

    mutating func readJournal(_ origin: Origin) throws {
        guard let after = journalWanted.removeValue(forKey: origin) else { return }
        let limit = 1 + random.below(6)
        let events = node(origin).disk.journal(of: origin).filter { $0.envelope.seq > after }.prefix(limit)
        try perform(link(origin) { $0.journalRead(Array(events)) }, at: origin)
    }

    /// Tells the node's machine what is committed.
    mutating func advanced(_ origin: Origin) throws {
        let seq = node(origin).disk.head.seq
        try perform(link(origin) { $0.advanced(to: seq) }, at: origin)
    }

    private mutating func perform(_ actions: [NodeLink.Action], at origin: Origin) throws {
        for action in actions {
            switch action {
            case .send(let frame):
                if case .events(let events) = frame { try checkNoEcho(events, from: origin) }
                if let id = openCall(of: origin) { calls[id]?.up.append(frame) }
            case .readJournal(let after): journalWanted[origin] = after
            case .recordAck(let ack): try record(ack, at: origin)
            case .apply(let rows): try apply(rows, at: origin)
            case .noteClockOffset: break
            case .raise(let alarm): alarms.append((origin, alarm))
            case .close: hangUp(origin)
            }
        }
    }

    private func checkNoEcho(_ events: [WireEvent], from origin: Origin) throws {
        for wire in events where try Event(bytes: wire.bytes, part: wire.part, hashing: sha256).origin != origin {
            throw Fault("\(origin) sends an event that it did not write")
        }
    }

    private mutating func record(_ ack: Ack, at origin: Origin) throws {
        for head in ack.heads where !node(origin).disk.holds(head, of: origin) {
            throw Fault("\(origin) got a receipt for what it does not hold")
        }
        nodes[place(origin)].disk.acks.append(ack)
    }

    private mutating func apply(_ rows: [FeedRow], at origin: Origin) throws {
        var arrival = NodeCore.Arrival(rows: [])
        for row in rows {
            let event = try Event(bytes: row.event.bytes, part: row.event.part, hashing: sha256)
            arrival.rows.append((row.cursor, event))
        }
        let cases = casesConcerned(by: arrival.rows.map(\.event))
        let now = clock(origin)
        let effects = try commit(at: origin, loading: cases) { core, random throws(FeedFault) in
            try core.take(arrival, now: now, random: &random)
        }
        guard let effects else { return }
        if let written = effects.placed.map(\.event).first(where: { $0.origin == origin }),
            written.envelope.type != "received"
        {
            throw Fault("\(origin) took an applied event for its own: \(written.envelope.type)")
        }
        guard let cursor = effects.cursor else { return }
        let backlog = node(origin).disk.head.seq - node(origin).disk.acknowledged
        try perform(link(origin) { $0.committed(cursor, now: now, backlog: backlog) }, at: origin)
        try advanced(origin)
    }

    /// Decides and commits at a node, as its writer does; `nil` when the process died on the way.
    mutating func commit<Failure: Error>(
        at origin: Origin, loading cases: [CaseID],
        _ decide: (inout NodeCore, inout SeededGenerator) throws(Failure) -> Effects
    ) throws -> Effects? {
        while true {
            let place = place(origin)
            nodes[place].load(cases)
            let effects = try decide(&nodes[place].core, &random)
            let fate = fate()
            if fate == .fails {
                reload(origin)
                continue
            }
            if fate != .diesBefore { try nodes[place].commit(effects) }
            if fate == .diesBefore || fate == .diesAfter {
                crash(origin)
                return nil
            }
            alarms += effects.alarms
            return effects
        }
    }

    // MARK: The hub's driver

    mutating func deliverToHub(_ id: Int) throws {
        guard let frame = calls[id]?.up.first else { return }
        calls[id]?.up.removeFirst()
        try perform(machine(id) { $0.received(frame) }, on: id)
    }

    mutating func readFeed(_ id: Int) throws {
        guard let call = calls[id], let after = call.feedWanted else { return }
        calls[id]?.feedWanted = nil
        let rows = hub.disk.feed(
            of: call.node, after: after, generation: Self.generation, limit: 1 + random.below(6))
        try perform(machine(id) { $0.feedRead(rows) }, on: id)
    }

    private mutating func perform(_ actions: [HubLink.Action], on id: Int) throws {
        guard let origin = calls[id]?.node else { return }
        for action in actions {
            switch action {
            case .send(let frame):
                if case .ack(let ack) = frame, let head = ack.heads.first(where: { !hub.disk.holds($0.hash) }) {
                    throw Fault("seq \(head.seq) of \(origin) is acknowledged and not committed")
                }
                if calls[id]?.isOpenAtNode == true { calls[id]?.down.append(frame) }
            case .prepare(let hello): try prepare(hello, on: id)
            case .submit(let wire):
                let events = try wire.map { try Event(bytes: $0.bytes, part: $0.part, hashing: sha256) }
                // Looked up when the frame comes, as the driver does: the committer may be further by then.
                let known = Dictionary(
                    uniqueKeysWithValues: hub.disk.journal(of: origin).map { ($0.envelope.position, $0.hash) })
                waiting.append((id, HubCore.Arrival(origin: origin, events: events, known: known)))
                calls[id]?.isCommitting = true
            case .readFeed(let after): calls[id]?.feedWanted = after
            case .noteReport(_, _, let backlog):
                hub.core.reports[origin] = HubCore.SeatReport(heardAt: now, backlog: backlog)
            case .raise(let alarm): alarms.append((origin, alarm))
            case .close: close(id, atNode: false)
            }
        }
    }

    private mutating func prepare(_ hello: Hello, on id: Int) throws {
        guard let origin = calls[id]?.node else { return }
        var start: UInt64 = 0
        if let cursor = hello.cursor, cursor.hubIncarnation == Self.generation,
            let row = hub.disk.feeds[origin]?.first(where: { $0.seq == cursor.seq }), row.event == cursor.hash
        {
            start = cursor.seq
        }
        let welcome = Welcome(
            heads: hub.disk.chains[origin]?.heads ?? [], clock: now, incarnation: hub.starts)
        let end = UInt64(hub.disk.feeds[origin]?.count ?? 0)
        try perform(machine(id) { $0.prepared(welcome, feedStart: start, feedEnd: end) }, on: id)
    }

    /// The hub's committer takes the next batch that waits.
    mutating func commitArrival() throws {
        let (id, arrival) = waiting[0]
        let cases = casesConcerned(by: arrival.events)
        let effects = try commitAtHub(loading: cases) { [now] core, random throws(FeedFault) in
            try core.take(arrival, now: now, random: &random)
        }
        guard let effects else { return }
        waiting.removeFirst()
        calls[id]?.isCommitting = false
        let ack = Ack(heads: effects.heads, committedAt: now, position: hub.disk.position, signature: [])
        guard calls[id]?.isOpenAtHub == true else { return }
        let own = effects.alarms.filter { $0.origin == arrival.origin }.map(\.alarm)
        try perform(machine(id) { $0.committed(ack, alarms: own) }, on: id)
    }

    /// Decides and commits at the hub; `nil` when its process died on the way.
    mutating func commitAtHub<Failure: Error>(
        loading cases: [CaseID], _ decide: (inout HubCore, inout SeededGenerator) throws(Failure) -> Effects
    ) throws -> Effects? {
        while true {
            hub.load(cases)
            let effects = try decide(&hub.core, &random)
            let fate = fate()
            if fate == .fails {
                reload(.hub)
                continue
            }
            if fate != .diesBefore { try hub.commit(effects) }
            if fate == .diesBefore || fate == .diesAfter {
                crash(.hub)
                return nil
            }
            alarms += effects.alarms
            for id in calls.keys.sorted() where calls[id]?.isOpenAtHub == true {
                guard let call = calls[id] else { continue }
                let end = UInt64(hub.disk.feeds[call.node]?.count ?? 0)
                try perform(machine(id) { $0.feedAdvanced(to: end) }, on: id)
            }
            return effects
        }
    }

    // MARK: Faults

    enum Fate { case commits, fails, diesBefore, diesAfter }

    /// Per mille of commits that fail in each of the three ways.
    var faults = 20

    private mutating func fate() -> Fate {
        switch random.below(1000) {
        case ..<faults: .fails
        case ..<(2 * faults): .diesBefore
        case ..<(3 * faults): .diesAfter
        default: .commits
        }
    }
}
