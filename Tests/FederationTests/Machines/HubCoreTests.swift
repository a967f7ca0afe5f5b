import Casework
import Testing

@testable import Federation

/// What the hub accepts, and whom it charges.
@Suite struct HubAcceptanceTests {
    @Test func aChainIsTakenAsFarAsItHolds() throws {
        var bench = try HubBench.registered()
        let notes = try (0..<3).map { _ in try bench.write(Place.home, .noted) }
        let effects = try bench.send([notes[0], notes[2]], from: Place.home)
        #expect(effects.types == ["IR-03 noted"])
        #expect(effects.codes == ["IR-03 gap"])
        #expect(effects.heads.map(\.seq) == [2])
        #expect(effects.heads.first?.hash == notes[0].hash)
        let rest = try bench.send([notes[1], notes[2]], from: Place.home)
        #expect(rest.numbered.map(\.position) == [3, 4])
        #expect(rest.heads.map(\.seq) == [4] && rest.alarms.isEmpty)
    }

    /// Another event at an accepted place: the origin is kept out, what was accepted stays.
    @Test func aForgedPlaceIsQuarantined() throws {
        var bench = try HubBench.registered()
        try bench.say(Place.home, .noted)
        let note = try bench.write(Place.home, .noted)
        var envelope = note.envelope
        envelope.seq = 2
        envelope.previous = bench.events[0].hash
        let forged = try Event(bytes: envelope.wire, part: .none, hashing: sha256)
        let effects = try bench.send([forged, note], from: Place.home)
        #expect(effects.codes == ["IR-03 tampering"])
        #expect(effects.numbered.isEmpty && effects.heads.isEmpty)
        #expect(effects.quarantined == [Place.home] && bench.core.quarantined == [Place.home: 0])
    }

    @Test func aBrokenLinkIsQuarantinedAndMovesNoCustody() throws {
        var bench = try HubBench.registered()
        let note = try bench.write(Place.home, .noted)
        var envelope = note.envelope
        envelope.previous = .zero
        let effects = try bench.send(
            [try Event(bytes: envelope.wire, part: .none, hashing: sha256)], from: Place.home)
        #expect(effects.codes == ["IR-03 tampering"] && effects.quarantined == [Place.home])
        let referral = try bench.write(Place.home, .referred(to: office("IR-23"), seat: Place.seat))
        let later = try bench.send([note, referral], from: Place.home)
        #expect(later.types == [] && later.held.map(\.envelope.type) == ["noted", "referred"])
        #expect(later.heads.map(\.seq) == [3], "kept and acknowledged")
        #expect(bench.grants.isEmpty && bench.state.history.count == 1, "and merged when a person has chosen")
    }

    @Test func anotherOriginsEventIsNotTaken() throws {
        var bench = try HubBench.registered()
        let note = try bench.write(Place.home, .noted)
        let effects = try bench.send([note], from: Place.seat)
        #expect(effects.codes == ["IR-23 foreign_origin"])
        #expect(effects.numbered.isEmpty && effects.routed.isEmpty && effects.heads.isEmpty)
        #expect(try bench.send([note], from: Place.home).types == ["IR-03 noted"])
    }

    /// An event in another's case is kept and listed; it changes nothing, and its author learns nothing of the case.
    @Test func anOutsiderChangesNothing() throws {
        var bench = try HubBench.registered()
        let before = bench.state
        let effects = try bench.say(Place.stranger, .closed(.resolved))
        #expect(effects.codes == ["IR-11 foreign_origin"])
        #expect(effects.types == ["IR-11 closed"])
        #expect(bench.state.heldStatus == before.heldStatus && bench.state.proposals.isEmpty)
        #expect(bench.state.history.last?.effect == .withoutEffect(.foreignOrigin))
        #expect(bench.rows(effects, to: Place.home) == ["closed"])
        #expect(bench.rows(effects, to: Place.stranger) == [])
        let note = try bench.say(Place.home, .noted)
        #expect(note.routed.isEmpty)
    }

