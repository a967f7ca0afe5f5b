import Casework
import Testing

@testable import Federation

/// The hub's half of the link: each input in each state.
@Suite struct HubLinkTests {
    private let now = Docket.start
    private let event: Event
    private let cursor: FeedCursor

    init() throws {
        var docket = Docket()
        try docket.write(Place.home, .noted)
        event = docket.events[0]
        cursor = FeedCursor(hubIncarnation: 1, seq: 4, hash: event.hash)
    }

    private func hello(_ origin: Origin = Place.home, version: UInt32 = 1) -> Hello {
        var hello = Hello(origin: origin, writer: 44, heads: [], cursors: [], hubHeads: [], clock: now, backlog: 7)
        hello.version = version
        return hello
    }

    private func welcome(from start: UInt64 = 0) -> Welcome {
        let place = FeedCursor(hubIncarnation: 1, seq: start, hash: event.hash)
        return Welcome(heads: [], clock: now, incarnation: 1, feed: start > 0 ? place : nil)
    }

    private func rows(_ range: ClosedRange<UInt64>) -> [FeedRow] {
        range.map {
            FeedRow(
                cursor: FeedCursor(hubIncarnation: 1, seq: $0, hash: event.hash), event: WireEvent(event))
        }
    }

    private func greeting(from start: UInt64, tail: [Stretch] = []) -> Greeting {
        .welcome(welcome(from: start), tail: tail)
    }

    private func feed(_ sent: UInt64, _ acknowledged: UInt64, isReading: Bool = false) -> HubLink.State {
        .live(.feed(sent: sent, acknowledged: acknowledged, isReading: isReading))
    }

    private func live(
        from start: UInt64 = 0, end: UInt64 = 0, tail: [Stretch] = []
    ) -> (HubLink, [HubLink.Action]) {
        var link = HubLink(peer: Place.home)
        _ = link.received(.hello(hello()))
        let actions = link.greeted(greeting(from: start, tail: tail), feedEnd: end)
        return (link, actions)
    }

    /// One that has heard the node since its Welcome.
    private func answered(from start: UInt64 = 0, end: UInt64 = 0) -> HubLink {
        var (link, _) = live(from: start, end: end)
        _ = link.received(.feedAck(nil, clock: now, backlog: 0))
        return link
    }

    private func ends(_ reason: String) -> [HubLink.Action] {
        [.send(.goodbye(Goodbye(reason: reason, retryAfterMilliseconds: 5_000))), .close(reason: reason)]
    }

