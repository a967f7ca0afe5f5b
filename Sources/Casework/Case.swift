/// A case as its events tell it: the result of a fold, never stored as truth.
public struct Case: Sendable, Equatable {
    public let id: CaseID
    public internal(set) var registration: Registration?
    /// The event that registered it: the start of the case's clock.
    public internal(set) var registeredBy: EventHash?
    public internal(set) var registeredAt: Instant?
    public internal(set) var trackingCode: TrackingCode?

    /// The status that the seats' writes made; `status` adds the citizen's voice.
    public internal(set) var heldStatus: Status = .draft
    public internal(set) var heldOutcome: Outcome?
    /// The organisation that must act.
    public internal(set) var holder: OrganizationCode
    /// The origin whose held writes count now.
    public internal(set) var seat: Origin
    public internal(set) var epoch: Epoch = 0
    /// The event that gave the present custody; `nil` before the first grant.
    public internal(set) var grant: EventHash?
    /// A referral or refusal to another seat that waits for its grant.
    public internal(set) var transfer: Transfer?
    /// Who referred, and where a refusal goes back to.
    public internal(set) var referrers: [Referrer] = []
    /// Times that this case was refused; the hub arbitrates after the third.
    public internal(set) var refusals = 0
    public internal(set) var assessment: Assessment?

    /// The case's clock: it starts at registration and never resets.
    public internal(set) var deadline: Due?
    /// The present holder's own clock, and the time to accept or refuse.
    public internal(set) var holderDeadline: Due?
    public internal(set) var acceptBy: Due?
    /// For each seat that has received the case, the event that started its holder's clock: a return resumes that clock.
    public internal(set) var seatClocks: [Origin: EventHash] = [:]
    public internal(set) var answeredAt: Instant?
    /// Who first answered or closed: never the reviewer.
    public internal(set) var firstDecider: Actor?

    public var values = SharedValues()
    public var disputes: [Dispute] = []
    public var ratings: [Rating] = []
    /// The withdrawal that counts: the first that no later dispute, once upheld, took back.
    public var withdrawnBy: EventHash?
    public var escalations: [Escalation] = []
    public var duplicates: [CaseID] = []
    /// What came of the notices of its events, each as it stands last.
    public var notices: [Notice] = []
    /// The case's files, in history order; a file that was attached twice is here twice.
    public var attachments: [AttachedFile] = []
    public var proposals: [Proposal] = []
    /// Hashes of entries that are hidden now.
    public var hidden: Set<EventHash> = []
    /// For each entry, the events that showed it again.
    public var shownAgain: [EventHash: [EventHash]] = [:]
    /// Why no held command is taken: an event here that may change held fields is newer than this reader, or an event is
    /// undecodable.
    public var parkedBy: EventHash?
    /// Whether it has events that this reader does not know and that park nothing: an upgrade shows them.
    public var hasNewer = false
    /// Every event in history order with what it did.
    public var history: [HistoryEntry] = []

    public init(id: CaseID) {
        self.id = id
        seat = id.home
        holder = OrganizationCode(id.home)
    }

    public var home: Origin { id.home }
    public var imported: Bool { registration?.imported ?? false }
    /// How many events this server has applied.
    public var revision: Int { history.count }
    /// What came of a notice; `nil` while nothing has.
    public func outcome(of notice: NoticeKey) -> NoticeOutcome? { notices.first { $0.key == notice }?.outcome }
    public var openDisputes: [Dispute] { disputes.filter { $0.review == nil } }
    /// The conflicts of all fields, by hash.
    public var conflicts: [EventHash] {
        guard values.contains(where: { !$0.value.conflicts.isEmpty }) else { return [] }
        return Field.inOrder.flatMap { values[$0]?.conflicts ?? [] }
    }

    /// What people are shown: the held status, overlaid by open disputes and by the citizen's withdrawal.
    public var status: Status {
        if heldStatus == .draft { return .draft }
        if !openDisputes.isEmpty { return .disputed }
        return withdrawnBy != nil ? .closed : heldStatus
    }

    public var outcome: Outcome? {
        guard status == .closed else { return nil }
        return heldStatus == .closed ? heldOutcome : .withdrawn
    }

    /// Open: somebody still has to act.
    public var isOpen: Bool { status != .closed && status != .draft }
}

public struct Transfer: Sendable, Hashable {
    /// The referral or refusal.
    public var cause: EventHash
    public var holder: OrganizationCode
    public var seat: Origin
    public var isReturn: Bool
}

public struct Referrer: Sendable, Hashable {
    public var holder: OrganizationCode
    public var seat: Origin
}

