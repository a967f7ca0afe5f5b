import Casework
import Cryptography
import Demo
import Federation
import Simulator
import Store

/// One province's journal, made in memory by the real core: people's cases over the last months, each somewhere on its
/// way. It holds what is still under way and no more, so its length costs no memory.
struct ProvinceJournal: Sendable {
    /// How cases come and go.
    struct Pace: Sendable {
        /// When the first event is written.
        var begins: Instant
        /// Between two events of one province, milliseconds.
        var interval: Int64
    }

    /// A case under way, and what will be done with it, the next last.
    private struct Story {
        var id: CaseID
        var rest: [Act]
        /// Nobody will do anything more: it becomes overdue.
        var isForgotten: Bool
    }

    private struct Act {
        var actor: Actor
        var command: Command
    }

    /// Cases on which a province works at the same time: an event of each in turn, as chance has it.
    private static let atWork = 100

    /// Times that a province turns to a case until it is left: no event may lie in the future when all are written.
    static let turnsPerCase = 8

    let origin: Origin
    private(set) var now: Instant
    /// Cases registered so far.
    private(set) var registered: Int
    private let interval: Int64
    private var core: NodeCore
    private var random: Generator
    private var workload: Workload
    private var stories: [Story] = []
    /// Left lying, in the order of their deadlines, until the office has said so.
    private var forgotten: [(due: Instant, id: CaseID)] = []

    /// - Parameters:
    ///   - chains: what the hub holds of this origin; a start goes on from there.
    ///   - registered: cases of this origin that are there already.
    init(origin: Origin, after chains: ChainTree, registered: Int, pace: Pace) {
        let seed = UInt64(registered) << 8 | UInt64(origin.provinceNumber ?? 31)
        (random, workload) = (Generator(seed: seed), Workload(seed: seed))
        let writer = JournalWriter(
            origin: origin, incarnation: SecureRandom.uint64() | 1, continuing: chains.latest, clock: HybridClock())
        let desk = Desk(
            writer: writer, journal: chains, tree: .standard, calendar: .standard, hashing: Digest.hashing)
        core = NodeCore(desk: desk, hub: ChainTree(), cursors: [], position: 0)
        (now, interval) = (pace.begins, pace.interval)
        (self.origin, self.registered) = (origin, registered)
    }

    /// Writes until so many further cases are registered.
    mutating func write(cases: Int) throws -> [Event] {
        let goal = registered + cases
        var events: [Event] = []
        while registered < goal {
            now = now + interval
            if let first = forgotten.first, first.due < now {
                forgotten.removeFirst()
                events += try core.escalate(first.id, now: now, random: &random).numbered.map(\.event)
            } else if stories.count < Self.atWork {
                events += try register()
            } else {
                events += try goOn(random.below(stories.count))
            }
        }
        core.desk.unload(allBut: stories.map(\.id) + forgotten.map(\.id))
        return events
    }

    private mutating func register() throws -> [Event] {
        let intake = workload.intake()
        let id = CaseID(home: origin, at: now, random: (random.next(), random.next()))
        // Coprime to the ten billion serials of a province: no two cases draw the same.
        let serial = UInt64(registered) &* 6_180_339_887 % 10_000_000_000
        let code = TrackingCode(province: origin.provinceNumber ?? 0, random: serial)
        registered += 1
        let events = try decide(
            Act(actor: clerk, command: .register(intake)), on: id, code: code)
        stories.append(story(of: intake, id))
        return events
    }

    private mutating func goOn(_ index: Int) throws -> [Event] {
        guard let act = stories[index].rest.popLast() else {
            let story = stories.remove(at: index)
            if story.isForgotten, let due = core.desk.cases[story.id]?.state.deadline?.at {
                forgotten.append((due, story.id))
            }
            return []
        }
        return try decide(act, on: stories[index].id)
    }

    private mutating func decide(_ act: Act, on id: CaseID, code: TrackingCode? = nil) throws -> [Event] {
        let wish = Wish(command: act.command, caseID: id, actor: act.actor, trackingCode: code)
        return try core.decide(wish, now: now, random: &random).numbered.map(\.event)
    }

    // MARK: What becomes of a case

    private var clerk: Actor { Actor(name: "bench", role: .operator, organization: OrganizationCode(origin)) }

    /// One in fifty goes to another province or to a ministry; of the others one in 25 is left lying on its way, one in
    /// a hundred is disputed, and the rest comes to its end.
    private mutating func story(of intake: Intake, _ id: CaseID) -> Story {
        let category = Category[intake.category] ?? .other
        let reason = workload.referral()
        if random.below(50) == 0 {
            let others = Origin.provinces.filter { $0 != origin }
            let province = OrganizationCode(others[random.below(others.count)])
            let there = random.chance(50) ? category.ministry ?? province : province
            return Story(
                id: id, rest: [Act(actor: clerk, command: .refer(to: there, reason: reason))], isForgotten: false)
        }
        let suffix = category.localAgency ?? "MUN"
        let agency = OrganizationCode(rawValue: "\(origin.code)-\(suffix)") ?? OrganizationCode(origin)
        var way = [Act(actor: clerk, command: .refer(to: agency, reason: reason))] + work(at: agency)
        if random.below(25) == 0 {
            way = Array(way.prefix(random.below(4)))
            return Story(id: id, rest: way.reversed(), isForgotten: true)
        }
        if random.below(100) == 0 {
            way.append(Act(actor: clerk, command: .dispute(text: Phrase.dispute[random.below(Phrase.dispute.count)])))
        } else if random.chance(20) {
            way.append(Act(actor: clerk, command: .rate(score: 1 + random.below(5))))
        }
        return Story(id: id, rest: way.reversed(), isForgotten: false)
    }

    private mutating func work(at agency: OrganizationCode) -> [Act] {
        let officer = Actor(name: "bench", role: .agency, organization: agency)
        var commands: [Command] = [.accept]
        for _ in 0..<(random.chance(30) ? 2 : 1) {
            commands.append(.act(text: Phrase.action[random.below(Phrase.action.count)]))
        }
        if random.chance(15) { commands.append(.note(text: Phrase.advice[random.below(Phrase.advice.count)])) }
        commands.append(.answer(text: Phrase.answer[random.below(Phrase.answer.count)]))
        commands.append(.close(.resolved, text: Phrase.closing[random.below(Phrase.closing.count)]))
        return commands.map { Act(actor: officer, command: $0) }
    }
}
