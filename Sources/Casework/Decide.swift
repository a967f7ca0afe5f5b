/// What a decision needs to know besides the case: all arguments, no clock, no random source.
public struct DecisionContext: Sendable {
    public var now: Instant
    /// The server that decides.
    public var origin: Origin
    public var actor: Actor
    public var tree: OrganizationTree
    public var calendar: WorkCalendar
    /// What a grant written now must say. Only the hub's machine knows it; a dry run asks for no more than a yes.
    public var terms: GrantTerms
    /// Kinds that may not be written yet, each with the server that must be upgraded first: it could not read them.
    public var notYet: [EventKind: Origin]

    public init(
        now: Instant, origin: Origin, actor: Actor, tree: OrganizationTree, calendar: WorkCalendar,
        terms: GrantTerms = GrantTerms(epoch: 0, cut: []), notYet: [EventKind: Origin] = [:]
    ) {
        (self.now, self.origin, self.actor, self.tree, self.calendar) = (now, origin, actor, tree, calendar)
        (self.terms, self.notYet) = (terms, notYet)
    }
}

extension Case {
    /// Decides a command: the events to append, in order, or the reason why not. Nothing changes here.
    /// - Parameters:
    ///   - trackingCode: a free code of this origin, for commands that register.
    ///   - written: what an event of this case said, with its texts where this server holds them; asked by `restore`.
    public func decide(
        _ command: Command, in context: DecisionContext, trackingCode: TrackingCode? = nil,
        written: (EventHash) -> (change: CaseChange, texts: Texts)? = { _ in nil }
    ) throws(Refusal) -> [NewEvent] {
        try Permissions.check(command, on: self, in: context)
        try Limits.check(command)
        let command = try command.withNumbersRead()
        let newEvents = try decide(permitted: command, in: context, trackingCode: trackingCode, written: written)
        if !context.notYet.isEmpty {
            for new in newEvents {
                if let origin = context.notYet[new.change.kind] { throw .notYet(new.change.kind, until: origin) }
            }
        }
        return newEvents
    }

    private func decide(
        permitted command: Command, in context: DecisionContext, trackingCode: TrackingCode?,
        written: (EventHash) -> (change: CaseChange, texts: Texts)?
    ) throws(Refusal) -> [NewEvent] {
        let decision = Decision(of: self, in: context)
        switch command {
        case .register, .open, .importCase:
            guard let code = self.trackingCode ?? trackingCode else {
                throw .invalid(field: "tracking_code", .noCodeDrawn)
            }
            return try decision.begin(command, code: code)
        case .assess, .refer, .accept, .refuse, .answer, .close, .review, .apply, .moveCustody:
            return try decision.held(command)
        case .note, .attach, .act, .hide, .markDuplicate, .notify: return try decision.append(command)
        case .amend(let edit): return try decision.amend(edit)
        case .restore(let conflict): return try decision.restore(conflict, written: written)
        case .dispute, .rate, .withdraw: return try decision.voice(command)
        }
    }
}

/// One decision under way.
private struct Decision {
    let subject: Case
    let context: DecisionContext

    init(of subject: Case, in context: DecisionContext) { (self.subject, self.context) = (subject, context) }

    func newEvent(
        _ change: CaseChange, _ texts: Texts = Texts(), base: [Base] = [], applies: EventHash? = nil, at: Instant? = nil
    ) -> NewEvent {
        NewEvent(
            change, texts: texts, base: base, applies: applies, actor: context.actor, occurredAt: at ?? context.now)
    }

    // MARK: Registration

    func begin(_ command: Command, code: TrackingCode) throws(Refusal) -> [NewEvent] {
        guard subject.registration == nil else { throw .illegal(.alreadyRegistered, status: subject.status) }
        switch command {
        case .open:
            guard subject.trackingCode == nil else { throw .illegal(.repeated, status: subject.status) }
            return [newEvent(.opened(trackingCode: code))]
        case .register(let intake):
            let due = Due(at: context.calendar.due(from: context.now, days: 15), calendar: context.calendar.version)
            return [try registration(of: intake, code: code, due: due, at: context.now, imported: false)]
        case .importCase(let imported): return try history(of: imported, code: code)
        default: return []
        }
    }

    func registration(
        of intake: Intake, code: TrackingCode, due: Due, at: Instant, imported: Bool
    ) throws(Refusal) -> NewEvent {
        guard imported || Category[intake.category] != nil else { throw .unknownCategory(intake.category) }
        if let about = intake.about, context.tree[about] == nil { throw .unknownOrganization(about.rawValue) }
        let registration = Registration(
            trackingCode: code, kind: intake.kind, channel: intake.channel, category: intake.category,
            priority: intake.priority, tags: intake.tags, about: intake.about, due: due, imported: imported)
        return newEvent(.registered(registration), intake.texts, at: at)
    }

