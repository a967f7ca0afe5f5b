import Casework

/// The node's half of the link, as inputs and actions. Its driver dials, sends, reads the journal and applies feeds.
public struct NodeLink: Sendable, Equatable {
    public enum State: Sendable, Equatable {
        /// No connection. Can go to: greeting.
        case offline
        /// Hello is sent. Can go to: live, offline.
        case greeting
        /// Both directions run. `sent` is the seq up to which the journal has been sent. Can go to: offline.
        case live(sent: UInt64, isReading: Bool)
    }

    public enum Action: Sendable, Equatable {
        case send(NodeFrame)
        /// Read own events with a greater seq, at most one batch, and give them to `journalRead`.
        case readJournal(after: UInt64)
        /// Save the receipt and tell those who wait for it.
        case recordAck(Ack)
        /// Apply and commit, then say `committed`.
        case apply([FeedRow])
        /// The hub's wall clock less ours, milliseconds.
        case noteClockOffset(Int64)
        case raise(Alarm)
        /// End the call; dial again not before this many milliseconds.
        case close(reason: String, retryAfter: UInt32)
    }

    public private(set) var state: State = .offline
    /// The greatest own seq that is committed here.
    private var head: UInt64 = 0
    /// The greatest own seq that a receipt covers.
    private var acknowledged: UInt64 = 0

    public init() {}

    /// A call is open. `hello.heads` must be the places of own chains that the hub may name: the present head first.
    public mutating func connected(_ hello: Hello) -> [Action] {
        state = .greeting
        head = hello.heads.first?.seq ?? 0
        acknowledged = head - min(hello.backlog, head)
        return [.send(.hello(hello))]
    }

    /// - Parameter holds: whether this journal's present line holds the event at a place.
    public mutating func received(_ frame: HubFrame, now: Instant, holds: (ChainHead) -> Bool) -> [Action] {
        switch (frame, state) {
        case (.welcome(let welcome), .greeting):
            guard welcome.version == 1 else {
                return end("the hub speaks version \(welcome.version) of the link", retryAfter: 60_000)
            }
            let common = welcome.heads.filter { $0.seq <= head && holds($0) }.map(\.seq).max() ?? 0
            // The hub has all, but its receipt was lost: the last event is sent again, and the answer covers all.
            let isReceiptMissing = common == head && acknowledged < head
            state = .live(sent: isReceiptMissing ? common - 1 : common, isReading: false)
            var actions: [Action] = [.noteClockOffset(welcome.clock.milliseconds - now.milliseconds)]
            if welcome.heads.contains(where: { $0.seq > common && !holds($0) }) {
                actions.append(
                    .raise(Alarm(code: "branch", detail: "the hub holds events of this origin that are not here")))
            }
            return actions + read()
        case (.ack(let ack), .live): return [.recordAck(ack)]
        case (.feed(let rows), .live): return [.apply(rows)]
        case (.alarm(let alarm), _): return [.raise(alarm)]
        case (.goodbye(let goodbye), _): return end(goodbye.reason, retryAfter: goodbye.retryAfterMilliseconds)
        default: return end("the hub sent a frame out of turn", retryAfter: 1000)
        }
    }

    /// The writer has committed own events up to `seq`.
    public mutating func advanced(to seq: UInt64) -> [Action] {
        head = max(head, seq)
        return read()
    }

    /// One batch of own events, in order, as asked for.
    public mutating func journalRead(_ events: [Event]) -> [Action] {
        guard case .live(let sent, true) = state else { return [] }
        guard let last = events.last else {
            state = .live(sent: sent, isReading: false)
            return []
        }
        state = .live(sent: last.envelope.seq, isReading: false)
        return [.send(.events(events.map { WireEvent($0) }))] + read()
    }

    /// Feed rows are committed.
    public mutating func committed(_ cursor: FeedCursor, now: Instant, backlog: UInt64) -> [Action] {
        guard case .live = state else { return [] }
        return [.send(.feedAck(cursor, clock: now, backlog: backlog))]
    }

    /// Time to say how this node stands: the hub shows it, and escalates only what a seat has had the time to report.
    public func report(now: Instant, backlog: UInt64) -> [Action] {
        guard case .live = state else { return [] }
        return [.send(.feedAck(nil, clock: now, backlog: backlog))]
    }

    public mutating func closed() { state = .offline }

    private mutating func read() -> [Action] {
        guard case .live(let sent, false) = state, sent < head else { return [] }
        state = .live(sent: sent, isReading: true)
        return [.readJournal(after: sent)]
    }

    private mutating func end(_ reason: String, retryAfter: UInt32) -> [Action] {
        state = .offline
        return [.close(reason: reason, retryAfter: retryAfter)]
    }
}

/// How long to wait before the next dial: full jitter under a doubling bound.
public struct BackOff: Sendable, Equatable {
    public static let cap: UInt64 = 60_000
    public private(set) var attempts = 0

    public init() {}

    /// Milliseconds to wait after one more failure.
    public mutating func next(random: inout some RandomNumberGenerator) -> UInt64 {
        let bound = min(Self.cap, 500 << UInt64(min(attempts, 10)))
        attempts += 1
        return UInt64.random(in: 0...bound, using: &random)
    }

    public mutating func succeeded() { attempts = 0 }
}
