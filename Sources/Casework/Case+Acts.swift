extension Case {
    /// What an actor may do with the case now: each act of which `decide` would take at least one command. Documents offer
    /// these, so that no page needs to know the rules.
    /// - Parameter written: as for `decide`.
    public func acts(
        in context: DecisionContext, written: (EventHash) -> (change: CaseChange, texts: Texts)? = { _ in nil }
    ) -> [Act] {
        Act.allCases.filter { act in
            // Most are refused for the role alone.
            guard act.roles.contains(context.actor.role) else { return false }
            return samples(of: act, in: context).contains { isTaken($0, in: context, written: written) }
        }
    }

    private func isTaken(
        _ command: Command, in context: DecisionContext, written: (EventHash) -> (change: CaseChange, texts: Texts)?
    ) -> Bool {
        do throws(Refusal) {
            return try !decide(command, in: context, trackingCode: trackingCode, written: written).isEmpty
        } catch {
            return false
        }
    }

    /// Commands of one act, enough that if any command of it is taken then one of these is: whatever its values decide is
    /// tried out (entries, disputes, organisations), and the rest is any valid value.
    private func samples(of act: Act, in context: DecisionContext) -> [Command] {
        let word = "x"
        switch act {
        // These begin another case.
        case .open, .importCase: return []
        case .register:
            let intake = Intake(
                kind: .request, channel: .phone, category: Category.other.code, texts: Texts(subject: word))
            return [.register(intake)]
        case .note: return [.note(text: word)]
        case .attach:
            return [.attach(Attachment(sha256: .zero, size: 1, mediaType: "text/plain"), name: word)]
        case .assess: return [.assess(Assessment(lawful: true, withinMeans: true, done: true))]
        // At most two organisations are refused for what they are: the holder, and the one complained of.
        case .refer: return context.tree.all.prefix(3).map { .refer(to: $0.code, reason: word) }
        case .moveCustody: return context.tree.all.prefix(3).map { .moveCustody(to: $0.code, reason: word) }
        case .accept: return [.accept]
        case .refuse: return [.refuse(reason: word)]
        case .act: return [.act(text: word)]
        case .answer: return [.answer(text: word)]
        case .close: return [.close(.advised, text: word)]
        case .dispute: return [.dispute(text: word)]
        case .review: return openDisputes.map { .review(dispute: $0.event, upheld: true, text: word) }
        case .rate: return [.rate(score: 5)]
        case .withdraw: return [.withdraw(text: word)]
        case .hide: return history.map { .hide($0.event, hidden: !hidden.contains($0.event)) }
        case .amend: return [.amend(Edit(priority: .normal))]
        case .restore: return conflicts.map { .restore(conflict: $0) }
        case .apply: return proposals.map { .apply(proposal: $0.event) }
        case .markDuplicate:
            return [.markDuplicate(of: CaseID(home: home, at: Instant(milliseconds: 0), random: (0, 0)))]
        }
    }
}