/// One field's heads: the value shown, and the conflicts that a person has not settled.
public struct SharedValue: Sendable, Hashable {
    /// The event whose value is shown.
    public var shown: EventHash
    /// The other heads, in history order.
    public var conflicts: [EventHash]
    /// The shown value, for fields that lie in envelopes; `nil` when it lies in the part of `shown`.
    public var value: EnvelopeValue?

    public init(shown: EventHash, conflicts: [EventHash], value: EnvelopeValue?) {
        (self.shown, self.conflicts, self.value) = (shown, conflicts, value)
    }

    public var heads: [EventHash] { conflicts + [shown] }
}

public enum EnvelopeValue: Sendable, Hashable {
    case category(String)
    case priority(Priority)
    case tags([String])
}

public struct Dispute: Sendable, Hashable {
    public var event: EventHash
    public var at: Instant
    public var review: EventHash?
    public var upheld: Bool?

    public init(event: EventHash, at: Instant) { (self.event, self.at) = (event, at) }
}

public struct Rating: Sendable, Hashable {
    public var event: EventHash
    public var score: Int

    public init(event: EventHash, score: Int) { (self.event, self.score) = (event, score) }
}

public struct Escalation: Sendable, Hashable {
    public var event: EventHash
    public var clock: EventHash
    public var level: Int

    public init(event: EventHash, clock: EventHash, level: Int) {
        (self.event, self.clock, self.level) = (event, clock, level)
    }
}

/// A file and the event that attached it.
public struct AttachedFile: Sendable, Hashable {
    public var event: EventHash
    public var attachment: Attachment
    public var actor: Actor
    public var at: Instant

    public init(event: EventHash, attachment: Attachment, actor: Actor, at: Instant) {
        (self.event, self.attachment, self.actor, self.at) = (event, attachment, actor, at)
    }
}

/// A held write that did not count: shown, and a person may apply it.
public struct Proposal: Sendable, Hashable {
    public var event: EventHash
    public var change: CaseChange
    public var actor: Actor
    public var origin: Origin
    public var at: Instant
    public var reason: EffectReason

    public init(event: EventHash, change: CaseChange, actor: Actor, origin: Origin, at: Instant, reason: EffectReason) {
        self.event = event
        self.change = change
        self.actor = actor
        self.origin = origin
        self.at = at
        self.reason = reason
    }
}

public struct HistoryEntry: Sendable, Hashable {
    public var event: EventHash
    /// `nil` for one that this reader does not know.
    public var kind: EventKind?
    public var effect: Effect

    public init(event: EventHash, kind: EventKind?, effect: Effect) {
        (self.event, self.kind, self.effect) = (event, kind, effect)
    }
}

public enum Effect: Sendable, Hashable {
    case applied
    case proposal(EffectReason)
    case withoutEffect(EffectReason)
    /// Of an append-only kind that is newer than this reader: kept, forwarded and shown as such; it parks nothing.
    case newer
    /// Newer than this reader, or undecodable; an upgrade frees it.
    case parked
}

/// Why an event changed nothing, or only proposes; also why the life cycle refuses a command. The raw values are stable
/// codes; their words stand in the vocabulary.
public enum EffectReason: String, Sendable, Hashable, CaseIterable {
    /// Custody had gone elsewhere before it was written.
    case custodyMoved = "custody_moved"
    /// Its origin did not hold custody.
    case notTheSeat = "not_the_seat"
    /// The grant of its epoch is not known.
    case unknownEpoch = "unknown_epoch"
    /// Another branch of its origin counts.
    case otherBranch = "other_branch"
    /// Its origin has no part in this case.
    case foreignOrigin = "foreign_origin"
    /// Only the hub may say this.
    case notForItsOrigin = "not_for_its_origin"
    case statusDoesNotAllow = "status_does_not_allow"
    case alreadyRegistered = "already_registered"
    case notRegistered = "not_registered"
    case alreadyEscalated = "already_escalated"
    /// The case was answered before it was due.
    case answeredInTime = "answered_in_time"
    /// The dispute named is not open.
    case disputeUnknown = "dispute_unknown"
    /// The reviewer was the first decider.
    case reviewerDecided = "reviewer_decided"
    case transferPending = "transfer_pending"
    /// Another grant has this epoch.
    case epochTaken = "epoch_taken"
    /// Referred to its holder, or to the unit complained of.
    case referredToItself = "referred_to_itself"
    /// Said before.
    case repeated
    /// A later dispute was upheld.
    case disputeUpheld = "dispute_upheld"
}
