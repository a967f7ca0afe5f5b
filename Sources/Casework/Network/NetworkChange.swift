/// What a network event says: one rule of the nation, as it stands from then on. Only the hub writes such events; they
/// concern no case. A later event about the same thing takes the earlier one's place.
public enum NetworkChange: Sendable, Hashable {
    /// The country's facts. Calendar and time zone never change after the first.
    case countrySet(Country)
    case regionSet(Region)
    case organizationSet(Organization)
    case categorySet(Category)
    case policySet(Policy)
    case holidaySet(Holiday)
    case closureProclaimed(Closure)

    /// The name that stands in an event's `type`. Released names never change.
    public var type: String {
        switch self {
        case .countrySet: "country.set"
        case .regionSet: "region.set"
        case .organizationSet: "organization.set"
        case .categorySet: "category.set"
        case .policySet: "policy.set"
        case .holidaySet: "holiday.set"
        case .closureProclaimed: "closure.proclaimed"
        }
    }

    /// All names, in the order of the cases.
    public static let types = [
        "country.set", "region.set", "organization.set", "category.set", "policy.set", "holiday.set",
        "closure.proclaimed",
    ]

    /// What it is about: of two changes with one subject the later holds.
    var subject: Subject {
        switch self {
        case .countrySet: .country
        case .regionSet(let region): .region(region.origin)
        case .organizationSet(let organization): .organization(organization.code)
        case .categorySet(let category): .category(category.code)
        case .policySet(let policy): .policy(from: policy.from)
        case .holidaySet(let holiday): .holiday(holiday.day)
        case .closureProclaimed(let closure): .closure(closure.key)
        }
    }

    /// Whether dues are reckoned by it.
    var isClockRule: Bool {
        switch self {
        case .countrySet, .policySet, .holidaySet, .closureProclaimed: true
        case .regionSet, .organizationSet, .categorySet: false
        }
    }

    enum Subject: Hashable {
        case country
        case region(Origin)
        case organization(OrganizationCode)
        case category(String)
        case policy(from: Int)
        case holiday(Holiday.Day)
        case closure(Closure.Key)
    }
}

/// The first eight bytes of the hash of a network event: which state of the rules a decision rested on.
public typealias RulesVersion = UInt64

/// A network change with the version of the event that made it.
public struct NetworkFact: Sendable, Hashable {
    public let change: NetworkChange
    public let version: RulesVersion

    public init(_ change: NetworkChange, version: RulesVersion) { (self.change, self.version) = (change, version) }
}
