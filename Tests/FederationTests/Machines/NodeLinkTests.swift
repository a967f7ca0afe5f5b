import Casework
import Testing

import struct Simulator.Generator

@testable import Federation

/// The node's half of the link: each input in each state.
@Suite struct NodeLinkTests {
    private let now = Docket.start
    private let docket: Docket
    /// Own events 1…6.
    private let events: [Event]

    init() throws {
        var docket = Docket()
        for _ in 0..<6 { try docket.write(Place.home, .noted) }
        self.docket = docket
        events = docket.events
    }

    private func head(_ seq: Int) -> ChainHead {
        guard seq > 0 else { return .empty }
        let event = events[seq - 1]
        return ChainHead(
            incarnation: event.envelope.incarnation, seq: event.envelope.seq, hash: event.hash)
    }

    /// The own journal up to `seq`: one chain.
    private func journal(_ seq: Int) -> ChainTree {
        ChainTree(chains: seq > 0 ? [Chain(parent: 0, first: 1, head: head(seq))] : [])
    }

    private func rows(_ events: some Sequence<Event>) -> [JournalRow] { events.map { JournalRow($0) } }

    private func hello(head seq: Int) -> Hello {
        Hello(
            origin: Place.home, writer: 7, heads: journal(seq).heads, cursors: [], hubHeads: [], clock: now, backlog: 0)
    }

    private func welcome(
        _ heads: [ChainHead], version: UInt32 = 1, clock: Instant? = nil, lost: [Stretch] = [], schemas: [UInt32] = [1]
    ) -> HubFrame {
        var welcome = Welcome(schemas: schemas, heads: heads, clock: clock ?? now, incarnation: 9, lost: lost)
        welcome.version = version
        return .welcome(welcome)
    }

    private var incarnation: UInt64 { events[0].envelope.incarnation }
    private func noted(_ clock: Instant? = nil) -> NodeLink.Action {
        .noteWelcome(clock: clock ?? now, isQuarantined: false, hubReads: 1, feed: nil)
    }
    private func reads(after seq: UInt64) -> NodeLink.Action {
        .readJournal([Stretch(incarnation: incarnation, after: seq)])
    }

    /// A machine that waits for its Welcome.
    private func greeting(head seq: Int, acknowledged: UInt64? = nil) -> NodeLink {
        var link = NodeLink(startedAt: now)
        _ = link.connected(
            hello(head: seq), journal: journal(seq), acknowledged: acknowledged.map { [incarnation: $0] } ?? [:])
        return link
    }

    /// A machine whose call is open, with the actions of its Welcome.
    private func live(
        head seq: Int, hub: [ChainHead], acknowledged: UInt64? = nil, lost: [Stretch] = []
    ) -> (NodeLink, [NodeLink.Action]) {
        var link = greeting(head: seq, acknowledged: acknowledged)
        let actions = link.received(welcome(hub, lost: lost), now: now)
        return (link, actions)
    }

    private var ack: Ack { Ack(heads: [head(3)], committedAt: now, position: 3, signature: [1]) }
    private func rows(_ seq: Int) -> [FeedRow] {
        let event = events[seq - 1]
        return [
            FeedRow(
                cursor: FeedCursor(hubIncarnation: 1, seq: UInt64(seq), hash: event.hash), event: WireEvent(event))
        ]
    }
    private var row: FeedRow { rows(1)[0] }

    // MARK: The call

    @Test func helloComesFirst() {
        var link = NodeLink(startedAt: now)
        let actions = link.connected(hello(head: 3), journal: journal(3), acknowledged: [:])
        #expect(actions == [.send(.hello(hello(head: 3)))])
        #expect(link.state == .greeting)
    }

