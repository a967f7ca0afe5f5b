import Contract
import TestCountry
import Testing

@testable import Casework

@Suite struct NetworkFoldTests {
    private let iran = Network.iran

    private func facts(_ changes: [NetworkChange]) -> [NetworkFact] {
        changes.enumerated().map { NetworkFact($1, version: UInt64($0 + 1)) }
    }

    @Test func aLaterRuleTakesTheEarliersPlace() throws {
        let from = try #require(iran.policies.first)
        let longer = Policy(
            from: from.from, caseDays: 15, kindDays: [:], complaintDays: 10, acceptDays: 2, rest: from.rest)
        let network = Network(facts(iran.changes + [.policySet(longer)]))
        #expect(network.policies == [longer])
        #expect(network.version == UInt64(iran.changes.count + 1))
        #expect(network.version(of: .policySet(longer)) == network.version)
        #expect(network.holidays == iran.holidays && network.tree == iran.tree)
    }

    /// Rules about different things may come in any order.
    @Test func orderMattersOnlyWithinASubject() {
        let changes = iran.changes
        #expect(Network(facts(changes.reversed())).changes == Network(facts(changes)).changes)
    }

    @Test func whatCannotStandYetIsKeptAside() throws {
        let code = try #require(OrganizationCode(rawValue: "IR-03-NEW"))
        let (tabriz, above) = (Origin.provinces[3], try #require(OrganizationCode(rawValue: "IR-03-ABOVE")))
        func organization(_ code: OrganizationCode, below parent: OrganizationCode) -> NetworkChange {
            .organizationSet(
                Organization(
                    code: code, kind: .agency, nameFA: "x", nameEN: "x", parent: parent, seat: tabriz, area: []))
        }
        let orphan = organization(code, below: above)
        let alone = Network(facts(iran.changes + [orphan]))
        #expect(alone.tree[code] == nil && alone.tree == iran.tree)
        let both = Network(facts(iran.changes + [orphan, organization(above, below: OrganizationCode(tabriz))]))
        #expect(both.tree[code]?.parent == above)
        // Two that stand above each other hang in the air.
        let loop = [organization(code, below: above), organization(above, below: code)]
        #expect(Network(facts(iran.changes + loop)).tree == iran.tree)
    }

    @Test func policiesHoldFromTheirFirstDay() throws {
        let first = try #require(iran.policies.first)
        let day = try #require(JalaliDate(parsing: "1405/10/01"))
        let next = Policy(
            from: day.dayNumber, caseDays: 20, kindDays: [.idea: 40], complaintDays: 10, acceptDays: 3, rest: [5, 6])
        let network = Network(facts(iran.changes + [.policySet(next)]))
        #expect(network.policy(at: day.startOfDay - 1) == first)
        #expect(network.policy(at: day.startOfDay) == next)
        #expect(network.policy(at: day.startOfDay)?.days(.idea) == 40)
        #expect(network.policy(at: day.startOfDay)?.days(.complaint) == 20)
        let calendar = network.calendar(of: .hub)
        #expect(calendar.isWorkingDay(day.dayNumber - 5))  // Thursday 26 Azar, by the old week
        #expect(!calendar.isWorkingDay(day.dayNumber + 2))  // Thursday 3 Dey
        #expect(Network.empty.policy(at: day.startOfDay) == nil && !Network.empty.isComplete)
    }

    @Test func aClosureClosesItsRegionAlone() throws {
        let day = try #require(JalaliDate(parsing: "1405/09/15"))
        let closure = Closure(region: Origin.provinces[3], day: day.dayNumber, authority: "governor", reference: "12")
        let network = Network(facts(iran.changes + [.closureProclaimed(closure)]))
        #expect(!network.calendar(of: Origin.provinces[3]).isWorkingDay(day.dayNumber))
        #expect(network.calendar(of: Origin.provinces[4]).isWorkingDay(day.dayNumber))
        #expect(network.calendar(of: .hub).isWorkingDay(day.dayNumber))
        let all = Closure(region: nil, day: day.dayNumber, authority: "government", reference: "13")
        let closed = Network(facts(iran.changes + [.closureProclaimed(all)]))
        for origin in Origin.provinces { #expect(!closed.calendar(of: origin).isWorkingDay(day.dayNumber)) }
    }

    @Test func aVoidedHolidayIsAWorkingDay() throws {
        let estimated = try #require(iran.holidays.first { $0.source == .estimated })
        guard case .single(let day) = estimated.day else { return }
        #expect(!iran.calendar(of: .hub).isWorkingDay(day))
        let void = Holiday(day: estimated.day, source: .void, nameFA: "باطل", nameEN: "void")
        let network = Network(facts(iran.changes + [.holidaySet(void)]))
        #expect(
            network.calendar(of: .hub).isWorkingDay(day) == !network.calendar(of: .hub).weeks[0].rest.contains(
                Weekday.number(ofDay: day)))
    }
}

@Suite struct NetworkDecisionTests {
    private let iran = Network.iran

