/// Why rules were not taken: what is wrong with them.
public enum NetworkRefusal: Error, Sendable, Hashable {
    /// The hub was brought back from an older state and waits for nodes that may know later rules.
    case awaiting(Origin)
    /// Rules come before the country that they are for.
    case noCountry
    /// Code, calendar and time zone of a country stand for ever: cases are dated by them.
    case countryIsFixed
    /// The code of a region begins with another country's letters.
    case foreignRegion(Origin)
    case unknownRegion(String, by: String)
    case tree(OrganizationTree.Invalid)
    /// An organisation may hold cases, so it stays at its seat: set up another one there instead.
    case seatIsFixed(OrganizationCode, seat: Origin)
    case unknownMinistry(OrganizationCode, category: String)
    /// A value outside its bounds, with the rule's code and the reason.
    case invalid(field: String, reason: String)

    /// A stable name for programs.
    public var code: String {
        switch self {
        case .awaiting: "awaiting"
        case .noCountry: "no_country"
        case .countryIsFixed: "country_is_fixed"
        case .foreignRegion: "foreign_region"
        case .unknownRegion: "unknown_region"
        case .tree(.duplicate): "duplicate_organization"
        case .tree(.unknownParent): "unknown_parent"
        case .tree(.cycle): "cycle"
        case .tree(.badSeat): "bad_seat"
        case .tree(.badArea): "bad_area"
        case .seatIsFixed: "seat_is_fixed"
        case .unknownMinistry: "unknown_ministry"
        case .invalid: "invalid"
        }
    }
}

extension Network {
    /// Decides rules that the hub is asked to set: those that differ from what holds, in their order. All or none; they
    /// are judged together, so an organisation may come before its parent.
    public func decide(_ wished: [NetworkChange]) throws(NetworkRefusal) -> [NetworkChange] {
        var last: [NetworkChange.Subject: NetworkChange] = [:]
        for change in wished { last[change.subject] = change }
        let changes = wished.filter { last[$0.subject] == $0 && current[$0.subject]?.change != $0 }
        var seen: Set<NetworkChange.Subject> = []
        let fresh = changes.filter { seen.insert($0.subject).inserted }
        if fresh.isEmpty { return [] }
        let after = Network(
            current.sorted { $0.value.version < $1.value.version }.map(\.value)
                + fresh.map { NetworkFact($0, version: 0) })
        let judge = NetworkJudge(before: self, after: after, organizations: organizations(with: fresh))
        try judge.checkCountry()
        try judge.checkTree()
        for change in fresh { try judge.check(change) }
        return fresh
    }

    private func organizations(with fresh: [NetworkChange]) -> [Organization] {
        var all = current
        for change in fresh { all[change.subject] = NetworkFact(change, version: 0) }
        return all.values.compactMap { fact in
            if case .organizationSet(let organization) = fact.change { organization } else { nil }
        }
    }
}

/// Judges rules by what would hold with all of them.
private struct NetworkJudge {
    let before: Network
    let after: Network
    let organizations: [Organization]

    func checkCountry() throws(NetworkRefusal) {
        let (old, new) = (before.country, after.country)
        guard !new.code.isEmpty else { throw .noCountry }
        guard Origin(country: new.code, region: 0) != nil else {
            throw .invalid(field: "country.code", reason: "is not two capital letters")
        }
        if !old.code.isEmpty, (old.code, old.calendar, old.zone) != (new.code, new.calendar, new.zone) {
            throw .countryIsFixed
        }
    }

    func checkTree() throws(NetworkRefusal) {
        do throws(OrganizationTree.Invalid) {
            _ = try OrganizationTree(organizations)
        } catch {
            throw .tree(error)
        }
    }

