import TestCountry
import Testing

@testable import Casework

@Suite struct RegionTests {
    private let regions = Network.iran.regions

    @Test func iranHasItsProvinces() {
        #expect(regions.map(\.code) == (0...30).map { "IR-" + padded($0, 2) })
        #expect(regions.reduce(0) { $0 + $1.population } == 79_926_270)
        #expect(Set(regions.map(\.slug)).count == 31)
        #expect(Set(regions.map(\.nameFA)).count == 31)
        #expect(Set(regions.map(\.nameEN)).count == 31)
        #expect(Set(regions.map(\.capitalEN)).count == 31)
        #expect(regions[3].capitalFA == "تبریز" && regions[3].shortFA == "آذ. شرقی")
        #expect(regions[22].capitalEN == "Bandar Abbas")
        #expect(regions[30].capitalEN == "Karaj")
        #expect(Network.iran[region: .hub] == nil)
        #expect(Origin("IR-31").flatMap { Network.iran[region: $0] } == nil)
    }

    @Test(arguments: [Network.iran, .example]) func tilesAreDistinct(network: Network) {
        #expect(Set(network.regions.map(\.tile)).count == network.regions.count)
    }

    /// Pairs (north, south) and (west, east) as the map of Iran has them.
    @Test func tilesResembleTheMap() throws {
        func tile(_ number: Int) -> Region.Tile { regions[number].tile }
        for (north, south) in [(3, 23), (2, 23), (23, 10), (10, 7), (7, 22), (4, 12), (28, 9), (9, 29), (29, 11)] {
            #expect(tile(north).row < tile(south).row)
        }
        for (west, east) in [(4, 3), (3, 24), (1, 2), (2, 27), (27, 28), (23, 20), (20, 9), (6, 7), (7, 8), (8, 11)] {
            #expect(tile(west).column < tile(east).column)
        }
    }
}

@Suite struct OriginTests {
    @Test func codes() throws {
        #expect(Origin("hub") == .hub)
        #expect(Origin("IR-00")?.region == 0 && Origin("XA-99")?.region == 99)
        #expect(Origin("XA-07")?.country == "XA")
        #expect(Origin.hub.region == nil && Origin.hub.country == nil)
        #expect(Origin("IR-03")?.neighbour(23) == Origin("IR-23") && Origin.hub.neighbour(1) == nil)
        #expect(Origin.provinces == Origin.provinces.sorted())
        #expect((Origin.provinces + [.hub]).sorted().last == .hub)
        let refused = [
            "", "HUB", "hub ", "IR-3", "IR-030", "ir-03", "IR-۰۳", "IR--1", "IR-+3", "IR-08S", "IR_03", "I1-03", "ÄÖ-1",
        ]
        for wrong in refused {
            #expect(Origin(wrong) == nil, "\(wrong)")
        }
    }

    @Test func organizationCodes() {
        for right in ["IR-03", "SAMT", "IR-08S-SAMT", "A1", String(repeating: "A", count: 32)] {
            #expect(OrganizationCode(rawValue: right)?.rawValue == right)
        }
        for wrong in ["", "A", "samt", "SAMT ", "A_B", "ÀB", "۰۱", String(repeating: "A", count: 33)] {
            #expect(OrganizationCode(rawValue: wrong) == nil, "\(wrong)")
        }
        #expect(OrganizationCode(.hub) == .presidency)
    }

    @Test func bytesAreReadAsTexts() {
        let codes = [
            "hub", "HUB", "hu", "hub ", "", "IR-00", "IR-09", "IR-10", "IR-30", "IR-31", "IR-40", "IR-99", "IR-3",
            "IR-030", "IR-0/", "IR-0:", "IR-:0", "IR-/0", "ir-03", "IR_03", "IR-0\0", "IR-۳", "A", "AB", "A-9", "A_B",
            "Az",
            "A@", "A[",
            String(repeating: "Z", count: 32), String(repeating: "Z", count: 33), "Ａ-Ｂ",
        ]
        for code in codes {
            let bytes = Array(code.utf8)
            #expect(bytes.withUnsafeBytes { Origin(utf8: $0) } == Origin(code), "\(code)")
            #expect(bytes.withUnsafeBytes { OrganizationCode(utf8: $0) } == OrganizationCode(rawValue: code), "\(code)")
        }
    }
}

@Suite struct OrganizationTreeTests {
    let tree = Network.iran.tree

