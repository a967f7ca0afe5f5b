public import Casework

/// The node's half of the link, as inputs and actions. Its driver dials, sends, reads the journal and applies what comes.
///
/// It also says when the node may write: at its start a node asks the hub for five seconds whether it was brought back
/// from an older state. If so, it first takes its own events back; if the hub cannot be reached, it writes at once, and
/// what it writes may turn out to be a branch.
///
/// `now` is everywhere the time of a clock that only goes forward; `clock` is the wall clock, which people set.
public struct NodeLink: Sendable, Equatable {
    public enum State: Sendable, Equatable {
        /// No connection. Can go to: greeting.
        case offline
        /// Hello is sent. Can go to: live, offline.
        case greeting
        /// Both directions run. `isReturning`: the hub's own events, which it has lost, go first. Can go to: offline.
        case live(isReading: Bool, isReturning: Bool)
    }

    /// Whether the writer takes commands.
    public enum Writing: Sendable, Equatable {
        /// The hub is asked until then. Can go to: pulling, open.
        case held(until: Instant)
        /// Own events come back, and each moves the time until which the next is waited for. Can go to: held, open.
        case pulling
        case open
    }

    public enum Action: Sendable, Equatable {
        case send(NodeFrame)
        /// Read own events of these stretches, ordered by seq, at most one batch, and give them to `journalRead`.
        case readJournal([Stretch])
        /// Read the hub's events that are held here, likewise, and give them to `hubEventsRead`.
        case readHubEvents([Stretch])
        /// Read what this node holds of some cases and give its own and the hub's events to `casesRead`.
        case readCases([CaseID])
        /// Read the digests of cases that changed after a position of this server, at most `Batch.maximumCases`, in
        /// their order, and give them to `digestsRead`.
        case readDigests(after: UInt64)
        /// Save the receipt and tell those who wait for it.
        case recordAck(Ack)
        /// Apply and commit, then say `committed`.
        case apply([FeedRow])
        /// Take own events back and commit, then say `restored`.
        case restore([WireEvent], latest: ChainHead, isLast: Bool)
        /// Mend damaged rows, apply what is new and commit.
        case repair([WireEvent])
        /// The writer takes commands from now.
        case openWriting
        /// What the hub said of itself and of this node.
        /// The core takes `hubReads` and `feed` before any frame that follows.
        case noteWelcome(clock: Instant, isQuarantined: Bool, hubReads: UInt32, feed: FeedCursor?)
        case raise(Alarm)
        /// End the call; dial again not before this many milliseconds.
        case close(reason: String, retryAfter: UInt32)
    }

    /// How long a starting node waits for the hub's word, and for a word that broke off.
    public static let patience: Int64 = 5_000
    /// How long a node waits for the next of its own events to come back.
    public static let pullPatience: Int64 = 30_000
    /// How long a link is quiet before the digests of what changed are compared, and how often all are.
    public static let quiet: Int64 = 10_000
    public static let night: Int64 = Instant.day

    public private(set) var state: State = .offline
    public private(set) var writing: Writing
    /// What the hub said when the call began.
    private var latest: ChainHead = .empty
    /// Own chains as they are committed here.
    private var journal = ChainTree()
    /// The greatest own seq of each incarnation that a receipt covers.
    private var acknowledged: [UInt64: UInt64] = [:]
    /// The greatest own seq of each incarnation that has been sent in this call.
    private var sent: [UInt64: UInt64] = [:]
    /// The greatest own seq of each incarnation that the hub has named in this call.
    private var confirmed: [UInt64: UInt64] = [:]
    private var returning: [Stretch] = []
    private var repair = Repair<Action>()
    /// Up to which of this server's positions digests were compared.
    private var compared: UInt64 = 0
    private var compareAt: Instant
    private var compareAllAt: Instant
    private var isReadingDigests = false
    /// Something was lost on the way: then what the hub has not named is sent again.
    private var resendAt: Instant?
    private var pullUntil: Instant?

    public init(startedAt now: Instant) {
        writing = .held(until: now + Self.patience)
        compareAt = now
        compareAllAt = now + Self.night
    }

    // MARK: The call

    /// A call is open. `acknowledged`: the greatest seq of each own incarnation that a receipt covers.
    public mutating func connected(
        _ hello: Hello, journal: ChainTree, acknowledged: [UInt64: UInt64]
    ) -> [Action] {
        state = .greeting
        (isReadingDigests, resendAt) = (false, nil)
        self.journal = journal
        self.acknowledged = acknowledged
        return [.send(.hello(hello))]
    }

