import Casework
import Testing

import struct Simulator.Generator

@testable import Federation

/// What a node makes of its feed.
@Suite struct NodeCoreTests {
    /// IR-23's core; the events of the case come from home and hub.
    private struct Bench {
        var core = NodeCore(
            desk: Desk(
                writer: JournalWriter(origin: Place.seat, incarnation: 9, continuing: .empty, clock: HybridClock()),
                journal: ChainTree(), tree: .standard, calendar: .standard, hashing: sha256),
            hub: ChainTree(), cursors: [], position: 0)
        var docket = Docket()
        var random = Generator(seed: 3)

        init() throws {
            try docket.write(Place.home, docket.registration(), texts: Texts(subject: "no water"))
            let referral = try docket.write(Place.home, .referred(to: office("IR-23"), seat: Place.seat))
            try docket.grant("IR-23", at: Place.seat, epoch: 10, from: Place.home, causedBy: referral)
        }

        var state: Case { core.desk.cases[docket.id]?.state ?? Case(id: docket.id) }

        /// Own places, as a driver finds them in the store.
        var known: [ChainPlace: EventHash] {
            let own = (core.desk.cases[docket.id]?.events ?? []).filter { $0.origin == Place.seat }
            return Dictionary(uniqueKeysWithValues: own.map { ($0.envelope.place, $0.hash) })
        }

        func cursor(_ seq: UInt64, _ event: Event, feed: UInt64 = 1) -> FeedCursor {
            FeedCursor(hubIncarnation: feed, seq: seq, hash: event.hash)
        }

        /// Rows numbered from `seq`.
        @discardableResult
        mutating func take(_ events: [Event], from seq: UInt64, feed: UInt64 = 1) throws -> Effects {
            let rows = events.enumerated().map { (cursor(seq + UInt64($0), $1, feed: feed), $1) }
            return try core.take(.feed(rows), now: docket.now, random: &random)
        }

        @discardableResult
        mutating func resume(after place: FeedCursor?) throws -> Effects {
            try core.take(.resume(place), now: docket.now, random: &random)
        }
    }

    @Test func aGrantIsReceivedOnce() throws {
        var bench = try Bench()
        let effects = try bench.take(bench.docket.events, from: 1)
        #expect(effects.types == ["IR-03 registered", "IR-03 referred", "hub granted", "IR-23 received"])
        #expect(effects.numbered.map(\.position) == [1, 2, 3, 4])
        #expect(effects.cursor == bench.cursor(3, bench.docket.events[2]))
        #expect(bench.core.desk.writer.head.seq == 1, "of all that came, only `received` is its own")
        #expect(bench.state.acceptBy != nil && bench.state.epoch == 10)
        try bench.docket.write(Place.home, .noted)
        #expect(try bench.take([bench.docket.events[3]], from: 4).types == ["IR-03 noted"])
        #expect(bench.core.desk.writer.head.seq == 1)
    }

    /// Half a history grants nothing; what is missing comes, and then the grant is received.
    @Test func rowsMayComeInAnyBatches() throws {
        var bench = try Bench()
        for (index, event) in bench.docket.events.enumerated() { try bench.take([event], from: UInt64(index + 1)) }
        var whole = try Bench()
        try whole.take(whole.docket.events, from: 1)
        #expect(bench.state.status == whole.state.status && bench.state.history.count == whole.state.history.count)
        #expect(bench.core.cursor == whole.core.cursor)
    }

