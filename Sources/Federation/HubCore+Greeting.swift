public import Casework

/// What a hub that was brought back from an older state still has to learn.
public struct Restoration: Sendable, Equatable {
    /// The end of each chain of the hub's own journal when it was brought back: what lies beyond is asked for.
    public var floors: [ChainHead]
    /// Origins that have not yet said what they know. The hub decides nothing about cases whose home or seat is among
    /// them.
    public var awaited: Set<Origin>

    public init(floors: [ChainHead], awaited: Set<Origin>) { (self.floors, self.awaited) = (floors, awaited) }
}

/// What is known of a node's cursor in its feed.
public struct FeedFact: Sendable, Equatable {
    /// The event's hash in the row of that seq, if the cursor's hub incarnation wrote that row.
    public var hash: EventHash?
    /// The last row that the cursor's hub incarnation wrote into this feed.
    public var end: FeedCursor?

    public init(hash: EventHash?, end: FeedCursor?) { (self.hash, self.end) = (hash, end) }
}

/// Which processes speak for one origin: one at a time, each a later start than the one before.
struct WriterWatch: Sendable, Equatable {
    private(set) var present: UInt64?
    private var retired: [UInt64] = []

    var all: [UInt64] { retired + (present.map { [$0] } ?? []) }

    /// Notes that a process is alive. A process that answers after a later one has answered is a second live copy.
    mutating func note(_ writer: UInt64) -> Bool {
        if present == writer { return true }
        let isSecondCopy = retired.contains(writer)
        retired.removeAll { $0 == writer }
        if let present { retired.append(present) }
        if retired.count > 64 { retired.removeFirst() }
        present = writer
        return !isSecondCopy
    }
}

extension HubCore {
    // MARK: Hello

    mutating func greet(_ hello: Hello, _ feed: [FeedFact], _ effects: inout Effects, now: Instant) {
        let origin = hello.origin
        if fenced[origin]?.contains(hello.writer) ?? false {
            let reason = "another copy of this node was chosen: stop this one"
            effects.alarms.append((origin, Alarm(code: .fenced, detail: "a copy that was shut out still runs")))
            effects.greeting = .farewell(Goodbye(reason: reason, retryAfterMilliseconds: 60_000))
            return
        }
        let schema = hello.schemas.max() ?? 1
        if desk.reads[origin] != schema {
            desk.reads[origin] = schema
            effects.reads.append((origin, schema))
        }
        let tree = chains[origin, default: ChainTree()]
        let denied = hello.heads.first { head in
            tree.head(of: head.incarnation).map { $0.seq == head.seq && $0.hash != head.hash } ?? false
        }
        if let denied {
            quarantine(origin, &effects)
            let detail = "claims another event at seq \(denied.seq) than the one accepted"
            effects.alarms.append((origin, Alarm(code: .tampering, detail: detail, event: denied.hash)))
        }
        noticeLoss(hello, feed, &effects)
        var welcome = Welcome(
            schemas: Array(1...desk.reader), heads: tree.heads, clock: now, incarnation: desk.writer.incarnation,
            quarantined: quarantined[origin] != nil, feed: Self.start(hello.cursors, feed))
        if let restoration, restoration.awaited.contains(origin) {
            welcome.lost = hello.hubHeads.compactMap { stretch(to: $0, beyond: restoration.floors) }
            if welcome.lost.isEmpty { hasReturned(origin, &effects) }
        }
        // Cases may have waited for one that is not known here.
        if greeted.insert(origin).inserted, restoration != nil { effects.restoration = .some(restoration) }
        effects.greeting = .welcome(welcome, tail: tree.stretches(beyond: hello.heads))
    }

    /// Where a feed goes on: after the newest cursor's row if it stands, else after the last row that its hub incarnation is
    /// known to have written: what that incarnation wrote later was lost here.
    static func start(_ cursors: [FeedCursor], _ facts: [FeedFact]) -> FeedCursor? {
        for (cursor, fact) in zip(cursors, facts) {
            if fact.hash == cursor.hash { return cursor }
            if let end = fact.end, end.seq < cursor.seq { return end }
        }
        return nil
    }

