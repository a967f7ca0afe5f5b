public import Casework

/// Folds a case's events into its state. The result is a function of the SET of events: any order of arrival gives the
/// same. The fold refuses nothing; what changes nothing is listed with its reason.
public struct Fold: Sendable {
    private let events: [Event]
    private let reader: UInt32
    private let custody: Custody
    private var state: Case
    private var effects: [EventHash: Effect] = [:]
    /// Proposals that a person has applied.
    private var settled: Set<EventHash> = []

    /// - Parameter events: the events of this case, in any order.
    public static func fold(_ id: CaseID, _ events: [Event], reader: UInt32 = Schema.reader) -> Case {
        var fold = Fold(id, events, reader: reader)
        fold.run()
        return fold.state
    }

    private init(_ id: CaseID, _ events: [Event], reader: UInt32) {
        self.events = Self.historyOrder(events, reader: reader)
        self.reader = reader
        custody = Custody(home: id.home, events: self.events, reader: reader)
        state = Case(id: id)
    }

    private mutating func run() {
        for event in events { if let effect = screen(event) { effects[event.hash] = effect } }
        let standing = effects.isEmpty ? events : events.filter { effects[$0.hash] == nil }
        for event in standing where event.mergeClass == .voice { voice(event) }
        applyHeld(standing)
        mergeShared(standing)
        for event in standing where event.mergeClass == .appendOnly { append(event) }
        settleHidden(standing)
        settleVoice(standing)
        state.history = events.map { event in
            HistoryEntry(
                event: event.hash, kind: event.envelope.change?.kind, effect: effects[event.hash] ?? .applied)
        }
    }

    /// What can be said of an event before anything is applied; `nil` when it takes part.
    private mutating func screen(_ event: Event) -> Effect? {
        // First, so that an outsider cannot park another's case.
        guard custody.takesPart(event.origin) else { return .withoutEffect(.foreignOrigin) }
        guard event.isReadable(by: reader) else {
            if event.isNewer(than: reader), event.mergeClass == .appendOnly {
                state.hasNewer = true
                return .newer
            }
            state.parkedBy = state.parkedBy ?? event.hash
            return .parked
        }
        let isHubs = event.mergeClass == .hub
        return isHubs && event.origin != .hub ? .withoutEffect(.notForItsOrigin) : nil
    }

    // MARK: Held

    /// Epoch by epoch: the grant, then the writes under it in history order.
    private mutating func applyHeld(_ standing: [Event]) {
        let writes = standing.filter { $0.mergeClass == .held }
        // Most cases never leave the seat at which they began.
        if custody.grants.isEmpty, custody.rejected.isEmpty, writes.allSatisfy({ $0.envelope.epoch == 0 }) {
            apply(writes)
            return settleProposals()
        }
        apply(writes.filter { $0.envelope.epoch == 0 })
        var known: Set<Epoch> = [0]
        for event in custody.rejected { effects[event.hash] = .withoutEffect(.epochTaken) }
        for (grant, event) in custody.grants {
            let cause = grant.cause.flatMap { cause in standing.first { $0.hash == cause }?.envelope.change }
            state.apply(grant, event: event.hash, cause: cause)
            known.insert(grant.epoch)
            apply(writes.filter { $0.envelope.epoch == grant.epoch })
        }
        for event in writes where !known.contains(event.envelope.epoch) { propose(event, because: .unknownEpoch) }
        settleProposals()
    }

    /// Those that nobody has applied, in history order.
    private mutating func settleProposals() {
        if state.proposals.isEmpty { return }
        let proposed = Dictionary(uniqueKeysWithValues: state.proposals.map { ($0.event, $0) })
        state.proposals = events.compactMap { settled.contains($0.hash) ? nil : proposed[$0.hash] }
    }

    private mutating func apply(_ writes: [Event]) {
        for event in writes {
            guard let change = event.envelope.change else { continue }
            if let reason = custody.reasonNotToCount(event.envelope) {
                propose(event, because: reason)
            } else if let objection = state.objection(to: change, by: event.envelope.actor) {
                effects[event.hash] = .withoutEffect(objection)
            } else {
                state.applyHeld(
                    Fact(
                        event: event.hash, change: change, actor: event.envelope.actor, at: event.envelope.occurredAt))
                if let applied = event.envelope.applies { settled.insert(applied) }
            }
        }
    }

