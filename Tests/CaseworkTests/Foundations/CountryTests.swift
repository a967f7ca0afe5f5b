import Testing

@testable import Casework

@Suite struct ProvinceTests {
    @Test func thirtyOne() {
        #expect(Province.all.count == 31)
        #expect(Province.all.map(\.origin) == Origin.provinces)
        #expect(Province.all.reduce(0) { $0 + $1.population } == 79_926_270)
        #expect(Set(Province.all.map(\.slug)).count == 31)
        #expect(Set(Province.all.map(\.nameFA)).count == 31)
        #expect(Set(Province.all.map(\.nameEN)).count == 31)
        #expect(Set(Province.all.map(\.capitalEN)).count == 31)
        #expect(Province["IR-03"]?.capitalFA == "تبریز")
        #expect(Province["IR-03"]?.capitalEN == "Tabriz")
        #expect(Province["IR-22"]?.capitalEN == "Bandar Abbas")
        #expect(Province["IR-30"]?.capitalEN == "Karaj")
        #expect(Province["hub"] == nil)
        #expect(Province["IR-31"] == nil)
    }

    @Test func tilesAreDistinctAndInside() {
        #expect(Set(Province.all.map(\.tile)).count == 31)
        for province in Province.all {
            #expect((0..<Province.tileColumns).contains(province.tile.column))
            #expect((0..<Province.tileRows).contains(province.tile.row))
        }
    }

    /// Pairs (north, south) and (west, east) as the map of Iran has them.
    @Test func tilesResembleTheMap() throws {
        func tile(_ number: Int) -> Province.Tile { Province.all[number].tile }
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
        #expect(Origin.provinces.count == 31)
        #expect(Origin("hub") == .hub)
        #expect(Origin("IR-00")?.provinceNumber == 0)
        #expect(Origin("IR-30")?.province?.nameEN == "Alborz")
        #expect(Origin.hub.provinceNumber == nil)
        #expect(Origin.provinces == Origin.provinces.sorted())
        let refused = [
            "", "HUB", "hub ", "IR-31", "IR-3", "IR-030", "ir-03", "IR-۰۳", "IR--1", "IR-+3", "IR-08S", "IR_03",
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
    let tree = OrganizationTree.standard

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
        #expect(invalid([try make("AA", area: ["IR-99"])]) == .badArea(a, area: "IR-99"))
    }

    @Test func orderOfTheListDoesNotMatter() throws {
        #expect(try OrganizationTree(tree.all.reversed()) == tree)
    }
}

@Suite struct CategoryTests {
    @Test func everyCategoryHasAnOfficeEverywhere() {
        #expect(Set(Category.all.map(\.code)).count == Category.all.count)
        #expect(Category.all.last == .other)
        #expect(Category["nonsense"] == nil)
        for category in Category.all {
            #expect(Category[category.code] == category)
            if let ministry = category.ministry { #expect(OrganizationTree.standard[ministry]?.kind == .ministry) }
            for origin in Origin.provinces + [.hub] {
                #expect(OrganizationTree.standard[category.usualOrganization(in: origin)] != nil)
            }
        }
        #expect(Category["municipal-services"]?.usualOrganization(in: Origin.provinces[3]).rawValue == "IR-03-MUN")
        #expect(Category["loans"]?.usualOrganization(in: Origin.provinces[3]).rawValue == "ECON")
        #expect(Category["other"]?.usualOrganization(in: Origin.provinces[3]).rawValue == "IR-03")
    }

    @Test func theMissionsSubjectsAreThere() {
        for code in [
            "loans", "employment", "housing", "livelihood", "medical", "financial-aid", "cut-subsidy",
            "unresponsive-agency", "municipal-services", "education", "judiciary", "trade-prices", "licences", "water",
            "electricity", "roads", "other",
        ] {
            #expect(Category[code] != nil, "\(code)")
        }
    }
}
