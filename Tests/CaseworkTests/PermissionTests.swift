import Testing

@testable import Casework

@Suite struct PermissionTests {
    private static let anyHash = Scene.hash(99)
    private static let front: Set<Role> = [.operator, .supervisor, .hub, .system]
    private static let staff: Set<Role> = [.operator, .agency, .supervisor, .hub, .ministry, .system]
    private static let heads: Set<Role> = [.supervisor, .hub, .ministry, .system]

    /// Each command with the roles that may give it; written down here a second time, on purpose.
    private static let table: [(Command, Set<Role>)] = [
        (.register(Scene.intake()), front),
        (.open, front),
        (.note(text: "x"), staff),
        (.attach(Attachment(sha256: anyHash, size: 1, mediaType: "a/b"), name: "x"), staff),
        (.assess(Assessment(lawful: true, withinMeans: true, done: true)), staff),
        (.refer(to: Scene.code("IR-03-MUN"), reason: "x"), staff),
        (.accept, staff),
        (.refuse(reason: "x"), staff),
        (.act(text: "x"), staff),
        (.answer(text: "x"), staff),
        (.close(.resolved, text: "x"), staff),
        (.dispute(text: "x"), front),
        (.review(dispute: anyHash, upheld: true, text: "x"), heads),
        (.rate(score: 3), front),
        (.withdraw(text: "x"), front),
        (.hide(anyHash, hidden: true), heads),
        (.amend(Edit(category: "roads")), staff),
        (.restore(conflict: anyHash), heads),
        (.apply(proposal: anyHash), heads),
        (.moveCustody(to: Scene.code("SAMT"), reason: "x"), [.hub, .system]),
        (.markDuplicate(of: CaseID(home: .hub, at: Scene.start, random: (0, 0))), front),
        (
            .importCase(ImportedCase(intake: Scene.intake(), registeredAt: Scene.start, history: [])),
            [.supervisor, .system]
        ),
    ]

    @Test func everyRoleMayDoItsOwnActsOnly() throws {
        for (command, allowed) in Self.table {
            for role in Role.allCases {
                var scene = try Scene.registered()
                scene.actor = Scene.person("x", role, "IR-03")
                let denial = Refusal.forbidden(reason: "role \(role.rawValue) may not do this")
                var refusal: Refusal?
                do { _ = try scene.decide(command) } catch { refusal = error }
                #expect((refusal == denial) == !allowed.contains(role), "\(role) \(command)")
            }
        }
    }

    @Test func anAuditorChangesNothing() throws {
        var scene = try Scene.registered()
        scene.actor = Scene.person("x", .auditor, "IR-03")
        for (command, _) in Self.table {
            #expect(throws: Refusal.forbidden(reason: "role auditor may not do this")) { try scene.decide(command) }
        }
    }

