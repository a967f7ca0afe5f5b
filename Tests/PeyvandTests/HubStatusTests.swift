import Casework
import Contract
import JSON
import Testing

@testable import Program
@testable import peyvand

struct HubStatusTests {
    private static let sound: [JSON.Member] = [
        .init("code", "IR-03"), .init("quarantine", .null), .init("awaited", .bool(false)),
        .init("clock_offset_ms", .int(-900)), .init("branches", .array([])), .init("parked", .int(0)),
    ]

    private func advice(_ changes: [String: JSON]) -> String {
        HubStatus.advice(.object(Self.sound.map { .init($0.name, changes[$0.name] ?? $0.value) }))
    }

    @Test func theGravestTroubleIsNamedWithWhatToDo() {
        #expect(advice([:]) == "")
        #expect(advice(["parked": .int(2)]).contains("upgrade"))
        #expect(advice(["clock_offset_ms": .int(-61_000), "parked": .int(2)]).contains("NTP"))
        #expect(advice(["branches": [["incarnation": "a"]]]).contains("forked"))
        let quarantine: JSON = ["since": .null, "reason": ["detail": "seq 9 does not fit"], "held": .int(1)]
        let text = advice(["quarantine": quarantine, "awaited": .bool(true)])
        #expect(text.contains("seq 9 does not fit") && text.contains("peyvand quarantine release IR-03"))
        #expect(advice(["awaited": .bool(true)]).contains("restored"))
    }

    @Test(arguments: [(5, "5 s"), (-3, "0 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (200_000, "2 d")])
    func agesAreShownInTheLargestUnitThatFits(seconds: Int, text: String) {
        let now = Instant(seconds: 1_790_000_000)
        #expect(Age.text((now + Int64(-seconds) * 1000).rfc3339, now: now) == text)
    }

    @Test func whatIsNoTimeHasNoAge() {
        #expect(Age.text(nil) == nil && Age.text("soon") == nil)
    }
}
