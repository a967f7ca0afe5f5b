/// What an event says: the part of it that decides, folds and routes. Texts and personal data travel beside it.
public enum CaseChange: Sendable, Hashable {
    /// A tracking code was given before registration.
    case opened(trackingCode: TrackingCode)
    case registered(Registration)
    /// Weighed: lawful, within the agency's means, already done?
    case assessed(Assessment)
    /// Sent to an organisation. `seat` is where that organisation works, as the author's tree had it.
    case referred(to: OrganizationCode, seat: Origin)
    /// The seat has applied the grant named here; from now its own clocks run.
    case received(grant: EventHash, due: Due, acceptBy: Due)
    case accepted
    case refused
    case acted
    case answered
    case closed(Outcome)
    case noted
    /// A file belongs to the case; its name is in the part, its bytes travel beside the journal.
    case attached(Attachment)
    /// Values of shared fields; which ones the author saw stands in the event's bases.
    case amended(Amendment)
    /// Hides the entry named, as the author saw it.
    case hidden(EventHash)
    /// Shows the entry named again.
    case unhidden(EventHash)
    case disputed
    case reviewed(dispute: EventHash, upheld: Bool)
    case rated(score: Int)
    case withdrawn
    /// Moves the case's clock, openly.
    case dueMoved(Due)
    /// The clock that `clock` started has passed.
    case escalated(clock: EventHash, level: Int)
    /// Another case tells the same.
    case duplicateMarked(of: CaseID)
    /// A notice of an event was sent, has arrived, or failed for good.
    case notified(Notice)
    /// Custody moves. Origin hub only.
    case granted(Grant)
    /// The hub's bound on a stamp that ran ahead. Origin hub only.
    case stamped(EventHash, hlc: UInt64)
    /// Which branch of an origin counts under an epoch. Origin hub only.
    case branchRanked(BranchRank)
}

public struct Registration: Sendable, Hashable {
    public var trackingCode: TrackingCode
    public var kind: Kind
    public var channel: Channel
    public var category: String
    public var priority: Priority
    public var tags: [String]
    /// The organisation complained of, if one is named.
    public var about: OrganizationCode?
    public var due: Due
    /// Came from an older system: keeps its historic time, never escalates, never scores.
    public var imported: Bool

    public init(
        trackingCode: TrackingCode, kind: Kind, channel: Channel, category: String, priority: Priority = .normal,
        tags: [String] = [], about: OrganizationCode? = nil, due: Due, imported: Bool = false
    ) {
        self.trackingCode = trackingCode
        self.kind = kind
        self.channel = channel
        self.category = category
        self.priority = priority
        self.tags = tags
        self.about = about
        self.due = due
        self.imported = imported
    }
}

public struct Assessment: Sendable, Hashable {
    public var lawful: Bool
    public var withinMeans: Bool
    public var done: Bool

    public init(lawful: Bool, withinMeans: Bool, done: Bool) {
        (self.lawful, self.withinMeans, self.done) = (lawful, withinMeans, done)
    }
}

/// A file of a case, as its event names it. Its bytes are found by their hash.
public struct Attachment: Sendable, Hashable {
    /// SHA-256 of the file's bytes.
    public var sha256: EventHash
    /// Bytes.
    public var size: UInt64
    /// As the sender declared it: `type/subtype`, with parameters or without.
    public var mediaType: String

    public init(sha256: EventHash, size: UInt64, mediaType: String) {
        (self.sha256, self.size, self.mediaType) = (sha256, size, mediaType)
    }
}

/// When a clock ends, frozen with the version of the calendar that it was counted by.
public struct Due: Sendable, Hashable {
    public var at: Instant
    public var calendar: Int

    public init(at: Instant, calendar: Int) { (self.at, self.calendar) = (at, calendar) }
}

/// New values of shared fields. Texts among them lie in the event's part; `textFields` names those.
public struct Amendment: Sendable, Hashable {
    public var category: String?
    public var priority: Priority?
    public var tags: [String]?
    public var textFields: [Field]