    @Test func helloIsLookedUpAndWelcomed() {
        var link = HubLink(peer: Place.home)
        #expect(
            link.received(.hello(hello()))
                == [.prepare(hello()), .noteReport(nil, clock: now, backlog: 7)])
        #expect(link.state == .welcoming)
        #expect(
            link.greeted(greeting(from: 2), feedEnd: 5) == [.send(.welcome(welcome(from: 2))), .readFeed(after: 2)])
        #expect(link.state == feed(2, 2, isReading: true))
        #expect(live(from: 5, end: 5).1 == [.send(.welcome(welcome(from: 5)))])
    }

    /// Identity comes from the certificate alone.
    @Test func aNodeIsWhoItsCertificateSays() {
        var link = HubLink(peer: Place.home)
        let alarm = Alarm(code: .identity, detail: "the certificate of IR-03 said Hello as IR-23")
        #expect(
            link.received(.hello(hello(Place.seat)))
                == [.raise(alarm)] + ends("a node writes only its own origin: the certificate says IR-03"))
        #expect(link.state == .closed)
        #expect(link.greeted(greeting(from: 0), feedEnd: 5) == [])
    }

    @Test func anotherVersionIsNotSpoken() {
        var link = HubLink(peer: Place.home)
        #expect(link.received(.hello(hello(version: 2))) == ends("this hub speaks version 1 of the link"))
        #expect(link.state == .closed)
    }

    @Test func eventsAreSubmittedAndAcknowledged() {
        var (link, _) = live()
        // The first word after the Welcome says that the process lives.
        #expect(
            link.received(.events([WireEvent(event)])) == [.noteAlive(writer: 44), .submit([WireEvent(event)])])
        #expect(link.received(.events([WireEvent(event)])) == [.submit([WireEvent(event)])])
        let head = ChainHead(incarnation: 4, seq: 1, hash: event.hash)
        let alarm = Alarm(code: .clockAhead, detail: "set it right")
        #expect(link.committed([head], alarms: [alarm]) == [.acknowledge([head]), .send(.alarm(alarm))])
        // What became durable together is said once, and nothing that was not said is forgotten.
        let (next, other) = (
            ChainHead(incarnation: 4, seq: 2, hash: event.hash), ChainHead(incarnation: 3, seq: 9, hash: event.hash)
        )
        #expect(link.committed([next], alarms: [], isMoreDone: true) == [])
        #expect(link.committed([other], alarms: []) == [.acknowledge([other, next])])
        #expect(link.committed([], alarms: []) == [])
    }

    @Test func whatFollowsNeedsNoLookup() throws {
        var docket = Docket()
        for _ in 0..<4 { try docket.write(Place.home, .noted) }
        let events = docket.events
        var link = answered()
        #expect(link.follows([events[0]]) == false, "nobody knows where the committer was left")
        #expect(link.follows([events[1], events[2]]) == true)
        #expect(link.follows([events[1]]) == false, "it comes again")
        #expect(link.follows([events[3]]) == false)
    }

    /// What follows an event that cannot be read waits until it is sent again.
    @Test func whatIsNoEventIsCharged() {
        let wire = [WireEvent(event), WireEvent(bytes: [1], part: .none), WireEvent(event)]
        let (events, alarm) = HubLink.decode(wire, hashing: sha256)
        #expect(events == [event] && alarm?.known == .unreadable)
        #expect(HubLink.decode([WireEvent(event)], hashing: sha256).alarm == nil)
    }

    @Test func theFeedIsReadOnceAtATime() {
        var (link, _) = live(from: 0, end: 3)
        #expect(link.feedAdvanced(to: 6) == [])
        #expect(link.feedRead(rows(1...3)) == [.send(.feed(rows(1...3))), .readFeed(after: 3)])
        #expect(link.feedRead(rows(4...6)) == [.send(.feed(rows(4...6)))])
        #expect(link.feedAdvanced(to: 6) == [])
        #expect(link.feedAdvanced(to: 5) == [], "an older end changes nothing")
        #expect(link.feedAdvanced(to: 7) == [.readFeed(after: 6)])
        // Rows that are announced and cannot be read yet wait for the next announcement.
        #expect(link.feedRead([]) == [])
        #expect(link.state == feed(6, 0))
        #expect(link.feedAdvanced(to: 8) == [.readFeed(after: 6)])
    }

    /// What is committed between the look-up and the Welcome must not wait for the commit after it.
    @Test func aFeedThatGrewMeanwhileIsRead() {
        var link = HubLink(peer: Place.home)
        _ = link.received(.hello(hello()))
        #expect(link.feedAdvanced(to: 11) == [])
        #expect(
            link.greeted(greeting(from: 10), feedEnd: 10) == [.send(.welcome(welcome(from: 10))), .readFeed(after: 10)])
    }

    @Test func noMoreThanAWindowIsUnderWay() {
        var link = answered(from: 100, end: 10_000)
        let end = 100 + HubLink.window
        _ = link.feedAdvanced(to: 10_000)
        #expect(link.feedRead(rows(101...(end - 1))).last == .readFeed(after: end - 1))
        // The window's last row is under way: no more is read until the node has committed some.
        #expect(link.feedRead(rows(end...end)) == [.send(.feed(rows(end...end)))])
        #expect(link.feedAdvanced(to: 20_000) == [])
        let committed = FeedCursor(hubIncarnation: 1, seq: 101, hash: event.hash)
        #expect(
            link.received(.feedAck(committed, clock: now, backlog: 0))
                == [.noteReport(committed, clock: now, backlog: 0), .readFeed(after: end)])
    }

    /// A node cannot acknowledge what was not sent to it, nor take an acknowledgement back.
    @Test func acknowledgementsOnlyGrowAndNeverOvertake() {
        var link = answered(from: 0, end: 6)
        _ = link.feedRead(rows(1...6))
        func acknowledge(_ seq: UInt64) {
            _ = link.received(
                .feedAck(FeedCursor(hubIncarnation: 1, seq: seq, hash: event.hash), clock: now, backlog: 0))
        }
        acknowledge(4)
        #expect(link.state == feed(6, 4))
        acknowledge(2)
        #expect(link.state == feed(6, 4))
        #expect(
            link.received(.feedAck(nil, clock: now, backlog: 3)) == [.noteReport(nil, clock: now, backlog: 3)])
        acknowledge(900)
        #expect(link.state == feed(6, 6))
    }

    @Test func framesOutOfTurnEndTheCall() {
        let ack = NodeFrame.feedAck(cursor, clock: now, backlog: 0)
        for frame in [NodeFrame.events([WireEvent(event)]), ack] {
            var awaiting = HubLink(peer: Place.home)
            #expect(awaiting.received(frame) == ends("a frame out of turn"))
            var welcoming = HubLink(peer: Place.home)
            _ = welcoming.received(.hello(hello()))
            #expect(welcoming.received(frame) == ends("a frame out of turn"))
        }
        var (link, _) = live()
        #expect(link.received(.hello(hello())) == ends("a frame out of turn"))
        #expect(link.state == .closed)
    }

    /// A node's alarms end in the hub's audit table: they are short, few, and its own only after Hello.
    @Test func alarmsAreBounded() {
        let huge = Alarm(sent: String(repeating: "c", count: 5000), detail: String(repeating: "d", count: 5000))
        var awaiting = HubLink(peer: Place.home)
        #expect(awaiting.received(.alarm(huge)) == ends("a frame out of turn"))
        var link = answered()
        let kept = Alarm(sent: String(repeating: "c", count: 64), detail: String(repeating: "d", count: 500))
        for _ in 0..<HubLink.alarmLimit { #expect(link.received(.alarm(huge)) == [.raise(kept)]) }
        #expect(link.received(.alarm(huge)) == ends("too many alarms in one call"))
    }

    @Test func batchesAreBounded() {
        let small = WireEvent(bytes: [1], part: .none)
        let most = [WireEvent](repeating: small, count: Batch.maximumEvents)
        var link = answered()
        #expect(link.received(.events(most)) == [.submit(most)])
        #expect(link.received(.events(most + [small])) == ends("a batch is at most 500 events or 1 MiB"))
        var other = answered()
        let large = WireEvent(bytes: [UInt8](repeating: 0, count: 200_000), part: .none)
        #expect(other.received(.events([WireEvent](repeating: large, count: 7))).count == 2)
        #expect(other.state == .closed)
    }

    @Test func alarmsAndGoodbyesAreHeardInACall() {
        let alarm = Alarm(sent: "disk", detail: "nearly full")
        var link = answered()
        #expect(link.received(.alarm(alarm)) == [.raise(alarm)])
        #expect(link.received(.goodbye(Goodbye(reason: "stopping"))) == ends("stopping"))
        #expect(link.state == .closed)
    }

    @Test func afterTheCallNothingIsSent() {
        var (link, _) = live(from: 0, end: 3)
        link.closed()
        #expect(link.feedRead(rows(1...3)) == [])
        #expect(link.feedAdvanced(to: 9) == [])
        #expect(link.committed([], alarms: []) == [])
        #expect(link.greeted(greeting(from: 0), feedEnd: 9) == [])
        #expect(link.state == .closed)
    }

    // MARK: Restored

    @Test func aFencedCopyIsSentAway() {
        var link = HubLink(peer: Place.home)
        _ = link.received(.hello(hello()))
        let goodbye = Goodbye(reason: "stop this one", retryAfterMilliseconds: 60_000)
        #expect(
            link.greeted(.farewell(goodbye), feedEnd: 0)
                == [.send(.goodbye(goodbye)), .close(reason: "stop this one")])
        #expect(link.state == .closed)
    }

    /// What the node has lost of its own journal goes before its feed.
    @Test func theTailGoesFirst() {
        let tail = [Stretch(incarnation: event.envelope.incarnation, after: 0)]
        var (link, actions) = live(from: 0, end: 3, tail: tail)
        #expect(actions == [.send(.welcome(welcome())), .readTail(tail)])
        #expect(link.feedAdvanced(to: 4) == [] && link.feedRead(rows(1...3)) == [])
        let more = HubFrame.history(History(.lost, [WireEvent(event)], isLast: false))
        let rest = [Stretch(incarnation: event.envelope.incarnation, after: 1)]
        #expect(link.tailRead([JournalRow(event)]) == [.send(more), .readTail(rest)])
        let last = HubFrame.history(History(.lost, [], isLast: true))
        #expect(link.tailRead([]) == [.send(last), .readFeed(after: 0)])
        #expect(link.tailRead([JournalRow(event)]) == [], "asked for once")
    }

    @Test func historiesGoToTheirPlaces() {
        var link = answered()
        let wire = [WireEvent(event)]
        #expect(
            link.received(.history(History(.lost, wire, isLast: true))) == [.takeLost(wire, isLast: true)])
        #expect(link.received(.history(History(.repair, wire, isLast: true))) == [.repair(wire)])
        let many = [WireEvent](repeating: WireEvent(bytes: [1], part: .none), count: Batch.maximumEvents + 1)
        #expect(
            link.received(.history(History(.repair, many, isLast: true)))
                == ends("a batch is at most 500 events or 1 MiB"))
    }

    // MARK: Digests and damage

    @Test func whatDiffersIsSentBothWays() throws {
        let id = try #require(event.caseID)
        var link = answered()
        let digest = CaseDigest(caseID: id, digest: event.hash)
        #expect(link.received(.digests([digest])) == [.compare([digest])])
        #expect(link.compared([digest], here: [digest]) == [])
        #expect(link.compared([digest], here: []) == [.send(.fetch([id])), .readCases([id])])
        let repair = HubFrame.history(History(.repair, [WireEvent(event)], isLast: true))
        #expect(link.casesRead([event]) == [.send(repair)])
        #expect(link.received(.fetch([id])) == [.readCases([id])])
        let many = [CaseDigest](repeating: digest, count: Batch.maximumCases + 1)
        #expect(link.received(.digests(many)) == ends("at most 1,000 digests in one frame"))
        var other = answered()
        let cases = [CaseID](repeating: id, count: Batch.maximumCases + 1)
        #expect(other.received(.fetch(cases)) == ends("a fetch of at most 1,000 cases"))
    }

    /// Batches wait for the case that cannot be read, in their order.
    @Test func batchesWaitForTheRepair() throws {
        let id = try #require(event.caseID)
        var link = answered()
        let (first, second) = ([WireEvent(event)], [WireEvent(event.withheld)])
        #expect(link.received(.events(first)) == [.submit(first)])
        #expect(link.blocked(.submit(first), by: id) == [.send(.fetch([id]))])
        #expect(link.received(.events(second)) == [])
        #expect(link.repaired([id]) == [.submit(first)])
        #expect(link.repaired([id]) == [], "it is under way")
        #expect(link.blocked(.submit(first), by: id) == [.send(.fetch([id]))], "what was mended is asked for anew")
        #expect(link.blocked(.readFeed(after: 3), by: id) == [], "a node is asked once")
        #expect(link.repaired([id]) == [.submit(first), .readFeed(after: 3)])
        #expect(link.committed([], alarms: []) == [.submit(second)])
        #expect(link.committed([], alarms: []) == [])
    }

    /// What cannot be read, or has no place yet, never ends the link: the node is told, and sends again.
    @Test func aGapEndsNoCall() {
        var link = answered()
        let head = ChainHead(incarnation: 4, seq: 1, hash: event.hash)
        let alarm = Alarm(code: .gap, detail: "events are missing")
        #expect(link.committed([head], alarms: [alarm]) == [.acknowledge([head]), .send(.alarm(alarm))])
    }
}