    private func code(_ text: String) throws -> OrganizationCode { try #require(OrganizationCode(rawValue: text)) }

    @Test func standardIsComplete() throws {
        #expect(tree.all.count == 1 + 18 + 31 + 31 * 9 + 5)
        #expect(tree.all.map(\.code) == tree.all.map(\.code).sorted())
        for organization in tree.all {
            #expect(OrganizationCode(rawValue: organization.code.rawValue) != nil)
            #expect(tree[organization.code] == organization)
            #expect(!organization.nameFA.isEmpty && !organization.nameEN.isEmpty)
            #expect(organization.code == .presidency || tree.isWithin(organization.code, .presidency))
        }
        for origin in Origin.provinces {
            #expect(tree.seat(of: OrganizationCode(origin)) == origin)
            #expect(tree.seated(at: origin).count >= 10)
        }
        #expect(tree.seated(at: .hub).count == 19)
        #expect(tree.descendants(of: .presidency).count == tree.all.count - 1)
    }

    @Test func seatsAndParents() throws {
        #expect(tree.seat(of: try code("IR-03-SAMT")) == Origin("IR-03"))
        #expect(tree[try code("IR-03-SAMT")]?.parent == (try code("SAMT")))
        #expect(tree[try code("IR-03-MUN")]?.nameFA == "شهرداری تبریز")
        #expect(tree.seat(of: try code("SAMT")) == .hub)
        #expect(tree.seat(of: try code("NONE")) == nil)
        #expect(tree.ancestors(of: try code("IR-03-SAMT")).map(\.code.rawValue) == ["SAMT", "PRES"])
        #expect(tree.isWithin(try code("IR-03-MUN"), try code("IR-03")))
        #expect(!tree.isWithin(try code("IR-03"), try code("IR-03-MUN")))
        #expect(!tree.isWithin(try code("NONE"), try code("NONE")))
        #expect(tree.children(of: try code("SAMT")).count == 32)
        let south = try #require(tree[try code("IR-08S-SAMT")])
        #expect(south.areaIsPartial && south.area == ["IR-08"] && south.seat == Origin("IR-08"))
        let regional = try #require(tree[try code("IR-03-REC")])
        let (tehran, ardabil) = (Origin.provinces[23], Origin.provinces[24])
        #expect(regional.serves(ardabil) && !regional.serves(tehran))
        #expect(tree.serving(ardabil).contains(regional))
    }

    private func make(
        _ text: String, _ kind: Organization.Kind = .agency, parent: String? = nil, seat: Origin = .hub,
        area: [String] = []
    ) throws -> Organization {
        Organization(
            code: try code(text), kind: kind, nameFA: text, nameEN: text, parent: try parent.map(code), seat: seat,
            area: area)
    }

    @Test func refusesBadTrees() throws {
        func invalid(_ organizations: [Organization]) -> OrganizationTree.Invalid? {
            do throws(OrganizationTree.Invalid) {
                _ = try OrganizationTree(organizations)
                return nil
            } catch { return error }
        }
        let (a, b) = (try code("AA"), try code("BB"))
        #expect(invalid([]) == nil)
        #expect(invalid([try make("AA"), try make("AA")]) == .duplicate(a))
        #expect(invalid([try make("AA", parent: "BB")]) == .unknownParent(a, parent: b))
        #expect(invalid([try make("AA", parent: "AA")]) == .cycle(a))
        let loop = [try make("BB", parent: "CC"), try make("CC", parent: "BB"), try make("AA", parent: "BB")]
        #expect(invalid(loop) == .cycle(b))
        let tabriz = Origin.provinces[3]
        #expect(invalid([try make("AA", .ministry, seat: tabriz)]) == .badSeat(a, seat: tabriz))
        #expect(invalid([try make("AA", .presidency, seat: tabriz)]) == .badSeat(a, seat: tabriz))
        #expect(invalid([try make("IR-04", .province, seat: tabriz)]) == .badSeat(try code("IR-04"), seat: tabriz))
        #expect(invalid([try make("AA", area: ["hub"])]) == .badArea(a, area: "hub"))
        #expect(invalid([try make("AA", area: ["IR-1"])]) == .badArea(a, area: "IR-1"))
    }

    @Test func orderOfTheListDoesNotMatter() throws {
        #expect(try OrganizationTree(tree.all.reversed()) == tree)
    }
}

@Suite struct CategoryTests {
    @Test func everyCategoryHasAnOfficeEverywhere() {
        #expect(Set(Network.iran.categories.map(\.code)).count == Network.iran.categories.count)
        #expect(Network.iran.categories.last?.code == Category.otherCode)
        #expect(Network.iran[category: "nonsense"] == nil)
        for category in Network.iran.categories {
            #expect(Network.iran[category: category.code] == category)
            if let ministry = category.ministry { #expect(Network.iran.tree[ministry]?.kind == .ministry) }
            for origin in Origin.provinces + [.hub] {
                #expect(Network.iran.tree[category.usualOrganization(in: origin)] != nil)
            }
        }
        #expect(
            Network.iran[category: "municipal-services"]?.usualOrganization(in: Origin.provinces[3]).rawValue
                == "IR-03-MUN")
        #expect(Network.iran[category: "loans"]?.usualOrganization(in: Origin.provinces[3]).rawValue == "ECON")
        #expect(Network.iran[category: "other"]?.usualOrganization(in: Origin.provinces[3]).rawValue == "IR-03")
    }

    @Test func theMissionsSubjectsAreThere() {
        for code in [
            "loans", "employment", "housing", "livelihood", "medical", "financial-aid", "cut-subsidy",
            "unresponsive-agency", "municipal-services", "education", "judiciary", "trade-prices", "licences", "water",
            "electricity", "roads", "other",
        ] {
            #expect(Network.iran[category: code] != nil, "\(code)")
        }
    }
}
