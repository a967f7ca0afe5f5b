import Testing

@testable import Casework

@Suite struct InstantTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-21T20:34:41.123Z", 1_795_293_281_123),
        ("2000-02-29T12:00:00Z", 951_825_600_000),
        ("1969-12-31T23:59:59.999Z", -1),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ])
    func writesAndReadsKnownInstants(text: String, milliseconds: Int64) {
        #expect(Instant(milliseconds: milliseconds).rfc3339 == text)
        #expect(Instant(rfc3339: text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        ("2026-11-22T00:04:41.123+03:30", "2026-11-21T20:34:41.123Z"),
        ("2026-11-21t20:34:41z", "2026-11-21T20:34:41Z"),
        ("2026-11-21T20:34:41.1Z", "2026-11-21T20:34:41.100Z"),
        ("2026-11-21T20:34:41.1239999999999999999999999Z", "2026-11-21T20:34:41.123Z"),
        ("2026-11-21T20:34:41-00:00", "2026-11-21T20:34:41Z"),
        ("2026-12-31T23:00:00-01:30", "2027-01-01T00:30:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2017-01-01T03:29:60+03:30", "2017-01-01T00:00:00Z"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500Z"),
    ])
    func readsOtherSpellings(text: String, canonical: String) {
        #expect(Instant(rfc3339: text)?.rfc3339 == canonical)
    }

    @Test(arguments: [
        "", "2026", "2026-11-21", "2026-11-21T20:34:41", "2026-11-21 20:34:41Z", "2026-11-21T20:34Z",
        "2026-11-21T20:34:41.Z", "2026-11-21T20:34:41Z ", " 2026-11-21T20:34:41Z", "2026-11-21T20:34:41ZZ",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-04-00T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T20:60:00Z",
        "2026-11-21T20:34:61Z", "2026-11-21T20:34:60Z", "2026-11-21T20:34:41+0330", "2026-11-21T20:34:41+24:00",
        "2026-11-21T20:34:41+03:60", "2026-11-21T20:34:41,1Z", "+2026-11-21T20:34:41Z", "-001-11-21T20:34:41Z",
        "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "۲۰۲۶-11-21T20:34:41Z", "2026-11-21T20:34:41Ｚ",
    ])
    func refusesTheRest(text: String) {
        #expect(Instant(rfc3339: text) == nil)
    }

    @Test func survivesEveryDay() {
        var previous = ""
        for day in stride(from: Int64(-719_528), through: 2_932_896, by: 97) {
            let instant = Instant(milliseconds: day * Instant.day + 12_345_678)
            let text = instant.rfc3339
            #expect(Instant(rfc3339: text) == instant)
            #expect(text > previous)
            previous = text
        }
    }

    @Test func saturates() {
        let (first, last) = (Instant(milliseconds: .min), Instant(milliseconds: .max))
        #expect(last + 1 == last)
        #expect(first + -1 == first)
        #expect(first - 1 == first)
        #expect(last - -1 == last)
        #expect(last - first == Int64.max)
        #expect(first - last == Int64.min)
        #expect(Instant(seconds: .max) == last)
        #expect(Instant(seconds: .min) == first)
        #expect(first.rfc3339 == "0000-01-01T00:00:00Z")
        #expect(last.rfc3339 == "9999-12-31T23:59:59.999Z")
        #expect(Instant(milliseconds: -1).seconds == -1)
        #expect(Instant(milliseconds: 5) - Instant(milliseconds: 7) == -2)
    }
}
