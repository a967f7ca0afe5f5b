import Casework
import Contract
import JSON
import Testing

@testable import Demo

struct StoryTests {
    /// SplitMix64: the same numbers on every machine.
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private func stories(_ count: Int, provinces: [Province] = Province.all) -> [Story] {
        let ministries = OrganizationTree.standard.all.filter { $0.kind == .ministry }.map(\.code.rawValue)
        let teller = Storyteller(provinces: provinces, ministries: ministries)
        var numbers = Numbers(state: 7)
        return (0..<count).map { _ in teller.story(using: &numbers) }
    }

    @Test func theSameNumbersTellTheSame() { #expect(stories(50) == stories(50)) }

    @Test func everythingThatIsSaidIsWhole() throws {
        for story in stories(2000) {
            for name in ["subject", "description"] {
                let text = try #require(story.intake[name]?.string)
                #expect(!text.contains("{") && !text.isEmpty)
            }
            #expect(Category[story.intake["category"]?.string ?? ""] != nil)
            #expect(Kind(rawValue: story.intake["kind"]?.string ?? "") != nil)
            let mobile = try #require(story.intake["citizen"]?["mobile"]?.string)
            #expect(MobileNumber(parsing: mobile) != nil)
            for step in story.steps {
                if case .refer(let to, _) = step.act {
                    let code = try #require(OrganizationCode(rawValue: to))
                    #expect(OrganizationTree.standard[code] != nil, "\(to)")
                    #expect(to != story.province)
                }
            }
        }
    }

    @Test func casesComeFromWherePeopleLive() {
        var counts: [String: Int] = [:]
        for story in stories(5000) { counts[story.province, default: 0] += 1 }
        #expect(counts.count == 31)
        #expect((700...960).contains(counts["IR-23"] ?? 0))
    }

    @Test func casesGoEverywhere() {
        var desks = (local: 0, province: 0, ministry: 0, refused: 0, disputed: 0)
        for story in stories(2000) {
            for step in story.steps {
                switch step.act {
                case .refer(let to, _) where to.hasPrefix(story.province + "-"): desks.local += 1
                case .refer(let to, _) where Origin(to) != nil: desks.province += 1
                case .refer: desks.ministry += 1
                case .refuse: desks.refused += 1
                case .dispute: desks.disputed += 1
                default: break
                }
            }
        }
        #expect(desks.local > 300 && desks.province > 150 && desks.ministry > 150)
        #expect(desks.refused > 30 && desks.disputed > 20)
    }

    @Test func oneProvinceHasNobodyToReferTo() {
        for story in stories(500, provinces: [Province.all[3]]) {
            for step in story.steps { if case .province = step.desk { Issue.record("referred to another province") } }
        }
    }
}
