import Testing

@testable import Casework

/// One office with one case: decides commands and applies their events at once, as if nobody else wrote.
struct Scene {
    /// Sunday, 15 November 2026, noon in Tehran.
    static let start = Instant(milliseconds: 1_794_818_000_000)

    var subject: Case
    var origin: Origin
    var terms = GrantTerms(epoch: 0, cut: [])
    var actor: Actor
    var now = Scene.start
    var tree = OrganizationTree.standard
    var calendar = WorkCalendar.standard
    private(set) var newEvents: [EventHash: NewEvent] = [:]
    private var count: UInt64 = 0

    init(at origin: Origin = Origin.provinces[3]) {
        self.origin = origin
        subject = Case(id: CaseID(home: origin, at: Scene.start, random: (1, 2)))
        actor = Scene.person("zahra", .supervisor, OrganizationCode(origin).rawValue)
    }

    /// An office with a case that is registered.
    static func registered(about: String? = nil) throws -> Scene {
        var scene = Scene()
        try scene.take(.register(Scene.intake(about: about)))
        return scene
    }

    static func person(_ name: String, _ role: Role, _ organization: String) -> Actor {
        Actor(name: name, role: role, organization: code(organization))
    }

    static func code(_ text: String) -> OrganizationCode { OrganizationCode(known: text) }

    static func hash(_ number: UInt64) -> EventHash { EventHash(a: number, b: 0, c: 0, d: number) }

    static func intake(category: String = "water", subject: String = "بی‌آبی", about: String? = nil) -> Intake {
        Intake(
            kind: .complaint, channel: .phone, category: category, about: about.map { code($0) },
            texts: Texts(subject: subject, description: "سه روز آب نداریم", citizenName: "مریم"))
    }

    var context: DecisionContext {
        DecisionContext(now: now, origin: origin, actor: actor, tree: tree, calendar: calendar, terms: terms)
    }

    func decide(_ command: Command, random: UInt64 = 7) throws(Refusal) -> [NewEvent] {
        let newEvents = self.newEvents
        return try subject.decide(command, in: context, trackingCode: TrackingCode(province: 3, random: random)) {
            hash in newEvents[hash].map { ($0.change, $0.texts) }
        }
    }

    /// What the present actor is offered.
    var acts: [Act] {
        let newEvents = self.newEvents
        return subject.acts(in: context) { hash in newEvents[hash].map { ($0.change, $0.texts) } }
    }

    /// Decides and applies; the events' hashes, in order.
    @discardableResult
    mutating func take(_ command: Command, by person: Actor? = nil) throws(Refusal) -> [EventHash] {
        if let person { actor = person }
        var hashes = [EventHash]()
        for newEvent in try decide(command) { hashes.append(apply(newEvent)) }
        return hashes
    }

    @discardableResult
    mutating func apply(_ newEvent: NewEvent) -> EventHash {
        count += 1
        let hash = Scene.hash(count)
        newEvents[hash] = newEvent
        switch newEvent.change.mergeClass {
        case .held:
            #expect(subject.objection(to: newEvent.change, by: newEvent.actor) == nil)
            subject.applyHeld(
                Fact(event: hash, change: newEvent.change, actor: newEvent.actor, at: newEvent.occurredAt))
            if case .registered = newEvent.change {
                for field in Field.allCases { show(hash, in: field) }
            }
        case .shared:
            guard case .amended(let amendment) = newEvent.change else { break }
            for field in amendment.fields { show(hash, in: field) }
        default:
            switch newEvent.change {
            case .disputed: subject.disputes.append(Dispute(event: hash, at: newEvent.occurredAt))
            case .withdrawn: subject.withdrawnBy = hash
            case .hidden(let entry): subject.hidden.insert(entry)
            case .unhidden(let entry):
                subject.hidden.remove(entry)
                subject.shownAgain[entry, default: []].append(hash)
            default: break
            }
        }
        subject.history.append(HistoryEntry(event: hash, kind: newEvent.change.kind, effect: .applied))
        return hash
    }

    /// The hub gives custody.
    mutating func grant(to holder: String, at seat: Origin, epoch: Epoch = 1, causedBy cause: EventHash? = nil) {
        count += 1
        let grant = Grant(epoch: epoch, holder: Scene.code(holder), seat: seat, cut: [], cause: cause)
        subject.apply(grant, event: Scene.hash(count), cause: cause.flatMap { newEvents[$0]?.change })
    }

    private mutating func show(_ hash: EventHash, in field: Field) {
        subject.values[field] = SharedValue(
            shown: hash, conflicts: [], value: newEvents[hash].flatMap { EnvelopeValue(field, of: $0.change) })
    }
}
