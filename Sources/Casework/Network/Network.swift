/// The nation's rules: who there is, what cases are about, within which days offices act, and on which days they rest.
///
/// A pure function of the set of network events in the hub's history order: every server that has the same events has
/// the same rules. All lists are sorted, so that two equal sets are equal values.
public final class Network: Sendable, Equatable {
    public let country: Country
    /// By code.
    public let regions: [Region]
    public let tree: OrganizationTree
    /// In the order of forms.
    public let categories: [Category]
    /// By their first days.
    public let policies: [Policy]
    /// Yearly ones first, then by day.
    public let holidays: [Holiday]
    /// By day, then by region.
    public let closures: [Closure]
    /// The last event that changed what dues are reckoned by; 0 before the first.
    public let version: RulesVersion
    /// What holds now, by what it is about.
    let current: [NetworkChange.Subject: NetworkFact]
    private let national: WorkCalendar
    private let regional: [Origin: WorkCalendar]
    private let regionsByOrigin: [Origin: Region]
    private let categoriesByCode: [String: Category]

    /// Before any rules have come: nothing can be registered.
    public static let empty = Network([])

    /// Folds network events. Never refuses: what cannot stand beside the rest (an organisation whose parent is unknown)
    /// is kept aside until it can.
    /// - Parameter facts: in the hub's history order.
    public init(_ facts: [NetworkFact]) {
        var latest: [NetworkChange.Subject: Int] = [:]
        for (index, fact) in facts.enumerated() { latest[fact.change.subject] = index }
        current = latest.mapValues { facts[$0] }
        version = facts.last { $0.change.isClockRule }?.version ?? 0
        var content = Content()
        for index in latest.values.sorted() { content.take(facts[index].change) }
        country = content.country
        regions = content.regions.sorted { $0.origin < $1.origin }
        categories = content.categories.sorted { ($0.order, $0.code) < ($1.order, $1.code) }
        policies = content.policies.sorted { $0.from < $1.from }
        holidays = content.holidays.sorted { $0.day < $1.day }
        closures = content.closures.sorted { $0.key < $1.key }
        tree = OrganizationTree(standing: content.organizations)
        regionsByOrigin = Dictionary(regions.map { ($0.origin, $0) }, uniquingKeysWith: { first, _ in first })
        categoriesByCode = Dictionary(categories.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first })
        let calendars = Calendars(content)
        national = calendars.national
        regional = calendars.regional
    }

    /// Whether offices can work by it: a country, a policy, an organisation and a category are there.
    public var isComplete: Bool {
        !country.code.isEmpty && !policies.isEmpty && !tree.all.isEmpty && !categories.isEmpty
    }

    public subscript(region origin: Origin) -> Region? { regionsByOrigin[origin] }

    public subscript(category code: String) -> Category? { categoriesByCode[code] }

    /// The work days of a region's offices; at the hub, of the whole country's.
    public func calendar(of origin: Origin) -> WorkCalendar { regional[origin] ?? national }

    /// The policy in force on the day of an instant; before the first, the first.
    public func policy(at instant: Instant) -> Policy? {
        let day = country.zone.dayNumber(at: instant)
        return policies.last { $0.from <= day } ?? policies.first
    }

    /// The version of the event that made a rule; 0 where nothing of that subject holds.
    public func version(of change: NetworkChange) -> RulesVersion { current[change.subject]?.version ?? 0 }

    public static func == (left: Network, right: Network) -> Bool { left === right || left.current == right.current }

    /// All that holds, in the order of the lists.
    public var changes: [NetworkChange] {
        var changes: [NetworkChange] = country.code.isEmpty ? [] : [.countrySet(country)]
        changes += regions.map { .regionSet($0) }
        changes += tree.all.map { .organizationSet($0) }
        changes += categories.map { .categorySet($0) }
        changes += policies.map { .policySet($0) }
        changes += holidays.map { .holidaySet($0) }
        changes += closures.map { .closureProclaimed($0) }
        return changes
    }

    // MARK: Clocks

    /// The case's deadline, frozen with the rules that it was reckoned by.
    public func deadline(of kind: Kind, from start: Instant, in origin: Origin) -> Due {
        let days = policy(at: start)?.days(kind) ?? 0
        return Due(at: calendar(of: origin).due(from: start, days: days), rules: version)
    }

    /// The deadline of the complaint track, by the policy that holds when the track opens.
    public func complaintDeadline(from start: Instant, decidedAt now: Instant, in origin: Origin) -> Due {
        let days = policy(at: now)?.complaintDays ?? 0
        return Due(at: calendar(of: origin).due(from: start, days: days), rules: version)
    }

    /// When a grant must be accepted or refused.
    public func acceptance(from start: Instant, in origin: Origin) -> Due {
        let days = policy(at: start)?.acceptDays ?? 0
        return Due(at: calendar(of: origin).due(from: start, workingDays: days), rules: version)
    }
}

/// What holds, by kind.
private struct Content {
    var country = Country.unknown
    var regions: [Region] = []
    var organizations: [Organization] = []
    var categories: [Category] = []
    var policies: [Policy] = []
    var holidays: [Holiday] = []
    var closures: [Closure] = []

    mutating func take(_ change: NetworkChange) {
        switch change {
        case .countrySet(let country): self.country = country
        case .regionSet(let region): regions.append(region)
        case .organizationSet(let organization): organizations.append(organization)
        case .categorySet(let category): categories.append(category)
        case .policySet(let policy): policies.append(policy)
        case .holidaySet(let holiday): holidays.append(holiday)
        case .closureProclaimed(let closure): closures.append(closure)
        }
    }
}

private struct Calendars {
    let national: WorkCalendar
    let regional: [Origin: WorkCalendar]

    init(_ content: Content) {
        let weeks = content.policies.map { WorkCalendar.Week(from: $0.from, rest: $0.rest) }
        var yearly: Set<WorkCalendar.MonthDay> = []
        var days: Set<Int> = []
        for holiday in content.holidays where holiday.source != .void {
            switch holiday.day {
            case .yearly(let day): yearly.insert(day)
            case .single(let day): days.insert(day)
            }
        }
        for closure in content.closures where closure.region == nil { days.insert(closure.day) }
        func calendar(_ own: Set<Int>) -> WorkCalendar {
            WorkCalendar(country: content.country, weeks: weeks, yearlyHolidays: yearly, holidays: days.union(own))
        }
        national = calendar([])
        var own: [Origin: Set<Int>] = [:]
        for closure in content.closures {
            if let region = closure.region { own[region, default: []].insert(closure.day) }
        }
        regional = own.mapValues(calendar)
    }
}