    public init(category: String? = nil, priority: Priority? = nil, tags: [String]? = nil, textFields: [Field] = []) {
        (self.category, self.priority, self.tags, self.textFields) = (category, priority, tags, textFields)
    }

    /// All fields touched, sorted.
    public var fields: [Field] {
        var fields = textFields
        if category != nil { fields.append(.category) }
        if priority != nil { fields.append(.priority) }
        if tags != nil { fields.append(.tags) }
        return fields.sorted()
    }
}

/// A place in a journal's tree of chains.
public struct ChainPlace: Sendable, Hashable {
    public var incarnation: UInt64
    public var seq: UInt64

    public init(incarnation: UInt64, seq: UInt64) { (self.incarnation, self.seq) = (incarnation, seq) }
}

/// Custody of a case, given by the hub.
public struct Grant: Sendable, Hashable {
    public var epoch: Epoch
    /// The organisation that holds the case from now.
    public var holder: OrganizationCode
    /// The origin that writes held fields from now.
    public var seat: Origin
    /// The outgoing seat's last positions that the hub had accepted, one for each incarnation that wrote this case.
    public var cut: [ChainPlace]
    /// The referral or refusal that asked for it; `nil` when a person at the hub decided.
    public var cause: EventHash?

    public init(epoch: Epoch, holder: OrganizationCode, seat: Origin, cut: [ChainPlace], cause: EventHash?) {
        (self.epoch, self.holder, self.seat, self.cut, self.cause) = (epoch, holder, seat, cut, cause)
    }
}

/// What the hub's machine says in every grant, whoever it is for.
public struct GrantTerms: Sendable, Hashable {
    public var epoch: Epoch
    public var cut: [ChainPlace]

    public init(epoch: Epoch, cut: [ChainPlace]) { (self.epoch, self.cut) = (epoch, cut) }

    public func grant(holder: OrganizationCode, seat: Origin, cause: EventHash?) -> Grant {
        Grant(epoch: epoch, holder: holder, seat: seat, cut: cut, cause: cause)
    }
}

/// Held writes of `origin` under `epoch` from these positions on are proposals.
public struct BranchRank: Sendable, Hashable {
    public var origin: Origin
    public var epoch: Epoch
    public var losers: [ChainPlace]

    public init(origin: Origin, epoch: Epoch, losers: [ChainPlace]) {
        (self.origin, self.epoch, self.losers) = (origin, epoch, losers)
    }
}

extension CaseChange {
    /// Which row of the table of kinds holds for it.
    public var kind: EventKind {
        switch self {
        case .opened: .opened
        case .registered: .registered
        case .assessed: .assessed
        case .referred: .referred
        case .received: .received
        case .accepted: .accepted
        case .refused: .refused
        case .acted: .acted
        case .answered: .answered
        case .closed: .closed
        case .noted: .noted
        case .attached: .attached
        case .amended: .amended
        case .hidden: .hidden
        case .unhidden: .unhidden
        case .disputed: .disputed
        case .reviewed: .reviewed
        case .rated: .rated
        case .withdrawn: .withdrawn
        case .dueMoved: .dueMoved
        case .escalated: .escalated
        case .duplicateMarked: .duplicateMarked
        case .notified: .notified
        case .granted: .granted
        case .stamped: .stamped
        case .branchRanked: .branchRanked
        }
    }

    public var mergeClass: MergeClass { kind.mergeClass }
}

extension EnvelopeValue {
    /// The value that a change gives to a field, if that field lies in envelopes and the change touches it.
    public init?(_ field: Field, of change: CaseChange) {
        switch (field, change) {
        case (.category, .registered(let registration)): self = .category(registration.category)
        case (.priority, .registered(let registration)): self = .priority(registration.priority)
        case (.tags, .registered(let registration)): self = .tags(registration.tags)
        case (.category, .amended(let amendment)):
            guard let category = amendment.category else { return nil }
            self = .category(category)
        case (.priority, .amended(let amendment)):
            guard let priority = amendment.priority else { return nil }
            self = .priority(priority)
        case (.tags, .amended(let amendment)):
            guard let tags = amendment.tags else { return nil }
            self = .tags(tags)
        default: return nil
        }
    }
}
