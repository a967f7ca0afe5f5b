import Testing

@testable import Casework

@Suite struct LifeCycleTests {
    private let municipality = Scene.code("IR-03-MUN")
    private let notDone = Assessment(lawful: true, withinMeans: true, done: false)

    private func scene(in status: Status) throws -> Scene {
        var scene = try Scene.registered()
        switch status {
        case .registered: break
        case .referred: try scene.take(.refer(to: municipality, reason: "x"))
        case .inProgress:
            try scene.take(.refer(to: municipality, reason: "x"))
            try scene.take(.accept)
        case .answered: try scene.take(.answer(text: "x"))
        case .closed: try scene.take(.close(.advised, text: "x"))
        case .draft: scene = Scene()
        case .disputed: try scene.take(.dispute(text: "x"))
        }
        #expect(scene.subject.status == status)
        return scene
    }

    /// The life cycle, written down a second time: from which held status each command is legal, and where it leads.
    @Test func everyCommandFromEveryStatus() throws {
        let education = Scene.code("IR-03-EDU")
        let table: [(Command, [Status], Status?)] = [
            (.assess(Assessment(lawful: true, withinMeans: false, done: false)), [.registered, .inProgress], nil),
            (.refer(to: education, reason: "x"), [.registered, .inProgress], .referred),
            (.accept, [.referred], .inProgress),
            (.refuse(reason: "x"), [.referred], .registered),
            (.answer(text: "x"), [.registered, .inProgress], .answered),
            (.close(.resolved, text: "x"), [.registered, .inProgress, .answered], .closed),
            (.act(text: "x"), [.registered, .referred, .inProgress, .answered], nil),
        ]
        for status in [Status.registered, .referred, .inProgress, .answered, .closed] {
            for (command, legal, next) in table {
                var scene = try scene(in: status)
                if legal.contains(status) {
                    try scene.take(command)
                    #expect(scene.subject.status == next ?? status, "\(command) from \(status)")
                } else {
                    #expect(throws: Refusal.illegal(.statusDoesNotAllow, status: status), "\(command)") {
                        try scene.decide(command)
                    }
                }
            }
        }
    }

    @Test func answersCarryTheirTextAndTheirTime() throws {
        var scene = try scene(in: .inProgress)
        scene.now = scene.now + Instant.day
        let newEvents = try scene.decide(.answer(text: "لوله عوض شد"))
        #expect(newEvents.map(\.texts) == [Texts(text: "لوله عوض شد")])
        #expect(newEvents.map(\.occurredAt) == [Scene.start + Instant.day])
        try scene.take(.answer(text: "x"))
        #expect(scene.subject.answeredAt == Scene.start + Instant.day)
    }

    // MARK: Referral

    @Test func insideASeatCustodyMovesAtOnce() throws {
        var scene = try Scene.registered()
        try scene.take(.refer(to: municipality, reason: "x"))
        #expect(scene.subject.holder == municipality)
        #expect(scene.subject.transfer == nil)
        #expect(scene.subject.epoch == 0)
        try scene.take(.refuse(reason: "not ours"))
        #expect(scene.subject.holder == Scene.code("IR-03"))
        #expect(scene.subject.status == .registered)
        #expect(scene.subject.refusals == 1)
    }

    @Test func toAnotherSeatItWaitsForItsGrant() throws {
        var scene = try Scene.registered()
        let referral = try scene.take(.refer(to: Scene.code("IR-23"), reason: "x"))
        let transfer = Transfer(
            cause: referral[0], holder: Scene.code("IR-23"), seat: Origin.provinces[23], isReturn: false)
        #expect(scene.subject.transfer == transfer)
        #expect(scene.subject.holder == Scene.code("IR-03"))
        #expect(scene.subject.seat == Origin.provinces[3])
        #expect(scene.subject.status == .referred)
        for command in [Command.accept, .refuse(reason: "x"), .answer(text: "x"), .close(.advised, text: "")] {
            #expect(throws: Refusal.illegal(.transferPending, status: .referred)) { try scene.decide(command) }
        }
        scene.grant(to: "IR-23", at: Origin.provinces[23], causedBy: referral[0])
        #expect(scene.subject.holder == Scene.code("IR-23"))
        #expect(scene.subject.seat == Origin.provinces[23])
        #expect(scene.subject.transfer == nil)
        #expect(scene.subject.status == .referred)
        #expect(scene.subject.referrers.map(\.seat) == [Origin.provinces[3]])
    }

    @Test func aRefusalGoesBackToWhoReferred() throws {
        var scene = try Scene.registered()
        try scene.take(.refer(to: municipality, reason: "x"))
        try scene.take(.accept)
        let referral = try scene.take(.refer(to: Scene.code("SAMT"), reason: "x"))
        scene.grant(to: "SAMT", at: .hub, causedBy: referral[0])
        scene.origin = .hub
        let refusal = try scene.take(.refuse(reason: "x"), by: Scene.person("m", .ministry, "SAMT"))
        #expect(scene.subject.transfer?.isReturn == true)
        #expect(scene.subject.transfer?.holder == municipality)
        scene.grant(to: "IR-03-MUN", at: Origin.provinces[3], epoch: 2, causedBy: refusal[0])
        #expect(scene.subject.holder == municipality)
        #expect(scene.subject.status == .registered)
        // The municipality's own referrer still stands behind it.
        #expect(scene.subject.referrers == [Referrer(holder: Scene.code("IR-03"), seat: Origin.provinces[3])])
    }

    @Test func aPersonsGrantOvertakesAPendingReturn() throws {
        var scene = try Scene.registered()
        let referral = try scene.take(.refer(to: Scene.code("IR-23"), reason: "x"))
        scene.grant(to: "IR-23", at: Origin.provinces[23], causedBy: referral[0])
        scene.origin = Origin.provinces[23]
        try scene.take(.refuse(reason: "x"), by: Scene.person("k", .operator, "IR-23"))
        scene.grant(to: "SAMT", at: .hub, epoch: 2)
        #expect(scene.subject.seat == .hub)
        #expect(scene.subject.transfer == nil)
        #expect(scene.subject.referrers.map(\.seat) == [Origin.provinces[3], Origin.provinces[23]])
    }

    @Test func aCaseIsNeverReferredToTheUnitThatItIsAbout() throws {
        var scene = try Scene.registered(about: "IR-03-MUN")
        #expect(throws: Refusal.illegal(.referredToItself, status: .registered)) {
            try scene.decide(.refer(to: municipality, reason: "x"))
        }
        #expect(throws: Refusal.illegal(.referredToItself, status: .registered)) {
            try scene.decide(.refer(to: Scene.code("IR-03"), reason: "x"))
        }
        // Nor does a person at the hub move it there.
        scene.origin = .hub
        scene.actor = Scene.person("h", .hub, "PRES")
        #expect(throws: Refusal.illegal(.referredToItself, status: .registered)) {
            try scene.decide(.moveCustody(to: municipality, reason: "x"))
        }
    }

    @Test func unknownOfficesAreRefused() throws {
        var scene = try Scene.registered()
        #expect(throws: Refusal.unknownOrganization("ATLANTIS")) {
            try scene.decide(.refer(to: Scene.code("ATLANTIS"), reason: "x"))
        }
        scene.origin = .hub
        scene.actor = Scene.person("h", .hub, "PRES")
        #expect(throws: Refusal.unknownOrganization("ATLANTIS")) {
            try scene.decide(.moveCustody(to: Scene.code("ATLANTIS"), reason: "x"))
        }
    }

    @Test func onlyTheHubMovesCustody() throws {
        var scene = try Scene.registered()
        scene.actor = Scene.person("h", .hub, "PRES")
        #expect(throws: Refusal.notTheSeat(.hub)) {
            try scene.decide(.moveCustody(to: Scene.code("SAMT"), reason: "x"))
        }
        scene.origin = .hub
        let cut = [ChainPlace(incarnation: 1, seq: 3)]
        scene.terms = GrantTerms(epoch: 7, cut: cut)
        let newEvents = try scene.decide(.moveCustody(to: Scene.code("SAMT"), reason: "بی‌پاسخ"))
        #expect(
            newEvents.map(\.change) == [
                .granted(Grant(epoch: 7, holder: Scene.code("SAMT"), seat: .hub, cut: cut, cause: nil))
            ])
        #expect(newEvents[0].texts.text == "بی‌پاسخ")
    }

    // MARK: Clocks

    @Test func theComplaintTrackShortensTheDeadline() throws {
        var scene = try Scene.registered()
        let fortnight = try #require(scene.subject.deadline)
        scene.now = scene.now + 2 * Instant.day
        try scene.take(.assess(notDone))
        let week = Due(at: scene.calendar.due(from: Scene.start, days: 7), calendar: 1)
        #expect(scene.subject.deadline == week)
        #expect(week.at < fortnight.at)
        // Weighing again neither lengthens nor moves it.
        #expect(try scene.decide(.assess(notDone)).map(\.change.kind.rawValue) == ["assessed"])
        try scene.take(.assess(Assessment(lawful: false, withinMeans: true, done: false)))
        #expect(scene.subject.deadline == week)
    }

    @Test(arguments: [(false, true, false), (true, false, false), (true, true, true)])
    func otherAssessmentsLeaveTheDeadline(lawful: Bool, withinMeans: Bool, done: Bool) throws {
        let assessment = Assessment(lawful: lawful, withinMeans: withinMeans, done: done)
        #expect(try Scene.registered().decide(.assess(assessment)).map(\.change) == [.assessed(assessment)])
    }

    @Test func theDeadlineNeverResets() throws {
        var scene = try Scene.registered()
        let deadline = try #require(scene.subject.deadline)
        func step(_ command: Command) throws {
            scene.now = scene.now + Instant.day
            try scene.take(command)
            #expect(scene.subject.deadline == deadline, "\(command)")
        }
        try step(.amend(Edit(category: "roads", texts: Texts(subject: "y"))))
        try step(.refer(to: municipality, reason: "x"))
        try step(.refuse(reason: "x"))
        try step(.refer(to: Scene.code("IR-03-EDU"), reason: "x"))
        try step(.accept)
        try step(.note(text: "x"))
        try step(.answer(text: "x"))
        try step(.dispute(text: "x"))
        scene.actor = Scene.person("reviewer", .supervisor, "IR-03")
        try step(.review(dispute: try #require(scene.subject.openDisputes.first?.event), upheld: true, text: "x"))
        let referral = try scene.take(.refer(to: Scene.code("IR-23"), reason: "x"))
        scene.grant(to: "IR-23", at: Origin.provinces[23], causedBy: referral[0])
        #expect(scene.subject.deadline == deadline)
    }

    @Test func overdueIsAfterTheDeadlineAndWithoutAnAnswer() throws {
        var scene = try Scene.registered()
        let deadline = try #require(scene.subject.deadline?.at)
        #expect(!scene.subject.isOverdue(at: deadline))
        #expect(scene.subject.isOverdue(at: deadline + 1))
        // Referring it does not stop the clock; an answer does; a dispute lets it run on.
        try scene.take(.refer(to: municipality, reason: "x"))
        #expect(scene.subject.isOverdue(at: deadline + 1))
        try scene.take(.accept)
        try scene.take(.answer(text: "x"))
        #expect(!scene.subject.isOverdue(at: deadline + 1))
        try scene.take(.dispute(text: "x"))
        #expect(scene.subject.isOverdue(at: deadline + 1))
        #expect(!Case(id: scene.subject.id).isOverdue(at: deadline + 1))
    }

    @Test func aParkedCaseTakesNotesAndTheCitizensVoiceOnly() throws {
        var scene = try scene(in: .inProgress)
        scene.subject.parkedBy = Scene.hash(5)
        let held: [Command] = [
            .answer(text: "x"), .close(.advised, text: ""), .refer(to: Scene.code("IR-23"), reason: "x"),
            .assess(notDone), .apply(proposal: Scene.hash(1)),
        ]
        for command in held {
            #expect(throws: Refusal.parked(Scene.hash(5))) { try scene.decide(command) }
        }
        #expect(try scene.decide(.note(text: "x")).count == 1)
        #expect(try scene.decide(.dispute(text: "x")).count == 1)
        #expect(try scene.decide(.withdraw(text: "x")).count == 1)
    }
}