    /// Historic events keep their historic time. They stay inside one seat: what another office did is its own to tell.
    func history(of imported: ImportedCase, code: TrackingCode) throws(Refusal) -> [NewEvent] {
        guard imported.registeredAt <= context.now else {
            throw .invalid(field: "registered_at", .inTheFuture)
        }
        let due = Due(
            at: context.calendar.due(from: imported.registeredAt, days: 15), calendar: context.calendar.version)
        var newEvents = [
            try registration(of: imported.intake, code: code, due: due, at: imported.registeredAt, imported: true)
        ]
        var shadow = subject
        shadow.applyHeld(
            Fact(event: .zero, change: newEvents[0].change, actor: context.actor, at: imported.registeredAt))
        for (index, event) in imported.history.enumerated() {
            guard event.at <= context.now else {
                throw .invalid(field: "history[\(index)].at", .inTheFuture)
            }
            let (change, texts) = try step(event.step)
            if change.mergeClass == .held {
                guard shadow.objection(to: change, by: context.actor) == nil else {
                    throw .invalid(field: "history[\(index)].step", .stepNotAllowed)
                }
                shadow.applyHeld(Fact(event: .zero, change: change, actor: context.actor, at: event.at))
            }
            newEvents.append(newEvent(change, texts, at: event.at))
        }
        return newEvents
    }

    func step(_ step: ImportedCase.Step) throws(Refusal) -> (CaseChange, Texts) {
        switch step {
        case .referred(let to):
            guard context.tree.seat(of: to) == context.origin else {
                throw .invalid(field: "history.to", .notSeatedHere)
            }
            return (.referred(to: to, seat: context.origin), Texts())
        case .accepted: return (.accepted, Texts())
        case .acted(let text): return (.acted, Texts(text: text))
        case .answered(let text): return (.answered, Texts(text: text))
        case .closed(let outcome, let text): return (.closed(outcome), Texts(text: text))
        case .noted(let text): return (.noted, Texts(text: text))
        }
    }

    // MARK: Held

    func held(_ command: Command) throws(Refusal) -> [NewEvent] {
        if let event = subject.parkedBy { throw .parked(event) }
        if case .moveCustody(let to, let reason) = command { return try move(to: to, reason: reason) }
        guard subject.seat == context.origin else { throw .notTheSeat(subject.seat) }
        switch command {
        case .assess(let assessment): return try assess(assessment)
        case .refer(let to, let reason):
            guard let seat = context.tree.seat(of: to) else { throw .unknownOrganization(to.rawValue) }
            return try write(.referred(to: to, seat: seat), text: reason)
        case .accept: return try write(.accepted)
        case .refuse(let reason): return try write(.refused, text: reason)
        case .answer(let text): return try write(.answered, text: text)
        case .close(let outcome, let text):
            guard outcome != .withdrawn || subject.withdrawnBy != nil else {
                throw .invalid(field: "outcome", .onlyTheCitizen)
            }
            return try write(.closed(outcome), text: text)
        case .review(let dispute, let upheld, let text):
            return try write(.reviewed(dispute: dispute, upheld: upheld), text: text)
        case .apply(let hash):
            guard let proposal = subject.proposals.first(where: { $0.event == hash }) else { throw .unknownEvent(hash) }
            return try write(proposal.change, applies: hash)
        default: return []
        }
    }

    func write(_ change: CaseChange, text: String? = nil, applies: EventHash? = nil) throws(Refusal) -> [NewEvent] {
        if let objection = subject.objection(to: change, by: context.actor) {
            if objection == .disputeUnknown, case .reviewed(let dispute, _) = change { throw .unknownEvent(dispute) }
            throw .illegal(objection, status: subject.status)
        }
        return [newEvent(change, Texts(text: text), applies: applies)]
    }

    /// "Lawful, within its means, not done" opens the complaint track: a week from registration, never later than
    /// before.
    func assess(_ assessment: Assessment) throws(Refusal) -> [NewEvent] {
        var newEvents = try write(.assessed(assessment))
        guard assessment.lawful, assessment.withinMeans, !assessment.done, !subject.imported,
            let registeredAt = subject.registeredAt, let deadline = subject.deadline
        else { return newEvents }
        let week = context.calendar.due(from: registeredAt, days: 7)
        if week < deadline.at {
            newEvents.append(newEvent(.dueMoved(Due(at: week, calendar: context.calendar.version))))
        }
        return newEvents
    }

    /// A person at the hub takes over or hands over.
    func move(to organization: OrganizationCode, reason: String) throws(Refusal) -> [NewEvent] {
        guard context.origin == .hub else { throw .notTheSeat(.hub) }
        guard subject.registration != nil else { throw .illegal(.notRegistered, status: subject.status) }
        guard let seat = context.tree.seat(of: organization) else { throw .unknownOrganization(organization.rawValue) }
        guard organization != subject.registration?.about, organization != subject.holder || subject.transfer != nil
        else { throw .illegal(.referredToItself, status: subject.status) }
        let grant = context.terms.grant(holder: organization, seat: seat, cause: nil)
        return [newEvent(.granted(grant), Texts(text: reason))]
    }