    @Test func peopleActWhereTheirOfficeWorks() throws {
        var scene = try Scene.registered()
        for organization in ["IR-23", "SAMT", "IR-23-MUN", "PRES"] {
            scene.actor = Scene.person("x", .operator, organization)
            #expect(throws: Refusal.forbidden(reason: "\(organization) does not work at IR-03")) {
                try scene.decide(.note(text: "x"))
            }
        }
        scene.actor = Scene.person("x", .agency, "NOWHERE")
        #expect(throws: Refusal.forbidden(reason: "NOWHERE does not work at IR-03")) {
            try scene.decide(.note(text: "x"))
        }
    }

    /// Not even a note or another subject: an agency or a ministry reads no texts of cases that it does not hold.
    @Test func agenciesAndMinistriesWriteOnlyInWhatTheyHold() throws {
        let commands = [
            Command.note(text: "x"), .amend(Edit(texts: Texts(subject: "mine"))), .hide(.zero, hidden: true),
            .restore(conflict: .zero), .apply(proposal: .zero), .review(dispute: .zero, upheld: true, text: "x"),
        ]
        var scene = try Scene.registered()
        try scene.take(.refer(to: Scene.code("IR-03-MUN"), reason: "x"))
        for command in commands.prefix(2) {
            scene.actor = Scene.person("m", .agency, "IR-03-MUN")
            #expect(try scene.decide(command).count == 1)
            scene.actor = Scene.person("e", .agency, "IR-03-EDU")
            #expect(throws: Refusal.forbidden(reason: "the case is held by IR-03-MUN, not by IR-03-EDU")) {
                try scene.decide(command)
            }
        }
        var hub = Scene(at: .hub)
        hub.subject = scene.subject
        hub.actor = Scene.person("h", .ministry, "HEALTH")
        for command in commands {
            #expect(throws: Refusal.forbidden(reason: "the case is held by IR-03-MUN, not by HEALTH")) {
                try hub.decide(command)
            }
        }
    }

    @Test func onlyTheHolderActsOnACase() throws {
        var scene = try Scene.registered()
        // The municipality does not act on the governor's case …
        scene.actor = Scene.person("m", .agency, "IR-03-MUN")
        #expect(throws: Refusal.forbidden(reason: "the case is held by IR-03, not by IR-03-MUN")) {
            try scene.decide(.answer(text: "x"))
        }
        // … nor the education department on the municipality's, but the governor's office above it does.
        try scene.take(.refer(to: Scene.code("IR-03-MUN"), reason: "x"), by: Scene.person("z", .operator, "IR-03"))
        scene.actor = Scene.person("e", .agency, "IR-03-EDU")
        for command in [Command.accept, .refuse(reason: "x"), .act(text: "x")] {
            #expect(throws: Refusal.forbidden(reason: "the case is held by IR-03-MUN, not by IR-03-EDU")) {
                try scene.decide(command)
            }
        }
        scene.actor = Scene.person("m", .agency, "IR-03-MUN")
        #expect(try scene.decide(.accept).map(\.change) == [.accepted])
        scene.actor = Scene.person("z", .operator, "IR-03")
        #expect(try scene.decide(.accept).map(\.change) == [.accepted])
    }

    @Test func aSupervisorActsForEveryOfficeOfHisServer() throws {
        var scene = try Scene.registered()
        try scene.take(.refer(to: Scene.code("IR-03-EDU"), reason: "x"))
        // Education stands below its ministry, not below the governor: an operator of the governor may not, he may.
        scene.actor = Scene.person("z", .operator, "IR-03")
        #expect(throws: Refusal.self) { try scene.decide(.accept) }
        scene.actor = Scene.person("s", .supervisor, "IR-03")
        #expect(try scene.decide(.accept).map(\.change) == [.accepted])
    }

    @Test func heldCommandsNeedTheSeat() throws {
        var scene = try Scene.registered()
        let referral = try scene.take(.refer(to: Scene.code("IR-23"), reason: "x"))
        scene.grant(to: "IR-23", at: Origin.provinces[23], causedBy: referral[0])
        let commands: [Command] = [
            .accept, .refuse(reason: "x"), .answer(text: "x"), .close(.advised, text: ""), .act(text: "x"),
            .assess(Assessment(lawful: true, withinMeans: true, done: false)),
            .refer(to: Scene.code("IR-03-MUN"), reason: "x"), .apply(proposal: Self.anyHash),
            .review(dispute: Self.anyHash, upheld: true, text: "x"),
        ]
        for command in commands {
            #expect(throws: Refusal.notTheSeat(Origin.provinces[23]), "\(command)") { try scene.decide(command) }
        }
        // Notes, amendments and the citizen's voice go on.
        #expect(try scene.decide(.note(text: "x")).map(\.change) == [.noted])
        #expect(try scene.decide(.dispute(text: "x")).map(\.change) == [.disputed])
        #expect(try scene.decide(.amend(Edit(priority: .high))).count == 1)
    }
}
