import Casework

/// Folds a case's events into its state. The result is a function of the SET of events: any order of arrival gives the
/// same. The fold refuses nothing; what changes nothing is listed with its reason.
public struct Fold: Sendable {
    private let events: [Event]
    private let stamps: [EventHash: Stamp]
    private let custody: Custody
    private var state: Case
    private var effects: [EventHash: Effect] = [:]

    /// - Parameter events: the events of this case, each once, in any order.
    public static func fold(_ id: CaseID, _ events: [Event], reader: UInt32 = Schema.reader) -> Case {
        var fold = Fold(id, events, reader: reader)
        fold.run(reader: reader)
        return fold.state
    }

    /// History order: (effective stamp, origin, incarnation, seq); the hash settles what forgers may construct.
    public static func historyOrder(_ events: [Event]) -> [Event] {
        sorted(events, by: boundedStamps(events))
    }

    private init(_ id: CaseID, _ events: [Event], reader: UInt32) {
        stamps = Self.boundedStamps(events)
        self.events = Self.sorted(events, by: stamps)
        custody = Custody(home: id.home, events: self.events)
        state = Case(id: id)
    }

    private mutating func run(reader: UInt32) {
        for event in events where effects[event.hash] == nil {
            effects[event.hash] = screen(event, reader: reader)
        }
        let standing = events.filter { effects[$0.hash] == nil }
        for event in standing where event.envelope.change?.mergeClass == .voice { voice(event) }
        applyHeld(standing)
        mergeShared(standing)
        for event in standing where event.envelope.change?.mergeClass == .appendOnly { append(event) }
        settleHidden(standing)
        settleVoice(standing)
        state.history = events.map { HistoryEntry(event: $0.hash, effect: effects[$0.hash] ?? .applied) }
    }

    /// What can be said of an event before anything is applied; `nil` when it takes part.
    private mutating func screen(_ event: Event, reader: UInt32) -> Effect? {
        let envelope = event.envelope
        guard let change = envelope.change, envelope.minReader <= reader else {
            state.parkedBy = state.parkedBy ?? event.hash
            return .parked
        }
        if change.mergeClass == .hub, envelope.origin != .hub { return .withoutEffect(.notForItsOrigin) }
        if case .escalated = change, envelope.origin == .hub { return nil }
        return custody.takesPart(envelope.origin) ? nil : .withoutEffect(.foreignOrigin)
    }

    // MARK: Held

    /// Epoch by epoch: the grant, then the writes under it in history order.
    private mutating func applyHeld(_ standing: [Event]) {
        let writes = standing.filter { $0.envelope.change?.mergeClass == .held }
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
        let proposed = Dictionary(uniqueKeysWithValues: state.proposals.map { ($0.event, $0) })
        state.proposals = events.compactMap { proposed[$0.hash] }
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
                if let applied = event.envelope.applies { state.proposals.removeAll { $0.event == applied } }
            }
        }
    }

    private mutating func propose(_ event: Event, because reason: EffectReason) {
        guard let change = event.envelope.change else { return }
        effects[event.hash] = .proposal(reason)
        state.proposals.append(
            Proposal(
                event: event.hash, change: change, actor: event.envelope.actor, origin: event.origin,
                at: event.envelope.occurredAt, reason: reason))
    }

    // MARK: Shared

    /// Heads of a field: its value events that no other value event of that field names in its base.
    private mutating func mergeShared(_ standing: [Event]) {
        let writers = standing.filter { event in
            switch event.envelope.change {
            case .registered: event.hash == state.registeredBy
            case .amended: true
            default: false
            }
        }
        for field in Field.allCases.sorted() {
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
            } else if let answered = state.answeredAt, let due = state.deadline, answered <= due.at {
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
        default: break
        }
    }

    /// A hide counts for the entry that its author saw, unless somebody showed the entry again without his knowing.
    private mutating func settleHidden(_ standing: [Event]) {
        for event in standing {
            if case .unhidden(let target) = event.envelope.change { state.shownAgain[target, default: []].append(event.hash) }
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
        case .withdrawn:
            if state.withdrawnBy == nil {
                state.withdrawnBy = event.hash
            } else {
                effects[event.hash] = .withoutEffect(.repeated)
            }
        default: break
        }
    }

    private mutating func settleVoice(_ standing: [Event]) {
        guard state.registration == nil else { return }
        for event in standing where event.envelope.change?.mergeClass == .voice {
            effects[event.hash] = .withoutEffect(.notRegistered)
        }
        (state.disputes, state.ratings, state.withdrawnBy) = ([], [], nil)
    }

    // MARK: Order

    /// The hub's bounds on stamps that ran ahead; the least, should a restored hub have said two.
    private static func boundedStamps(_ events: [Event]) -> [EventHash: Stamp] {
        var stamps = [EventHash: Stamp]()
        for event in events where event.origin == .hub {
            if case .stamped(let hash, let hlc) = event.envelope.change {
                stamps[hash] = min(stamps[hash] ?? Stamp(rawValue: .max), Stamp(rawValue: hlc))
            }
        }
        return stamps
    }

    private static func sorted(_ events: [Event], by stamps: [EventHash: Stamp]) -> [Event] {
        events.sorted { left, right in
            let (a, b) = (left.envelope, right.envelope)
            let (x, y) = (stamps[left.hash] ?? a.stamp, stamps[right.hash] ?? b.stamp)
            if x != y { return x < y }
            if a.origin != b.origin { return a.origin < b.origin }
            if a.incarnation != b.incarnation { return a.incarnation < b.incarnation }
            return a.seq != b.seq ? a.seq < b.seq : left.hash < right.hash
        }
    }
}
