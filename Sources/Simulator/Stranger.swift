import Casework
import Federation

/// A node whose certificate is good and whose word is not: it forges, replays, claims others' cases, and speaks of a
/// future that nobody can read. It is no replica; what it does must harm nobody.
final class Stranger {
    static let origin = Origin.provinces[30]

    private var writer: JournalWriter
    private var events: [Event] = []
    private let incarnation: UInt64
    private weak var call: LinkSession?
    private var own: CaseID?

    init(incarnation: UInt64, later: [EventKind: UInt32]) {
        self.incarnation = incarnation
        writer = JournalWriter(
            origin: Self.origin, incarnation: incarnation, continuing: .empty, clock: HybridClock(), later: later)
    }

    func act(in world: World) throws {
        guard let call, call.isOpenAtHub else { return dial(world) }
        call.down = []
        guard case .live = call.machine.state else { return }
        world.causes.hostile.insert(Self.origin)
        guard let frame = try lie(in: world) else { return }
        world.tally.add(.hostile)
        call.up.append(frame)
    }

    /// Its call ends for good.
    func leave(_ world: World) {
        call?.isOpenAtNode = false
        call?.up = []
        if let call { world.drop(call) }
    }

    private func dial(_ world: World) {
        call?.isOpenAtNode = false
        world.forgetEndedCalls()
        guard world.isHubUp else { return }
        world.dialled += 1
        let call = LinkSession(id: world.dialled, peer: Self.origin, node: nil, now: world.now)
        world.calls.append(call)
        self.call = call
        let heads = events.last.map {
            [ChainHead(incarnation: $0.envelope.incarnation, seq: $0.envelope.seq, hash: $0.hash)]
        }
        call.up = [
            .hello(
                Hello(
                    origin: Self.origin, writer: incarnation, heads: heads ?? [], cursors: [], hubHeads: [],
                    clock: world.now, backlog: 0))
        ]
        world.trace.note("the stranger dials, call \(call.id)")
    }

    private func lie(in world: World) throws -> NodeFrame? {
        let victim = world.random.pick(world.hub.disk.cases.filter { $0.home != Self.origin })
        let name: String
        let frame: NodeFrame?
        switch world.random.below(12) {
        case 0:
            name = "a case of its own"
            own = CaseID(home: Self.origin, at: world.now, random: (world.random.next(), world.random.next()))
            frame = try say(.noted, on: own, world)
        case 1, 2:
            name = "another's case"
            frame = try say(
                [.noted, .closed(.resolved), .answered, .disputed][world.random.below(4)], on: victim, world)
        case 3:
            name = "a grant"
            let grant = Grant(
                epoch: UInt64(world.now.milliseconds / 1000) + 9, holder: OrganizationCode(Self.origin),
                seat: Self.origin,
                cut: [], cause: nil)
            frame = try say(.granted(grant), on: victim, world)
        case 4:
            name = "a stamp of next year"
            frame = try say(.noted, on: victim, world, at: world.now + 365 * Instant.day)
        case 5:
            name = "an unknown content"
            frame = try say(.noted, on: victim, world, patch: [106, 6] + Array("future".utf8))
        case 6:
            name = "a newer reader"
            frame = try say(.noted, on: victim, world, patch: [120, 9])
        case 7:
            name = "another's journal"
            let replay = world.random.pick(world.hub.disk.events.filter { $0.origin != Self.origin })
            frame = replay.map { .events([WireEvent($0)]) }
        case 8:
            name = "another's name"
            frame = try impersonate(victim, world)
        case 9:
            name = "a replay"
            frame = world.random.pick(events).map { .events([WireEvent($0)]) }
        case 10:
            name = "a gap"
            var skipping = writer
            _ = try skipping.append(
                newEvent(.noted, world), caseID: victim, epoch: 0, now: world.now, hashing: sha256,
                random: &world.random)
            let event = try skipping.append(
                newEvent(.noted, world), caseID: victim, epoch: 0, now: world.now, hashing: sha256,
                random: &world.random)
            frame = .events([WireEvent(event)])
        default:
            name = "another past"
            frame = try tamper(victim, world)
        }
        guard frame != nil else { return nil }
        world.tally.add("hostile: \(name)")
        world.trace.note("the stranger sends \(name)")
        return frame
    }

    private func newEvent(_ change: CaseChange, _ world: World) -> NewEvent {
        let organization = world.random.chance(70) ? OrganizationCode(Self.origin) : .presidency
        return NewEvent(
            change, actor: Actor(name: "x", role: .operator, organization: organization), occurredAt: world.now)
    }

    private func say(
        _ change: CaseChange, on id: CaseID?, _ world: World, at instant: Instant? = nil, patch: [UInt8] = []
    ) throws -> NodeFrame? {
        guard let id else { return nil }
        var event = try writer.append(
            newEvent(change, world), caseID: id, epoch: 0, now: instant ?? world.now, hashing: sha256,
            random: &world.random)
        if !patch.isEmpty {
            // A later field of the same number counts.
            event = try Event(bytes: event.bytes + patch, part: event.part, hashing: sha256)
            let head = ChainHead(incarnation: incarnation, seq: event.envelope.seq, hash: event.hash)
            writer = JournalWriter(
                origin: Self.origin, incarnation: incarnation, continuing: head, clock: HybridClock(),
                later: world.later)
        }
        if instant != nil {
            writer.clock = HybridClock()
        }
        events.append(event)
        return .events([WireEvent(event)])
    }

    /// An event in an honest node's name.
    private func impersonate(_ id: CaseID?, _ world: World) throws -> NodeFrame? {
        guard let id, let victim = world.random.pick(world.origins) else { return nil }
        let tree = world.hub.disk.tree(victim)
        var forger = JournalWriter(
            origin: victim, incarnation: tree.latest.incarnation, continuing: tree.latest, clock: HybridClock(),
            later: world.later)
        let event = try forger.append(
            newEvent(.noted, world), caseID: id, epoch: 0, now: world.now, hashing: sha256, random: &world.random)
        return .events([WireEvent(event)])
    }

    /// Another event where one was accepted.
    private func tamper(_ id: CaseID?, _ world: World) throws -> NodeFrame? {
        guard let id, events.count > 2, world.random.chance(30) else { return nil }
        let place = world.random.below(events.count - 1)
        let before = place == 0 ? nil : events[place - 1]
        let head = before.map { ChainHead(incarnation: incarnation, seq: $0.envelope.seq, hash: $0.hash) } ?? .empty
        guard head != .empty else { return nil }
        var forger = JournalWriter(
            origin: Self.origin, incarnation: incarnation, continuing: head, clock: HybridClock(),
            later: world.later)
        let event = try forger.append(
            newEvent(.acted, world), caseID: id, epoch: 0, now: world.now, hashing: sha256, random: &world.random)
        return .events([WireEvent(event)])
    }
}
