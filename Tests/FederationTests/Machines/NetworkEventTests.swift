import Casework
import TestCountry
import Testing

import struct Simulator.Generator

@testable import Federation

/// Rules from the hub's decision to a node's, over feeds, losses and copies.
@Suite struct NetworkEventTests {
    private static let person = Actor(name: "leila", role: .hub, organization: .presidency)
    private var now: Instant { Docket().now }

    /// A hub that has no rules yet.
    private struct Bench {
        var core = HubCore(
            desk: Desk(
                writer: JournalWriter(
                    origin: .hub, incarnation: 1, continuing: .empty, clock: HybridClock(), seal: testSeal),
                journal: ChainTree(), rules: RuleBook(), hashing: sha256),
            chains: [:], position: 0, feeds: [:])
        var random = Generator(seed: 5)
        /// Every destination's feed, as a store keeps it.
        var feeds: [Origin: [Effects.Routed]] = [:]
        var events: [EventHash: Event] = [:]

        @discardableResult
        mutating func set(_ rules: [NetworkChange]) throws -> Effects {
            let effects = try core.take(
                .rules(rules, by: NetworkEventTests.person), now: Docket().now, random: &random)
            keep(effects)
            return effects
        }

        mutating func keep(_ effects: Effects) {
            for row in effects.routed { feeds[row.destination, default: []].append(row) }
            for numbered in effects.numbered { events[numbered.event.hash] = numbered.event }
        }

        func rows(_ origin: Origin) -> [(cursor: FeedCursor, event: Event)] {
            (feeds[origin] ?? []).compactMap { row in
                events[row.event].map {
                    (FeedCursor(hubIncarnation: row.hubIncarnation, seq: row.seq, hash: row.event), $0)
                }
            }
        }
    }

    private func node(_ origin: Origin) -> NodeCore {
        NodeCore(
            desk: Desk(
                writer: JournalWriter(origin: origin, incarnation: 9, continuing: .empty, clock: HybridClock()),
                journal: ChainTree(), rules: RuleBook(), hashing: sha256),
            hub: ChainTree(), cursors: [], position: 0)
    }

    private func closure(_ day: Int, _ region: Origin? = nil) -> NetworkChange {
        .closureProclaimed(Closure(region: region, day: day, authority: "governor", reference: "7"))
    }

