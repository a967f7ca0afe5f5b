public import Casework
import Cryptography
public import Federation

/// The row of a case, derived from its record.
public struct CaseRow: Sendable, Equatable {
    public var id: CaseID
    public var trackingCode: String
    public var home, seat: Origin
    public var holder: OrganizationCode
    public var epoch: Epoch
    public var status: Status
    public var outcome: Outcome?
    public var kind: Kind
    public var channel: Channel
    public var category: String
    public var priority: Priority
    public var about: OrganizationCode?
    public var subject: String?
    public var registeredAt, deadline, answeredAt: Instant?
    public var isOpen, countsDue, imported: Bool
    public var conflicts, proposals, revision: Int
    public var position: UInt64
    /// Whether a referral waits for the hub's grant.
    public var pending: Bool
    /// Whether it holds an event that this server cannot read.
    public var parked: Bool
    /// The set of its events as one hash.
    public var digest: EventHash

    /// A row to read columns into.
    init(blank home: Origin) {
        id = .blank
        (trackingCode, category, self.home, seat) = ("", "", home, home)
        (holder, epoch, status, kind, channel, priority) = (
            OrganizationCode(home), 0, .draft, .request, .phone, .normal
        )
        (isOpen, countsDue, imported, pending, parked) = (false, false, false, false, false)
        (conflicts, proposals, revision) = (0, 0, 0)
        (position, digest) = (0, .zero)
    }

    /// `nil` for a record whose registration has not arrived and that has no code yet.
    public init?(_ record: CaseRecord, position: UInt64) {
        let state = record.state
        guard let code = state.trackingCode else { return nil }
        id = record.id
        trackingCode = code.digits
        home = state.home
        seat = state.seat
        holder = state.holder
        epoch = state.epoch
        status = state.status
        outcome = state.outcome
        kind = state.registration?.kind ?? .request
        channel = state.registration?.channel ?? .phone
        category = Category.other.code
        if case .category(let shown)? = state.values[.category]?.value { category = shown }
        priority = .normal
        if case .priority(let shown)? = state.values[.priority]?.value { priority = shown }
        about = state.registration?.about
        subject = CaseValues.subject(of: record, state.values)
        registeredAt = state.registeredAt
        deadline = state.deadline?.at
        answeredAt = state.answeredAt
        isOpen = state.isOpen
        imported = state.imported
        countsDue = state.isDueToBeAnswered
        conflicts = state.conflicts.count
        proposals = state.proposals.count
        revision = state.revision
        pending = state.transfer != nil
        parked = state.parkedBy != nil || state.hasNewer
        digest = record.digest(Digest.hashing)
        self.position = position
    }
}

/// The shown values of a case's shared fields, texts taken from the parts that this server holds.
public struct CaseValues: Sendable, Equatable {
    public private(set) var category: String?
    public private(set) var priority: Priority?
    public private(set) var tags: [String] = []
    private var texts: [Field: String] = [:]

    public init(_ record: CaseRecord) {
        // Several fields lie in one part: it is read once.
        var parts: [EventHash: Texts] = [:]
        for (field, value) in record.state.values {
            switch value.value {
            case .category(let category): self.category = category
            case .priority(let priority): self.priority = priority
            case .tags(let tags): self.tags = tags
            case nil: texts[field] = Self.text(field, value, record, &parts)
            }
        }
    }

    /// `nil` when there is none, or when its part is withheld here.
    public subscript(field: Field) -> String? { texts[field] }

    /// The subject alone: a row needs no other text, and is made with every event of its case.
    static func subject(of record: CaseRecord, _ values: SharedValues) -> String? {
        guard let shown = values.shown(of: .subject), let subject = record[shown]?.subject, !subject.isEmpty else {
            return nil
        }
        return subject
    }

    private static func text(
        _ field: Field, _ value: SharedValue, _ record: CaseRecord, _ parts: inout [EventHash: Texts]
    ) -> String? {
        // People choose between national identities: all are shown until one has.
        let shown = field == .citizenNationalID ? [value.shown] + value.conflicts : [value.shown]
        for hash in shown where parts[hash] == nil { parts[hash] = record[hash]?.texts }
        let texts = shown.compactMap { parts[$0]?[field] }.filter { !$0.isEmpty }
        return texts.isEmpty ? nil : texts.joined(separator: " / ")
    }
}
