public import Casework

/// The hub's half of one link, as inputs and actions.
public struct HubLink: Sendable, Equatable {
    public enum State: Sendable, Equatable {
        /// Can go to: welcoming, closed.
        case awaitingHello
        /// Hello is with the core. Can go to: live, closed.
        case welcoming
        /// Both directions run. Can go to: closed.
        case live(Down)
        case closed
    }

    /// What the hub sends.
    public enum Down: Sendable, Equatable {
        /// The node's own events, which it has lost, go before its feed.
        case tail([Stretch])
        /// `sent` and `acknowledged`: the feed's rows by seq.
        case feed(sent: UInt64, acknowledged: UInt64, isReading: Bool)
    }

    public enum Action: Sendable, Equatable {
        case send(HubFrame)
        /// Look up where its cursors stand in its feed, give the Hello to the core, then say `greeted`.
        case prepare(Hello)
        /// The node has answered a Welcome: the process that wrote its Hello is alive.
        case noteAlive(writer: UInt64)
        /// Sign a receipt for these heads, which are committed, and send it.
        case acknowledge([ChainHead])
        /// Decode, verify and commit, then say `committed`.
        case submit([WireEvent])
        /// The hub's own events, which it has lost: decode, verify and commit, then say `returned`. One that cannot be
        /// decoded ends the call: the next asks for all of them again.
        case takeLost([WireEvent], isLast: Bool)
        /// Mend damaged rows, apply what is new and commit. Events that cannot be decoded end the call: the next asks again.
        case repair([WireEvent])
        /// Read events of the node's own that are held here, of these stretches, at most one batch, ordered by seq, and
        /// give them to `tailRead`.
        case readTail([Stretch])
        /// Read feed rows with a greater seq, at most one batch, and give them to `feedRead`.
        case readFeed(after: UInt64)
        /// Look up what this hub holds of these cases, and give both to `compared`.
        case compare([CaseDigest])
        /// Read what the peer may see of some cases and give it to `casesRead`.
        case readCases([CaseID])
        /// The node has committed its feed up to here; it reports its clock and what it has not sent.
        case noteReport(FeedCursor?, clock: Instant, backlog: UInt64)
        case raise(Alarm)
        case close(reason: String)
    }

    /// Rows that may be under way without an acknowledgement.
    public static let window: UInt64 = 4 * UInt64(Batch.maximumEvents)

    /// Batches that wait for a damaged case.
    static let waitingLimit = 8

    /// Alarms that a node may raise in one call.
    public static let alarmLimit = 100

    /// From the certificate alone.
    public let peer: Origin
    public private(set) var state: State = .awaitingHello
    private var writer: UInt64 = 0
    private var isAlive = false
    private var feedStart: UInt64 = 0
    private var feedEnd: UInt64 = 0
    private var alarms = 0
    /// What the node did not have when it was asked for a damaged case, it does not have.
    private var repair = Repair<Action>()
    /// Of each incarnation, the last seq that the committer was given in this call.
    private var given: [UInt64: UInt64] = [:]
    /// Committed and not yet acknowledged: said once for all that became durable together.
    private var unsaid: [UInt64: ChainHead] = [:]

    public init(peer: Origin) { self.peer = peer }

    public mutating func received(_ frame: NodeFrame) -> [Action] {
        if case .hello(let hello) = frame, state == .awaitingHello { return hear(hello) }
        if case .goodbye(let goodbye) = frame { return end(goodbye.reason) }
        guard case .live = state else { return end("a frame out of turn") }
        var actions: [Action] = isAlive ? [] : [.noteAlive(writer: writer)]
        isAlive = true
        switch frame {
        case .events(let events):
            guard Batch.isWithinBounds(events) else { return end("a batch is at most 500 events or 1 MiB") }
            actions += inTurn(.submit(events))
        case .history(let history):
            guard Batch.isWithinBounds(history.events) else { return end("a batch is at most 500 events or 1 MiB") }
            switch history.purpose {
            case .lost: actions += inTurn(.takeLost(history.events, isLast: history.isLast))
            case .repair: if !history.events.isEmpty { actions.append(.repair(history.events)) }
            }
        case .digests(let digests):
            guard digests.count <= Batch.maximumCases else { return end("at most 1,000 digests in one frame") }
            actions.append(.compare(digests))
        case .fetch(let cases):
            guard cases.count <= Batch.maximumCases else { return end("a fetch of at most 1,000 cases") }
            actions.append(.readCases(cases))
        case .feedAck(let cursor, let clock, let backlog):
            note(cursor)
            actions += [.noteReport(cursor.flatMap { isSent($0) ? $0 : nil }, clock: clock, backlog: backlog)] + read()
        case .alarm(let alarm):
            alarms += 1
            guard alarms <= Self.alarmLimit else { return end("too many alarms in one call") }
            actions.append(.raise(alarm.bounded))
        case .hello, .goodbye: return end("a frame out of turn")
        }
        return actions
    }