    public mutating func received(_ frame: HubFrame, now: Instant) -> [Action] {
        switch (frame, state) {
        case (.welcome(let welcome), .greeting): return welcomed(welcome, now: now)
        case (.ack(let ack), .live):
            for head in ack.heads {
                acknowledged[head.incarnation] = max(acknowledged[head.incarnation] ?? 0, head.seq)
                confirmed[head.incarnation] = max(confirmed[head.incarnation] ?? 0, head.seq)
            }
            return [.recordAck(ack)]
        case (.feed(let rows), .live):
            compareAt = now + Self.quiet
            return repair.inTurn(.apply(rows))
        case (.history(let history), .live):
            switch history.purpose {
            case .lost:
                if !history.events.isEmpty { pullUntil = now + Self.pullPatience }
                return repair.inTurn(.restore(history.events, latest: latest, isLast: history.isLast))
            case .repair: return history.events.isEmpty ? [] : [.repair(history.events)]
            }
        case (.fetch(let cases), .live):
            return cases.count <= Batch.maximumCases ? [.readCases(cases)] : end("a fetch of too many cases")
        case (.alarm(let alarm), _):
            if alarm.known == .gap || alarm.known == .unreadable { resendAt = resendAt ?? now + Self.patience }
            return [.raise(alarm)]
        case (.goodbye(let goodbye), _): return end(goodbye.reason, retryAfter: goodbye.retryAfterMilliseconds)
        default: return end("the hub sent a frame out of turn")
        }
    }

    private mutating func welcomed(_ welcome: Welcome, now: Instant) -> [Action] {
        guard welcome.version == 1 else {
            return end("the hub speaks version \(welcome.version) of the link", retryAfter: 60_000)
        }
        guard welcome.schemas.contains(where: { $0 <= Schema.reader }) else {
            return end("the hub reads no schema that this node can write: upgrade one of them", retryAfter: 60_000)
        }
        var actions: [Action] = [
            .noteWelcome(
                clock: welcome.clock, isQuarantined: welcome.quarantined, hubReads: welcome.schemas.max() ?? 1,
                feed: welcome.feed)
        ]
        (latest, compareAt) = (welcome.heads.last ?? .empty, now + Self.quiet)
        confirmed = [:]
        for head in welcome.heads { confirmed[head.incarnation] = head.seq }
        startOver()
        returning = welcome.lost
        repair.startOver()
        state = .live(isReading: false, isReturning: !returning.isEmpty)
        if welcome.heads.allSatisfy({ journal.reaches($0) }) {
            actions += openWriting()
        } else if writing == .open {
            let detail = "the hub holds events of this node that are not here: an older state was brought back"
            actions.append(.raise(Alarm(code: .branch, detail: detail)))
        } else {
            pullUntil = pullUntil ?? now + Self.pullPatience
            writing = .pulling
        }
        if !returning.isEmpty { actions.append(.readHubEvents(returning)) }
        if !repair.asked.isEmpty { actions.append(.send(.fetch(repair.asked))) }
        return actions + read()
    }

    /// The connection is gone.
    public mutating func closed(now: Instant) {
        state = .offline
        // A word that breaks off again and again does not put the deadline off: a province is not to wait for ever.
        if writing == .pulling { writing = .held(until: min(pullUntil ?? now, now + Self.patience)) }
    }

    // MARK: Time

    /// Time has passed: a second or so.
    public mutating func tick(now: Instant) -> [Action] {
        switch writing {
        case .held(let until) where now >= until: return openWriting()
        case .pulling where now >= pullUntil ?? now:
            let detail = "own events did not come back from the hub in time: what is written now is a branch"
            return [.raise(Alarm(code: .tailMissing, detail: detail))] + openWriting() + read()
        default: break
        }
        if let at = resendAt, now >= at { return resend() }
        guard writing == .open, case .live(false, false) = state, now >= compareAt, !isReadingDigests, backlog == 0
        else { return [] }
        if now >= compareAllAt {
            compareAllAt = now + Self.night
            compared = 0
        }
        isReadingDigests = true
        return [.readDigests(after: compared)]
    }

    /// Digests in the order of their positions, and the position of the last; none when all were compared.
    public mutating func digestsRead(_ digests: [CaseDigest], through position: UInt64, now: Instant) -> [Action] {
        isReadingDigests = false
        guard case .live = state, !digests.isEmpty else {
            compareAt = now + Self.quiet
            return []
        }
        compared = position
        let size = Batch.maximumCases
        return stride(from: 0, to: digests.count, by: size).map {
            .send(.digests(Array(digests[$0..<min($0 + size, digests.count)])))
        }
    }

    /// Time to say how this node stands: the hub shows it, and escalates only what a seat has had the time to report.
    public func report(clock: Instant) -> [Action] {
        guard case .live = state else { return [] }
        return [.send(.feedAck(nil, clock: clock, backlog: backlog))]
    }

    // MARK: Up

    /// Own events that no receipt covers yet.
    public var backlog: UInt64 { journal.backlog(acknowledged) }

    /// The writer has committed own events; its journal as it stands.
    public mutating func advanced(to journal: ChainTree) -> [Action] {
        self.journal = journal
        return read()
    }

