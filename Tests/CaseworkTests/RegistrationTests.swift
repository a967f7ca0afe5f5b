import Testing

@testable import Casework

@Suite struct RegistrationTests {
    @Test func registrationStartsTheClock() throws {
        var scene = Scene()
        let newEvents = try scene.decide(.register(Scene.intake(about: "IR-03-MUN")))
        #expect(newEvents.count == 1)
        guard case .registered(let registration) = newEvents[0].change else {
            Issue.record("not a registration")
            return
        }
        #expect(registration.trackingCode == TrackingCode(province: 3, random: 7))
        #expect(registration.due == Due(at: scene.calendar.due(from: scene.now, days: 15), calendar: 1))
        #expect(registration.about == Scene.code("IR-03-MUN"))
        #expect(!registration.imported)
        #expect(newEvents[0].texts == Scene.intake().texts)
        #expect(newEvents[0].occurredAt == scene.now)
        try scene.take(.register(Scene.intake()))
        #expect(scene.subject.status == .registered)
        #expect(scene.subject.deadline == registration.due)
        #expect(scene.subject.registeredAt == Scene.start)
    }

    @Test func registeringTwiceIsRefused() throws {
        let scene = try Scene.registered()
        for command in [Command.register(Scene.intake()), .open] {
            #expect(throws: Refusal.illegal(.alreadyRegistered, status: .registered)) { try scene.decide(command) }
        }
    }

    @Test func aCodeGivenInADraftIsKept() throws {
        var scene = Scene()
        try scene.take(.open)
        let code = scene.subject.trackingCode
        #expect(code == TrackingCode(province: 3, random: 7))
        #expect(scene.subject.status == .draft)
        #expect(scene.subject.deadline == nil)
        // A second code for the same call would orphan the first.
        #expect(throws: Refusal.illegal(.repeated, status: .draft)) { try scene.decide(.open) }
        for newEvent in try scene.decide(.register(Scene.intake()), random: 8) { scene.apply(newEvent) }
        #expect(scene.subject.registration?.trackingCode == code)
    }

    @Test func registrationNeedsACodeACategoryAndAKnownOffice() throws {
        let scene = Scene()
        #expect(throws: Refusal.invalid(field: "tracking_code", .noCodeDrawn)) {
            try scene.subject.decide(.register(Scene.intake()), in: scene.context)
        }
        #expect(throws: Refusal.unknownCategory("astrology")) {
            try scene.decide(.register(Scene.intake(category: "astrology")))
        }
        #expect(throws: Refusal.unknownOrganization("ATLANTIS")) {
            try scene.decide(.register(Scene.intake(about: "ATLANTIS")))
        }
    }

    @Test func nothingElseIsPossibleBeforeRegistration() throws {
        let commands: [Command] = [
            .note(text: "x"), .act(text: "x"), .answer(text: "x"), .accept, .dispute(text: "x"), .rate(score: 1),
            .withdraw(text: "x"), .amend(Edit(priority: .high)), .close(.advised, text: "x"),
            .assess(Assessment(lawful: true, withinMeans: true, done: false)), .hide(.zero, hidden: true),
            .refer(to: Scene.code("IR-23"), reason: "x"),
            .markDuplicate(of: CaseID(home: .hub, at: Scene.start, random: (0, 0))),
        ]
        for command in commands {
            #expect(throws: Refusal.illegal(.notRegistered, status: .draft), "\(command)") {
                try Scene().decide(command)
            }
        }
    }

    // MARK: Import

    private func imported(_ steps: [(Int64, ImportedCase.Step)], category: String = "311-noise") -> Command {
        let begin = Scene.start - 400 * Instant.day
        return .importCase(
            ImportedCase(
                intake: Scene.intake(category: category), registeredAt: begin,
                history: steps.map { ImportedCase.Event(at: begin + $0.0 * Instant.day, step: $0.1) }))
    }

    @Test func historicTimesAreKept() throws {
        var scene = Scene()
        let begin = Scene.start - 400 * Instant.day
        let command = imported([
            (0, .referred(to: Scene.code("IR-03-MUN"))), (1, .accepted), (2, .acted("رفتیم")), (3, .noted("تلفن")),
            (4, .answered("شد")), (9, .closed(.resolved, "پایان")),
        ])
        let newEvents = try scene.decide(command)
        #expect(newEvents.map { ($0.occurredAt - begin) / Instant.day } == [0, 0, 1, 2, 3, 4, 9])
        #expect(
            newEvents.map(\.change.kind.rawValue) == [
                "registered", "referred", "accepted", "acted", "noted", "answered", "closed",
            ])
        #expect(newEvents.map(\.texts.text) == [nil, nil, nil, "رفتیم", "تلفن", "شد", "پایان"])
        for newEvent in newEvents { scene.apply(newEvent) }
        #expect(scene.subject.imported)
        #expect(scene.subject.registeredAt == begin)
        #expect(scene.subject.answeredAt == begin + 4 * Instant.day)
        #expect(scene.subject.status == .closed && scene.subject.outcome == .resolved)
        #expect(scene.subject.deadline?.at == scene.calendar.due(from: begin, days: 15))
    }

    @Test func importedCasesAreNeverOverdue() throws {
        var scene = Scene()
        try scene.take(imported([]))
        #expect(!scene.subject.isOverdue(at: scene.now))
        var other = Scene()
        other.now = Scene.start - 400 * Instant.day
        try other.take(.register(Scene.intake()))
        #expect(other.subject.isOverdue(at: scene.now))
        // Nor does the complaint track give them a new clock.
        let newEvents = try scene.decide(.assess(Assessment(lawful: true, withinMeans: true, done: false)))
        #expect(newEvents.map(\.change.kind.rawValue) == ["assessed"])
    }

    @Test func impossibleHistoriesAreRefused() throws {
        let scene = Scene()
        #expect(throws: Refusal.invalid(field: "history[1].step", .stepNotAllowed)) {
            try scene.decide(imported([(0, .closed(.resolved, "")), (1, .answered("x"))]))
        }
        #expect(throws: Refusal.invalid(field: "history[0].at", .inTheFuture)) {
            try scene.decide(imported([(401, .answered("x"))]))
        }
        #expect(throws: Refusal.invalid(field: "registered_at", .inTheFuture)) {
            try scene.decide(
                .importCase(ImportedCase(intake: Scene.intake(), registeredAt: scene.now + 1, history: [])))
        }
        for elsewhere in ["IR-23", "SAMT", "ATLANTIS"] {
            #expect(throws: Refusal.invalid(field: "history.to", .notSeatedHere)) {
                try scene.decide(imported([(0, .referred(to: Scene.code(elsewhere)))]))
            }
        }
        #expect(throws: Refusal.illegal(.alreadyRegistered, status: .registered)) {
            try Scene.registered().decide(imported([]))
        }
    }
}
