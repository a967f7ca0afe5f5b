import Casework
import Testing

@testable import Federation

/// What a seed lets happen: people work, frames move, connections break, servers die; at the end all is delivered.
extension Network {
    private enum Motion {
        case connect(Origin)
        case toHub(Int), toNode(Int)
        case commit
        case readJournal(Origin), readFeed(Int)
        /// A side learns that the other is gone.
        case nodeNotices(Origin), hubNotices(Int)
    }

    mutating func run(steps: Int) throws {
        if random.chance(25), let origin = origins.randomElement(using: &random) {
            nodes[place(origin)].skew = [Instant.day, -Instant.day, 20 * 60_000][random.below(3)]
        }
        for _ in 0..<steps { try step() }
        faults = 0
        try quiet()
    }

    private mutating func step() throws {
        now = now + Int64(random.below(1500))
        switch random.below(100) {
        case 0..<26: try command()
        case 26..<30:
            guard let origin = origins.randomElement(using: &random) else { return }
            tally["cut", default: 0] += openCall(of: origin) == nil ? 0 : 1
            hangUp(origin)
        case 30: crash(origins.randomElement(using: &random) ?? .hub)
        case 31: crash(.hub)
        case 32:
            // Memory is bounded: cases are forgotten and loaded again.
            hub.core.desk.unload { _ in true }
            for place in nodes.indices { nodes[place].core.desk.unload { _ in true } }
        case 33: for place in nodes.indices where random.chance(50) { nodes[place].skew = 0 }
        default:
            let motions = motions()
            if !motions.isEmpty { try perform(motions[random.below(motions.count)]) }
        }
    }

    /// Everything that is under way arrives, and everybody is connected.
    private mutating func quiet() throws {
        var written = [Origin: UInt64]()
        for origin in origins {
            written[origin] = node(origin).disk.head.seq
            hangUp(origin)
        }
        for count in 0... {
            now = now + 1
            let motions = motions()
            if motions.isEmpty { break }
            if count > 20_000 { throw Fault("the network never rests") }
            try perform(motions[random.below(motions.count)])
        }
        for origin in origins {
            let extra = node(origin).disk.journal(of: origin).filter { $0.envelope.seq > written[origin] ?? 0 }
            if let event = extra.first(where: { $0.envelope.type != "received" }) {
                throw Fault("\(origin) wrote \(event.envelope.type) though nobody acted")
            }
        }
    }

    private func motions() -> [Motion] {
        var motions = [Motion]()
        for id in calls.keys.sorted() {
            guard let call = calls[id] else { continue }
            if call.isOpenAtHub {
                if !call.up.isEmpty, !call.isCommitting { motions.append(.toHub(id)) }
                if call.feedWanted != nil { motions.append(.readFeed(id)) }
                if !call.isOpenAtNode { motions.append(.hubNotices(id)) }
            }
            guard call.isOpenAtNode else { continue }
            if !call.down.isEmpty {
                motions.append(.toNode(id))
            } else if !call.isOpenAtHub {
                motions.append(.nodeNotices(call.node))
            }
        }
        if !waiting.isEmpty { motions.append(.commit) }
        for origin in origins {
            if openCall(of: origin) == nil { motions.append(.connect(origin)) }
            if journalWanted[origin] != nil { motions.append(.readJournal(origin)) }
        }
        return motions
    }

    private mutating func perform(_ motion: Motion) throws {
        switch motion {
        case .connect(let origin): try connect(origin)
        case .toHub(let id): try deliverToHub(id)
        case .toNode(let id): try deliverToNode(id)
        case .commit: try commitArrival()
        case .readJournal(let origin): try readJournal(origin)
        case .readFeed(let id): try readFeed(id)
        case .nodeNotices(let origin): hangUp(origin)
        case .hubNotices(let id):
            calls[id]?.isOpenAtHub = false
            calls[id]?.machine.closed()
        }
    }

    // MARK: People

    private mutating func command() throws {
        let places = origins + [.hub]
        let origin = places[random.below(places.count)]
        let known = origin == .hub ? hub.disk.cases : node(origin).disk.cases
        if origin != .hub, known.count < 1 || random.chance(6) { return try register(at: origin) }
        guard !known.isEmpty else { return }
        let id = (random.chance(30) ? unsettled(at: origin) : nil) ?? known[random.below(known.count)]
        if origin == .hub { hub.load([id]) } else { nodes[place(origin)].load([id]) }
        guard let state = (origin == .hub ? hub.core.desk : node(origin).core.desk).cases[id]?.state else { return }
        let isInTurn = random.chance(60) && state.seat == origin
        let command = repair(state) ?? (isInTurn ? next(state, at: origin) : anything(state, at: origin))
        try submit(Wish(command: command, caseID: id, actor: actor(state, at: origin)), at: origin)
    }