    @Test func aDuplicateCountsOnceAndBringsItsPart() throws {
        var bench = try HubBench.registered()
        let note = try bench.write(Place.home, .noted, text: "called back")
        #expect(try bench.send([note.withheld], from: Place.home).numbered.count == 1)
        let again = try bench.send([note], from: Place.home)
        #expect(again.numbered.isEmpty && again.routed.isEmpty && again.alarms.isEmpty)
        #expect(again.completed == [note] && again.touched == [bench.id])
        #expect(again.heads.map(\.seq) == [2], "what is known is acknowledged again")
        let third = try bench.send([note], from: Place.home)
        #expect(third.completed.isEmpty && third.touched.isEmpty && third.heads.map(\.seq) == [2])
    }

    /// Two calls of one node overlap: the second looked its places up before the first was committed.
    @Test func anOverlappingCallIsNoForgery() throws {
        var bench = try HubBench.registered()
        let notes = try (0..<3).map { _ in try bench.write(Place.home, .noted) }
        try bench.send(Array(notes[0...1]), from: Place.home, knowing: [:])
        let effects = try bench.send(notes, from: Place.home, knowing: [:])
        #expect(effects.types == ["IR-03 noted"] && effects.alarms.isEmpty)
        #expect(bench.core.quarantined.isEmpty)
        // The same event twice in one batch.
        let last = try bench.write(Place.home, .noted)
        #expect(try bench.send([last, last], from: Place.home, knowing: [:]).types == ["IR-03 noted"])
        #expect(bench.core.quarantined.isEmpty)
    }

    @Test func aRestartContinuesItsChain() throws {
        var bench = try HubBench.registered()
        bench.docket.restart(Place.home, as: 500)
        let effects = try bench.say(Place.home, .noted)
        #expect(effects.alarms.isEmpty && effects.heads.map(\.incarnation) == [500])
        #expect(bench.core.chains[Place.home]?.heads.map(\.incarnation) == [4, 500])
    }

    // MARK: Clocks

    /// A stamp ahead of the hub is bounded by an event that stands before it in every feed; the hub's own clock stays
    /// right.
    @Test func aClockAheadIsBounded() throws {
        var bench = try HubBench.referred()
        bench.docket.skews[Place.home] = Instant.day
        let effects = try bench.say(Place.home, .noted)
        #expect(effects.types == ["hub stamped", "IR-03 noted"])
        #expect(effects.codes == ["IR-03 clock_ahead"])
        #expect(bench.rows(effects, to: Place.seat) == ["stamped", "noted"])
        #expect(bench.rows(effects, to: Place.home) == ["stamped"])
        let note = try #require(bench.events.last)
        guard case .stamped(note.hash, let hlc) = bench.events.dropLast().last?.envelope.change else {
            Issue.record("the bound names another event")
            return
        }
        #expect(Stamp(rawValue: hlc).instant <= bench.now)
        #expect(bench.core.desk.writer.clock.last.instant <= bench.now)
    }

    /// He has no effect now, and may be given the case later.
    @Test func anOutsidersClockIsBoundedToo() throws {
        var bench = try HubBench.registered()
        bench.docket.skews[Place.stranger] = 365 * Instant.day
        let effects = try bench.say(Place.stranger, .noted)
        #expect(effects.types == ["hub stamped", "\(Place.stranger) noted"])
        #expect(bench.core.desk.writer.clock.last.instant <= bench.now)
    }

    @Test func aClockALittleAheadIsFollowed() throws {
        var bench = try HubBench.registered()
        bench.docket.skews[Place.home] = HybridClock.tolerance
        let effects = try bench.say(Place.home, .noted)
        #expect(effects.types == ["IR-03 noted"] && effects.alarms.isEmpty)
        #expect(bench.core.desk.writer.clock.last == bench.events.last?.envelope.stamp)
        bench.docket.skews[Place.home] = HybridClock.tolerance + 1
        #expect(try bench.say(Place.home, .noted).types == ["hub stamped", "IR-03 noted"])
    }
}

/// What the hub decides, and to whom it sends what.
@Suite struct HubDecisionTests {
    private let ministry = Actor(name: "desk", role: .ministry, organization: office("SAMT"))