    /// A node that knows events or feed rows of this hub that are not here shows that the hub was brought back from an
    /// older state. Then the others are waited for, but those who said Hello before and knew of nothing more.
    private mutating func noticeLoss(_ hello: Hello, _ feed: [FeedFact], _ effects: inout Effects) {
        // What others have returned has holes: while they are waited for, heads alone do not tell.
        let isMissing = hello.hubHeads.contains { head in
            guard let restoration, !greeted.contains(hello.origin) else { return !desk.journal.reaches(head) }
            return stretch(to: head, beyond: restoration.floors) != nil
        }
        let isFeedMissing = hello.cursors.first.map { $0.hash != feed.first?.hash } ?? false
        guard isMissing || isFeedMissing else { return }
        let isTold = restoration != nil
        if !isTold { beginRestoration(except: greeted.subtracting([hello.origin]), &effects) }
        // Also one of whom the older state knows nothing yet.
        if isMissing || isTold, restoration?.awaited.insert(hello.origin).inserted ?? false {
            effects.restoration = .some(restoration)
        }
        // Only feed rows are missing, and everybody else has spoken: there is nothing to wait for.
        if restoration?.awaited.isEmpty ?? false {
            restoration = nil
            effects.restoration = .some(nil)
        }
        guard !isTold else { return }
        let detail = "knows events of the hub that are not here: this hub was brought back from an older state"
        effects.alarms.append((hello.origin, Alarm(code: .hubRestored, detail: detail)))
    }

    /// What an earlier start of this hub wrote beyond what was brought back, up to a head that somebody knows.
    private func stretch(to head: ChainHead, beyond floors: [ChainHead]) -> Stretch? {
        let floor = floors.first { $0.incarnation == head.incarnation }?.seq ?? 0
        guard head.incarnation != desk.writer.incarnation, head.seq > floor else { return nil }
        return Stretch(incarnation: head.incarnation, after: floor)
    }

    /// Begins to wait for every origin that has ever spoken or been spoken to.
    private mutating func beginRestoration(except: Set<Origin> = [], _ effects: inout Effects) {
        restoration = Restoration(floors: desk.journal.heads, awaited: origins.subtracting(except))
        effects.restoration = .some(restoration)
    }

    /// Every origin that has ever spoken or been spoken to.
    private var origins: Set<Origin> { Set(chains.keys).union(feeds.keys).subtracting([.hub]) }

    /// Whether an origin has not yet said what it knows of this restored hub; one that the older state does not know at all
    /// is not waited for, but nothing is decided in its cases before the others have spoken.
    func isSilent(_ origin: Origin) -> Bool {
        guard let awaited = restoration?.awaited, origin != .hub else { return false }
        return awaited.contains(origin) || (!greeted.contains(origin) && !origins.contains(origin))
    }

    /// A person has said that this hub was brought back from an older state.
    mutating func waitForAll() {
        guard restoration == nil, !origins.isEmpty else { return }
        restoration = Restoration(floors: desk.journal.heads, awaited: origins)
    }

    /// An origin has said all that it knows of the hub, or a person goes on without it.
    mutating func hasReturned(_ origin: Origin, _ effects: inout Effects) {
        guard restoration?.awaited.remove(origin) != nil else { return }
        if restoration?.awaited.isEmpty ?? false { restoration = nil }
        effects.restoration = .some(restoration)
    }

    /// Takes the hub's own lost events back, whoever has them and whenever he returns them: their seal tells that this hub
    /// wrote them. Nodes hold only some, so the chain has holes until all have returned theirs.
    mutating func recover(
        _ events: [Event], from origin: Origin, _ known: [ChainPlace: EventHash], _ effects: inout Effects
    ) {
        var known = known
        for event in events where event.origin == .hub {
            guard let id = event.caseID else { continue }
            let place = event.envelope.place
            let isKnown = desk.cases[id]?.holds(event.hash) ?? false
            let isFree = known[place] == nil && place.incarnation != desk.writer.incarnation
            guard isKnown || (isFree && desk.writer.seal?.holds(event) ?? false) else {
                let detail = "returned as the hub's an event that the hub did not write"
                effects.alarms.append((origin, Alarm(code: .foreignOrigin, detail: detail, event: event.hash)))
                continue
            }
            switch desk.insert(event, into: id) {
            case .new:
                desk.journal.accept(event, parent: parent(of: event, known))
                known[place] = event.hash
                self.number([event], id, &effects)
                desk.writer.clock.observe(event.envelope.stamp)
            case .completed:
                effects.completed.append(event)
                effects.touch(id)
            case .duplicate: break
            }
        }
    }