    private mutating func propose(_ event: Event, because reason: EffectReason) {
        guard let change = event.envelope.change else { return }
        // That a grant had arrived is nothing that a person could apply.
        if case .received = change {
            effects[event.hash] = .withoutEffect(reason)
            return
        }
        effects[event.hash] = .proposal(reason)
        state.proposals.append(
            Proposal(
                event: event.hash, change: change, actor: event.envelope.actor, origin: event.origin,
                at: event.envelope.occurredAt, reason: reason))
    }

    // MARK: Shared

    /// Heads of a field: its value events that no other value event of that field names in its base.
    private mutating func mergeShared(_ standing: [Event]) {
        let writers = standing.filter { $0.mergeClass == .shared || $0.hash == state.registeredBy }
        // Nobody has changed anything: what was taken down is shown.
        if writers.count == 1, let change = writers[0].envelope.change {
            var fields = Field.inOrder
            if case .amended = change { fields = fields.filter { Self.touches(writers[0], $0) } }
            state.values = SharedValues(fields, by: writers[0].hash, change)
            return
        }
        for field in Field.inOrder {
            let values = writers.filter { Self.touches($0, field) }
            var covered = Set<EventHash>()
            for event in values { covered.formUnion(Self.base(of: event, field).filter { $0 != event.hash }) }
            let heads = values.filter { !covered.contains($0.hash) }
            // A national identity is never chosen by machine: the first written stays until a person settles it.
            guard let shown = field == .citizenNationalID ? heads.first : heads.last else { continue }
            state.values[field] = SharedValue(
                shown: shown.hash, conflicts: heads.map(\.hash).filter { $0 != shown.hash },
                value: shown.envelope.change.flatMap { EnvelopeValue(field, of: $0) })
        }
    }

    private static func touches(_ event: Event, _ field: Field) -> Bool {
        switch event.envelope.change {
        case .registered: true
        case .amended(let amendment): amendment.fields.contains(field)
        default: false
        }
    }

    private static func base(of event: Event, _ field: Field) -> [EventHash] {
        event.envelope.base.filter { $0.field == field }.flatMap(\.events)
    }

    // MARK: Append-only and the citizen's voice

    private mutating func append(_ event: Event) {
        switch event.envelope.change {
        case .escalated(let clock, let level):
            if state.escalations.contains(where: { $0.clock == clock && $0.level == level }) {
                effects[event.hash] = .withoutEffect(.alreadyEscalated)
            } else if let answered = state.answeredAt, let due = due(of: clock), answered <= due.at {
                effects[event.hash] = .withoutEffect(.answeredInTime)
            } else {
                state.escalations.append(Escalation(event: event.hash, clock: clock, level: level))
            }
        case .duplicateMarked(let other):
            if state.duplicates.contains(other) {
                effects[event.hash] = .withoutEffect(.repeated)
            } else {
                state.duplicates.append(other)
            }
        case .notified(let notice):
            if !notice.outcome.supersedes(state.outcome(of: notice.key)) {
                effects[event.hash] = .withoutEffect(.repeated)
            } else if let index = state.notices.firstIndex(where: { $0.key == notice.key }) {
                state.notices[index] = notice
            } else {
                state.notices.append(notice)
            }
        case .attached(let attachment):
            state.attachments.append(
                AttachedFile(
                    event: event.hash, attachment: attachment, actor: event.envelope.actor,
                    at: event.envelope.occurredAt))
        // Shown as they are, or settled by themselves.
        case .acted, .noted, .hidden, .unhidden: break
        // Not append-only.
        case .opened, .registered, .assessed, .referred, .received, .accepted, .refused, .answered, .closed, .amended,
            .disputed, .reviewed, .rated, .withdrawn, .dueMoved, .granted, .stamped, .branchRanked, nil:
            break
        }
    }

    /// When the clock that an event started ends: the case's own, a holder's, or, for a grant, the time to accept.
    private func due(of clock: EventHash) -> Due? {
        if clock == state.registeredBy { return state.deadline }
        for event in events where effects[event.hash] == nil {
            guard case .received(let grant, let due, let acceptBy) = event.envelope.change else { continue }
            if event.hash == clock { return due }
            if grant == clock { return acceptBy }
        }
        return nil
    }

