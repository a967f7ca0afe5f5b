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
        var hello = Hello(origin: origin, heads: [], cursor: nil, hubHeads: [], clock: now, backlog: 7)
        hello.version = version
        return hello
    }

    private var welcome: Welcome { Welcome(heads: [], clock: now, incarnation: 1) }

    private func rows(_ range: ClosedRange<UInt64>) -> [FeedRow] {
        range.map {
            FeedRow(
                cursor: FeedCursor(hubIncarnation: 1, seq: $0, hash: event.hash), event: WireEvent(event))
        }
    }

    private func live(from start: UInt64 = 0, end: UInt64 = 0) -> (HubLink, [HubLink.Action]) {
        var link = HubLink(peer: Place.home)
        _ = link.received(.hello(hello()))
        let actions = link.prepared(welcome, feedStart: start, feedEnd: end)
        return (link, actions)
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
        #expect(link.prepared(welcome, feedStart: 2, feedEnd: 5) == [.send(.welcome(welcome)), .readFeed(after: 2)])
        #expect(link.state == .live(sent: 2, acknowledged: 2, isReading: true))
        #expect(live(from: 5, end: 5).1 == [.send(.welcome(welcome))])
    }

    /// Identity comes from the certificate alone.
    @Test func aNodeIsWhoItsCertificateSays() {
        var link = HubLink(peer: Place.home)
        let alarm = Alarm(code: "identity", detail: "the certificate of IR-03 said Hello as IR-23")
        #expect(
            link.received(.hello(hello(Place.seat)))
                == [.raise(alarm)] + ends("a node writes only its own origin: the certificate says IR-03"))
        #expect(link.state == .closed)
        #expect(link.prepared(welcome, feedStart: 0, feedEnd: 5) == [])
    }

    @Test func anotherVersionIsNotSpoken() {
        var link = HubLink(peer: Place.home)
        #expect(link.received(.hello(hello(version: 2))) == ends("this hub speaks version 1 of the link"))
        #expect(link.state == .closed)
    }

    @Test func eventsAreSubmittedAndAcknowledged() {
        var (link, _) = live()
        #expect(link.received(.events([WireEvent(event)])) == [.submit([WireEvent(event)])])
        let ack = Ack(heads: [], committedAt: now, position: 1, signature: [1])
        let alarm = Alarm(code: "gap", detail: "events are missing")
        #expect(link.committed(ack, alarms: [alarm]) == [.send(.ack(ack)), .send(.alarm(alarm))])
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
        #expect(link.state == .live(sent: 6, acknowledged: 0, isReading: false))
        #expect(link.feedAdvanced(to: 8) == [.readFeed(after: 6)])
    }

    /// What is committed between the look-up and the Welcome must not wait for the commit after it.
    @Test func aFeedThatGrewMeanwhileIsRead() {
        var link = HubLink(peer: Place.home)
        _ = link.received(.hello(hello()))
        #expect(link.feedAdvanced(to: 11) == [])
        #expect(link.prepared(welcome, feedStart: 10, feedEnd: 10) == [.send(.welcome(welcome)), .readFeed(after: 10)])
    }

    @Test func noMoreThanAWindowIsUnderWay() {
        var (link, _) = live(from: 100, end: 10_000)
        let end = 100 + HubLink.window
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
        var (link, _) = live(from: 0, end: 6)
        _ = link.feedRead(rows(1...6))
        func acknowledge(_ seq: UInt64) {
            _ = link.received(
                .feedAck(FeedCursor(hubIncarnation: 1, seq: seq, hash: event.hash), clock: now, backlog: 0))
        }
        acknowledge(4)
        #expect(link.state == .live(sent: 6, acknowledged: 4, isReading: false))
        acknowledge(2)
        #expect(link.state == .live(sent: 6, acknowledged: 4, isReading: false))
        #expect(
            link.received(.feedAck(nil, clock: now, backlog: 3)) == [.noteReport(nil, clock: now, backlog: 3)])
        acknowledge(900)
        #expect(link.state == .live(sent: 6, acknowledged: 6, isReading: false))
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
        let huge = Alarm(code: String(repeating: "c", count: 5000), detail: String(repeating: "d", count: 5000))
        var awaiting = HubLink(peer: Place.home)
        #expect(awaiting.received(.alarm(huge)) == ends("a frame out of turn"))
        var (link, _) = live()
        let kept = Alarm(code: String(repeating: "c", count: 64), detail: String(repeating: "d", count: 500))
        for _ in 0..<HubLink.alarmLimit { #expect(link.received(.alarm(huge)) == [.raise(kept)]) }
        #expect(link.received(.alarm(huge)) == ends("too many alarms in one call"))
    }

    @Test func batchesAreBounded() {
        let small = WireEvent(bytes: [1], part: .none)
        let most = [WireEvent](repeating: small, count: Batch.maximumEvents)
        var (link, _) = live()
        #expect(link.received(.events(most)) == [.submit(most)])
        #expect(link.received(.events(most + [small])) == ends("a batch is at most 500 events or 1 MiB"))
        var (other, _) = live()
        let large = WireEvent(bytes: [UInt8](repeating: 0, count: 200_000), part: .none)
        #expect(other.received(.events([WireEvent](repeating: large, count: 7))).count == 2)
        #expect(other.state == .closed)
    }

    @Test func alarmsAndGoodbyesAreHeardInACall() {
        let alarm = Alarm(code: "disk", detail: "nearly full")
        var (link, _) = live()
        #expect(link.received(.alarm(alarm)) == [.raise(alarm)])
        #expect(link.received(.goodbye(Goodbye(reason: "stopping"))) == ends("stopping"))
        #expect(link.state == .closed)
    }

    @Test func afterTheCallNothingIsSent() {
        var (link, _) = live(from: 0, end: 3)
        link.closed()
        #expect(link.feedRead(rows(1...3)) == [])
        #expect(link.feedAdvanced(to: 9) == [])
        #expect(link.committed(Ack(heads: [], committedAt: now, position: 1, signature: []), alarms: []) == [])
        #expect(link.prepared(welcome, feedStart: 0, feedEnd: 9) == [])
        #expect(link.state == .closed)
    }
}
