import Testing

@testable import Casework

/// The table of kinds, and what is offered from it.
@Suite struct ActTests {
    @Test func everyKindHasAPlaceInTheTable() {
        for kind in EventKind.allCases {
            let rule = kind.rule
            #expect(rule.since >= 1)
            #expect((rule.mergeClass == .hub) <= rule.writers.isSubset(of: [.hub]), "\(kind)")
            #expect(!rule.needsHolder || !rule.writers.isEmpty, "\(kind)")
            #expect(rule.mayBeHidden <= (rule.text != nil), "what has no text has nothing to hide: \(kind)")
            #expect(!rule.writers.contains(.auditor) && !rule.writers.contains(.system))
        }
    }

    /// A kind that people may write has an act, so that documents can offer it.
    @Test func everyKindThatPeopleWriteHasAnAct() {
        let written = Set(Act.allCases.compactMap(\.kind))
        for kind in EventKind.allCases where !kind.rule.writers.isEmpty {
            #expect(written.contains(kind) || kind == .unhidden, "\(kind)")
        }
    }

    /// What is taken is offered, and what is offered is taken with some values: in random cases, for every role.
    @Test(arguments: 0..<40) func actsAreWhatDecideTakes(_ seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var scene = try Scene.registered(about: random.next() % 2 == 0 ? "IR-03-MUN" : nil)
        let people: [(Role, String)] = [
            (.operator, "IR-03"), (.supervisor, "IR-03"), (.agency, "IR-03-MUN"), (.agency, "IR-03-EDU"),
            (.auditor, "IR-03"), (.hub, "PRES"), (.ministry, "SAMT"), (.operator, "IR-23"), (.supervisor, "NOWHERE"),
        ]
        for _ in 0..<12 {
            let (role, organization) = people[Int(random.next() % UInt64(people.count))]
            scene.actor = Scene.person("p\(random.next() % 3)", role, organization)
            let offered = Set(scene.acts)
            for _ in 0..<30 {
                let command = Self.command(scene, &random)
                let isTaken = (try? scene.decide(command)) != nil
                #expect(
                    !isTaken || command.act.map { offered.contains($0) } ?? false,
                    "\(command) as \(role) of \(organization)")
            }
            for act in offered { #expect(act.roles.contains(role)) }
            // On with the case, as somebody who may.
            scene.actor = Scene.person("zahra", .supervisor, "IR-03")
            let command = Self.command(scene, &random)
            if (try? scene.decide(command)) != nil { try scene.take(command) }
        }
    }

    @Test func strangersAndAuditorsAreOfferedNothing() throws {
        var scene = try Scene.registered()
        for (role, organization) in [(Role.auditor, "IR-03"), (.operator, "IR-23"), (.agency, "IR-03-EDU")] {
            scene.actor = Scene.person("x", role, organization)
            #expect(scene.acts.isEmpty)
        }
    }

    @Test func aParkedCaseStillTakesNotesAndTheCitizensVoice() throws {
        var scene = try Scene.registered()
        scene.subject.parkedBy = Scene.hash(8)
        #expect(
            scene.acts
                == [
                    .note, .attach, .act, .dispute, .rate, .withdraw, .hide, .amend, .markDuplicate,
                ].filter { scene.acts.contains($0) })
        #expect(scene.acts.contains(.note) && scene.acts.contains(.dispute) && !scene.acts.contains(.refer))
    }

    @Test func anEntryWithoutTextIsNeverHidden() throws {
        let scene = try Scene.registered()
        let registration = try #require(scene.subject.registeredBy)
        #expect(throws: Refusal.invalid(field: "event", .neverHidden)) {
            try scene.decide(.hide(registration, hidden: true))
        }
    }

    private static func command(_ scene: Scene, _ random: inout SplitMix) -> Command {
        let subject = scene.subject
        func pick<T>(_ values: [T]) -> T { values[Int(random.next() % UInt64(values.count))] }
        let entry = pick(subject.history).event
        let office = Scene.code(pick(["IR-03", "IR-03-MUN", "IR-03-EDU", "IR-23", "SAMT", "NOWHERE"]))
        let text = pick(["", "متن"])
        let word = pick(["", "x"])
        let commands: [Command] = [
            .note(text: text), .attach(Attachment(sha256: entry, size: 3, mediaType: "image/png"), name: word),
            .assess(Assessment(lawful: true, withinMeans: random.next() % 2 == 0, done: false)),
            .refer(to: office, reason: text), .accept, .refuse(reason: text), .act(text: text), .answer(text: text),
            .close(pick(Outcome.allCases), text: text), .dispute(text: text),
            .review(dispute: pick(subject.disputes.map(\.event) + [entry]), upheld: true, text: text),
            .rate(score: Int(random.next() % 7)), .withdraw(text: text),
            .hide(entry, hidden: random.next() % 2 == 0), .amend(Edit(category: pick(["water", "nothing"]))),
            .restore(conflict: entry), .apply(proposal: entry), .moveCustody(to: office, reason: text),
            .markDuplicate(of: pick([subject.id, CaseID(home: .hub, at: Scene.start, random: (1, 1))])),
            .register(Scene.intake()), .open,
        ]
        return pick(commands)
    }
}

/// Random numbers that a seed repeats.
private struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}

/// Material implication.
private func <= (left: Bool, right: Bool) -> Bool { !left || right }