    /// A hide counts for the entry that its author saw, unless somebody showed the entry again without his knowing.
    private mutating func settleHidden(_ standing: [Event]) {
        for event in standing {
            guard case .unhidden(let target) = event.envelope.change else { continue }
            state.shownAgain[target, default: []].append(event.hash)
        }
        for event in standing {
            guard case .hidden(let target) = event.envelope.change else { continue }
            let seen = Set(event.envelope.base.flatMap(\.events))
            let unseen = (state.shownAgain[target] ?? []).contains { !seen.contains($0) }
            if seen.contains(target), !unseen { state.hidden.insert(target) }
        }
    }

    private mutating func voice(_ event: Event) {
        switch event.envelope.change {
        case .disputed: state.disputes.append(Dispute(event: event.hash, at: event.envelope.occurredAt))
        case .rated(let score): state.ratings.append(Rating(event: event.hash, score: score))
        default: break
        }
    }

    /// A dispute that was upheld takes back the withdrawals before it: the citizen has spoken since.
    private mutating func settleWithdrawal(_ standing: [Event]) {
        let upheld = state.disputes.filter { $0.upheld == true }.map(\.event)
        let reopened = upheld.isEmpty ? -1 : standing.lastIndex { upheld.contains($0.hash) } ?? -1
        for (index, event) in standing.enumerated() where event.envelope.change == .withdrawn {
            if index < reopened {
                effects[event.hash] = .withoutEffect(.disputeUpheld)
            } else if state.withdrawnBy == nil {
                state.withdrawnBy = event.hash
            } else {
                effects[event.hash] = .withoutEffect(.repeated)
            }
        }
    }

    /// The citizen can speak of a case only once it is registered.
    private mutating func settleVoice(_ standing: [Event]) {
        guard state.registration == nil else { return settleWithdrawal(standing) }
        for event in standing where event.mergeClass == .voice {
            effects[event.hash] = .withoutEffect(.notRegistered)
        }
        (state.disputes, state.ratings) = ([], [])
    }

    // MARK: Order

    /// History order: (effective stamp, origin, incarnation, seq); the hash settles what forgers may construct. Each
    /// event is given once.
    public static func historyOrder(_ events: [Event], reader: UInt32 = Schema.reader) -> [Event] {
        // Effective stamps never fall along a chain: what one start of one writer wrote is in its order.
        if zip(events, events.dropFirst()).allSatisfy({ isNext($0.envelope, $1.envelope) }) { return events }
        var stamps = effectiveStamps(events, reader: reader)
        let chained = events.indices.sorted { isEarlierInChain(events[$0], events[$1]) }
        for (before, after) in zip(chained, chained.dropFirst())
        where events[before].origin == events[after].origin
            && events[before].envelope.incarnation == events[after].envelope.incarnation
        {
            stamps[after] = max(stamps[before], stamps[after])
        }
        let order = events.indices.sorted { left, right in
            if stamps[left] != stamps[right] { return stamps[left] < stamps[right] }
            return isEarlierInChain(events[left], events[right])
        }
        var history = [Event]()
        history.reserveCapacity(events.count)
        for index in order where history.last?.hash != events[index].hash { history.append(events[index]) }
        return history
    }

    private static func isNext(_ left: Envelope, _ right: Envelope) -> Bool {
        left.origin == right.origin && left.incarnation == right.incarnation && left.seq < right.seq
    }

    private static func isEarlierInChain(_ left: Event, _ right: Event) -> Bool {
        let (a, b) = (left.envelope, right.envelope)
        if a.origin != b.origin { return a.origin < b.origin }
        if a.incarnation != b.incarnation { return a.incarnation < b.incarnation }
        return a.seq != b.seq ? a.seq < b.seq : left.hash < right.hash
    }

    /// Each event's stamp, or the hub's bound on it; the least, should a restored hub have said two.
    private static func effectiveStamps(_ events: [Event], reader: UInt32) -> [Stamp] {
        var bounds = [EventHash: Stamp]()
        for event in events where event.origin == .hub && event.isReadable(by: reader) {
            if case .stamped(let hash, let hlc) = event.envelope.change {
                bounds[hash] = min(bounds[hash] ?? Stamp(rawValue: .max), Stamp(rawValue: hlc))
            }
        }
        return events.map { bounds[$0.hash] ?? $0.envelope.stamp }
    }
}

extension Event {
    func isReadable(by reader: UInt32) -> Bool { envelope.change != nil && !isNewer(than: reader) }

    /// Whether only a later version can tell what it says.
    func isNewer(than reader: UInt32) -> Bool { envelope.minReader > reader }
}
