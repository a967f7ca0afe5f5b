import Testing

@testable import Casework

/// Who may read personal data and free texts, written down a second time on purpose.
@Suite struct ReadershipTests {
    private static let tabriz = Origin.provinces[3]
    private static let isfahan = Origin.provinces[10]

    private static func readership(_ role: Role, _ organization: String, at origin: Origin = tabriz) -> Readership {
        Readership(of: Scene.person("x", role, organization), at: origin, in: .standard)
    }

    private static func reads(
        _ readership: Readership, home: Origin = tabriz, seat: Origin = tabriz, holder: String = "IR-03"
    ) -> Bool {
        readership.includes(home: home, seat: seat, holder: Scene.code(holder))
    }

    @Test func theHubsStaffReadAllAtTheHubAndNothingElsewhere() {
        #expect(Self.readership(.hub, "PRES", at: .hub) == .everything)
        #expect(Self.readership(.hub, "PRES") == .nothing)
    }

    @Test(arguments: [Role.auditor, .system]) func whoActsOnNoCaseReadsNone(_ role: Role) {
        #expect(Self.readership(role, "IR-03") == .nothing && Self.readership(role, "PRES", at: .hub) == .nothing)
    }

    @Test(arguments: [Role.operator, .supervisor]) func peopleReadWhereTheCaseBeganOrIsSeated(_ role: Role) {
        let own = Self.readership(role, "IR-03")
        #expect(Self.reads(own) && Self.reads(own, seat: .hub) && Self.reads(own, home: Self.isfahan))
        #expect(!Self.reads(own, home: Self.isfahan, seat: Self.isfahan))
        #expect(Self.readership(role, "IR-10") == .nothing && Self.readership(role, "NOWHERE") == .nothing)
    }

    @Test func anAgencyReadsWhatItHoldsHereNow() {
        let own = Self.readership(.agency, "IR-03-MUN")
        #expect(Self.reads(own, holder: "IR-03-MUN"))
        #expect(!Self.reads(own, holder: "IR-03") && !Self.reads(own, seat: .hub, holder: "IR-03-MUN"))
    }

    @Test func aMinistryReadsWhatItsDepartmentsHoldAtItsSeat() {
        let ministry = Self.readership(.ministry, "SAMT", at: .hub)
        #expect(Self.reads(ministry, seat: .hub, holder: "SAMT"))
        #expect(!Self.reads(ministry, seat: Self.tabriz, holder: "IR-03-SAMT"), "its department works in the province")
        #expect(!Self.reads(ministry, seat: .hub, holder: "ENERGY"))
    }
}