    private func refusal(_ changes: [NetworkChange], of network: Network = .iran) -> NetworkRefusal? {
        do throws(NetworkRefusal) {
            _ = try network.decide(changes)
            return nil
        } catch { return error }
    }

    private func code(_ text: String) -> OrganizationCode { OrganizationCode(known: text) }

    private func agency(
        _ text: String, parent: String? = "IR-03", seat: Origin = Origin.provinces[3], area: [String] = [],
        name: String = "نو", kind: Organization.Kind = .agency
    ) -> NetworkChange {
        .organizationSet(
            Organization(
                code: code(text), kind: kind, nameFA: name, nameEN: "New", parent: parent.map { code($0) }, seat: seat,
                area: area))
    }

    @Test func onlyDifferencesAreWritten() throws {
        #expect(try iran.decide(iran.changes).isEmpty)
        let new = agency("IR-03-NEW")
        #expect(try iran.decide(iran.changes + [new]) == [new])
        // Of one subject the last counts, once.
        #expect(try iran.decide([agency("IR-03-NEW", name: "a"), new, new]) == [new])
    }

    @Test func aWholeCountryIsJudgedTogether() throws {
        let changes = try NetworkFiles.changes(in: Network.files(of: "iran"))
        #expect(try Network.empty.decide(changes.reversed()).count == changes.count)
        #expect(Network(iran.changes.map { NetworkFact($0, version: 1) }) == iran)
    }

    @Test func whatIsRefused() {
        #expect(
            refusal([agency("IR-03-X", parent: "NOBODY")])
                == .tree(.unknownParent(code("IR-03-X"), parent: code("NOBODY"))))
        #expect(
            refusal([agency("X1", parent: "PRES", kind: .ministry)])
                == .tree(.badSeat(code("X1"), seat: Origin.provinces[3])))
        #expect(
            refusal([agency("IR-03-MUN", seat: Origin.provinces[4])])
                == .seatIsFixed(code("IR-03-MUN"), seat: Origin.provinces[3]))
        #expect(refusal([agency("IR-03-X", area: ["IR-77"])]) == .unknownRegion("IR-77", by: "IR-03-X"))
        #expect(
            refusal([agency("IR-03-X", parent: "IR-03-Y"), agency("IR-03-Y", parent: "IR-03-X")])
                == .tree(.cycle(code("IR-03-X"))))
        #expect(refusal([agency("IR-03-X", name: " ")]) != nil)
        #expect(refusal([agency("IR-03-X")], of: .empty) == .noCountry)
        #expect(refusal([.countrySet(Network.example.country)]) == .countryIsFixed)
        #expect(refusal([.categorySet(Category(code: "Ä", nameFA: "x", nameEN: "x"))]) != nil)
        #expect(
            refusal([.categorySet(Category(code: "x", nameFA: "x", nameEN: "x", ministry: code("NONE")))])
                == .unknownMinistry(code("NONE"), category: "x"))
        let never = Policy(from: 0, caseDays: 15, kindDays: [:], complaintDays: 7, acceptDays: 2, rest: Set(0...6))
        #expect(refusal([.policySet(never)])?.code == "invalid")
        let nowhere = Closure(region: Origin("IR-77"), day: 0, authority: "a", reference: "b")
        #expect(refusal([.closureProclaimed(nowhere)]) == .unknownRegion("IR-77", by: "closure"))
        #expect(refusal([.regionSet(Network.example.regions[0])]) == .foreignRegion(Network.example.regions[0].origin))
    }

    @Test func withoutRulesNothingIsRegistered() {
        var scene = Scene()
        scene.network = .empty
        #expect(throws: Refusal.noRules) { try scene.decide(.register(Scene.intake())) }
    }

    /// Complaint track by the policy of the day on which it opens; what runs already stays.
    @Test func theComplaintTrackFollowsThePolicy() throws {
        var scene = try Scene.registered()
        let before = scene.subject.deadline
        let now = try #require(scene.network.policies.first)
        let longer = Policy(
            from: scene.network.country.date(at: scene.now).dayNumber, caseDays: now.caseDays, kindDays: [:],
            complaintDays: 10, acceptDays: 2, rest: now.rest)
        let version: RulesVersion = 99
        let all = iran.changes.map { NetworkFact($0, version: 1) } + [NetworkFact(.policySet(longer), version: version)]
        scene.network = Network(all)
        #expect(scene.subject.deadline == before)
        try scene.take(.assess(Assessment(lawful: true, withinMeans: true, done: false)))
        let start = try #require(scene.subject.registeredAt)
        #expect(scene.subject.deadline?.at == iran.calendar(of: .hub).due(from: start, days: 10))
        #expect(scene.subject.deadline?.rules == version)
    }

    @Test func aPersonMovesADue() throws {
        var scene = try Scene.registered()
        let due = try #require(scene.subject.deadline).at + Instant.day
        try scene.take(.moveDue(to: due, reason: "closed for heat"))
        #expect(scene.subject.deadline == Due(at: due, rules: scene.network.version))
        #expect(throws: Refusal.self) { try scene.decide(.moveDue(to: due, reason: "again")) }
        #expect(throws: Refusal.self) { try scene.decide(.moveDue(to: due + 1, reason: " ")) }
        #expect(throws: Refusal.self) { try scene.decide(.moveDue(to: scene.now - 1, reason: "back")) }
        scene.actor = Scene.person("ali", .operator, "IR-03")
        #expect(throws: Refusal.self) { try scene.decide(.moveDue(to: due + 1, reason: "x")) }
    }
}