    private mutating func hear(_ hello: Hello) -> [Action] {
        guard hello.version == 1 else { return end("this hub speaks version 1 of the link") }
        guard hello.origin == peer else {
            let detail = "the certificate of \(peer.code) said Hello as \(hello.origin.code)"
            return [.raise(Alarm(code: .identity, detail: detail))]
                + end("a node writes only its own origin: the certificate says \(peer.code)")
        }
        state = .welcoming
        writer = hello.writer
        return [.prepare(hello), .noteReport(nil, clock: hello.clock, backlog: hello.backlog)]
    }

    /// Nobody can have committed what was not sent.
    private func isSent(_ cursor: FeedCursor) -> Bool {
        if case .live(.feed(let sent, _, _)) = state { cursor.seq <= sent } else { false }
    }

    private mutating func note(_ cursor: FeedCursor?) {
        guard case .live(.feed(let sent, let acknowledged, let isReading)) = state else { return }
        let committed = max(acknowledged, min(cursor?.seq ?? 0, sent))
        state = .live(.feed(sent: sent, acknowledged: committed, isReading: isReading))
    }

    /// The core's answer to the Hello.
    /// - Parameter end: the feed's last row.
    public mutating func greeted(_ greeting: Greeting, feedEnd end: UInt64) -> [Action] {
        guard state == .welcoming else { return [] }
        switch greeting {
        case .farewell(let goodbye):
            state = .closed
            return [.send(.goodbye(goodbye)), .close(reason: goodbye.reason)]
        case .welcome(let welcome, let tail):
            feedStart = welcome.feed?.seq ?? 0
            // The feed may have grown since it was looked up.
            feedEnd = max(feedEnd, end)
            guard tail.isEmpty else {
                state = .live(.tail(tail))
                return [.send(.welcome(welcome)), .readTail(tail)]
            }
            state = .live(.feed(sent: feedStart, acknowledged: feedStart, isReading: false))
            return [.send(.welcome(welcome))] + read()
        }
    }

    /// One batch of the node's own events, in order of seq, as asked for; none at the end.
    public mutating func tailRead(_ rows: [JournalRow]) -> [Action] {
        guard case .live(.tail(var tail)) = state else { return [] }
        let frame = HubFrame.history(History(.lost, rows.map(\.event), isLast: rows.isEmpty))
        guard !rows.isEmpty else {
            state = .live(.feed(sent: feedStart, acknowledged: feedStart, isReading: false))
            return [.send(frame)] + read()
        }
        for place in rows.map(\.place) {
            for index in tail.indices where tail[index].incarnation == place.incarnation {
                tail[index].after = place.seq
            }
        }
        state = .live(.tail(tail))
        return [.send(frame), .readTail(tail)]
    }

    /// Up to the first that is no event: that is charged to the node, and what follows waits until it sends it again.
    public static func decode(_ wire: [WireEvent], hashing: Hashing) -> (events: [Event], alarm: Alarm?) {
        var events: [Event] = []
        for event in wire {
            do {
                events.append(try Event(event, hashing: hashing))
            } catch {
                return (events, Alarm(code: .unreadable, detail: "\(error)"))
            }
        }
        return (events, nil)
    }

    /// Whether these go on where the committer was left: then nothing stands at their places, unless another call has
    /// brought it, which the verdict takes for a gap. Else what stands there is to be looked up.
    public mutating func follows(_ events: [Event]) -> Bool {
        var isFollowing = true
        for event in events {
            let place = event.place
            isFollowing = isFollowing && given[place.incarnation] == place.seq - 1
            given[place.incarnation] = place.seq
        }
        return isFollowing
    }

