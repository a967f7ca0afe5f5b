import Casework
import Testing

@testable import Federation

/// Second copies, quarantine and its release, branches, and a hub that was brought back from an older state.
@Suite struct HubRestoreTests {
    private func hello(
        _ origin: Origin, writer: UInt64, heads: [ChainHead] = [], cursors: [FeedCursor] = [],
        hubHeads: [ChainHead] = [],
        at now: Instant
    ) -> Hello {
        Hello(
            origin: origin, writer: writer, heads: heads, cursors: cursors, hubHeads: hubHeads, clock: now, backlog: 0)
    }

    // MARK: Copies and quarantine

    @Test func aRestartIsNoSecondCopy() throws {
        var bench = try HubBench.registered()
        for writer in [1, 2, 3] as [UInt64] {
            #expect(try bench.take(.alive(Place.home, writer: writer)).alarms.isEmpty)
            #expect(try bench.take(.alive(Place.home, writer: writer)).alarms.isEmpty)
        }
        #expect(bench.core.quarantined.isEmpty)
    }

    @Test func whoSpeaksAfterHisSuccessorIsASecondCopy() throws {
        var bench = try HubBench.registered()
        for writer in [1, 2] as [UInt64] { try bench.take(.alive(Place.home, writer: writer)) }
        let effects = try bench.take(.alive(Place.home, writer: 1))
        #expect(effects.codes == ["IR-03 two_copies"] && effects.quarantined == [Place.home])
    }

    @Test func whatIsHeldIsReleasedInOrder() throws {
        var bench = try HubBench.registered()
        let origin = Place.home
        for writer in [4, 5, 4] as [UInt64] { try bench.take(.alive(origin, writer: writer)) }
        let notes = try (0..<3).map { _ in try bench.write(origin, .noted) }
        #expect(try bench.send(notes, from: origin).held.count == 3)
        #expect(bench.events.count == 1 && bench.core.quarantined == [origin: 3])
        let first = try bench.take(.release(origin, keep: 4, held: Array(notes[0..<2])))
        #expect(first.types == ["IR-03 noted", "IR-03 noted"] && first.lifted.isEmpty)
        #expect(first.released == notes[0..<2].map(\.hash) && first.fenced.map(\.incarnation) == [5])
        let late = try bench.write(origin, .noted)
        #expect(try bench.send([late], from: origin).held == [late], "still kept out")
        let rest = try bench.take(.release(origin, keep: 4, held: [notes[2], late]))
        #expect(rest.types == ["IR-03 noted", "IR-03 noted"] && rest.lifted == [origin])
        #expect(bench.core.quarantined.isEmpty && bench.events.count == 5)
        #expect(try bench.say(origin, .noted).types == ["IR-03 noted"])
    }

    @Test func whoWasShutOutStaysOut() throws {
        var bench = try HubBench.registered()
        for writer in [4, 5, 4] as [UInt64] { try bench.take(.alive(Place.home, writer: writer)) }
        try bench.take(.release(Place.home, keep: 5, held: []))
        let out = try bench.take(.hello(hello(Place.home, writer: 4, at: bench.now), feed: []))
        #expect(out.codes == ["IR-03 fenced"])
        guard case .farewell = out.greeting else {
            Issue.record("a fenced copy was welcomed")
            return
        }
        guard case .welcome = try bench.take(.hello(hello(Place.home, writer: 5, at: bench.now), feed: [])).greeting
        else {
            Issue.record("the chosen copy was not welcomed")
            return
        }
    }

    /// Held writes of one epoch on two lines: the line that came first counts, the other is proposed.
    @Test func branchesAreRanked() throws {
        var bench = try HubBench.registered()
        let origin = Place.home
        let root = bench.docket.head(of: origin)
        try bench.say(origin, .assessed(Assessment(lawful: true, withinMeans: true, done: true)))
        bench.docket.restart(origin, as: 900, from: root)
        let answer = try bench.write(origin, .answered)
        let effects = try bench.send([answer], from: origin)
        #expect(effects.codes == ["IR-03 branch"])
        #expect(effects.types == ["IR-03 answered", "hub branch.ranked", "hub granted"])
        #expect(bench.state.proposals.map(\.event) == [answer.hash] && bench.state.heldStatus == .registered)
        let next = try bench.say(origin, .closed(.advised))
        #expect(next.types == ["IR-03 closed"] && bench.state.heldStatus == .closed, "what comes now counts again")
    }

    /// The line that goes on beside a branch that came first is told as well.
    @Test func aBranchThatCameFirstIsToldToo() throws {
        var bench = try HubBench.registered()
        let origin = Place.home
        let root = bench.docket.head(of: origin)
        let note = try bench.write(origin, .noted)
        bench.docket.restart(origin, as: 900, from: root)
        #expect(try bench.say(origin, .noted).alarms.isEmpty)
        #expect(try bench.send([note], from: origin).codes == ["IR-03 branch"])
    }

