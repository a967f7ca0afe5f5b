import Testing

@testable import Casework

@Suite struct VoiceAndEntryTests {
    private func refusal(_ scene: Scene, _ command: Command) -> Refusal? {
        do {
            _ = try scene.decide(command)
            return nil
        } catch {
            return error
        }
    }

    // MARK: The citizen's voice

    @Test func aDisputeOverlaysEveryStatus() throws {
        var scene = try Scene.registered()
        try scene.take(.close(.resolved, text: "x"))
        #expect(scene.subject.outcome == .resolved)
        let dispute = try scene.take(.dispute(text: "انجام نشد"))[0]
        #expect(scene.subject.status == .disputed)
        #expect(scene.subject.outcome == nil)
        #expect(scene.subject.heldStatus == .closed)
        try scene.take(
            .review(dispute: dispute, upheld: false, text: "x"), by: Scene.person("r", .supervisor, "IR-03"))
        #expect(scene.subject.status == .closed)
        #expect(scene.subject.outcome == .resolved)
    }

    @Test func anUpheldReviewReopens() throws {
        for command in [Command.answer(text: "x"), .close(.resolved, text: "x")] {
            var scene = try Scene.registered()
            try scene.take(command)
            let dispute = try scene.take(.dispute(text: "x"))[0]
            try scene.take(
                .review(dispute: dispute, upheld: true, text: "x"), by: Scene.person("r", .supervisor, "IR-03"))
            #expect(scene.subject.status == .inProgress)
            #expect(scene.subject.answeredAt == nil)
        }
    }

    @Test func theReviewerIsNeverTheFirstDecider() throws {
        var scene = try Scene.registered()
        let decider = Scene.person("zahra", .operator, "IR-03")
        try scene.take(.answer(text: "x"), by: decider)
        try scene.take(.close(.resolved, text: "x"), by: Scene.person("second", .supervisor, "IR-03"))
        let dispute = try scene.take(.dispute(text: "x"))[0]
        // In another role she is the same person.
        scene.actor = Scene.person("zahra", .supervisor, "IR-03")
        let review = Command.review(dispute: dispute, upheld: false, text: "x")
        #expect(refusal(scene, review) == .illegal(.reviewerDecided, status: .disputed))
        // A namesake of another office is not, nor is who decided second.
        scene.actor = Scene.person("zahra", .supervisor, "IR-03-EDU")
        #expect(refusal(scene, review) == nil)
        scene.actor = Scene.person("second", .supervisor, "IR-03")
        #expect(refusal(scene, review) == nil)
    }

    @Test func aReviewNamesAnOpenDispute() throws {
        var scene = try Scene.registered()
        let dispute = try scene.take(.dispute(text: "x"))[0]
        #expect(refusal(scene, .review(dispute: .zero, upheld: true, text: "")) == .unknownEvent(.zero))
        try scene.take(.review(dispute: dispute, upheld: true, text: ""))
        #expect(refusal(scene, .review(dispute: dispute, upheld: true, text: "")) == .unknownEvent(dispute))
    }

    @Test func aWithdrawalEndsTheCaseOnlyWithNoOpenDispute() throws {
        var scene = try Scene.registered()
        let dispute = try scene.take(.dispute(text: "x"))[0]
        try scene.take(.withdraw(text: ""))
        #expect(scene.subject.status == .disputed)
        try scene.take(.review(dispute: dispute, upheld: false, text: ""))
        #expect(scene.subject.status == .closed)
        #expect(scene.subject.outcome == .withdrawn)
        #expect(refusal(scene, .withdraw(text: "")) == .illegal(.repeated, status: .closed))
        try scene.take(.dispute(text: "x"))
        #expect(scene.subject.status == .disputed)
    }