    @Test func aReferralIsGrantedAndTheNewSeatGetsAllOfIt() throws {
        var bench = try HubBench.registered()
        try bench.say(Place.home, .noted, text: "before")
        let effects = try bench.say(
            Place.home, .referred(to: office("IR-23"), seat: Place.seat), text: "water is theirs")
        #expect(effects.types == ["IR-03 referred", "hub granted"])
        #expect(bench.rows(effects, to: Place.seat) == ["registered", "noted", "referred", "granted"])
        #expect(bench.rows(effects, to: Place.home) == ["granted"])
        #expect(effects.routed.filter { $0.destination == Place.seat }.map(\.seq) == [1, 2, 3, 4])
        let grant = try #require(bench.grants.last)
        #expect(grant.seat == Place.seat && grant.holder == office("IR-23"))
        #expect(grant.cause == effects.numbered.first?.event.hash)
        #expect(grant.cut == [ChainPlace(incarnation: 4, seq: 3)])
        #expect(bench.state.seat == Place.seat && bench.state.transfer == nil)
    }

    /// An origin may not send a ministry's case to a province by naming another seat.
    @Test func theTreeSaysWhereAnOrganisationWorks() throws {
        var bench = try HubBench.registered()
        try bench.say(Place.home, .referred(to: office("SAMT"), seat: Place.seat))
        let grant = try #require(bench.grants.last)
        #expect(grant.holder == office("SAMT") && grant.seat == .hub)
    }