    /// The committer has saved a batch of this link.
    /// - Parameter isMoreDone: the next batch of this link is saved too, and will be said at once.
    public mutating func committed(_ heads: [ChainHead], alarms: [Alarm], isMoreDone: Bool = false) -> [Action] {
        guard case .live = state else { return [] }
        for head in heads { unsaid[head.incarnation] = head }
        var actions: [Action] = []
        if !isMoreDone, !unsaid.isEmpty {
            actions = [.acknowledge(unsaid.values.sorted { $0.incarnation < $1.incarnation })]
            unsaid = [:]
        }
        return actions + alarms.map { .send(.alarm($0)) } + repair.next()
    }

    /// The committer has saved the hub's own events that came back.
    public mutating func returned() -> [Action] {
        guard case .live = state else { return [] }
        return repair.next()
    }

    /// An action could not be carried out, because a case is damaged here: `submit`, `takeLost`, `readTail` or `readFeed`.
    /// It is tried again when somebody has sent the case.
    public mutating func blocked(_ action: Action, by id: CaseID) -> [Action] {
        guard case .live = state else { return [] }
        switch action {
        case .readTail, .readFeed: repair.blocked(action, isRead: true)
        default: repair.blocked(action, isRead: false)
        }
        return found(damaged: id)
    }

    /// Damaged cases were mended, with what this node or another sent.
    public mutating func repaired(_ cases: [CaseID]) -> [Action] {
        repair.forget(cases)
        guard case .live = state else { return [] }
        return repair.repaired()
    }

    /// After what waits, if anything does.
    private mutating func inTurn(_ action: Action) -> [Action] {
        guard repair.count < Self.waitingLimit else { return end("a damaged case waits for its repair") }
        return repair.inTurn(action)
    }

    /// What the node holds of some cases, and what this hub does: where they differ, each sends the other what it has.
    public func compared(_ digests: [CaseDigest], here: [CaseDigest]) -> [Action] {
        let here = Set(here)
        let cases = digests.filter { !here.contains($0) }.map(\.caseID)
        guard case .live = state, !cases.isEmpty else { return [] }
        return [.send(.fetch(cases)), .readCases(cases)]
    }

    /// What the node may see of cases that it asked for, or whose digests differ.
    public func casesRead(_ events: [Event]) -> [Action] {
        guard case .live = state else { return [] }
        return Batch.split(events.map { WireEvent($0) }).map { .send(.history(History(.repair, $0, isLast: true))) }
    }

    /// A case cannot be read here: its bytes are damaged. The node is asked for them.
    public mutating func found(damaged id: CaseID) -> [Action] {
        guard case .live = state, repair.ask(for: id) else { return [] }
        return [.send(.fetch([id]))]
    }

    /// This destination's feed has grown.
    public mutating func feedAdvanced(to end: UInt64) -> [Action] {
        feedEnd = max(feedEnd, end)
        return read()
    }

    /// One batch of feed rows, in order, as asked for.
    public mutating func feedRead(_ rows: [FeedRow]) -> [Action] {
        guard case .live(.feed(let sent, let acknowledged, true)) = state else { return [] }
        guard let last = rows.last else {
            state = .live(.feed(sent: sent, acknowledged: acknowledged, isReading: false))
            return []
        }
        state = .live(.feed(sent: last.cursor.seq, acknowledged: acknowledged, isReading: false))
        return [.send(.feed(rows))] + read()
    }

    /// A later call of this node is alive: if this one's process still lives, it will call again, and be known by that.
    public mutating func superseded() -> [Action] {
        guard state != .closed else { return [] }
        return end("a later call of this node is open")
    }

    public mutating func closed() { state = .closed }

    private mutating func read() -> [Action] {
        guard case .live(.feed(let sent, let acknowledged, false)) = state, sent < feedEnd,
            sent - acknowledged < Self.window
        else { return [] }
        state = .live(.feed(sent: sent, acknowledged: acknowledged, isReading: true))
        return [.readFeed(after: sent)]
    }

    private mutating func end(_ reason: String) -> [Action] {
        state = .closed
        return [.send(.goodbye(Goodbye(reason: reason, retryAfterMilliseconds: 5_000))), .close(reason: reason)]
    }
}
