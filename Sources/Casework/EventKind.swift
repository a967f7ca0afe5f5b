/// The kinds of events about a case. Each is one row of `rule`, the one table that holds all that is particular to a kind:
/// what is a list of kinds anywhere asks the table, so that a new kind cannot be forgotten.
///
/// The raw value is the name in an event's `type`. Released names never change.
public enum EventKind: String, Sendable, Hashable, CaseIterable {
    case opened, registered, assessed, referred, received, accepted, refused, acted, answered, closed, noted, attached,
        amended, hidden, unhidden, disputed, reviewed, rated, withdrawn
    case dueMoved = "due.moved"
    case escalated
    case duplicateMarked = "duplicate.marked"
    /// What came of a notice that a server sent.
    case notified
    case granted, stamped
    case branchRanked = "branch.ranked"
}

/// How the events of a kind merge when several origins write at once. It stands in each envelope, so that a reader who
/// does not know the kind still knows what the event may do. The raw value is the number on the wire.
public enum MergeClass: UInt8, Sendable, Hashable, CaseIterable {
    /// Stands beside the case and changes no status, custody or field.
    case appendOnly = 1
    /// Counts only from the seat that holds custody.
    case held = 2
    /// A new value of shared fields; concurrent ones are conflicts.
    case shared = 3
    /// What the citizen says; counts wherever it was taken.
    case voice = 4
    /// Written by the hub alone.
    case hub = 5
}

/// One row of the table of kinds.
public struct KindRule: Sendable, Hashable {
    /// A text that comes with an event: its name in the command's body, and its bounds.
    public struct Text: Sendable, Hashable {
        /// `text`, `reason` or `name`.
        public var name: String
        public var isRequired: Bool
        /// Characters.
        public var limit: Int
    }

    public var mergeClass: MergeClass
    /// The first schema that knows this kind: an event's `min_reader`.
    public var since: UInt32 = 1
    /// Who may write it by a command; empty for kinds that only servers write.
    public var writers: Set<Role> = []
    /// Whether the writer must act for the organisation that holds the case, where custody lies.
    public var needsHolder = false
    public var text: Text?
    /// Whether a case begins with it: receipts name it, and idempotency keys of such commands are kept for ever.
    public var beginsCase = false
    /// Whether the citizen's page shows it as a stage.
    public var isToldToCitizen = false
    /// Whether a person may hide the entry.
    public var mayBeHidden = false
}

extension EventKind {
    public var mergeClass: MergeClass { rule.mergeClass }

    public var rule: KindRule {
        switch self {
        case .opened: KindRule(mergeClass: .held, writers: .desk, beginsCase: true, isToldToCitizen: true)
        case .registered: KindRule(mergeClass: .held, writers: .desk, beginsCase: true, isToldToCitizen: true)
        case .assessed: KindRule(mergeClass: .held, writers: .offices, needsHolder: true)
        case .referred:
            KindRule(
                mergeClass: .held, writers: .offices, needsHolder: true, text: .reason, isToldToCitizen: true,
                mayBeHidden: true)
        case .received: KindRule(mergeClass: .held)
        case .accepted: KindRule(mergeClass: .held, writers: .offices, needsHolder: true, isToldToCitizen: true)
        case .refused:
            KindRule(
                mergeClass: .held, writers: .offices, needsHolder: true, text: .reason, isToldToCitizen: true,
                mayBeHidden: true)
        case .acted:
            KindRule(
                mergeClass: .appendOnly, writers: .offices, needsHolder: true, text: .required, mayBeHidden: true)
        case .answered:
            KindRule(
                mergeClass: .held, writers: .offices, needsHolder: true, text: .required, isToldToCitizen: true,
                mayBeHidden: true)
        case .closed:
            KindRule(
                mergeClass: .held, writers: .offices, needsHolder: true, text: .optional, isToldToCitizen: true,
                mayBeHidden: true)
        case .noted: KindRule(mergeClass: .appendOnly, writers: .offices, text: .required, mayBeHidden: true)
        case .attached: KindRule(mergeClass: .appendOnly, writers: .offices, text: .fileName, mayBeHidden: true)
        case .amended: KindRule(mergeClass: .shared, writers: .offices)
        case .hidden, .unhidden: KindRule(mergeClass: .appendOnly, writers: .leads)
        case .disputed:
            KindRule(
                mergeClass: .voice, writers: .desk, text: .required, isToldToCitizen: true, mayBeHidden: true)
        case .reviewed:
            KindRule(
                mergeClass: .held, writers: .leads, text: .optional, isToldToCitizen: true, mayBeHidden: true)
        case .rated: KindRule(mergeClass: .voice, writers: .desk, isToldToCitizen: true)
        case .withdrawn:
            KindRule(
                mergeClass: .voice, writers: .desk, text: .optional, isToldToCitizen: true, mayBeHidden: true)
        case .dueMoved: KindRule(mergeClass: .held, isToldToCitizen: true)
        case .escalated: KindRule(mergeClass: .appendOnly, isToldToCitizen: true)
        case .duplicateMarked: KindRule(mergeClass: .appendOnly, writers: .desk)
        case .notified: KindRule(mergeClass: .appendOnly)
        case .granted: KindRule(mergeClass: .hub, writers: [.hub], text: .optionalReason, isToldToCitizen: true)
        case .stamped, .branchRanked: KindRule(mergeClass: .hub)
        }
    }
}

extension Set<Role> {
    /// Those who take down what citizens say.
    static let desk: Set = [.operator, .supervisor, .hub]
    /// All who work on cases.
    static let offices: Set = [.operator, .agency, .supervisor, .hub, .ministry]
    /// Those who answer for the work of others.
    static let leads: Set = [.supervisor, .hub, .ministry]
}

extension KindRule.Text {
    static let required = Self(name: "text", isRequired: true, limit: Limits.text)
    static let optional = Self(name: "text", isRequired: false, limit: Limits.text)
    static let reason = Self(name: "reason", isRequired: true, limit: Limits.text)
    static let optionalReason = Self(name: "reason", isRequired: false, limit: Limits.text)
    static let fileName = Self(name: "name", isRequired: true, limit: Limits.name)
}
