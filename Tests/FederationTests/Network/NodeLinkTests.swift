import Casework
import Testing

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

    private func hello(head seq: Int, backlog: UInt64 = 0) -> Hello {
        Hello(origin: Place.home, heads: [head(seq)], cursor: nil, hubHeads: [], clock: now, backlog: backlog)
    }

    private func welcome(_ heads: [ChainHead], version: UInt32 = 1, clock: Instant? = nil) -> HubFrame {
        var welcome = Welcome(heads: heads, clock: clock ?? now, incarnation: 9)
        welcome.version = version
        return .welcome(welcome)
    }

    /// A machine whose call is open, with the actions of its Welcome.
    private func live(head seq: Int, hub: [ChainHead], backlog: UInt64 = 0) -> (NodeLink, [NodeLink.Action]) {
        var link = NodeLink()
        _ = link.connected(hello(head: seq, backlog: backlog))
        let actions = link.received(welcome(hub), now: now, holds: holds)
        return (link, actions)
    }

    private func holds(_ head: ChainHead) -> Bool { (1...6).contains { self.head($0) == head } }

    private var ack: Ack { Ack(heads: [head(3)], committedAt: now, position: 3, signature: [1]) }
    private var row: FeedRow {
        FeedRow(cursor: FeedCursor(hubIncarnation: 1, seq: 1, hash: events[0].hash), event: WireEvent(events[0]))
    }

    @Test func helloComesFirst() {
        var link = NodeLink()
        #expect(link.connected(hello(head: 3)) == [.send(.hello(hello(head: 3)))])
        #expect(link.state == .greeting)
    }

    @Test func theJournalIsSentFromTheCommonHead() {
        let clock = now + 250
        var link = NodeLink()
        _ = link.connected(hello(head: 6, backlog: 4))
        #expect(
            link.received(welcome([head(2)], clock: clock), now: now, holds: holds)
                == [.noteClockOffset(250), .readJournal(after: 2)])
        #expect(link.state == .live(sent: 2, isReading: true))
        let first = Array(events[2..<4])
        #expect(
            link.journalRead(first) == [.send(.events(first.map { WireEvent($0) })), .readJournal(after: 4)])
        let last = Array(events[4..<6])
        #expect(link.journalRead(last) == [.send(.events(last.map { WireEvent($0) }))])
        #expect(link.state == .live(sent: 6, isReading: false))
    }

    @Test func aHubThatHasNothingGetsEverything() {
        #expect(live(head: 6, hub: []).1.last == .readJournal(after: 0))
        #expect(live(head: 0, hub: []).1 == [.noteClockOffset(0)])
    }

    /// The greatest head that both hold counts, whatever order they are named in.
    @Test func severalHeadsAreCompared() {
        #expect(live(head: 6, hub: [head(2), head(4), head(1)]).1.last == .readJournal(after: 4))
    }

    @Test func theHubHoldsWhatIsNotHere() {
        let foreign = ChainHead(incarnation: 99, seq: 6, hash: head(1).hash)
        let (_, actions) = live(head: 6, hub: [head(3), foreign])
        let alarm = Alarm(code: "branch", detail: "the hub holds events of this origin that are not here")
        #expect(actions == [.noteClockOffset(0), .raise(alarm), .readJournal(after: 3)])
        // A restored journal ends before what the hub has.
        #expect(live(head: 2, hub: [head(6)]).1.last == .readJournal(after: 0))
    }

    /// The hub has all, but the call broke before its receipt came: the last event fetches it.
    @Test func aLostReceiptIsFetched() {
        #expect(live(head: 6, hub: [head(6)], backlog: 2).1 == [.noteClockOffset(0), .readJournal(after: 5)])
        #expect(live(head: 6, hub: [head(6)], backlog: 0).1 == [.noteClockOffset(0)])
        // What is new brings the receipt for what went before.
        #expect(live(head: 6, hub: [head(5)], backlog: 3).1.last == .readJournal(after: 5))
    }

    @Test func newEventsAreReadOnceAtATime() {
        var (link, _) = live(head: 2, hub: [head(2)])
        #expect(link.advanced(to: 3) == [.readJournal(after: 2)])
        #expect(link.advanced(to: 5) == [])
        #expect(link.journalRead([events[2]]) == [.send(.events([WireEvent(events[2])])), .readJournal(after: 3)])
        #expect(link.advanced(to: 4) == [], "an older head changes nothing")
        #expect(link.journalRead(Array(events[3..<5])) == [.send(.events(events[3..<5].map { WireEvent($0) }))])
    }

    /// What the writer announced and the store does not show yet is read at the next announcement.
    @Test func anEmptyReadWaits() {
        var (link, _) = live(head: 2, hub: [head(2)])
        #expect(link.advanced(to: 3) == [.readJournal(after: 2)])
        #expect(link.journalRead([]) == [])
        #expect(link.state == .live(sent: 2, isReading: false))
        #expect(link.advanced(to: 3) == [.readJournal(after: 2)])
    }

    @Test func frames() {
        var (link, _) = live(head: 3, hub: [head(3)])
        #expect(link.received(.ack(ack), now: now, holds: holds) == [.recordAck(ack)])
        #expect(link.received(.feed([row]), now: now, holds: holds) == [.apply([row])])
        let alarm = Alarm(code: "clock_ahead", detail: "set it right")
        #expect(link.received(.alarm(alarm), now: now, holds: holds) == [.raise(alarm)])
        let cursor = row.cursor
        #expect(link.committed(cursor, now: now, backlog: 2) == [.send(.feedAck(cursor, clock: now, backlog: 2))])
        #expect(link.report(now: now, backlog: 1) == [.send(.feedAck(nil, clock: now, backlog: 1))])
        let goodbye = Goodbye(reason: "upgrade", retryAfterMilliseconds: 9_000)
        #expect(
            link.received(.goodbye(goodbye), now: now, holds: holds)
                == [.close(reason: "upgrade", retryAfter: 9_000)])
        #expect(link.state == .offline)
    }

    @Test func framesOutOfTurnEndTheCall() {
        let end = [NodeLink.Action.close(reason: "the hub sent a frame out of turn", retryAfter: 1000)]
        for frame in [HubFrame.ack(ack), .feed([row])] {
            var greeting = NodeLink()
            _ = greeting.connected(hello(head: 3))
            #expect(greeting.received(frame, now: now, holds: holds) == end)
            #expect(greeting.state == .offline)
            var offline = NodeLink()
            #expect(offline.received(frame, now: now, holds: holds) == end)
        }
        var (link, _) = live(head: 3, hub: [head(3)])
        #expect(link.received(welcome([head(3)]), now: now, holds: holds) == end)
        var offline = NodeLink()
        #expect(offline.received(welcome([]), now: now, holds: holds) == end)
    }

    @Test func anotherVersionIsNotSpoken() {
        var link = NodeLink()
        _ = link.connected(hello(head: 3))
        #expect(
            link.received(welcome([head(3)], version: 2), now: now, holds: holds)
                == [.close(reason: "the hub speaks version 2 of the link", retryAfter: 60_000)])
        #expect(link.state == .offline)
    }

    /// What was asked for before the call broke comes too late.
    @Test func afterTheCallNothingIsSent() {
        var (link, _) = live(head: 6, hub: [head(2)])
        link.closed()
        #expect(link.state == .offline)
        #expect(link.journalRead(Array(events[2...])) == [])
        #expect(link.advanced(to: 9) == [])
        #expect(link.committed(row.cursor, now: now, backlog: 0) == [])
        #expect(link.report(now: now, backlog: 0) == [])
        #expect(link.connected(hello(head: 6)) == [.send(.hello(hello(head: 6)))])
        #expect(link.received(welcome([head(4)]), now: now, holds: holds).last == .readJournal(after: 4))
    }
}

@Suite struct BackOffTests {
    @Test func itDoublesUpToItsCapWithFullJitter() {
        var random = SeededGenerator(seed: 4)
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
        var random = SeededGenerator(seed: 4)
        var backOff = BackOff()
        for _ in 0..<20 { _ = backOff.next(random: &random) }
        backOff.succeeded()
        #expect(backOff == BackOff())
        #expect(backOff.next(random: &random) <= 500)
    }
}
