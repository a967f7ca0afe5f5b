import Casework
import Testing

import struct Simulator.Generator

@testable import Federation

/// Versions go by kinds: an event asks for the reader of its kind, and nobody writes what the other side cannot read.
@Suite struct VersionTests {
    /// One append-only and one held kind stand for those of a later version.
    private static let later: [EventKind: UInt32] = [.acted: 2, .answered: 2]

    private static func emptyDesk(_ origin: Origin, _ reader: UInt32, _ reads: [Origin: UInt32]) -> Desk {
        Desk(
            writer: JournalWriter(
                origin: origin, incarnation: 9, continuing: .empty, clock: HybridClock(), later: later),
            journal: ChainTree(), tree: .standard, calendar: .standard, reader: reader, reads: reads,
            hashing: sha256)
    }

    /// A desk at which a case lies that IR-03 registered and, for the hub, referred to a ministry.
    private static func desk(_ origin: Origin, reader: UInt32 = 2, reads: [Origin: UInt32]) throws -> (Desk, CaseID) {
        var (docket, _) = try Docket.registered()
        if origin == .hub {
            let referral = try docket.write(Place.home, .referred(to: office("SAMT"), seat: .hub))
            try docket.grant("SAMT", at: .hub, epoch: 10, from: Place.home, causedBy: referral)
            try docket.write(.hub, .accepted, epoch: 10)
        }
        var desk = emptyDesk(origin, reader, reads)
        desk.load(docket.id, events: docket.events)
        return (desk, docket.id)
    }

    private static func decide(_ command: Command, _ desk: inout Desk, _ id: CaseID) throws(Refusal) -> [Event] {
        var random = Generator(seed: 1)
        let actor =
            desk.origin == .hub
            ? Actor(name: "desk", role: .ministry, organization: office("SAMT"))
            : person("zahra", at: desk.origin, .supervisor)
        return try desk.decide(
            Wish(command: command, caseID: id, actor: actor), now: Docket.start + Instant.hour, random: &random)
    }

    @Test func anEventAsksForTheReaderOfItsKind() throws {
        var (desk, id) = try Self.desk(Place.home, reads: [.hub: 2])
        let kinds: [(Command, UInt32)] = [(.note(text: "x"), 1), (.act(text: "x"), 2), (.answer(text: "x"), 2)]
        for (command, reader) in kinds {
            let event = try #require(try Self.decide(command, &desk, id).first)
            #expect(event.envelope.minReader == reader)
            #expect(event.envelope.declaredClass == command.act?.kind?.mergeClass)
        }
    }

    @Test func aNodeWritesNothingBeforeTheHubIsUpgraded() throws {
        for reads: [Origin: UInt32] in [[:], [.hub: 1]] {
            var (desk, id) = try Self.desk(Place.home, reads: reads)
            #expect(throws: Refusal.notYet(.acted, until: .hub)) { try Self.decide(.act(text: "x"), &desk, id) }
            #expect(throws: Refusal.notYet(.answered, until: .hub)) { try Self.decide(.answer(text: "x"), &desk, id) }
            #expect(try Self.decide(.note(text: "x"), &desk, id).count == 1, "what everybody knows goes on")
        }
    }

    /// What the hub writes reaches home and seat: an append-only kind they keep, a held one would park the case there.
    @Test func theHubWritesNoHeldKindBeforeItsReadersAreUpgraded() throws {
        var (desk, id) = try Self.desk(.hub, reads: [Place.home: 1])
        #expect(throws: Refusal.notYet(.answered, until: Place.home)) {
            try Self.decide(.answer(text: "x"), &desk, id)
        }
        #expect(try Self.decide(.act(text: "x"), &desk, id).count == 1)
        var (later, other) = try Self.desk(.hub, reads: [Place.home: 2])
        #expect(try Self.decide(.answer(text: "x"), &later, other).count == 1)
    }

    @Test func anOldVersionWritesNoLaterKind() throws {
        var (desk, id) = try Self.desk(Place.home, reader: 1, reads: [.hub: 2])
        #expect(throws: Refusal.notYet(.acted, until: Place.home)) { try Self.decide(.act(text: "x"), &desk, id) }
    }

    /// Acts that would be refused so are not offered.
    @Test func whatMayNotBeWrittenYetIsNotOffered() throws {
        let (desk, id) = try Self.desk(Place.home, reads: [.hub: 1])
        let record = try #require(desk.cases[id])
        let context = desk.context(
            of: person("zahra", at: Place.home, .supervisor), on: record, now: Docket.start + Instant.hour)
        let acts = record.state.acts(in: context)
        #expect(acts.contains(.note) && acts.contains(.refer) && !acts.contains(.act) && !acts.contains(.answer))
    }
}