    @Test func everyRegionGetsAllRulesInOrder() throws {
        var bench = Bench()
        let iran = Network.iran.changes
        let effects = try bench.set(iran)
        #expect(effects.numbered.count == iran.count && effects.ruleRefusal == nil)
        #expect(
            bench.core.desk.network == Network(iran.map { NetworkFact($0, version: 1) })
                || bench.core.desk
                    .network.changes == Network.iran.changes
        )
        #expect(Set(bench.feeds.keys) == Set(Origin.provinces))
        for origin in Origin.provinces {
            #expect(bench.feeds[origin]?.map(\.event) == effects.numbered.map(\.event.hash))
            #expect(bench.feeds[origin]?.map(\.seq) == Array(1...UInt64(iran.count)))
        }
        // The same again writes nothing.
        #expect(try bench.set(iran).numbered.isEmpty)
        try bench.set([closure(20_800)])
        #expect(bench.feeds[Place.home]?.count == iran.count + 1)
    }

    @Test func aNewRegionFirstGetsWhatWasBefore() throws {
        var bench = Bench()
        let all = Network.iran.changes
        guard
            let late = all.firstIndex(where: {
                if case .regionSet(let region) = $0 { region.code == "IR-30" } else { false }
            })
        else {
            Issue.record("IR-30 is missing")
            return
        }
        var early = all
        early.removeAll { change in
            switch change {
            case .organizationSet(let organization): organization.seat.code == "IR-30"
            case .regionSet(let region): region.code == "IR-30"
            default: false
            }
        }
        try bench.set(early)
        let origin = Origin.provinces[30]
        #expect(bench.feeds[origin] == nil)
        try bench.set([all[late]])
        #expect(bench.feeds[origin]?.count == early.count + 1)
        #expect(bench.feeds[Place.home]?.count == early.count + 1)
    }

    @Test func refusalsWriteNothing() throws {
        var bench = Bench()
        #expect(try bench.set([closure(1)]).ruleRefusal == .noCountry)
        try bench.set(Network.iran.changes)
        let refused = try bench.set([closure(1, Origin("IR-88"))])
        #expect(refused.ruleRefusal == .unknownRegion("IR-88", by: "closure") && refused.numbered.isEmpty)
    }

    @Test func aNodeFollowsAndRegistersOnlyThen() throws {
        var bench = Bench()
        var node = node(Place.home)
        var random = Generator(seed: 1)
        let wish = Wish(
            command: .register(
                Intake(kind: .complaint, channel: .phone, category: "water", texts: Texts(subject: "no water"))),
            caseID: CaseID(home: Place.home, at: now, random: (1, 2)),
            actor: Actor(name: "m", role: .operator, organization: OrganizationCode(Place.home)),
            trackingCode: TrackingCode(region: 3, random: 5))
        #expect(throws: Refusal.noRules) { try node.decide(wish, now: now, random: &random) }
        try bench.set(Network.iran.changes)
        let rows = bench.rows(Place.home)
        let effects = try node.take(.feed(rows), now: now, random: &random)
        #expect(effects.numbered.count == rows.count && effects.touched.isEmpty)
        #expect(effects.chains.map(\.origin) == [.hub], "the hub's chain is followed, with holes or without")
        #expect(node.desk.network == bench.core.desk.network)
        #expect(node.desk.network.version == bench.core.desk.network.version)
        let registered = try node.decide(wish, now: now, random: &random)
        guard case .registered(let registration)? = registered.numbered.first?.event.envelope.change else {
            Issue.record("nothing was registered")
            return
        }
        #expect(registration.due.rules == bench.core.desk.network.version)
        // Sent again it changes nothing, and what is stored gives the same rules.
        let before = node.position
        #expect(try node.take(.feed([]), now: now, random: &random).numbered.isEmpty)
        #expect(node.position == before)
        #expect(RuleBook(node.desk.rules.events.reversed()).network == bench.core.desk.network)
    }

    @Test func aRestoredHubTakesItsRulesBackAndSetsNoneBefore() throws {
        var bench = Bench()
        try bench.set(Network.iran.changes)
        let kept = bench.core
        try bench.set([closure(20_800)])
        let lost = try #require(bench.core.desk.rules.events.last)
        var hub = HubCore(
            desk: Desk(
                writer: JournalWriter(
                    origin: .hub, incarnation: 2, continuing: kept.desk.writer.head, clock: kept.desk.writer.clock,
                    seal: testSeal),
                journal: kept.desk.journal, rules: kept.desk.rules, hashing: sha256),
            chains: [Place.home: ChainTree()], position: kept.position, feeds: kept.feeds, wasRestored: true)
        var random = Generator(seed: 2)
        let early = try hub.take(.rules([closure(20_900)], by: Self.person), now: now, random: &random)
        #expect(early.ruleRefusal != nil && early.numbered.isEmpty)
        let back = try hub.take(
            .lost(Place.home, [lost], known: [:], isLast: true), now: now, random: &random)
        #expect(back.numbered.map(\.event.hash) == [lost.hash])
        #expect(hub.desk.network == bench.core.desk.network)
        #expect(Set(back.routed.map(\.destination)) == Set(Origin.provinces), "who lost the row gets it again")
        // A rule that the hub never wrote is not taken.
        var forged = lost
        forged = Event(
            envelope: lost.envelope, bytes: lost.bytes + [0], hash: sha256(lost.bytes + [0]), part: .none)
        let refused = try hub.take(.lost(Place.home, [forged], known: [:], isLast: true), now: now, random: &random)
        #expect(refused.numbered.isEmpty && refused.alarms.map(\.alarm.code) == ["foreign_origin"])
    }

    @Test func aProvinceCannotSetRules() throws {
        var bench = Bench()
        try bench.set(Network.iran.changes)
        var writer = JournalWriter(origin: Place.home, incarnation: 4, continuing: .empty, clock: HybridClock())
        var random = Generator(seed: 3)
        let event = try writer.append(
            rule: closure(20_801), actor: Self.person, now: now, hashing: sha256, random: &random)
        let before = bench.core.desk.network
        let effects = try bench.core.take(
            .events(Place.home, [event], known: [:]), now: now, random: &random)
        #expect(effects.alarms.map(\.alarm.code) == ["undecodable"] && effects.routed.isEmpty)
        #expect(bench.core.desk.network == before)
    }

    @Test func everyChangeCrossesTheWire() throws {
        var random = Generator(seed: 4)
        var writer = JournalWriter(origin: .hub, incarnation: 1, continuing: .empty, clock: HybridClock())
        let yearly = Holiday(day: .yearly(.init(month: 1, day: 2)), source: .fixed, nameFA: "a", nameEN: "b")
        let policy = Policy(
            from: -3, caseDays: 15, kindDays: [.idea: 30, .request: 20], complaintDays: 7, acceptDays: 2, rest: [5, 6])
        let changes =
            Network.iran.changes + Network.example.changes
            + [closure(-20, Place.home), closure(7), .holidaySet(yearly), .policySet(policy)]
        for change in changes {
            let event = try writer.append(
                rule: change, actor: Self.person, now: now, hashing: sha256, random: &random)
            let read = try Event(bytes: event.bytes, part: .none, hashing: sha256)
            guard read.envelope.rule == change, read.envelope == event.envelope else {
                Issue.record("\(change.type) does not cross the wire")
                return
            }
        }
        #expect(Set(changes.map(\.type)) == Set(NetworkChange.types))
    }

    /// What a later hub writes of this class is kept and forwarded, and sets nothing here.
    @Test func aRuleOfALaterVersionIsKeptUnread() throws {
        var bench = Bench()
        try bench.set(Network.iran.changes)
        var node = node(Place.home)
        var random = Generator(seed: 6)
        _ = try node.take(.feed(bench.rows(Place.home)), now: now, random: &random)
        var envelope = try #require(bench.core.desk.rules.events.last).envelope
        (envelope.type, envelope.content, envelope.seq) = ("template.set", .unreadable, envelope.seq + 1)
        let bytes = envelope.wire
        let event = try Event(bytes: bytes, part: .none, hashing: sha256)
        let cursor = FeedCursor(
            hubIncarnation: 1, seq: UInt64(bench.rows(Place.home).count + 1), hash: event.hash)
        let before = node.desk.network
        let effects = try node.take(.feed([(cursor, event)]), now: now, random: &random)
        #expect(effects.numbered.map(\.event.hash) == [event.hash] && effects.alarms.isEmpty)
        #expect(node.desk.network == before && node.desk.rules.holds(event.hash))
    }
}