    @Test func aFeedLeavesNothingOut() throws {
        var bench = try Bench()
        let events = bench.docket.events
        #expect(throws: FeedFault.notDense(expected: 1, found: 2)) { try bench.take([events[0]], from: 2) }
        try bench.take([events[0]], from: 1)
        #expect(throws: FeedFault.notDense(expected: 2, found: 3)) { try bench.take([events[2]], from: 3) }
        #expect(throws: FeedFault.notDense(expected: 3, found: 4)) {
            let rows = [(bench.cursor(2, events[1]), events[1]), (bench.cursor(4, events[2]), events[2])]
            _ = try bench.core.take(.feed(rows), now: bench.docket.now, random: &bench.random)
        }
        #expect(bench.core.position == 1 && bench.core.cursor == bench.cursor(1, events[0]), "a fault takes nothing")
    }

    @Test func aRowOfAnotherHashIsNotTaken() throws {
        var bench = try Bench()
        let events = bench.docket.events
        #expect(throws: FeedFault.wrongHash(1)) {
            let rows = [(bench.cursor(1, events[1]), events[0])]
            _ = try bench.core.take(.feed(rows), now: bench.docket.now, random: &bench.random)
        }
        #expect(bench.core.position == 0)
    }

    @Test func whatIsSentAgainCountsOnce() throws {
        var bench = try Bench()
        let events = bench.docket.events
        try bench.take(events, from: 1)
        try bench.resume(after: nil)
        let again = try bench.take(events, from: 1)
        #expect(again.numbered.isEmpty && again.touched.isEmpty && again.alarms.isEmpty)
        #expect(again.cursor?.seq == 3, "and is acknowledged again")
        #expect(bench.core.position == 4)
    }

    /// A hub restored from a backup has forgotten some rows and says where it goes on; under their numbers stand other
    /// events now.
    @Test func aFeedThatBeginsAnewLosesNothing() throws {
        var bench = try Bench()
        try bench.take(bench.docket.events, from: 1)
        try bench.docket.write(Place.home, .noted)
        let events = bench.docket.events
        #expect(throws: FeedFault.notDense(expected: 4, found: 2)) { try bench.take([events[3]], from: 2, feed: 2) }
        let effects = try bench.resume(after: bench.cursor(1, events[0]))
        #expect(effects.rewound == 1 && effects.cursor == bench.cursor(1, events[0]) && !effects.isEmpty)
        #expect(try bench.take([events[3]], from: 2, feed: 2).types == ["IR-03 noted"])
        #expect(bench.core.cursors == [bench.cursor(2, events[3], feed: 2), bench.cursor(1, events[0])])
        #expect(try bench.resume(after: bench.core.cursor).isEmpty, "nothing is lost, nothing is saved")
        // A new database of the hub: another feed, from its beginning.
        #expect(try bench.resume(after: nil).rewound == 0)
        #expect(try bench.take(events, from: 1, feed: 3).numbered.isEmpty)
        #expect(bench.core.cursors.map(\.hubIncarnation) == [3])
    }

    /// First an old backup of the hub was brought back, then a newer one of the line before: it goes on beyond the newest
    /// cursor, from a row that an older one covers. Beyond all of them it would leave rows out.
    @Test func aFeedGoesOnFromAnOlderCursor() throws {
        var bench = try Bench()
        try bench.take(bench.docket.events, from: 1)
        try bench.docket.write(Place.home, .noted)
        let events = bench.docket.events
        try bench.resume(after: nil)
        try bench.take([events[0]], from: 1, feed: 2)
        #expect(throws: FeedFault.notDense(expected: 2, found: 3)) {
            try bench.resume(after: bench.cursor(2, events[1]))
        }
        var other = try Bench()
        try other.take(other.docket.events, from: 1)
        try other.take([other.docket.events[0]], from: 4, feed: 2)
        try other.resume(after: other.cursor(2, other.docket.events[1]))
        #expect(other.core.cursors.map(\.seq) == [2])
    }

    @Test func aPartThatComesLateCompletes() throws {
        var bench = try Bench()
        let events = bench.docket.events
        try bench.take(events.map(\.withheld), from: 1)
        #expect(bench.core.desk.cases[bench.docket.id]?[events[0].hash]?.texts == nil)
        let effects = try bench.take([events[0]], from: 4)
        #expect(effects.numbered.isEmpty && effects.completed == [events[0]])
        #expect(effects.touched == [bench.docket.id])
        #expect(bench.core.desk.cases[bench.docket.id]?[events[0].hash]?.texts?.subject == "no water")
    }

    // MARK: Clocks

    /// The hub bounds what this node stamped: its clock goes back to what counts, and somebody is told.
    @Test func theHubSetsAClockRight() throws {
        var bench = try Bench()
        try bench.take(bench.docket.events, from: 1)
        let (right, wrong) = (bench.docket.now, bench.docket.now + Instant.day)
        let wish = Wish(
            command: .note(text: "n"), caseID: bench.docket.id, actor: person("ali", at: Place.seat))
        let own = try #require(try bench.core.decide(wish, now: wrong, random: &bench.random).numbered.first?.event)
        #expect(own.envelope.stamp.instant == wrong)
        try bench.docket.write(.hub, .stamped(own.hash, hlc: Stamp(at: right).rawValue))
        let effects = try bench.take([try #require(bench.docket.events.last)], from: 4)
        #expect(effects.codes == ["IR-23 clock_ahead"])
        let next = try #require(
            try bench.core.decide(wish, now: bench.docket.now, random: &bench.random).numbered.first?.event)
        #expect(next.envelope.stamp.instant < right + 5 * Instant.second)
        let order = bench.state.history.map(\.event)
        #expect(order.firstIndex(of: own.hash) ?? 9 < order.firstIndex(of: next.hash) ?? 0)
    }

    /// Nobody else's clock moves.
    @Test func anothersWrongClockIsNotFollowed() throws {
        var bench = try Bench()
        bench.docket.skews[Place.home] = 365 * Instant.day
        let note = try bench.docket.write(Place.home, .noted)
        let bound = Stamp(at: bench.docket.now)
        try bench.docket.write(.hub, .stamped(note, hlc: bound.rawValue))
        var events = bench.docket.events
        events.swapAt(3, 4)
        try bench.take(events, from: 1)
        #expect(bench.core.desk.writer.clock.last.instant <= bench.docket.now + Instant.second)
        #expect(bench.core.desk.writer.clock.last > bound)
    }

    /// What an outsider writes has no effect, so nobody bounds his stamps either.
    @Test func anOutsidersClockIsNotFollowed() throws {
        var bench = try Bench()
        bench.docket.skews[Place.stranger] = 365 * Instant.day
        try bench.docket.write(Place.stranger, .noted)
        try bench.take(bench.docket.events, from: 1)
        #expect(bench.core.desk.writer.clock.last.instant <= bench.docket.now + Instant.second)
    }

    // MARK: Restored

    /// What the hub held of this node's own journal comes back, and the writer goes on where the hub saw it last.
    @Test func theTailIsTakenBack() throws {
        var bench = try Bench()
        try bench.take(bench.docket.events, from: 1)
        bench.docket.adopt(bench.core.desk.cases[bench.docket.id]?.events.last)
        let tail = try (0..<3).map { _ in try bench.docket.write(Place.seat, .noted) }
            .compactMap { hash in bench.docket.events.first { $0.hash == hash } }
        let latest = bench.docket.head(of: Place.seat)
        let known = bench.known
        // A start that has written nothing yet.
        bench.core.desk.writer = JournalWriter(
            origin: Place.seat, incarnation: 77, continuing: bench.core.desk.writer.head, clock: HybridClock())
        let effects = try bench.core.take(
            .tail(tail, latest: latest, known: known), now: bench.docket.now, random: &bench.random)
        #expect(effects.types == ["IR-23 noted", "IR-23 noted", "IR-23 noted"] && effects.alarms.isEmpty)
        #expect(bench.core.desk.writer.head == latest)
        let wish = Wish(command: .note(text: "n"), caseID: bench.docket.id, actor: person("ali", at: Place.seat))
        let next = try bench.core.decide(wish, now: bench.docket.now, random: &bench.random).numbered[0].event
        #expect(next.envelope.previous == latest.hash && next.envelope.seq == 5)
    }

    /// Whoever wrote already stays on his own line.
    @Test func aWriterThatHasBegunIsNotMoved() throws {
        var bench = try Bench()
        try bench.take(bench.docket.events, from: 1)
        let head = bench.core.desk.writer.head
        bench.docket.adopt(bench.core.desk.cases[bench.docket.id]?.events.last)
        bench.docket.restart(Place.seat, as: 700)
        let hash = try bench.docket.write(Place.seat, .noted)
        let tail = try #require(bench.docket.events.first { $0.hash == hash })
        _ = try bench.core.take(
            .tail([tail], latest: bench.docket.head(of: Place.seat), known: bench.known), now: bench.docket.now,
            random: &bench.random)
        #expect(bench.core.desk.writer.head == head && bench.core.desk.journal.chains.count == 2)
    }

    /// The hub is not believed either.
    @Test func aTailThatDoesNotFitRaisesAnAlarm() throws {
        var bench = try Bench()
        try bench.take(bench.docket.events, from: 1)
        let foreign = bench.docket.events[0]
        var envelope = try #require(bench.core.desk.cases[bench.docket.id]?.events.last).envelope
        (envelope.seq, envelope.previous) = (2, foreign.hash)
        let forged = try Event(bytes: envelope.wire, part: .none, hashing: sha256)
        let effects = try bench.core.take(
            .tail([foreign, forged], latest: .empty, known: bench.known), now: bench.docket.now, random: &bench.random)
        #expect(effects.codes == ["IR-23 foreign_origin", "IR-23 tampering"] && effects.numbered.isEmpty)
    }

    @Test func aRepairBringsWhatIsMissingAndNothingTwice() throws {
        var bench = try Bench()
        let events = bench.docket.events
        try bench.take(Array(events.prefix(2)), from: 1)
        let repair = NodeCore.Arrival.repair(events, known: bench.known)
        let effects = try bench.core.take(repair, now: bench.docket.now, random: &bench.random)
        #expect(effects.types == ["hub granted", "IR-23 received"])
        #expect(try bench.core.take(repair, now: bench.docket.now, random: &bench.random).numbered.isEmpty)
        // The row of what came first follows, and changes nothing.
        let row = try bench.take([events[2]], from: 3)
        #expect(row.numbered.isEmpty && row.cursor?.seq == 3)
    }

    /// A repair knows one case only: what goes before its events in the journal may still be on its way.
    @Test func aRepairMayComeBeforeTheTail() throws {
        var bench = try Bench()
        try bench.take(bench.docket.events, from: 1)
        bench.docket.adopt(bench.core.desk.cases[bench.docket.id]?.events.last)
        _ = try bench.docket.write(Place.seat, .noted)
        let hash = try bench.docket.write(Place.seat, .noted)
        let second = try #require(bench.docket.events.first { $0.hash == hash })
        let effects = try bench.core.take(
            .repair([second], known: bench.known), now: bench.docket.now, random: &bench.random)
        #expect(effects.numbered.isEmpty && effects.alarms.isEmpty)
    }

    /// What the hub reads is kept once, and told again only when it changes.
    @Test func theHubSaysWhatItReads() throws {
        var bench = try Bench()
        let effects = try bench.core.take(.hubReads(3), now: bench.docket.now, random: &bench.random)
        #expect(effects.reads.map(\.origin) == [.hub] && effects.reads.map(\.schema) == [3])
        #expect(bench.core.desk.reads == [.hub: 3])
        #expect(try bench.core.take(.hubReads(3), now: bench.docket.now, random: &bench.random).isEmpty)
    }

    // MARK: Escalation

    @Test func onlyTheSeatEmitsTheFirstLevel() throws {
        var bench = try Bench()
        let due = bench.docket.now + 16 * Instant.day
        try bench.take(Array(bench.docket.events.prefix(2)), from: 1)
        #expect(try bench.core.escalate(bench.docket.id, now: due, random: &bench.random).numbered.isEmpty)
        try bench.take([bench.docket.events[2]], from: 3)
        #expect(
            try bench.core.escalate(bench.docket.id, now: bench.docket.now, random: &bench.random).numbered.isEmpty)
        // The time to accept passes first, then the case's clock and its holder's.
        let threeDays = bench.docket.now + 4 * Instant.day
        #expect(
            try bench.core.escalate(bench.docket.id, now: threeDays, random: &bench.random).types
                == ["IR-23 escalated"])
        #expect(bench.state.escalations.map(\.clock) == [bench.state.grant])
        #expect(
            try bench.core.escalate(bench.docket.id, now: due, random: &bench.random).types
                == ["IR-23 escalated", "IR-23 escalated"])
        #expect(try bench.core.escalate(bench.docket.id, now: due, random: &bench.random).numbered.isEmpty)
        #expect(bench.state.escalations.map(\.level) == [1, 1, 1])
    }
}