@Suite struct NetworkFilesTests {
    @Test func exampleIsAnotherCountry() {
        let example = Network.example
        #expect(example.isComplete && example.regions.count == 7)
        #expect(example.country.calendar == .gregorian && example.country.zone == .utc)
        #expect(example.country.language == .english)
        #expect(example.regions.map(\.code) == (1...7).map { "XA-0\($0)" })
        for category in example.categories {
            for region in example.regions {
                #expect(example.tree[category.usualOrganization(in: region.origin)] != nil, "\(category.code)")
            }
        }
    }

    @Test func iransHolidaysAreTheList() throws {
        let holidays = Network.iran.holidays
        #expect(holidays.count { $0.source == .fixed } == 11)
        #expect(holidays.count { $0.source == .lunar } == 32)
        #expect(holidays.count { $0.source == .adHoc } == 7)
        #expect(holidays.count { $0.source == .estimated } == 22)
        let ashura = try #require(JalaliDate(parsing: "1405/04/04")).dayNumber
        #expect(!Network.iran.calendar(of: .hub).isWorkingDay(ashura))
    }

    /// What a person gets wrong is told with the file and the line.
    @Test(arguments: [
        ("country.csv", "IR", "I", "country.code"), ("holidays.csv", "fixed", "fix", "line 2"),
        ("policy.csv", "complaint_days,7", "complaint_days,x", "complaint_days"),
        ("policy.csv", "rest,fri", "rest,friday", "rest"), ("regions.csv", "IR-00,", "IR-0,", "line 2"),
        ("organizations.csv", ",hub,,no", ",hub,,maybe", "area_is_partial"),
        ("categories.csv", "code,name_fa", "name,name_fa", "begin"),
    ])
    func faultsAreNamed(file: String, right: String, wrong: String, told: String) {
        var files = Network.files(of: "iran")
        files[file] = files[file]?.replacing(right, with: wrong, maxReplacements: 1)
        do {
            _ = try Network.empty.decide(try NetworkFiles.changes(in: files))
            Issue.record("\(wrong) was taken")
        } catch {
            #expect("\(error)".contains(told), "\(error)")
        }
    }

    @Test func aPolicyRowChangesOneRuleFromADayOn() throws {
        var files = Network.files(of: "iran")
        files["policy.csv"]?.append("1405-10-01,complaint_days,10\n")
        let changes = try Network.iran.decide(try NetworkFiles.changes(in: files))
        let day = try #require(JalaliDate(parsing: "1405/10/01")).dayNumber
        #expect(
            changes == [
                .policySet(
                    Policy(from: day, caseDays: 15, kindDays: [:], complaintDays: 10, acceptDays: 2, rest: [6]))
            ])
    }

    @Test func filesThatNobodyKnowsAreRefused() {
        #expect(throws: NetworkFiles.Fault.self) { try NetworkFiles.changes(in: ["x.csv": ""]) }
        #expect(throws: NetworkFiles.Fault.self) { try NetworkFiles.changes(in: [:]) }
    }
}