    /// One batch of own events, in order, as asked for.
    public mutating func journalRead(_ rows: [JournalRow]) -> [Action] {
        guard case .live(true, let isReturning) = state else { return [] }
        state = .live(isReading: false, isReturning: isReturning)
        guard !rows.isEmpty else { return [] }
        for row in rows { sent[row.place.incarnation] = row.place.seq }
        return [.send(.events(rows.map(\.event)))] + read()
    }

    /// One batch of the hub's events, in order of seq, as asked for; none at the end.
    public mutating func hubEventsRead(_ rows: [JournalRow]) -> [Action] {
        guard case .live(let isReading, true) = state else { return [] }
        for place in rows.map(\.place) {
            for index in returning.indices where returning[index].incarnation == place.incarnation {
                returning[index].after = place.seq
            }
        }
        let frame = NodeFrame.history(History(.lost, rows.map(\.event), isLast: rows.isEmpty))
        guard rows.isEmpty else { return [.send(frame), .readHubEvents(returning)] }
        returning = []
        state = .live(isReading: isReading, isReturning: false)
        return [.send(frame)] + read()
    }

    /// What this node may send of cases that the hub asked for.
    public func casesRead(_ events: [Event]) -> [Action] {
        guard case .live = state else { return [] }
        return Batch.split(events.map { WireEvent($0) }).map { .send(.history(History(.repair, $0, isLast: true))) }
    }

    private mutating func read() -> [Action] {
        guard resendAt == nil, case .live(false, false) = state else { return [] }
        let lacking = journal.chains.compactMap { chain -> Stretch? in
            let after = sent[chain.incarnation] ?? chain.first - 1
            return chain.head.seq > after ? Stretch(incarnation: chain.incarnation, after: after) : nil
        }
        guard !lacking.isEmpty else { return [] }
        state = .live(isReading: true, isReturning: false)
        return [.readJournal(lacking.sorted { $0.incarnation < $1.incarnation })]
    }

    // MARK: Down

    /// Feed rows are committed.
    public mutating func committed(_ cursor: FeedCursor, clock: Instant) -> [Action] {
        guard case .live = state else { return [] }
        return [.send(.feedAck(cursor, clock: clock, backlog: backlog))] + repair.next()
    }

    /// An action could not be carried out, because a case is damaged here: `apply`, `restore` or a read. It is tried again
    /// when the hub has sent the case.
    public mutating func blocked(_ action: Action, by id: CaseID) -> [Action] {
        guard case .live = state else { return [] }
        switch action {
        case .apply, .restore: repair.blocked(action, isRead: false)
        default: repair.blocked(action, isRead: true)
        }
        repair.forget([id])
        return found(damaged: id)
    }

    /// What the hub sent of some cases is in place.
    public mutating func repaired(_ cases: [CaseID]) -> [Action] {
        repair.forget(cases)
        guard case .live = state else { return [] }
        return repair.repaired()
    }

    /// Own events that came back are committed; the journal as it stands.
    public mutating func restored(_ journal: ChainTree, isLast: Bool) -> [Action] {
        // Receipts for what came back are asked for by sending the last event of each chain again.
        for chain in journal.chains where isLast && sent[chain.incarnation] == chain.head.seq {
            if acknowledged[chain.incarnation] ?? 0 < chain.head.seq { sent[chain.incarnation] = chain.head.seq - 1 }
        }
        self.journal = journal
        let next = repair.next()
        guard isLast, writing == .pulling else { return next + read() }
        let detail = "this node had been brought back from an older state: its later events came back from the hub"
        return [.raise(Alarm(code: .recovered, detail: detail))] + openWriting() + next + read()
    }

    /// A case cannot be read here: its bytes are damaged. The hub is asked for them.
    public mutating func found(damaged id: CaseID) -> [Action] {
        guard repair.ask(for: id) else { return [] }
        guard case .live = state else { return [] }
        return [.send(.fetch([id]))]
    }

    private mutating func resend() -> [Action] {
        // What is being read now would be taken for sent.
        guard case .live(false, _) = state else { return [] }
        resendAt = nil
        startOver()
        return read()
    }

    /// What the hub has not named is still to be sent.
    private mutating func startOver() {
        sent = confirmed
        for chain in journal.chains {
            let held = confirmed[chain.incarnation] ?? chain.first - 1
            // The hub has all, but its receipt was lost: the last event is sent again, and the answer covers all.
            let isReceiptMissing = held >= chain.head.seq && acknowledged[chain.incarnation] ?? 0 < chain.head.seq
            sent[chain.incarnation] = isReceiptMissing ? chain.head.seq - 1 : held
        }
    }

    private mutating func openWriting() -> [Action] {
        guard writing != .open else { return [] }
        writing = .open
        return [.openWriting]
    }

    private mutating func end(_ reason: String, retryAfter: UInt32 = 1000) -> [Action] {
        state = .offline
        return [.close(reason: reason, retryAfter: retryAfter)]
    }
}
