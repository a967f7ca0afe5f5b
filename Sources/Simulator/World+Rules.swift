import Casework
import Federation

/// The nation's rules in the simulated world: set at its beginning, changed at any time, and always by the hub's
/// people.
extension World {
    /// So many as Iran has provinces. The last is the stranger's own.
    static let regions: [Origin] = (0...30).compactMap { Origin(country: "IR", region: $0) }

    /// What the hub is given at first, and again should a restore have taken all of it.
    var firstRules: [NetworkChange] {
        let country = Country(
            code: "IR", nameFA: "ایران", nameEN: "Iran", calendar: .jalali, zone: .asiaTehran, language: .persian)
        let policy = Policy(from: 0, caseDays: 15, kindDays: [:], complaintDays: 7, acceptDays: 2, rest: [6])
        let places = origins + (origins.contains(Stranger.origin) ? [] : [Stranger.origin])
        var rules: [NetworkChange] = [.countrySet(country), .policySet(policy)]
        rules += places.map { .regionSet(Self.region($0)) }
        rules.append(.organizationSet(organization(.presidency, .presidency, parent: nil, seat: .hub)))
        for code in ["SAMT", "ENERGY", "EDU"] {
            rules.append(.organizationSet(organization(office(code), .ministry, parent: .presidency, seat: .hub)))
        }
        for place in places {
            let governor = OrganizationCode(place)
            rules.append(.organizationSet(organization(governor, .province, parent: .presidency, seat: place)))
            let town = office(place.code + "-MUN")
            rules.append(.organizationSet(organization(town, .agency, parent: governor, seat: place)))
        }
        return rules + ["water", "housing", "loans", "other"].map { .categorySet(category($0)) }
    }

    /// A person of the hub changes one of them, or asks for what cannot be.
    func changeRules() {
        guard hub.core.desk.network.isComplete else { return ask(firstRules) }
        let day = Country.unknown.zone.dayNumber(at: now)
        switch random.below(5) {
        case 0:
            let complaint = 5 + random.below(6)
            ask([
                .policySet(
                    Policy(
                        from: day + random.below(3) - 1, caseDays: 15, kindDays: [:], complaintDays: complaint,
                        acceptDays: 2, rest: [6]))
            ])
        case 1, 2:
            let region = random.chance(30) ? nil : random.pick(origins)
            ask([
                .closureProclaimed(
                    Closure(
                        region: region, day: day + random.below(20), authority: "governor",
                        reference: "decree \(random.below(1000))"))
            ])
        case 3:
            guard let place = random.pick(origins) else { return }
            // Some stand below an office that nobody knows.
            let parent = random.chance(80) ? OrganizationCode(place) : office("NOBODY")
            let code = office(place.code + "-A\(random.below(5))")
            ask([.organizationSet(organization(code, .agency, parent: parent, seat: place))])
        default: ask([.categorySet(category("subject-\(random.below(9))"))])
        }
    }

    private func ask(_ rules: [NetworkChange]) {
        trace.note("a person at the hub wants \(rules.count) rules, first \(rules.first?.type ?? "none")")
        set(rules)
    }

    private static func region(_ origin: Origin) -> Region {
        Region(
            origin: origin, slug: origin.code.lowercased(), nameFA: origin.code, nameEN: origin.code,
            shortFA: origin.code, shortEN: origin.code, capitalFA: origin.code, capitalEN: origin.code, population: 1,
            tile: Region.Tile(column: 0, row: 0))
    }

    private func organization(
        _ code: OrganizationCode, _ kind: Organization.Kind, parent: OrganizationCode?, seat: Origin
    ) -> Organization {
        Organization(
            code: code, kind: kind, nameFA: code.rawValue, nameEN: "\(code) \(random.below(3))", parent: parent,
            seat: seat, area: [])
    }

    private func category(_ code: String) -> Casework.Category {
        Casework.Category(code: code, nameFA: code, nameEN: "\(code) \(random.below(3))")
    }
}
