import Casework

/// The hub's half of one link, as inputs and actions.
public struct HubLink: Sendable, Equatable {
    public enum State: Sendable, Equatable {
        /// Can go to: welcoming, closed.
        case awaitingHello
        /// Hello is being looked up. Can go to: live, closed.
        case welcoming
        /// `sent` and `acknowledged`: the feed's rows by seq. Can go to: closed.
        case live(sent: UInt64, acknowledged: UInt64, isReading: Bool)
        case closed
    }

    public enum Action: Sendable, Equatable {
        case send(HubFrame)
        /// Look up this origin's heads and where its cursor stands in its feed, then say `prepared`.
        case prepare(Hello)
        /// Decode, verify and commit, then say `committed`.
        case submit([WireEvent])
        /// Read feed rows with a greater seq, at most one batch, and give them to `feedRead`.
        case readFeed(after: UInt64)
        /// The node has committed its feed up to here; it reports its clock and what it has not sent.
        case noteReport(FeedCursor?, clock: Instant, backlog: UInt64)
        case raise(Alarm)
        case close(reason: String)
    }

    /// Rows that may be under way without an acknowledgement.
    public static let window: UInt64 = 4 * UInt64(Batch.maximumEvents)

    /// Alarms that a node may raise in one call.
    public static let alarmLimit = 100

    /// From the certificate alone.
    public let peer: Origin
    public private(set) var state: State = .awaitingHello
    private var feedEnd: UInt64 = 0
    private var alarms = 0

    public init(peer: Origin) { self.peer = peer }

    public mutating func received(_ frame: NodeFrame) -> [Action] {
        switch (frame, state) {
        case (.hello(let hello), .awaitingHello):
            guard hello.version == 1 else { return end("this hub speaks version 1 of the link") }
            guard hello.origin == peer else {
                let detail = "the certificate of \(peer.code) said Hello as \(hello.origin.code)"
                return [.raise(Alarm(code: "identity", detail: detail))] + end(
                    "a node writes only its own origin: the certificate says \(peer.code)")
            }
            state = .welcoming
            return [.prepare(hello), .noteReport(nil, clock: hello.clock, backlog: hello.backlog)]
        case (.events(let events), .live):
            return Batch.isWithinBounds(events) ? [.submit(events)] : end("a batch is at most 500 events or 1 MiB")
        case (.feedAck(let cursor, let clock, let backlog), .live(let sent, let acknowledged, let isReading)):
            let committed = max(acknowledged, min(cursor?.seq ?? 0, sent))
            state = .live(sent: sent, acknowledged: committed, isReading: isReading)
            return [.noteReport(cursor, clock: clock, backlog: backlog)] + read()
        case (.alarm(let alarm), .live):
            alarms += 1
            return alarms <= Self.alarmLimit ? [.raise(alarm.bounded)] : end("too many alarms in one call")
        case (.goodbye(let goodbye), _): return end(goodbye.reason)
        default: return end("a frame out of turn")
        }
    }

    /// - Parameters:
    ///   - start: the seq of the last common row of this destination's feed; 0 sends it from its beginning.
    ///   - end: the feed's last row.
    public mutating func prepared(_ welcome: Welcome, feedStart start: UInt64, feedEnd end: UInt64) -> [Action] {
        guard state == .welcoming else { return [] }
        state = .live(sent: start, acknowledged: start, isReading: false)
        // The feed may have grown since it was looked up.
        feedEnd = max(feedEnd, end)
        return [.send(.welcome(welcome))] + read()
    }

    /// The committer has saved a batch of this link.
    public mutating func committed(_ ack: Ack, alarms: [Alarm]) -> [Action] {
        guard case .live = state else { return [] }
        return [.send(.ack(ack))] + alarms.map { .send(.alarm($0)) }
    }

    /// This destination's feed has grown.
    public mutating func feedAdvanced(to end: UInt64) -> [Action] {
        feedEnd = max(feedEnd, end)
        return read()
    }

    /// One batch of feed rows, in order, as asked for.
    public mutating func feedRead(_ rows: [FeedRow]) -> [Action] {
        guard case .live(let sent, let acknowledged, true) = state else { return [] }
        guard let last = rows.last else {
            state = .live(sent: sent, acknowledged: acknowledged, isReading: false)
            return []
        }
        state = .live(sent: last.cursor.seq, acknowledged: acknowledged, isReading: false)
        return [.send(.feed(rows))] + read()
    }

    public mutating func closed() { state = .closed }

    private mutating func read() -> [Action] {
        guard case .live(let sent, let acknowledged, false) = state, sent < feedEnd,
            sent - acknowledged < Self.window
        else { return [] }
        state = .live(sent: sent, acknowledged: acknowledged, isReading: true)
        return [.readFeed(after: sent)]
    }

    private mutating func end(_ reason: String) -> [Action] {
        state = .closed
        return [.send(.goodbye(Goodbye(reason: reason, retryAfterMilliseconds: 5_000))), .close(reason: reason)]
    }
}
