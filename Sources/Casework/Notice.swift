/// What one notice is told apart by: nothing is sent twice under one key.
public struct NoticeKey: Sendable, Hashable {
    /// What is told.
    public var event: EventHash
    /// Who is told.
    public var recipient: NoticeRecipient
    /// What is said: the type of the event.
    public var template: String

    public init(event: EventHash, recipient: NoticeRecipient, template: String) {
        (self.event, self.recipient, self.template) = (event, recipient, template)
    }
}

/// Who is told. The address is looked up when it is sent: a notice is no second one because a number was corrected.
public enum NoticeRecipient: String, Sendable, Hashable, CaseIterable {
    /// By the mobile number that the case shows.
    case citizen
}

/// What came of a notice.
public struct Notice: Sendable, Hashable {
    public var key: NoticeKey
    public var outcome: NoticeOutcome

    public init(key: NoticeKey, outcome: NoticeOutcome) { (self.key, self.outcome) = (key, outcome) }
}

public enum NoticeOutcome: String, Sendable, Hashable, CaseIterable {
    /// A gateway has taken it.
    case sent
    /// It has not arrived, and will not be tried again.
    case failed
    /// It has reached its recipient.
    case delivered

    /// Whether this says more than what was known: reports come in any order, and a proven delivery stands.
    public func supersedes(_ known: NoticeOutcome?) -> Bool { known.map { rank > $0.rank } ?? true }

    private var rank: Int {
        switch self {
        case .sent: 1
        case .failed: 2
        case .delivered: 3
        }
    }
}
