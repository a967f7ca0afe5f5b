import Casework
import Federation

/// What people do: register, work in turn, edit out of turn, settle what a merge left to them.
extension World {
    func work() throws {
        let atHub = random.below(running.count + 1) == 0
        guard let node = random.pick(running) else { return }
        if random.chance(7) { return escalate(at: atHub ? nil : node) }
        if random.chance(20), !unanswered.isEmpty { return askAgain(random.below(unanswered.count)) }
        if random.chance(4) { return editTogether() }
        let known = atHub ? hub.disk.cases : node.disk.cases
        let all = nodes.reduce(0) { $0 + $1.figuresOwn }
        if !atHub, known.isEmpty || (all < options.cases && random.chance(25)) { return register(at: node) }
        guard let id = (random.chance(25) ? unsettled(at: atHub ? nil : node) : nil) ?? random.pick(known) else {
            return
        }
        guard let state = state(id, at: atHub ? nil : node) else { return }
        let origin = atHub ? Origin.hub : node.origin
        let isInTurn = random.chance(60) && state.seat == origin
        let command = repair(state) ?? (isInTurn ? next(state, at: origin) : anything(state, at: origin))
        submit(WriterRequest(command: command, caseID: id, actor: actor(state, at: origin)), at: atHub ? nil : node)
        // A page that was loaded some time ago.
        if random.chance(10), case .amend = command {
            submit(
                WriterRequest(command: command, caseID: id, actor: actor(state, at: origin), revision: state.revision),
                at: atHub ? nil : node)
        }
    }

    /// Everybody who has a case edits one field of it, and nobody has seen what the others write.
    private func editTogether() {
        guard let id = random.pick(hub.disk.cases) else { return }
        for node in running where node.disk.cases.contains(id) { edit(id, at: node) }
        edit(id, at: nil)
    }

    private func edit(_ id: CaseID, at node: NodeProcess?) {
        guard let state = state(id, at: node) else { return }
        let edit = Edit(texts: Texts(subject: "as \(node?.name ?? "hub") sees it"))
        submit(
            WriterRequest(command: .amend(edit), caseID: id, actor: actor(state, at: node?.origin ?? .hub)), at: node)
    }

    /// Most people's programs send a key with what they ask, and ask again until they are answered.
    private func submit(_ request: WriterRequest, then: Intake? = nil, at node: NodeProcess?) {
        var request = request
        asked += 1
        if random.chance(70) {
            request.key = IdempotencyKey(principal: "\(node?.name ?? "hub")", key: "request \(asked)")
            request.bodyHash = [UInt8(truncatingIfNeeded: asked)]
        }
        trace.note("a person at \(node?.name ?? "hub") wants to \(request.command.name)")
        ask(Client(request: request, then: then), at: node)
    }

    func ask(_ client: Client, at node: NodeProcess?) {
        if let node {
            node.post(.wish(client), as: .wish(client.request), now: now)
        } else {
            hub.post(.wish(client), as: .wish(client.request), now: now)
        }
    }

    func askAgain(_ index: Int) {
        let (node, client) = unanswered.remove(at: index)
        // What has no key may have been done: it is not asked twice.
        guard client.request.key != nil, node?.isStopped != true else { return }
        tally.add("asked again")
        ask(client, at: node)
    }

    /// A request was answered at a server.
    func hear(_ client: Client, _ answer: WriterAnswer, at node: NodeProcess?) throws {
        try answered(client, answer, at: node?.origin ?? .hub)
        guard !isCalm else { return }
        // A double click.
        if client.request.key != nil, random.chance(10) { return unanswered.append((node, client)) }
        if let intake = client.then, !answer.isReplay {
            let request = WriterRequest(
                command: .register(intake), caseID: answer.record.id, actor: client.request.actor)
            submit(request, at: node)
        }
    }

    private func state(_ id: CaseID, at node: NodeProcess?) -> Case? {
        if let node { return state(id, node, node.reader) }
        return state(id, hub, hub.reader)
    }

    /// As its pages show it.
    private func state<Core: DecidingCore, Work>(
        _ id: CaseID, _ server: ServerProcess<Core, Work>, _ reader: UInt32
    ) -> Case? {
        if let record = server.machine.core?.desk.cases[id] { return record.state }
        guard !server.disk.isDamaged(id) else { return nil }
        return Fold.fold(id, server.disk.events(of: id), reader: reader)
    }

    private func escalate(at node: NodeProcess?) {
        if let node, let id = random.pick(node.disk.cases) {
            node.post(.escalate(id), as: .escalation(id), now: now)
        } else if node == nil, let id = random.pick(hub.disk.cases) {
            hub.post(.escalate(id), as: .escalation(id), now: now)
        }
    }