    /// One case's events are a chain with holes: what the journal has not brought yet, it will.
    @Test func aRepairLeavesNoGap() throws {
        var bench = try HubBench.registered()
        let notes = try (0..<2).map { _ in try bench.write(Place.home, .noted) }
        let effects = try bench.take(.repair(Place.home, [notes[1]], known: [:], ofHub: [:]))
        #expect(effects.numbered.isEmpty && effects.alarms.isEmpty && bench.core.quarantined.isEmpty)
        #expect(
            try bench.take(.repair(Place.home, notes, known: [:], ofHub: [:])).types == ["IR-03 noted", "IR-03 noted"])
    }

    // MARK: A restored hub

    /// A hub as it was before it granted anything, and what it has forgotten.
    private func restored() throws -> (HubBench, [Event], ChainHead) {
        var later = try HubBench.registered()
        let referral = try later.say(Place.home, .referred(to: office("IR-23"), seat: Place.seat))
        let events = referral.numbered.map(\.event)
        let grant = try #require(events.last)
        var bench = try HubBench.registered()
        bench.core.desk.writer = JournalWriter(
            origin: .hub, incarnation: 2, continuing: .empty, clock: HybridClock(), seal: testSeal)
        bench.docket = later.docket
        let head = ChainHead(incarnation: grant.envelope.incarnation, seq: grant.envelope.seq, hash: grant.hash)
        return (bench, events, head)
    }

    /// Only the hub can have written what bears its seal.
    @Test func whatBearsNoSealIsNotTakenBack() throws {
        var (bench, events, head) = try restored()
        _ = try bench.take(.hello(hello(Place.home, writer: 4, hubHeads: [head], at: bench.now), feed: []))
        var envelope = events[1].envelope
        envelope.epoch += 1
        let forged = try Event(bytes: envelope.wire, part: events[1].part, hashing: sha256)
        let effects = try bench.take(.lost(Place.home, [forged], known: [:], isLast: true))
        #expect(effects.numbered.isEmpty && effects.codes == ["IR-03 foreign_origin"])
    }

    @Test func aHubThatForgotIsToldAndWaits() throws {
        var (bench, events, head) = try restored()
        let hello = hello(Place.home, writer: 4, hubHeads: [head], at: bench.now)
        let effects = try bench.take(.hello(hello, feed: []))
        #expect(effects.codes == ["IR-03 hub_restored"])
        guard case .welcome(let welcome, _) = effects.greeting else {
            Issue.record("no welcome")
            return
        }
        #expect(welcome.lost == [Stretch(incarnation: 1, after: 0)])
        #expect(bench.core.restoration?.awaited == [Place.home])
        // Nothing is decided about the case until its home has said all that it knows.
        #expect(throws: Refusal.awaiting(Place.home)) { try bench.move(to: "IR-07") }
        #expect(try bench.send([events[0]], from: Place.home).types == ["IR-03 referred"], "and no second grant")
        let back = try bench.take(.lost(Place.home, [events[1]], known: [:], isLast: true))
        #expect(back.types == ["hub granted"] && back.restoration == .some(nil))
        #expect(bench.grants.count == 1 && bench.state.seat == Place.seat)
        #expect(bench.rows(back, to: Place.seat) == ["registered", "referred", "granted"])
        let moved = try bench.move(to: "IR-07")
        #expect(moved.types == ["hub granted"] && Set(bench.grants.map(\.epoch)).count == 2)
    }

    /// The grant that the hub forgot may have reached the seat that is asked for, and nobody else.
    @Test func aGrantWaitsForTheSeatThatMayHoldIt() throws {
        var (bench, events, head) = try restored()
        bench.core.feeds[Place.seat] = 0
        try bench.take(.hello(hello(Place.seat, writer: 7, hubHeads: [head], at: bench.now), feed: []))
        try bench.take(.hello(hello(Place.home, writer: 4, at: bench.now), feed: []))
        #expect(bench.core.restoration?.awaited == [Place.seat], "home has nothing to give back")
        #expect(try bench.send([events[0]], from: Place.home).types == ["IR-03 referred"])
        let back = try bench.take(.lost(Place.seat, [events[1]], known: [:], isLast: true))
        #expect(back.types == ["hub granted"] && bench.grants.count == 1)
    }

    /// Of a seat that the older state does not know, nothing can be awaited; it is heard if it speaks while others are.
    @Test func aGrantWaitsForASeatThatIsNotKnown() throws {
        var (bench, events, head) = try restored()
        let other = try #require(Origin("IR-07"))
        bench.core.feeds[other] = 0
        try bench.take(.hello(hello(Place.home, writer: 4, hubHeads: [head], at: bench.now), feed: []))
        try bench.take(.lost(Place.home, [], known: [:], isLast: true))
        #expect(try bench.send([events[0]], from: Place.home).types == ["IR-03 referred"])
        let end = try bench.take(.release(other, keep: nil, held: []))
        #expect(end.restoration == .some(nil))
        #expect(try bench.take(.pending([bench.id])).types == ["hub granted"])
    }

    /// A grant that comes back when a newer one stands gives no turn: its seat sees envelopes, and gets the parts when it is
    /// given the case again.
    @Test func aGrantThatComesBackLateOpensNoParts() throws {
        var forgotten = try HubBench.registered()
        try forgotten.say(Place.home, .noted, text: "between us")
        var bench = forgotten
        let grant = try #require(try forgotten.move(to: "IR-23").numbered.first?.event)
        bench.core.desk.writer = JournalWriter(
            origin: .hub, incarnation: 2, continuing: .empty, clock: HybridClock(), seal: testSeal)
        bench.docket = forgotten.docket
        bench.docket.now = bench.docket.now + Instant.hour
        try bench.move(to: "IR-07")
        let back = try bench.take(.lost(Place.home, [grant], known: [:], isLast: true))
        #expect(bench.rows(back, to: Place.seat) == ["registered", "noted-", "granted-", "granted-"])
        bench.docket.now = bench.docket.now + Instant.hour
        #expect(bench.rows(try bench.move(to: "IR-23"), to: Place.seat).prefix(1) == ["noted"])
    }

    /// A case that was mended is decided anew: a decision may have passed it over.
    @Test func whatIsMendedIsDecided() throws {
        var (bench, events, head) = try restored()
        try bench.take(.hello(hello(Place.home, writer: 4, hubHeads: [head], at: bench.now), feed: []))
        try bench.send([events[0]], from: Place.home)
        try bench.take(.release(Place.home, keep: nil, held: []))
        #expect(bench.grants.isEmpty)
        let mended = try bench.take(.repair(Place.seat, [events[0]], known: [:], ofHub: [:]))
        #expect(mended.types == ["hub granted"])
    }

    /// Brought back to before a node first spoke: it is waited for all the same.
    @Test func aHubThatForgotANodeWaitsForIt() throws {
        let (_, _, head) = try restored()
        var bench = HubBench()
        bench.core.desk.writer = JournalWriter(origin: .hub, incarnation: 2, continuing: .empty, clock: HybridClock())
        let effects = try bench.take(.hello(hello(Place.home, writer: 4, hubHeads: [head], at: bench.now), feed: []))
        guard case .welcome(let welcome, _) = effects.greeting else {
            Issue.record("no welcome")
            return
        }
        #expect(welcome.lost == [Stretch(incarnation: 1, after: 0)])
        #expect(bench.core.restoration?.awaited == [Place.home])
    }

    @Test func anEmptyHubWaitsForNobody() {
        let core = HubCore(
            desk: HubBench().core.desk, chains: [:], position: 0, feeds: [:], wasRestored: true)
        #expect(core.restoration == nil)
    }

    /// An event in the hub's name is believed by its seal, whoever brings it and whenever; never twice at one place.
    @Test func nobodySpeaksForTheHub() throws {
        var (bench, events, _) = try restored()
        let place = events[1].envelope.place
        let taken = try bench.take(.lost(Place.home, [events[1]], known: [place: .zero], isLast: false))
        #expect(taken.codes == ["IR-03 foreign_origin"] && taken.numbered.isEmpty, "another event has this place")
        var envelope = events[1].envelope
        envelope.seq += 1
        let forged = try Event(bytes: envelope.wire, part: .none, hashing: sha256)
        let invented = try bench.take(.lost(Place.home, [forged], known: [:], isLast: false))
        #expect(invented.codes == ["IR-03 foreign_origin"] && invented.numbered.isEmpty, "the hub did not seal it")
        let late = try bench.take(.lost(Place.home, [events[1]], known: [:], isLast: false))
        #expect(late.codes.isEmpty && late.numbered.map(\.event) == [events[1]])
    }

    /// Who never comes back must not hold up the others for ever.
    @Test func aPersonGoesOnWithout() throws {
        var (bench, _, head) = try restored()
        try bench.take(.hello(hello(Place.home, writer: 4, hubHeads: [head], at: bench.now), feed: []))
        #expect(try bench.take(.release(Place.home, keep: nil, held: [])).restoration == .some(nil))
        #expect(bench.core.restoration == nil)
    }

    @Test func theFeedGoesOnWhereBothKnow() {
        let hash = sha256([1])
        func cursor(_ incarnation: UInt64, _ seq: UInt64) -> FeedCursor {
            FeedCursor(hubIncarnation: incarnation, seq: seq, hash: hash)
        }
        #expect(HubCore.start([], []) == nil)
        #expect(HubCore.start([cursor(1, 9)], [FeedFact(hash: hash, end: cursor(1, 20))]) == cursor(1, 9))
        // The row is gone; what its incarnation wrote before is still common.
        #expect(HubCore.start([cursor(1, 9)], [FeedFact(hash: nil, end: cursor(1, 6))]) == cursor(1, 6))
        #expect(HubCore.start([cursor(1, 9)], [FeedFact(hash: sha256([2]), end: cursor(1, 6))]) == cursor(1, 6))
        // An incarnation that left nothing here: the one before it may have.
        #expect(
            HubCore.start(
                [cursor(2, 9), cursor(1, 4)],
                [FeedFact(hash: nil, end: nil), FeedFact(hash: hash, end: cursor(1, 7))]) == cursor(1, 4))
        #expect(HubCore.start([cursor(2, 9)], [FeedFact(hash: nil, end: nil)]) == nil)
    }
}