    /// The incarnation that a recovered event's goes on from, where that can be told.
    private func parent(of event: Event, _ known: [ChainPlace: EventHash]) -> UInt64 {
        let envelope = event.envelope
        let before = envelope.seq - 1
        if let chain = desk.journal.chain(of: envelope.incarnation) { return chain.parent }
        return desk.journal.chains.last { chain in
            let place = ChainPlace(incarnation: chain.incarnation, seq: before)
            return (chain.head.seq == before ? chain.head.hash : known[place]) == envelope.previous
        }?.incarnation ?? 0
    }

    // MARK: Copies and quarantine

    mutating func note(_ writer: UInt64, of origin: Origin, _ effects: inout Effects) {
        guard !writers[origin, default: WriterWatch()].note(writer) else { return }
        quarantine(origin, &effects)
        let detail = "two copies of this node are running: stop one, then choose at the hub which goes on"
        effects.alarms.append((origin, Alarm(code: .twoCopies, detail: detail)))
    }

    mutating func quarantine(_ origin: Origin, _ effects: inout Effects) {
        guard quarantined[origin] == nil else { return }
        quarantined[origin] = 0
        effects.quarantined.append(origin)
    }

    /// In which order an origin's held events are to be merged: those on the line of the copy that goes on come first, so
    /// that it wins where both wrote.
    public func releaseOrder(of origin: Origin, keep: UInt64?) -> [UInt64] {
        guard let keep, let tree = chains[origin], let end = tree.head(of: keep) else { return [] }
        let last = ChainPlace(incarnation: end.incarnation, seq: end.seq)
        return tree.chains.filter {
            tree.isOnLine(ChainPlace(incarnation: $0.incarnation, seq: $0.first), to: last)
        }.map(\.incarnation)
    }

    /// Starts of the origin's writer that stand on no line with the one that goes on.
    private func others(than keep: UInt64, of origin: Origin) -> [UInt64] {
        let tree = chains[origin, default: ChainTree()]
        func place(_ incarnation: UInt64) -> ChainPlace? {
            tree.head(of: incarnation).map { ChainPlace(incarnation: incarnation, seq: $0.seq) }
        }
        let known = Set((writers[origin]?.all ?? []) + tree.chains.map(\.incarnation))
        return known.sorted().filter { other in
            guard other != keep else { return false }
            // One that has written nothing yet was started by whoever is to stop.
            guard let there = place(other), let here = place(keep) else { return true }
            return !tree.isOnLine(there, to: here) && !tree.isOnLine(here, to: there)
        }
    }

    mutating func release(
        _ origin: Origin, keep: UInt64?, _ held: [Event], _ effects: inout Effects, now: Instant,
        random: inout some RandomNumberGenerator
    ) {
        hasReturned(origin, &effects)
        guard let count = quarantined[origin] else { return }
        if let keep {
            for writer in others(than: keep, of: origin) {
                guard fenced[origin, default: []].insert(writer).inserted else { continue }
                effects.fenced.append((origin, writer))
            }
        }
        // Two people may let the same origin in at once.
        let fresh = held.filter { event in
            !(event.caseID.flatMap { desk.cases[$0]?.holds(event.hash) } ?? false)
        }
        for event in fresh { merge(event, &effects, now: now, random: &random) }
        effects.released += held.map(\.hash)
        quarantined[origin] = max(0, count - fresh.count)
        if count <= fresh.count {
            quarantined[origin] = nil
            effects.lifted.append(origin)
        }
    }
}