    @Test func anActorFromElsewhereRaisesAnAlarm() throws {
        var bench = try HubBench.registered()
        let president = Actor(name: "president", role: .hub, organization: .presidency)
        try bench.docket.write(Place.home, .noted, texts: Texts(text: "x"), by: president)
        let effects = try bench.send([try #require(bench.docket.events.last)], from: Place.home)
        #expect(effects.alarms.map(\.alarm.code) == ["foreign_actor"])
    }

    @Test func aReferralInsideTheSeatNeedsNoHub() throws {
        var bench = try HubBench.registered()
        let effects = try bench.say(Place.home, .referred(to: office("IR-03-MUN"), seat: Place.home))
        #expect(effects.types == ["IR-03 referred"] && effects.routed.isEmpty)
        #expect(bench.state.holder == office("IR-03-MUN") && bench.state.epoch == 0)
    }

    @Test func aReferralToAMinistryIsReceivedAtTheHub() throws {
        var bench = try HubBench.registered()
        let effects = try bench.say(Place.home, .referred(to: office("SAMT"), seat: .hub))
        #expect(effects.types == ["IR-03 referred", "hub granted", "hub received"])
        #expect(bench.rows(effects, to: Place.home) == ["granted", "received"])
        #expect(effects.routed.allSatisfy { $0.destination == Place.home })
        #expect(bench.state.seat == .hub && bench.state.holder == office("SAMT"))
        #expect(bench.state.acceptBy != nil && bench.state.holderDeadline != nil)
        #expect(try bench.decide(.accept, by: ministry).types == ["hub accepted"])
        let answered = try bench.decide(.answer(text: "mended"), by: ministry)
        #expect(bench.rows(answered, to: Place.home) == ["answered"])
        #expect(bench.state.status == .answered)
    }

    /// A refusal goes back by a grant of its own; the clock that ran at home goes on.
    @Test(arguments: [true, false]) func aRefusalReturns(toMinistry: Bool) throws {
        var bench = toMinistry ? try HubBench.registered() : try HubBench.referred()
        let effects: Effects
        if toMinistry {
            try bench.say(Place.home, .referred(to: office("SAMT"), seat: .hub))
            effects = try bench.decide(.refuse(reason: "not ours"), by: ministry)
            #expect(effects.types == ["hub refused", "hub granted"])
        } else {
            effects = try bench.say(Place.seat, .refused)
            #expect(effects.types == ["IR-23 refused", "hub granted"])
        }
        let grant = try #require(bench.grants.last)
        #expect(grant.seat == Place.home && grant.holder == office("IR-03"))
        #expect(grant.cause == effects.numbered.first?.event.hash)
        #expect(bench.state.status == .registered && bench.state.seat == Place.home)
        #expect(bench.state.referrers.isEmpty && bench.state.refusals == 1)
        #expect(bench.rows(effects, to: Place.home) == ["refused", "granted"])
    }

    /// Two offices that send a case to and fro do so twice; the third time the hub's people get it.
    @Test func theThirdRefusalIsArbitrated() throws {
        var bench = try HubBench.referred()
        for _ in 1...2 {
            #expect(try bench.say(Place.seat, .refused).types == ["IR-23 refused", "hub granted"])
            #expect(bench.state.seat == Place.home)
            try bench.say(Place.home, .referred(to: office("IR-23"), seat: Place.seat))
        }
        #expect(try bench.say(Place.seat, .refused).types == ["IR-23 refused", "hub granted", "hub received"])
        #expect(bench.state.seat == .hub && bench.state.holder == .presidency)
        #expect(bench.state.status == .registered)
    }

    // MARK: Epochs and cuts

    /// The greater of the next number and the hub's seconds: a hub restored from yesterday issues none twice.
    @Test func epochsAreSecondsAndAlwaysRise() throws {
        var bench = try HubBench.referred()
        let seconds = UInt64(bench.now.milliseconds / 1000)
        #expect(bench.grants.map(\.epoch) == [seconds])
        try bench.move(to: "IR-07")
        try bench.move(to: "IR-23")
        #expect(bench.grants.map(\.epoch) == [seconds, seconds + 1, seconds + 2])
        bench.docket.now = bench.docket.now - Instant.day
        try bench.move(to: "IR-07")
        #expect(bench.grants.last?.epoch == seconds + 3)
        bench.docket.now = bench.docket.now + 2 * Instant.day
        try bench.move(to: "IR-23")
        #expect(bench.grants.last?.epoch == UInt64(bench.now.milliseconds / 1000))
    }

    /// What the outgoing seat wrote and the hub had accepted counts, in every incarnation; what comes later is a
    /// proposal, also when custody returns.
    @Test func theCutSeparatesWhatCounts() throws {
        var bench = try HubBench.registered()
        bench.docket.restart(Place.home, as: 500)
        try bench.say(Place.home, .assessed(Assessment(lawful: true, withinMeans: true, done: true)))
        let late = try bench.write(Place.home, .answered)
        try bench.move(to: "IR-23")
        #expect(
            bench.grants.last?.cut == [ChainPlace(incarnation: 4, seq: 1), ChainPlace(incarnation: 500, seq: 2)])
        try bench.send([late], from: Place.home)
        #expect(bench.state.heldStatus == .registered && bench.state.assessment != nil)
        #expect(bench.state.proposals.map(\.event) == [late.hash])
        try bench.move(to: "IR-03")
        #expect(bench.state.proposals.map(\.event) == [late.hash])
    }

    @Test func aPersonMovesCustodyByName() throws {
        var bench = try HubBench.referred()
        let effects = try bench.move(to: "IR-07")
        #expect(effects.types == ["hub granted"])
        #expect(effects.numbered.first?.event.envelope.actor.name == "sara")
        #expect(effects.numbered.first?.event.texts?.text == "quicker")
        #expect(bench.grants.last?.cause == nil && bench.state.seat == Place.other)
        #expect(bench.rows(effects, to: Place.home) == ["granted"])
        #expect(bench.rows(effects, to: Place.seat) == ["granted-"])
        #expect(bench.rows(effects, to: Place.other) == ["registered", "referred", "granted", "granted"])
        #expect(throws: Refusal.self) {
            try bench.decide(.moveCustody(to: office("IR-23"), reason: ""), by: ministry)
        }
    }

    // MARK: Who gets what

    /// Past seats go on receiving envelopes, no new parts; home and present seat get both.
    @Test func pastSeatsGetEnvelopesOnly() throws {
        var bench = try HubBench.referred()
        try bench.say(Place.seat, .noted, text: "ours")
        try bench.move(to: "IR-07")
        let note = try bench.say(Place.other, .noted, text: "secret")
        #expect(bench.rows(note, to: Place.seat) == ["noted-"])
        #expect(bench.rows(note, to: Place.home) == ["noted"])
        #expect(bench.rows(note, to: Place.other) == [])
        let late = try bench.say(Place.seat, .noted, text: "one more")
        #expect(bench.rows(late, to: Place.other) == ["noted"])
        #expect(bench.rows(late, to: Place.seat) == [])
    }

