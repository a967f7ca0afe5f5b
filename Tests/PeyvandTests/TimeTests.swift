import Casework
import POSIX
import Testing

@testable import Program
@testable import peyvand

struct TimeTests {
    private func instant(_ text: String, _ zone: String, format: String = "yyyy-MM-dd HH:mm") throws -> String? {
        try TimeFormat(format).parse(text).map { try TimeZoneRule(zone).instant(of: $0).rfc3339 }
    }

    @Test(arguments: [
        ("2020-01-01 00:05", "UTC", "2020-01-01T00:05:00Z"),
        ("2020-01-01 00:05", "+03:30", "2019-12-31T20:35:00Z"),
        ("2020-01-01 00:05", "PST8PDT,M3.2.0,M11.1.0", "2020-01-01T08:05:00Z"),
        ("2020-07-01 00:05", "PST8PDT,M3.2.0,M11.1.0", "2020-07-01T07:05:00Z"),
        // Summer time began on 8 March at 02:00: 02:30 was never shown.
        ("2020-03-08 01:59", "PST8PDT,M3.2.0,M11.1.0", "2020-03-08T09:59:00Z"),
        ("2020-03-08 02:30", "PST8PDT,M3.2.0,M11.1.0", "2020-03-08T10:30:00Z"),
        ("2020-03-08 03:00", "PST8PDT,M3.2.0,M11.1.0", "2020-03-08T10:00:00Z"),
        // It ended on 1 November at 02:00: 01:30 was shown twice, and the first counts.
        ("2020-11-01 01:30", "PST8PDT,M3.2.0,M11.1.0", "2020-11-01T08:30:00Z"),
        ("2020-11-01 02:00", "PST8PDT,M3.2.0,M11.1.0", "2020-11-01T10:00:00Z"),
        // South of the equator.
        ("2021-01-15 12:00", "AEST-10AEDT,M10.1.0,M4.1.0/3", "2021-01-15T01:00:00Z"),
        ("2021-06-15 12:00", "AEST-10AEDT,M10.1.0,M4.1.0/3", "2021-06-15T02:00:00Z"),
        ("2021-06-15 12:00", "<+0330>-3:30", "2021-06-15T08:30:00Z"),
    ])
    func wallClocksBecomeInstants(text: String, zone: String, expected: String) throws {
        #expect(try instant(text, zone) == expected)
    }

    /// The tz database and the rule that the shipped mapping carries must tell the same.
    @Test(.enabled(if: Files.exists("/usr/share/zoneinfo/America/Los_Angeles")))
    func theDatabaseAgreesWithTheRule() throws {
        let rule = try TimeZoneRule("PST8PDT,M3.2.0,M11.1.0")
        let zone = try TimeZoneRule("America/Los_Angeles")
        for day in 0..<400 {
            for hour in [0, 1, 2, 3, 12, 23] {
                let seconds = Int64(1_577_836_800 + day * 86_400 + hour * 3600 + 1800)
                let year = LocalTime.year(ofSeconds: seconds)
                let first = LocalTime.days(year: year, month: 1, day: 1)
                let local = LocalTime(
                    year: year, month: 1, day: 1 + Int(seconds / 86_400) - first, hour: hour, minute: 30, second: 0)
                #expect(rule.instant(of: local) == zone.instant(of: local), "day \(day), hour \(hour)")
            }
        }
        #expect(try instant("2022-07-01 12:00", "Asia/Tehran") == "2022-07-01T07:30:00Z")
        #expect(try instant("2024-07-01 12:00", "Asia/Tehran") == "2024-07-01T08:30:00Z")
    }

    @Test(arguments: [
        ("M/d/yy H:mm", "1/2/20 8:43", true), ("M/d/yy H:mm", "12/31/20 23:59", true),
        ("M/d/yy H:mm", "2/30/20 8:43", false), ("M/d/yy H:mm", "1/2/20 24:00", false),
        ("M/d/yy H:mm", "1/2/20 8:4", false), ("M/d/yy H:mm", "1/2/20", false), ("M/d/yy H:mm", "", false),
        ("M/d/yy H:mm", "1/2/20 8:43 ", false), ("yyyy-MM-dd", "2020-02-29", true), ("yyyy-MM-dd", "2021-02-29", false),
        ("d.M.yyyy h:mm a", "1.2.2020 12:05 AM", true), ("d.M.yyyy h:mm a", "1.2.2020 13:05 PM", false),
    ])
    func formatsAreStrict(format: String, text: String, isTime: Bool) throws {
        #expect((try TimeFormat(format).parse(text) != nil) == isTime)
    }

    @Test func twelveHourClocks() throws {
        let format = try TimeFormat("yyyy-MM-dd h:mm a")
        #expect(format.parse("2020-01-01 12:05 AM")?.hour == 0)
        #expect(format.parse("2020-01-01 12:05 PM")?.hour == 12)
        #expect(format.parse("2020-01-01 1:05 pm")?.hour == 13)
    }

    @Test(arguments: ["", "Nowhere/Land", "../etc/passwd", "PST8PDT,M13.2.0,M11.1.0", "+3:99", "PST8PDT"])
    func wrongZonesAreRefused(zone: String) {
        // `PST8PDT` alone has no rule; a tz database may know it as a name.
        if zone == "PST8PDT", Files.exists("/usr/share/zoneinfo/PST8PDT") { return }
        #expect(throws: Failure.self) { try TimeZoneRule(zone) }
    }
}