    private mutating func register(at origin: Origin) throws {
        let id = CaseID(home: origin, at: clock(origin), random: (random.next(), random.next()))
        let intake = Intake(
            kind: .complaint, channel: .phone, category: "water",
            texts: Texts(subject: "no water", citizenName: "citizen \(random.below(100))"))
        let code = TrackingCode(province: origin.provinceNumber ?? 0, random: random.next())
        try submit(
            Wish(command: .register(intake), caseID: id, actor: person("maryam", at: origin), trackingCode: code),
            at: origin)
    }

    private mutating func submit(_ wish: Wish, at origin: Origin) throws {
        let now = clock(origin)
        let name = "\(origin == .hub ? "hub" : "node") \(wish.command)".prefix { $0 != "(" }
        do {
            let effects: Effects? =
                if origin == .hub {
                    try commitAtHub(loading: [wish.caseID]) { core, random throws(Refusal) in
                        try core.decide(wish, now: now, random: &random)
                    }
                } else {
                    try commit(at: origin, loading: [wish.caseID]) { core, random throws(Refusal) in
                        try core.decide(wish, now: now, random: &random)
                    }
                }
            tally[String(name), default: 0] += effects == nil ? 0 : 1
            if effects != nil, wish.actor.role == .ministry { tally["ministry acts", default: 0] += 1 }
        } catch is Refusal {
            tally["refused", default: 0] += 1
        }
        if origin != .hub { try advanced(origin) }
    }

    private mutating func actor(_ state: Case, at origin: Origin) -> Actor {
        let name = random.chance(50) ? "maryam" : "hasan"
        guard origin == .hub else { return person(name, at: origin, .supervisor) }
        if state.seat == .hub, state.holder != .presidency, random.chance(70) {
            return Actor(name: "desk", role: .ministry, organization: state.holder)
        }
        return Actor(name: name, role: .hub, organization: .presidency)
    }

    /// A case at its seat in which a merge left something to people.
    private func unsettled(at origin: Origin) -> CaseID? {
        let cases = origin == .hub ? hub.core.desk.cases : node(origin).core.desk.cases
        return cases.filter { $0.value.state.seat == origin && !$0.value.state.proposals.isEmpty }.keys.min()
    }

    /// Settles what a merge left to people.
    private mutating func repair(_ state: Case) -> Command? {
        guard random.chance(50) else { return nil }
        if let proposal = state.proposals.randomElement(using: &random) { return .apply(proposal: proposal.event) }
        return state.conflicts.first.map { .restore(conflict: $0) }
    }

    /// What the seat would do next.
    private mutating func next(_ state: Case, at origin: Origin) -> Command {
        switch state.heldStatus {
        case .referred: random.chance(60) ? .accept : .refuse(reason: "not ours")
        case .answered, .closed:
            if let dispute = state.openDisputes.first {
                .review(dispute: dispute.event, upheld: random.chance(70), text: "looked again")
            } else {
                .dispute(text: "it was not done")
            }
        default:
            switch random.below(10) {
            case 0..<7: refer(from: origin)
            case 7: .act(text: "sent")
            default: .answer(text: "mended")
            }
        }
    }

    private mutating func refer(from origin: Origin) -> Command {
        let place = origins[random.below(origins.count)]
        let codes = ["SAMT", "ENERGY", place.code, place.code, place.code, "\(place.code)-MUN"]
        return .refer(to: office(codes[random.below(codes.count)]), reason: "theirs")
    }

    private mutating func anything(_ state: Case, at origin: Origin) -> Command {
        let entry = state.history.isEmpty ? .zero : state.history[random.below(state.history.count)].event
        switch random.below(20) {
        case 0..<4: return .note(text: "note \(random.below(1000))")
        case 4..<7:
            let priority: Priority = random.chance(50) ? .high : .urgent
            return .amend(Edit(priority: priority, texts: Texts(subject: "subject \(random.below(9))")))
        case 7: return .hide(entry, hidden: !state.hidden.contains(entry))
        case 8: return .dispute(text: "not done")
        case 9: return random.chance(50) ? .rate(score: 1 + random.below(5)) : .withdraw(text: "no more")
        case 10...12: return .assess(Assessment(lawful: true, withinMeans: random.chance(50), done: false))
        case 13: return .close(.resolved, text: "done")
        case 14: return .answer(text: "answer")
        case 15, 16: return origin == .hub ? move() : refer(from: origin)
        case 17: return .review(dispute: state.openDisputes.first?.event ?? entry, upheld: true, text: "yes")
        default: return next(state, at: origin)
        }
    }

    private mutating func move() -> Command {
        let codes = origins.map(\.code) + ["SAMT", "PRES"]
        return .moveCustody(to: office(codes[random.below(codes.count)]), reason: "quicker there")
    }
}