    /// Who is the seat again reads what was written meanwhile: those rows come once more, with their parts.
    @Test func aSeatThatComesBackGetsWhatWasKeptFromIt() throws {
        var bench = try HubBench.referred()
        try bench.say(Place.home, .noted, text: "while seat")
        try bench.move(to: "IR-07")
        try bench.say(Place.other, .noted, text: "meanwhile")
        try bench.say(Place.other, .acted)
        try bench.say(Place.seat, .noted, text: "own")
        let back = try bench.move(to: "IR-23")
        #expect(bench.rows(back, to: Place.seat) == ["granted", "noted", "granted"])
        #expect(bench.rows(back, to: Place.home) == ["granted"])
        let rows = back.routed.filter { $0.destination == Place.seat }
        let texts = rows.map { bench.core.desk.cases[bench.id]?[$0.event]?.texts?.text }
        #expect(texts == ["quicker", "meanwhile", "quicker"])
        // Nothing comes a third time.
        try bench.move(to: "IR-07")
        let again = try bench.move(to: "IR-23")
        #expect(bench.rows(again, to: Place.seat) == ["granted", "granted"])
    }

    @Test func feedsAreDense() throws {
        var bench = try HubBench.referred()
        var rows = [Effects.Routed]()
        for code in ["IR-07", "IR-23", "SAMT", "IR-03", "IR-07"] {
            rows += try bench.say(Place.home, .noted, text: "n").routed + bench.move(to: code).routed
        }
        for destination in [Place.home, Place.seat, Place.other] {
            let seqs = rows.filter { $0.destination == destination }.map(\.seq)
            let first = try #require(seqs.first)
            #expect(seqs == Array(first...(bench.core.feeds[destination] ?? 0)))
        }
        #expect(rows.allSatisfy { $0.origin != $0.destination && $0.destination != .hub })
    }

    // MARK: Escalation

    /// Only what the seat has had the time to report, with nothing unsent, past the clock's end; and once.
    @Test func silenceIsNotEscalated() throws {
        var bench = try HubBench.registered()
        #expect(try bench.escalate().numbered.isEmpty, "not due yet")
        bench.docket.now = bench.docket.now + 16 * Instant.day
        #expect(try bench.escalate().numbered.isEmpty, "nothing heard")
        let due = try #require(bench.state.deadline).at
        bench.core.reports[Place.home] = .init(heardAt: due, backlog: 0)
        #expect(try bench.escalate().numbered.isEmpty, "heard before the clock's end")
        bench.core.reports[Place.home] = .init(heardAt: bench.now, backlog: 1)
        #expect(try bench.escalate().numbered.isEmpty, "an answer may be under way")
        bench.core.reports[Place.home] = .init(heardAt: bench.now, backlog: 0)
        let effects = try bench.escalate()
        #expect(effects.types == ["hub escalated"])
        #expect(bench.state.escalations.map(\.level) == [2])
        #expect(bench.rows(effects, to: Place.home) == ["escalated"])
        #expect(try bench.escalate().numbered.isEmpty, "told once")
    }

    @Test func whatSitsAtTheHubIsEscalatedByItself() throws {
        var bench = try HubBench.registered()
        try bench.say(Place.home, .referred(to: office("SAMT"), seat: .hub))
        bench.docket.now = bench.docket.now + 16 * Instant.day
        // The case's clock, its holder's, and the time to accept.
        #expect(try bench.escalate().types == Array(repeating: "hub escalated", count: 3))
        #expect(bench.state.escalations.map(\.level) == [1, 1, 1])
        #expect(Set(bench.state.escalations.map(\.clock)) == Set(bench.state.clocks.map(\.startedBy)))
        #expect(try bench.escalate().numbered.isEmpty, "each once")
    }
}