    private func register(at node: NodeProcess) {
        let intake = Intake(
            kind: .complaint, channel: .phone, category: "water",
            about: random.chance(10) ? office("ENERGY") : nil,
            texts: Texts(subject: "no water", citizenName: "citizen \(random.below(100))"))
        let command: Command = random.chance(10) ? .open : .register(intake)
        let request = WriterRequest(command: command, caseID: nil, actor: person("maryam", at: node.origin, .operator))
        if case .open = command, random.chance(70) { return submit(request, then: intake, at: node) }
        submit(request, at: node)
    }

    func person(_ name: String, at origin: Origin, _ role: Role) -> Actor {
        Actor(name: name, role: role, organization: OrganizationCode(origin))
    }

    func office(_ text: String) -> OrganizationCode { OrganizationCode(rawValue: text) ?? .presidency }

    private func actor(_ state: Case, at origin: Origin) -> Actor {
        let name = random.chance(50) ? "maryam" : "hasan"
        guard origin == .hub else { return person(name, at: origin, .supervisor) }
        if state.seat == .hub, state.holder != .presidency, random.chance(70) {
            return Actor(name: "desk", role: .ministry, organization: state.holder)
        }
        return Actor(name: name, role: .hub, organization: .presidency)
    }

    /// A case in which a merge left something to people.
    private func unsettled(at node: NodeProcess?) -> CaseID? {
        let rows = (node?.disk ?? hub.disk).figures.rows
        return rows.filter { $0.value.proposals + $0.value.conflicts > 0 }.keys.min()
    }

    private func repair(_ state: Case) -> Command? {
        guard random.chance(35) else { return nil }
        if let proposal = random.pick(state.proposals) { return .apply(proposal: proposal.event) }
        return state.conflicts.first.map { .restore(conflict: $0) }
    }

    /// What the seat would do next.
    private func next(_ state: Case, at origin: Origin) -> Command {
        switch state.heldStatus {
        // What one office has refused, others refuse too: it goes to and fro.
        case .referred: return random.chance(state.refusals > 0 ? 8 : 30) ? .accept : .refuse(reason: "not ours")
        case .answered, .closed:
            guard let dispute = state.openDisputes.first else { return .dispute(text: "it was not done") }
            tally.add("dispute against closure")
            return .review(dispute: dispute.event, upheld: random.chance(70), text: "looked again")
        default:
            switch random.below(state.refusals > 0 ? 6 : 10) {
            case 0..<6: return refer(from: origin)
            case 6: return .act(text: "sent")
            case 7: return .close(.advised, text: "explained")
            default: return .answer(text: "mended")
            }
        }
    }

    private func refer(from origin: Origin) -> Command {
        let place = origins[random.below(origins.count)]
        let codes = ["SAMT", "ENERGY", "EDU", place.code, place.code, place.code, place.code, "\(place.code)-MUN"]
        return .refer(to: office(codes[random.below(codes.count)]), reason: "theirs")
    }

    private func anything(_ state: Case, at origin: Origin) -> Command {
        let entry = state.history.isEmpty ? .zero : state.history[random.below(state.history.count)].event
        switch random.below(24) {
        case 0..<3: return .note(text: "note \(random.below(1000))")
        case 3..<9: return amend()
        case 9, 10:
            let target = state.hidden.sorted().first ?? entry
            return .hide(target, hidden: !state.hidden.contains(target))
        case 11: return .dispute(text: "not done")
        case 12: return random.chance(50) ? .rate(score: 1 + random.below(5)) : .withdraw(text: "no more")
        case 13...15: return .assess(Assessment(lawful: true, withinMeans: random.chance(50), done: false))
        case 16: return .close(.resolved, text: "done")
        case 17: return .answer(text: "answer")
        case 18, 19: return origin == .hub ? move() : refer(from: origin)
        case 20: return .review(dispute: state.openDisputes.first?.event ?? entry, upheld: true, text: "yes")
        default: return next(state, at: origin)
        }
    }

    private func amend() -> Command {
        switch random.below(6) {
        case 0: return .amend(Edit(category: random.chance(50) ? "housing" : "loans"))
        case 1: return .amend(Edit(tags: ["tag \(random.below(9))"]))
        case 2: return .amend(Edit(texts: Texts(citizenNationalID: "\(random.below(1_000))")))
        default:
            let priority: Priority = random.chance(50) ? .high : .urgent
            return .amend(Edit(priority: priority, texts: Texts(subject: "subject \(random.below(99))")))
        }
    }

    private func move() -> Command {
        let codes = origins.map(\.code) + ["SAMT", "PRES"]
        return .moveCustody(to: office(codes[random.below(codes.count)]), reason: "quicker there")
    }
}

extension NodeProcess {
    /// Cases that it registered.
    fileprivate var figuresOwn: Int { disk.cases.reduce(0) { $0 + ($1.home == origin ? 1 : 0) } }
}