    // MARK: Append-only, shared, voice

    func append(_ command: Command) throws(Refusal) -> [NewEvent] {
        guard subject.registration != nil else { throw .illegal(.notRegistered, status: subject.status) }
        switch command {
        case .note(let text): return [newEvent(.noted, Texts(text: text))]
        case .attach(let attachment, let name): return [newEvent(.attached(attachment), Texts(text: name))]
        case .act(let text):
            guard subject.heldStatus != .closed else { throw .illegal(.statusDoesNotAllow, status: subject.status) }
            return [newEvent(.acted, Texts(text: text))]
        case .hide(let event, let hidden):
            guard let entry = subject.history.first(where: { $0.event == event }) else { throw .unknownEvent(event) }
            guard entry.kind?.rule.mayBeHidden ?? false else {
                throw .invalid(field: "event", .neverHidden)
            }
            guard hidden != subject.hidden.contains(event) else { throw .illegal(.repeated, status: subject.status) }
            let change: CaseChange = hidden ? .hidden(event) : .unhidden(event)
            let seen = [event] + (subject.shownAgain[event] ?? [])
            return [newEvent(change, base: [Base(field: nil, events: seen)])]
        case .markDuplicate(let other):
            guard other != subject.id else { throw .invalid(field: "of", .theSameCase) }
            return [newEvent(.duplicateMarked(of: other))]
        case .notify(let notice):
            guard subject.history.contains(where: { $0.event == notice.key.event }) else {
                throw .unknownEvent(notice.key.event)
            }
            guard notice.outcome.supersedes(subject.outcome(of: notice.key)) else {
                throw .illegal(.repeated, status: subject.status)
            }
            return [newEvent(.notified(notice))]
        default: return []
        }
    }

    func amend(_ edit: Edit) throws(Refusal) -> [NewEvent] {
        guard subject.registration != nil else { throw .illegal(.notRegistered, status: subject.status) }
        if let category = edit.category, Category[category] == nil { throw .unknownCategory(category) }
        let amendment = Amendment(
            category: edit.category, priority: edit.priority, tags: edit.tags,
            textFields: Field.allCases.sorted().filter { edit.texts[$0] != nil })
        guard !amendment.fields.isEmpty else { throw .invalid(field: "", .nothingToAmend) }
        return [newEvent(.amended(amendment), edit.texts, base: try bases(amendment.fields, seen: edit.seen))]
    }

    /// Writes the losing value anew, based on all heads, so that no conflict remains in its field.
    func restore(
        _ conflict: EventHash, written: (EventHash) -> (change: CaseChange, texts: Texts)?
    ) throws(Refusal) -> [NewEvent] {
        let values = subject.values.sorted { $0.key < $1.key }
        guard let (field, value) = values.first(where: { $0.value.conflicts.contains(conflict) }),
            let origin = written(conflict)
        else { throw .unknownEvent(conflict) }
        var amendment = Amendment()
        var texts = Texts()
        switch (field, EnvelopeValue(field, of: origin.change)) {
        case (_, .category(let category)): amendment.category = category
        case (_, .priority(let priority)): amendment.priority = priority
        case (_, .tags(let tags)): amendment.tags = tags
        case (_, nil):
            guard let text = origin.texts[field] else {
                throw .invalid(field: field.rawValue, .textNotHere)
            }
            amendment.textFields = [field]
            texts[field] = text
        }
        return [newEvent(.amended(amendment), texts, base: [Base(field: field, events: value.heads)])]
    }

    /// What the author's page showed: the events named by the page where they are known here, else the present heads.
    func bases(_ fields: [Field], seen: [Field: [EventHash]]?) throws(Refusal) -> [Base] {
        var bases = [Base]()
        for field in fields {
            let heads = subject.values[field]?.heads ?? []
            let named = seen?[field] ?? heads
            for event in named where !subject.history.contains(where: { $0.event == event }) {
                throw .unknownEvent(event)
            }
            bases.append(Base(field: field, events: named))
        }
        return bases
    }

    func voice(_ command: Command) throws(Refusal) -> [NewEvent] {
        guard subject.status != .draft, subject.registration != nil else {
            throw .illegal(.notRegistered, status: subject.status)
        }
        switch command {
        case .dispute(let text): return [newEvent(.disputed, Texts(text: text))]
        case .rate(let score): return [newEvent(.rated(score: score))]
        case .withdraw(let text):
            guard subject.withdrawnBy == nil else { throw .illegal(.repeated, status: subject.status) }
            return [newEvent(.withdrawn, Texts(text: text))]
        default: return []
        }
    }
}
