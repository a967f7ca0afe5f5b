import Casework
import Federation

/// Nodes, a hub and a network in memory, wired by the real machines. Every choice comes from one seed: time,
/// randomness, which frame moves, what is cut, who crashes and when. Its drivers carry out what the machines say and
/// decide nothing.
final class World {
    static let start = Instant(milliseconds: 1_794_818_000_000)

    let options: Options
    let trace: Trace
    var random: Generator
    /// The true time.
    var now = World.start
    /// Kinds that only the later version knows; none in worlds of one version.
    let later: [EventKind: UInt32]
    /// Small ones, so that few events fill a batch and several are saved side by side.
    let bounds: WriterBounds
    /// Requests that were not answered, and at which node; none stands for the hub.
    var unanswered: [(node: NodeProcess?, client: Client)] = []
    var asked = 0
    /// In the order of their first start; stopped ones too.
    var nodes: [NodeProcess] = []
    let origins: [Origin]
    let hub: HubProcess
    var calls: [LinkSession] = []
    var dialled = 0
    var stranger: Stranger?
    var tally = Tally()
    var ledger = Ledger()
    var causes = Causes()
    /// What rang, where: at the hub or at a node, about whom.
    var alarms: [(at: Origin, about: Origin, alarm: Alarm)] = []
    /// Whoever brings the hub's disk back says so.
    let isTold: Bool
    /// Faults are over.
    var isCalm = false
    /// The hub's disk goes with the next step: its decision has reached the one and not the other.
    var isHubDoomed = false

    init(options: Options, trace: Trace) {
        self.options = options
        self.trace = trace
        random = Generator(seed: options.seed)
        isTold = random.chance(50)
        let isNew = random.chance(50)
        let newest: UInt32 = options.has(.versionSkew) && isNew ? 2 : 1
        later = options.has(.versionSkew) ? Self.laterKinds(&random) : [:]
        bounds = Self.bounds(&random)
        hub = HubProcess(incarnation: random.next(), reader: newest, later: later, bounds: bounds, now: now)
        if options.nodes >= 31 {
            origins = Origin.provinces
        } else {
            var left = Array(Origin.provinces.dropLast())
            var chosen = [Origin]()
            for _ in 0..<options.nodes { chosen.append(left.remove(at: random.below(left.count))) }
            origins = chosen
        }
        // Half of these worlds begin as every upgrade does: with the hub alone.
        let isHubAhead = random.chance(50)
        for (place, origin) in origins.enumerated() {
            let isUpgraded = !isHubAhead && random.chance(50)
            let reader: UInt32 = isUpgraded ? newest : 1
            nodes.append(
                NodeProcess(
                    id: place, disk: Disk(origin: origin), incarnation: random.next(), reader: reader,
                    later: later, bounds: bounds, now: now))
        }
        if options.has(.hostile), options.nodes < 31 {
            stranger = Stranger(incarnation: random.next(), later: later)
        }
        if options.has(.clockDrift) {
            tally.add(.clockDrift)
            for node in nodes { node.skew = Int64(random.below(240_000)) - 120_000 }
        }
    }

    /// Kinds that stand for those of a later version: some append-only, some held.
    private static func laterKinds(_ random: inout Generator) -> [EventKind: UInt32] {
        let beside: [EventKind] = [.acted, .noted, .duplicateMarked]
        let held: [EventKind] = [.assessed, .answered, .reviewed]
        return [beside[random.below(beside.count)]: 2, held[random.below(held.count)]: 2]
    }

    private static func bounds(_ random: inout Generator) -> WriterBounds {
        var bounds = WriterBounds()
        bounds.batch = 1 + random.below(5)
        bounds.crowd = 3
        bounds.cachedCases = 1 + random.below(6)
        bounds.admission.large = 1 + random.below(3)
        bounds.admission.bound = 4 + random.below(8)
        bounds.admission.boundBesideLive = 4
        return bounds
    }

    var running: [NodeProcess] { nodes.filter { !$0.isStopped } }

    func clock(_ node: NodeProcess) -> Instant { now + node.skew }
    var hubClock: Instant { now + hub.skew }
    var isHubUp: Bool { now >= hub.downUntil }

    func ring(_ effects: Effects, at origin: Origin) {
        for (about, alarm) in effects.alarms { ring(alarm, about: about, at: origin) }
    }

    func ring(_ alarm: Alarm, about: Origin, at origin: Origin) {
        alarms.append((origin, about, alarm))
        if alarm.known == .tailMissing { causes.blind.insert(about) }
        trace.note("alarm at \(origin) about \(about): \(alarm.code), \(alarm.detail)")
    }

    // MARK: Connections

    func dial(_ node: NodeProcess) throws {
        dialled += 1
        let call = LinkSession(id: dialled, peer: node.origin, node: node, now: now)
        calls.append(call)
        node.call = call
        let hello = Hello(
            origin: node.origin, writer: node.incarnation, heads: node.disk.tree(node.origin).heads,
            schemas: Array(1...node.reader), cursors: node.disk.cursors, hubHeads: node.disk.tree(.hub).heads,
            clock: clock(node), backlog: node.disk.tree(node.origin).backlog(node.disk.acknowledged))
        trace.note("\(node.name) dials, call \(call.id)")
        try perform(
            node.link.connected(
                hello, journal: node.disk.tree(node.origin), acknowledged: node.disk.acknowledged), at: node)
    }

    /// The node's side of its call is gone. What it had sent may still be under way to the hub.
    func hangUp(_ node: NodeProcess, retryAfter: Int64 = 0) {
        guard let call = node.call else { return }
        call.isOpenAtNode = false
        call.down = []
        if options.has(.framesLost), !isCalm, !call.up.isEmpty, random.chance(50) {
            tally.add(.framesLost)
            call.up.removeLast(1 + random.below(call.up.count))
        }
        node.call = nil
        node.reads = []
        node.link.closed(now: now)
        node.dialAt = now + max(retryAfter, Int64(node.backOff.next(random: &random)))
        forgetEndedCalls()
    }

    /// The hub's side of a call is gone.
    func drop(_ call: LinkSession) {
        call.isOpenAtHub = false
        call.reads = []
        call.machine.closed()
        forgetEndedCalls()
    }

    func forgetEndedCalls() { calls.removeAll { $0.isOver } }
}