    func check(_ change: NetworkChange) throws(NetworkRefusal) {
        switch change {
        case .countrySet(let country): try named(country.nameFA, country.nameEN, "country")
        case .regionSet(let region): try check(region)
        case .organizationSet(let organization): try check(organization)
        case .categorySet(let category): try check(category)
        case .policySet(let policy): try check(policy)
        case .holidaySet(let holiday): try check(holiday)
        case .closureProclaimed(let closure): try check(closure)
        }
    }

    private func check(_ region: Region) throws(NetworkRefusal) {
        guard region.origin.country == after.country.code else { throw .foreignRegion(region.origin) }
        try named(region.nameFA, region.nameEN, region.code)
        let isInside = (0..<40).contains(region.tile.column) && (0..<40).contains(region.tile.row)
        guard isInside, region.population >= 0 else {
            throw .invalid(field: region.code, reason: "has a tile outside 0–39 or a negative population")
        }
    }

    private func check(_ organization: Organization) throws(NetworkRefusal) {
        let code = organization.code.rawValue
        try named(organization.nameFA, organization.nameEN, code)
        for area in organization.area + (organization.seat.isHub ? [] : [organization.seat.code]) {
            guard let origin = Origin(area), after[region: origin] != nil else {
                throw .unknownRegion(area, by: code)
            }
        }
        if let seat = before.tree.seat(of: organization.code), seat != organization.seat {
            throw .seatIsFixed(organization.code, seat: seat)
        }
    }

    private func check(_ category: Category) throws(NetworkRefusal) {
        let isCode = category.code.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
        }
        guard isCode, (1...40).contains(category.code.utf8.count) else {
            throw .invalid(field: "category", reason: "is not 1 to 40 of a–z, 0–9 and -")
        }
        try named(category.nameFA, category.nameEN, category.code)
        if let agency = category.localAgency, OrganizationCode(rawValue: "XX-00-" + agency) == nil {
            throw .invalid(field: category.code, reason: "names a local agency that is no end of a code")
        }
        if let ministry = category.ministry, after.tree[ministry] == nil {
            throw .unknownMinistry(ministry, category: category.code)
        }
    }

    private func check(_ policy: Policy) throws(NetworkRefusal) {
        let days = [policy.caseDays, policy.complaintDays] + policy.kindDays.values
        guard days.allSatisfy({ (1...366).contains($0) }), (1...60).contains(policy.acceptDays) else {
            throw .invalid(field: "policy", reason: "has days outside 1–366, or 1–60 to accept")
        }
        guard policy.rest.allSatisfy({ (0...6).contains($0) }), policy.rest.count < 7 else {
            throw .invalid(field: "policy", reason: "leaves no working day in a week")
        }
        try check(day: policy.from, "policy")
    }

    private func check(_ holiday: Holiday) throws(NetworkRefusal) {
        try named(holiday.nameFA, holiday.nameEN, "holiday")
        switch holiday.day {
        case .single(let day): try check(day: day, "holiday")
        case .yearly(let day):
            guard (1...12).contains(day.month), (1...31).contains(day.day) else {
                throw .invalid(field: "holiday", reason: "names a day that no month has")
            }
        }
    }

    private func check(_ closure: Closure) throws(NetworkRefusal) {
        if let region = closure.region, after[region: region] == nil {
            throw .unknownRegion(region.code, by: "closure")
        }
        try named(closure.authority, closure.reference, "closure")
        try check(day: closure.day, "closure")
    }

    /// Within what a country's calendar can write: years 1–9377.
    private func check(day: Int, _ field: String) throws(NetworkRefusal) {
        guard (-492_268...2_900_000).contains(day) else {
            throw .invalid(field: field, reason: "lies on a day that no calendar here can write")
        }
    }

    private func named(_ one: String, _ other: String, _ field: String) throws(NetworkRefusal) {
        for text in [one, other] {
            guard !PersianText.trimmed(text[...]).isEmpty, text.unicodeScalars.count <= Limits.name else {
                throw .invalid(
                    field: field, reason: "has a name that is empty or longer than \(Limits.name) characters")
            }
        }
    }
}