    @Test func onlyTheCitizenWithdraws() throws {
        var scene = try Scene.registered()
        let close = Command.close(.withdrawn, text: "")
        #expect(
            refusal(scene, close)
                == .invalid(field: "outcome", .onlyTheCitizen))
        try scene.take(.withdraw(text: ""))
        #expect(refusal(scene, close) == nil)
    }

    // MARK: Entries

    @Test func entriesAreHiddenAndShownAgain() throws {
        var scene = try Scene.registered()
        let note = try scene.take(.note(text: "x"))[0]
        #expect(refusal(scene, .hide(note, hidden: false)) == .illegal(.repeated, status: .registered))
        #expect(refusal(scene, .hide(.zero, hidden: true)) == .unknownEvent(.zero))
        let hide = try scene.decide(.hide(note, hidden: true))
        #expect(hide.map(\.change) == [.hidden(note)])
        #expect(hide[0].base == [Base(field: nil, events: [note])])
        try scene.take(.hide(note, hidden: true))
        #expect(refusal(scene, .hide(note, hidden: true)) == .illegal(.repeated, status: .registered))
        let shown = try scene.take(.hide(note, hidden: false))[0]
        // The next hide knows of the un-hide; else it would not count.
        #expect(try scene.decide(.hide(note, hidden: true))[0].base == [Base(field: nil, events: [note, shown])])
    }

    @Test func aFileIsAttachedInAnyStatusButDraft() throws {
        let attachment = Attachment(sha256: Scene.hash(7), size: 9, mediaType: "image/jpeg")
        let attach = Command.attach(attachment, name: "عکس.jpg")
        #expect(refusal(Scene(), attach) == .illegal(.notRegistered, status: .draft))
        var scene = try Scene.registered()
        #expect(try scene.decide(attach).map(\.change) == [.attached(attachment)])
        #expect(try scene.decide(attach)[0].texts == Texts(text: "عکس.jpg"))
        try scene.take(.close(.advised, text: "x"))
        #expect(try scene.decide(attach).map(\.change) == [.attached(attachment)])
        // As a note: what cannot be read of the case does not keep it out.
        scene.subject.parkedBy = Scene.hash(8)
        #expect(try scene.decide(attach).map(\.change) == [.attached(attachment)])
    }

    @Test func aCaseIsNoDuplicateOfItself() throws {
        let scene = try Scene.registered()
        #expect(
            refusal(scene, .markDuplicate(of: scene.subject.id))
                == .invalid(field: "of", .theSameCase))
        let other = CaseID(home: .hub, at: Scene.start, random: (0, 0))
        #expect(try scene.decide(.markDuplicate(of: other)).map(\.change) == [.duplicateMarked(of: other)])
    }

    // MARK: Shared fields

    @Test func anAmendmentIsBasedOnWhatItsAuthorSaw() throws {
        var scene = try Scene.registered()
        let registration = scene.subject.history[0].event
        let edit = Edit(category: "roads", tags: ["a"], texts: Texts(subject: "y", citizenMobile: ""))
        let newEvent = try scene.decide(.amend(edit))[0]
        #expect(
            newEvent.change
                == .amended(Amendment(category: "roads", tags: ["a"], textFields: [.citizenMobile, .subject])))
        #expect(newEvent.base.map(\.field) == [.category, .citizenMobile, .subject, .tags])
        #expect(newEvent.base.allSatisfy { $0.events == [registration] })
        #expect(newEvent.texts == edit.texts)
        // A page loaded before the last edit names what it showed.
        try scene.take(.amend(Edit(texts: Texts(subject: "z"))))
        let stale = Edit(texts: Texts(subject: "y"), seen: [.subject: [registration]])
        #expect(try scene.decide(.amend(stale))[0].base == [Base(field: .subject, events: [registration])])
    }

    @Test func amendmentsNameKnownThings() throws {
        let scene = try Scene.registered()
        #expect(refusal(scene, .amend(Edit())) == .invalid(field: "", .nothingToAmend))
        #expect(refusal(scene, .amend(Edit(category: "astrology"))) == .unknownCategory("astrology"))
        let invented = Edit(priority: .high, seen: [.priority: [.zero]])
        #expect(refusal(scene, .amend(invented)) == .unknownEvent(.zero))
    }

    @Test func aRestoreIsBasedOnAllHeads() throws {
        var scene = try Scene.registered()
        let winner = try scene.take(.amend(Edit(category: "roads", texts: Texts(subject: "winner"))))[0]
        let loser = try scene.take(.amend(Edit(category: "water", texts: Texts(subject: "loser"))))[0]
        for field in [Field.category, .subject] {
            scene.subject.values[field] = SharedValue(shown: winner, conflicts: [loser], value: nil)
        }
        // Fields in their order: one restore settles one of them.
        let category = try scene.decide(.restore(conflict: loser))[0]
        #expect(category.change == .amended(Amendment(category: "water")))
        #expect(category.base == [Base(field: .category, events: [loser, winner])])
        scene.subject.values[.category]?.conflicts = []
        let subject = try scene.decide(.restore(conflict: loser))[0]
        #expect(subject.change == .amended(Amendment(textFields: [.subject])))
        #expect(subject.texts == Texts(subject: "loser"))
        #expect(subject.base == [Base(field: .subject, events: [loser, winner])])
        #expect(refusal(scene, .restore(conflict: winner)) == .unknownEvent(winner))
        // A server that holds no text cannot write it anew.
        #expect(throws: Refusal.invalid(field: "subject", .textNotHere)) {
            try scene.subject.decide(.restore(conflict: loser), in: scene.context) { _ in
                (.amended(Amendment(textFields: [.subject])), Texts())
            }
        }
    }

    // MARK: Proposals

    @Test func aProposalIsAppliedAsAnewHeldEvent() throws {
        var scene = try Scene.registered()
        let proposal = Proposal(
            event: Scene.hash(77), change: .answered, actor: Scene.person("k", .operator, "IR-23"),
            origin: Origin.provinces[23], at: Scene.start, reason: .custodyMoved)
        scene.subject.proposals = [proposal]
        let newEvent = try scene.decide(.apply(proposal: Scene.hash(77)))[0]
        #expect(newEvent.change == .answered)
        #expect(newEvent.applies == Scene.hash(77))
        #expect(newEvent.actor == scene.actor)
        #expect(refusal(scene, .apply(proposal: Scene.hash(78))) == .unknownEvent(Scene.hash(78)))
        try scene.take(.close(.advised, text: ""))
        #expect(
            refusal(scene, .apply(proposal: Scene.hash(77))) == .illegal(.statusDoesNotAllow, status: .closed))
    }
}
