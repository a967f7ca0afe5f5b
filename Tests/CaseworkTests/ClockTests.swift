import Testing

@testable import Casework

@Suite struct ClockTests {
    private static let there = Origin.provinces[23]

    private func received(_ scene: Scene, due days: Int64, acceptBy accept: Int64) throws -> NewEvent {
        let grant = try #require(scene.subject.grant)
        return NewEvent(
            .received(
                grant: grant, due: Due(at: Scene.start + days * Instant.day, calendar: 1),
                acceptBy: Due(at: Scene.start + accept * Instant.day, calendar: 1)),
            actor: Scene.person("peyvand", .system, "IR-23"), occurredAt: scene.now)
    }

    /// Referred to another province, which has received it.
    private func referred() throws -> (scene: Scene, started: EventHash) {
        var scene = try Scene.registered()
        let referral = try scene.take(.refer(to: Scene.code("IR-23"), reason: "x"))
        scene.grant(to: "IR-23", at: Self.there, causedBy: referral[0])
        let started = scene.apply(try received(scene, due: 20, acceptBy: 2))
        return (scene, started)
    }

    @Test func theCasesClockRunsFromRegistration() throws {
        var scene = try Scene.registered()
        let clock = try #require(scene.subject.clocks.first)
        #expect(scene.subject.clocks.count == 1 && clock.kind == .case)
        #expect(clock.startedBy == scene.subject.registeredBy && clock.due == scene.subject.deadline)
        try scene.take(.answer(text: "x"))
        #expect(scene.subject.clocks.isEmpty)
        try scene.take(.dispute(text: "x"))
        #expect(scene.subject.clocks == [clock])
    }

    @Test func aHolderElsewhereHasItsOwnClockAndATimeToAccept() throws {
        var (scene, started) = try referred()
        #expect(scene.subject.clocks.map(\.kind) == [.case, .holder, .accept])
        #expect(scene.subject.clocks[1].startedBy == started)
        #expect(scene.subject.clocks[1].due.at == Scene.start + 20 * Instant.day)
        #expect(scene.subject.clocks[2].startedBy == scene.subject.grant)
        #expect(scene.subject.clocks[2].due.at == Scene.start + 2 * Instant.day)
        scene.origin = Self.there
        try scene.take(.accept, by: Scene.person("ali", .supervisor, "IR-23"))
        #expect(scene.subject.clocks.map(\.kind) == [.case, .holder])
    }

    /// At home the case's own clock is the holder's; a seat that gets the case again goes on with the clock that it had.
    @Test func aReturnResumesAClock() throws {
        var (scene, started) = try referred()
        scene.grant(to: "IR-03", at: scene.subject.home, epoch: 2)
        #expect(scene.subject.clocks.map(\.kind) == [.case])
        scene.grant(to: "IR-23", at: Self.there, epoch: 3)
        let again = scene.apply(try received(scene, due: 20, acceptBy: 9))
        #expect(again != started && scene.subject.clocks.map(\.startedBy).contains(started))
        #expect(!scene.subject.clocks.map(\.startedBy).contains(again))
    }

    @Test func aLevelIsThatOfItsClockAlone() throws {
        var (scene, started) = try referred()
        scene.subject.escalations = [
            Escalation(event: Scene.hash(90), clock: started, level: 1),
            Escalation(event: Scene.hash(91), clock: started, level: 2),
        ]
        #expect(scene.subject.escalatedLevel(of: started) == 2)
        #expect(scene.subject.escalatedLevel(of: try #require(scene.subject.registeredBy)) == 0)
    }

    @Test func importedAndClosedCasesHaveNone() throws {
        var scene = try Scene.registered()
        scene.subject.registration?.imported = true
        #expect(scene.subject.clocks.isEmpty)
        scene.subject.registration?.imported = false
        #expect(!scene.subject.clocks.isEmpty)
        try scene.take(.close(.advised, text: "x"))
        #expect(scene.subject.clocks.isEmpty)
    }
}
