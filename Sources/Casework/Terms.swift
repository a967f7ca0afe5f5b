/// What a person brings.
public enum Kind: String, Sendable, CaseIterable { case idea, suggestion, criticism, complaint, request }

/// How it came in.
public enum Channel: String, Sendable, CaseIterable {
    case phone, web, letter, visit
    case inPerson = "in_person"
    case api
}

/// Where a case stands. A refused referral returns to `registered`; an open dispute shows as `disputed`, whatever the
/// held status below it.
public enum Status: String, Sendable, CaseIterable {
    /// A code was given, nothing is registered yet. Can go to: registered.
    case draft
    /// Waiting for its holder's first step. Can go to: referred, in_progress, answered, closed.
    case registered
    /// Waiting for an organisation to accept or refuse. Can go to: in_progress, registered.
    case referred
    /// Accepted by its holder. Can go to: referred, answered, closed.
    case inProgress = "in_progress"
    /// The holder has answered. Can go to: closed, in_progress (by an upheld review).
    case answered
    /// Ended with an outcome. Can go to: in_progress (by an upheld review).
    case closed
    /// Shown while a citizen's dispute is open; never a held status.
    case disputed
}

/// How a case ended. "Go elsewhere" is a referral, never an outcome.
public enum Outcome: String, Sendable, CaseIterable {
    case advised, resolved, unlawful
    case beyondMeans = "beyond_means"
    case duplicate, withdrawn, unconfirmed
}

/// How soon a case needs a hand.
public enum Priority: String, Sendable, CaseIterable { case low, normal, high, urgent }

/// What a principal may do. Least privilege: each role lists its own acts in `Permissions.swift`.
public enum Role: String, Sendable, CaseIterable {
    case `operator`, agency, supervisor, hub, ministry, auditor
    /// The service itself, for acts that no person asked for (escalation, custody, delivery).
    case system
}

/// Who acts: a person or a service of an organisation.
public struct Actor: Sendable, Hashable {
    public var name: String
    public var role: Role
    public var organization: OrganizationCode

    public init(name: String, role: Role, organization: OrganizationCode) {
        (self.name, self.role, self.organization) = (name, role, organization)
    }
}

/// A field that several offices may amend; each value is an event, concurrent ones are conflicts.
public enum Field: String, Sendable, CaseIterable, Comparable {
    case category, priority, tags, subject, description
    case citizenName = "citizen.name"
    case citizenMobile = "citizen.mobile"
    case citizenAddress = "citizen.address"
    /// Never merged by machine: all heads are shown until a person chooses.
    case citizenNationalID = "citizen.national_id"

    public static let inOrder = allCases.sorted()

    public static func < (left: Field, right: Field) -> Bool { left.rawValue < right.rawValue }
}

/// The free texts and personal data of one event: what lies in its part, never in its envelope.
public struct Texts: Sendable, Hashable {
    public var subject: String?
    public var description: String?
    public var citizenName: String?
    public var citizenNationalID: String?
    public var citizenMobile: String?
    public var citizenAddress: String?
    /// A note, an action, an answer, a reason.
    public var text: String?

    public init(
        subject: String? = nil, description: String? = nil, citizenName: String? = nil,
        citizenNationalID: String? = nil, citizenMobile: String? = nil, citizenAddress: String? = nil,
        text: String? = nil
    ) {
        self.subject = subject
        self.description = description
        self.citizenName = citizenName
        self.citizenNationalID = citizenNationalID
        self.citizenMobile = citizenMobile
        self.citizenAddress = citizenAddress
        self.text = text
    }

    public var isEmpty: Bool { self == Texts() }

    /// The text of a shared field; `nil` for fields that lie in the envelope.
    public subscript(field: Field) -> String? {
        get {
            switch field {
            case .subject: subject
            case .description: description
            case .citizenName: citizenName
            case .citizenMobile: citizenMobile
            case .citizenAddress: citizenAddress
            case .citizenNationalID: citizenNationalID
            case .category, .priority, .tags: nil
            }
        }
        set {
            switch field {
            case .subject: subject = newValue
            case .description: description = newValue
            case .citizenName: citizenName = newValue
            case .citizenMobile: citizenMobile = newValue
            case .citizenAddress: citizenAddress = newValue
            case .citizenNationalID: citizenNationalID = newValue
            case .category, .priority, .tags: break
            }
        }
    }
}