    @Test func theJournalIsSentFromTheCommonHead() {
        var link = greeting(head: 6, acknowledged: 2)
        #expect(
            link.received(welcome([head(2)], clock: now + 250), now: now)
                == [noted(now + 250), .openWriting, reads(after: 2)])
        #expect(link.state == .live(isReading: true, isReturning: false))
        let first = Array(events[2..<4])
        #expect(link.journalRead(rows(first)) == [.send(.events(first.map { WireEvent($0) })), reads(after: 4)])
        let last = Array(events[4..<6])
        #expect(link.journalRead(rows(last)) == [.send(.events(last.map { WireEvent($0) }))])
        #expect(link.state == .live(isReading: false, isReturning: false))
    }

    @Test func aHubThatHasNothingGetsEverything() {
        #expect(live(head: 6, hub: []).1.last == reads(after: 0))
        #expect(live(head: 0, hub: []).1 == [noted(), .openWriting])
    }

    /// The hub has all, but the call broke before its receipt came: the last event fetches it.
    @Test func aLostReceiptIsFetched() {
        #expect(live(head: 6, hub: [head(6)], acknowledged: 4).1.last == reads(after: 5))
        #expect(live(head: 6, hub: [head(6)], acknowledged: 6).1 == [noted(), .openWriting])
        // What is new brings the receipt for what went before.
        #expect(live(head: 6, hub: [head(5)], acknowledged: 3).1.last == reads(after: 5))
    }

    @Test func newEventsAreReadOnceAtATime() {
        var (link, _) = live(head: 2, hub: [head(2)], acknowledged: 2)
        #expect(link.advanced(to: journal(3)) == [reads(after: 2)])
        #expect(link.advanced(to: journal(5)) == [])
        #expect(link.backlog == 3)
        #expect(link.journalRead(rows([events[2]])) == [.send(.events([WireEvent(events[2])])), reads(after: 3)])
        #expect(link.journalRead(rows(Array(events[3..<5]))) == [.send(.events(events[3..<5].map { WireEvent($0) }))])
    }

    /// What the writer announced and the store does not show yet is read at the next announcement.
    @Test func anEmptyReadWaits() {
        var (link, _) = live(head: 2, hub: [head(2)], acknowledged: 2)
        #expect(link.advanced(to: journal(3)) == [reads(after: 2)])
        #expect(link.journalRead([]) == [])
        #expect(link.advanced(to: journal(3)) == [reads(after: 2)])
    }

    @Test func frames() {
        var (link, _) = live(head: 3, hub: [head(3)], acknowledged: 1)
        #expect(link.received(.ack(ack), now: now) == [.recordAck(ack)])
        #expect(link.backlog == 0)
        #expect(link.received(.feed([row]), now: now) == [.apply([row])])
        let alarm = Alarm(code: .clockAhead, detail: "set it right")
        #expect(link.received(.alarm(alarm), now: now) == [.raise(alarm)])
        #expect(link.committed(row.cursor, clock: now) == [.send(.feedAck(row.cursor, clock: now, backlog: 0))])
        #expect(link.report(clock: now) == [.send(.feedAck(nil, clock: now, backlog: 0))])
        #expect(link.received(.fetch([docket.id]), now: now) == [.readCases([docket.id])])
        let repair = History(.repair, [WireEvent(events[0])], isLast: true)
        #expect(link.received(.history(repair), now: now) == [.repair([WireEvent(events[0])])])
        let goodbye = Goodbye(reason: "upgrade", retryAfterMilliseconds: 9_000)
        #expect(link.received(.goodbye(goodbye), now: now) == [.close(reason: "upgrade", retryAfter: 9_000)])
        #expect(link.state == .offline)
    }

    @Test func framesOutOfTurnEndTheCall() {
        let end = [NodeLink.Action.close(reason: "the hub sent a frame out of turn", retryAfter: 1000)]
        let history = HubFrame.history(History(.lost, [], isLast: true))
        for frame in [HubFrame.ack(ack), .feed([row]), history, .fetch([docket.id])] {
            var greeting = greeting(head: 3)
            #expect(greeting.received(frame, now: now) == end)
            #expect(greeting.state == .offline)
            var offline = NodeLink(startedAt: now)
            #expect(offline.received(frame, now: now) == end)
        }
        var (link, _) = live(head: 3, hub: [head(3)])
        #expect(link.received(welcome([head(3)]), now: now) == end)
        var offline = NodeLink(startedAt: now)
        #expect(offline.received(welcome([]), now: now) == end)
        var (other, _) = live(head: 3, hub: [head(3)])
        let many = [CaseID](repeating: docket.id, count: Batch.maximumCases + 1)
        #expect(
            other.received(.fetch(many), now: now) == [.close(reason: "a fetch of too many cases", retryAfter: 1000)])
    }

    @Test func anotherVersionIsNotSpoken() {
        var link = greeting(head: 3)
        #expect(
            link.received(welcome([head(3)], version: 2), now: now)
                == [.close(reason: "the hub speaks version 2 of the link", retryAfter: 60_000)])
        #expect(link.state == .offline)
        var newer = greeting(head: 3)
        let reason = "the hub reads no schema that this node can write: upgrade one of them"
        #expect(
            newer.received(welcome([head(3)], schemas: [9]), now: now) == [.close(reason: reason, retryAfter: 60_000)])
    }

    /// What was asked for before the call broke comes too late.
    @Test func afterTheCallNothingIsSent() {
        var (link, _) = live(head: 6, hub: [head(2)])
        link.closed(now: now)
        #expect(link.state == .offline)
        #expect(link.journalRead(rows(Array(events[2...]))) == [])
        #expect(link.hubEventsRead([]) == [] && link.casesRead([events[0]]) == [])
        #expect(link.advanced(to: journal(6)) == [])
        #expect(link.committed(row.cursor, clock: now) == [] && link.report(clock: now) == [])
        #expect(link.digestsRead([], through: 0, now: now) == [] && link.repaired([docket.id]) == [])
        _ = link.connected(hello(head: 6), journal: journal(6), acknowledged: [:])
        #expect(link.received(welcome([head(4)]), now: now).last == reads(after: 4))
    }

    /// What the hub could not read is sent again, from what it has named in this call, and not at once.
    @Test func whatWasLostOnTheWayIsSentAgain() {
        var (link, _) = live(head: 6, hub: [head(4)], acknowledged: 4)
        #expect(link.journalRead(rows(Array(events[4..<6]))).count == 1)
        let alarm = Alarm(code: .unreadable, detail: "")
        #expect(link.received(.alarm(alarm), now: now) == [.raise(alarm)])
        #expect(link.advanced(to: journal(6)) == [], "nothing more is sent until then")
        #expect(link.tick(now: now + NodeLink.patience - 1) == [])
        #expect(link.tick(now: now + NodeLink.patience) == [reads(after: 4)])
    }

    /// What is under way then would be taken for sent; and what only lacks its receipt is sent again too.
    @Test func sendingAgainWaitsForTheReadUnderWay() {
        var (link, _) = live(head: 6, hub: [head(6)], acknowledged: 4)
        let alarm = Alarm(code: .gap, detail: "")
        _ = link.received(.alarm(alarm), now: now)
        #expect(link.tick(now: now + NodeLink.patience) == [])
        #expect(link.journalRead(rows([events[5]])).count == 1)
        #expect(link.tick(now: now + NodeLink.patience) == [reads(after: 5)])
    }

    // MARK: Restored

    /// At a start the hub is asked for five seconds; then the node writes, whatever comes of it.
    @Test func writingWaitsForTheHubsWord() {
        var link = NodeLink(startedAt: now)
        #expect(link.writing == .held(until: now + NodeLink.patience))
        #expect(link.tick(now: now + NodeLink.patience - 1) == [])
        #expect(link.tick(now: now + NodeLink.patience) == [.openWriting])
        #expect(link.writing == .open && link.tick(now: now + NodeLink.patience) == [])
    }

    @Test func ownEventsComeBackBeforeWriting() {
        var (link, actions) = live(head: 2, hub: [head(6)], acknowledged: 2)
        #expect(actions == [noted()], "nothing is sent, and nothing written")
        #expect(link.writing == .pulling && link.tick(now: now + NodeLink.pullPatience - 1) == [])
        let lost = events[2...].map { WireEvent($0) }
        #expect(
            link.received(.history(History(.lost, lost, isLast: false)), now: now)
                == [.restore(lost, latest: head(6), isLast: false)])
        #expect(link.restored(journal(6), isLast: false) == [])
        #expect(
            link.received(.history(History(.lost, [], isLast: true)), now: now)
                == [.restore([], latest: head(6), isLast: true)])
        // The last event is sent once more: its receipt was lost as well.
        let told = link.restored(journal(6), isLast: true)
        #expect(told.dropFirst() == [.openWriting, reads(after: 5)])
        guard case .raise(let alarm) = told.first else {
            Issue.record("nobody is told")
            return
        }
        #expect(alarm.code == "recovered")
        #expect(link.writing == .open)
    }

    /// The hub's word broke off: once more it is waited for, no longer.
    @Test func aWordThatBreaksOffIsWaitedForAgain() {
        var (link, _) = live(head: 2, hub: [head(6)])
        link.closed(now: now + 9_000)
        #expect(link.writing == .held(until: now + 9_000 + NodeLink.patience))
    }

    @Test func whoWroteAlreadyHasABranch() {
        var link = NodeLink(startedAt: now)
        _ = link.tick(now: now + NodeLink.patience)
        _ = link.connected(hello(head: 2), journal: journal(2), acknowledged: [incarnation: 2])
        let actions = link.received(welcome([head(6)]), now: now)
        let detail = "the hub holds events of this node that are not here: an older state was brought back"
        #expect(actions == [noted(), .raise(Alarm(code: .branch, detail: detail))])
    }

    /// A restored hub gets its own events first, then the node's.
    @Test func theHubsEventsGoFirst() {
        let lost = [Stretch(incarnation: 8, after: 3)]
        var (link, actions) = live(head: 6, hub: [head(2)], lost: lost)
        #expect(actions == [noted(), .openWriting, .readHubEvents(lost)])
        #expect(link.state == .live(isReading: false, isReturning: true))
        #expect(link.advanced(to: journal(6)) == [])
        var later = events[3].envelope
        (later.origin, later.incarnation, later.seq) = (.hub, 8, 5)
        let event = Event(envelope: later, bytes: later.wire, hash: sha256(later.wire), part: .none)
        let frame = NodeFrame.history(History(.lost, [WireEvent(event)], isLast: false))
        #expect(
            link.hubEventsRead(rows([event])) == [.send(frame), .readHubEvents([Stretch(incarnation: 8, after: 5)])])
        #expect(
            link.hubEventsRead([]) == [.send(.history(History(.lost, [], isLast: true))), reads(after: 2)])
        #expect(link.state == .live(isReading: true, isReturning: false))
    }

    // MARK: Digests and damage

    /// When all is sent and the link lies quiet, what changed is compared; once a day, everything.
    @Test func digestsAreComparedInQuiet() {
        var (link, _) = live(head: 6, hub: [head(6)], acknowledged: 6)
        #expect(link.tick(now: now + NodeLink.quiet - 1) == [])
        let quiet = now + NodeLink.quiet
        #expect(link.tick(now: quiet) == [.readDigests(after: 0)])
        #expect(link.tick(now: quiet) == [], "one reading at a time")
        let digest = CaseDigest(caseID: docket.id, digest: events[0].hash)
        #expect(link.digestsRead([digest], through: 12, now: quiet) == [.send(.digests([digest]))])
        #expect(link.tick(now: quiet) == [.readDigests(after: 12)])
        #expect(link.digestsRead([], through: 12, now: quiet) == [])
        #expect(link.tick(now: quiet + 1) == [])
        let night = now + NodeLink.night
        #expect(link.tick(now: night) == [.readDigests(after: 0)])
    }

    @Test func whatIsUnsentIsNotCompared() {
        var (link, _) = live(head: 6, hub: [head(2)], acknowledged: 2)
        _ = link.journalRead(rows(Array(events[2...])))
        #expect(link.backlog == 4 && link.tick(now: now + NodeLink.quiet) == [])
    }

    @Test func damageIsAskedForOnceInACall() {
        var (link, _) = live(head: 6, hub: [head(6)], acknowledged: 6)
        #expect(link.found(damaged: docket.id) == [.send(.fetch([docket.id]))])
        #expect(link.found(damaged: docket.id) == [])
        link.closed(now: now)
        _ = link.connected(hello(head: 6), journal: journal(6), acknowledged: [incarnation: 6])
        #expect(link.received(welcome([head(6)]), now: now).contains(.send(.fetch([docket.id]))), "and in the next")
        #expect(link.repaired([docket.id]) == [])
        #expect(link.found(damaged: docket.id) == [.send(.fetch([docket.id]))])
    }

    /// Feed rows wait for the case that cannot be read, in their order.
    @Test func rowsWaitForTheRepair() {
        var (link, _) = live(head: 6, hub: [head(6)], acknowledged: 6)
        #expect(link.received(.feed(rows(1)), now: now) == [.apply(rows(1))])
        #expect(link.blocked(.apply(rows(1)), by: docket.id) == [.send(.fetch([docket.id]))])
        #expect(link.received(.feed(rows(2)), now: now) == [])
        #expect(link.repaired([docket.id]) == [.apply(rows(1))])
        let cursor = rows(1)[0].cursor
        #expect(
            link.committed(cursor, clock: now)
                == [.send(.feedAck(cursor, clock: now, backlog: 0)), .apply(rows(2))])
    }

    /// A read that met damage is done again after the repair, once.
    @Test func readsWaitForTheRepair() {
        var (link, _) = live(head: 6, hub: [head(6)], acknowledged: 6)
        let read = NodeLink.Action.readJournal([Stretch(incarnation: incarnation, after: 2)])
        #expect(link.blocked(read, by: docket.id) == [.send(.fetch([docket.id]))])
        #expect(link.repaired([docket.id]) == [read])
        #expect(link.repaired([docket.id]) == [])
    }
}

@Suite struct BackOffTests {
    @Test func itDoublesUpToItsCapWithFullJitter() {
        var random = Generator(seed: 4)
        for attempt in 0..<40 {
            let bound = min(BackOff.cap, 500 << UInt64(min(attempt, 20)))
            var waits = [UInt64]()
            for _ in 0..<200 {
                var backOff = BackOff()
                for _ in 0..<attempt { _ = backOff.next(random: &random) }
                #expect(backOff.attempts == attempt)
                waits.append(backOff.next(random: &random))
            }
            #expect(waits.allSatisfy { $0 <= bound })
            // Full jitter: from next to nothing to next to the bound.
            #expect(waits.contains { $0 < bound / 10 } && waits.contains { $0 > bound * 9 / 10 })
        }
    }

    @Test func successBeginsAnew() {
        var random = Generator(seed: 4)
        var backOff = BackOff()
        for _ in 0..<20 { _ = backOff.next(random: &random) }
        backOff.succeeded()
        #expect(backOff == BackOff())
        #expect(backOff.next(random: &random) <= 500)
    }
}
