/// A wish of a person about a case. `decide` answers with new events, or a refusal.
public enum Command: Sendable, Hashable {
    case register(Intake)
    /// Gives a tracking code before registration, so that a dropped call leaves something to follow.
    case open
    case note(text: String)
    /// Adds a file whose bytes this server holds already.
    case attach(Attachment, name: String)
    case assess(Assessment)
    case refer(to: OrganizationCode, reason: String)
    case accept
    case refuse(reason: String)
    case act(text: String)
    case answer(text: String)
    case close(Outcome, text: String)
    case dispute(text: String)
    case review(dispute: EventHash, upheld: Bool, text: String)
    case rate(score: Int)
    case withdraw(text: String)
    /// Hides an entry, or shows it again.
    case hide(EventHash, hidden: Bool)
    case amend(Edit)
    /// Settles a conflict: the value of the event named becomes the one that is shown.
    case restore(conflict: EventHash)
    case apply(proposal: EventHash)
    /// A person at the hub moves custody.
    case moveCustody(to: OrganizationCode, reason: String)
    case markDuplicate(of: CaseID)
    /// Says what came of a notice; no person's command.
    case notify(Notice)
    case importCase(ImportedCase)
}

/// What an operator takes down.
public struct Intake: Sendable, Hashable {
    public var kind: Kind
    public var channel: Channel
    public var category: String
    public var priority: Priority
    public var tags: [String]
    public var about: OrganizationCode?
    /// Subject, description and the citizen's data.
    public var texts: Texts

    public init(
        kind: Kind, channel: Channel, category: String, priority: Priority = .normal, tags: [String] = [],
        about: OrganizationCode? = nil, texts: Texts
    ) {
        self.kind = kind
        self.channel = channel
        self.category = category
        self.priority = priority
        self.tags = tags
        self.about = about
        self.texts = texts
    }
}

/// New values of shared fields. A text set to the empty string is cleared; `nil` leaves it.
public struct Edit: Sendable, Hashable {
    public var category: String?
    public var priority: Priority?
    public var tags: [String]?
    public var texts: Texts
    /// For each field, the value events that the author's page showed; `nil`: those of the present state.
    public var seen: [Field: [EventHash]]?

    public init(
        category: String? = nil, priority: Priority? = nil, tags: [String]? = nil, texts: Texts = Texts(),
        seen: [Field: [EventHash]]? = nil
    ) {
        (self.category, self.priority, self.tags, self.texts, self.seen) = (category, priority, tags, texts, seen)
    }
}

/// A case from an older system with its historic events, in their order.
public struct ImportedCase: Sendable, Hashable {
    public enum Step: Sendable, Hashable {
        case referred(to: OrganizationCode)
        case accepted
        case acted(String)
        case answered(String)
        case closed(Outcome, String)
        case noted(String)

        var text: String? {
            switch self {
            case .acted(let text), .answered(let text), .closed(_, let text), .noted(let text): text
            case .referred, .accepted: nil
            }
        }
    }

    public struct Event: Sendable, Hashable {
        public var at: Instant
        public var step: Step

        public init(at: Instant, step: Step) { (self.at, self.step) = (at, step) }
    }

    public var intake: Intake
    public var registeredAt: Instant
    public var history: [Event]

    public init(intake: Intake, registeredAt: Instant, history: [Event]) {
        (self.intake, self.registeredAt, self.history) = (intake, registeredAt, history)
    }
}

/// An event that a decision asks for; the writer gives it its place in the journal.
public struct NewEvent: Sendable, Hashable {
    public var change: CaseChange
    public var texts: Texts
    /// What the author saw: for an amendment the heads of each field, for a hide the entry and its un-hides.
    public var base: [Base]
    /// The proposal that this event applies.
    public var applies: EventHash?
    public var actor: Actor
    /// When it legally happened.
    public var occurredAt: Instant

    public init(
        _ change: CaseChange, texts: Texts = Texts(), base: [Base] = [], applies: EventHash? = nil, actor: Actor,
        occurredAt: Instant
    ) {
        self.change = change
        self.texts = texts
        self.base = base
        self.applies = applies
        self.actor = actor
        self.occurredAt = occurredAt
    }
}

public struct Base: Sendable, Hashable {
    /// `nil` for a base that concerns no field.
    public var field: Field?
    public var events: [EventHash]

    public init(field: Field?, events: [EventHash]) { (self.field, self.events) = (field, events) }
}

/// Why a command was not taken: what is wrong and what to do.
public enum Refusal: Error, Sendable, Hashable {
    /// A field is missing or outside its bounds.
    case invalid(field: String, FaultCode, limit: Int64? = nil)
    case unknownCase
    case unknownOrganization(String)
    case unknownCategory(String)
    /// No such note, conflict, dispute or proposal in this case.
    case unknownEvent(EventHash)
    /// The life cycle does not allow it now.
    case illegal(EffectReason, status: Status)
    /// Custody lies elsewhere.
    case notTheSeat(Origin)
    /// The case waits for an upgrade of this server.
    case parked(EventHash)
    /// The principal's role or organisation may not do this.
    case forbidden(reason: String)
    /// The case has changed since the page was loaded: its present revision.
    case stale(revision: Int)
    /// The hub was brought back from an older state, and this origin, which may know of a decision, has not yet said so.
    case awaiting(Origin)
    /// More than 256 KiB in one event.
    case tooLarge(bytes: Int)
    /// Another body was sent under this idempotency key.
    case keyReused
    /// The other side does not know this kind of event yet: not before that server is upgraded.
    case notYet(EventKind, until: Origin)
}
