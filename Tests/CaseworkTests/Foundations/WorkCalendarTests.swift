import TestCountry
import Testing

@testable import Casework

@Suite struct WorkCalendarTests {
    let calendar = Network.iran.calendar(of: .hub)

    private func day(_ date: String) throws -> Int { try #require(JalaliDate(parsing: date)).dayNumber }

    private func noon(_ date: String) throws -> Instant {
        try #require(JalaliDate(parsing: date)).startOfDay + 12 * Instant.hour
    }

    private func endOfDay(_ date: String) throws -> Instant {
        try #require(JalaliDate(parsing: date)).dayRange.upperBound - 1_000
    }

    @Test func restsOnFridaysAndSolarHolidays() throws {
        let holidays = ["01/01", "01/02", "01/03", "01/04", "01/12", "01/13", "03/14", "03/15", "11/22", "12/29"]
        for holiday in holidays {
            #expect(!calendar.isWorkingDay(try day("1406/" + holiday)))
        }
        #expect(!calendar.isWorkingDay(try day("1408/12/30")))
        #expect(!calendar.isWorkingDay(try day("1405/08/29")))  // Friday
        #expect(calendar.isWorkingDay(try day("1405/08/28")))  // Thursday
        #expect(calendar.isWorkingDay(try day("1405/08/30")))
    }

    @Test(arguments: [
        ("1405/08/30", 15, "1405/09/15"),  // a Sunday
        ("1405/08/30", 6, "1405/09/07"),  // Friday 6 Azar moves to Saturday
        ("1405/08/30", 0, "1405/08/30"),
        ("1405/08/29", 0, "1405/08/30"),
        ("1405/12/14", 15, "1406/01/05"),  // 29 Esfand moves past Nowruz
        ("1405/08/30", -5, "1405/08/30"),
    ])
    func calendarDays(start: String, days: Int, due: String) throws {
        #expect(calendar.due(from: try noon(start), days: days) == (try endOfDay(due)))
    }

    @Test(arguments: [
        ("1405/08/30", 2, "1405/09/02"),
        ("1405/08/27", 2, "1405/08/30"),  // Wednesday: Thursday, (Friday), Saturday
        ("1405/08/29", 1, "1405/08/30"),  // from a Friday
        ("1405/08/29", 2, "1405/09/01"),
        ("1405/12/28", 1, "1406/01/05"),
        ("1405/08/29", 0, "1405/08/30"),
        ("1405/08/30", -1, "1405/08/30"),
    ])
    func workingDays(start: String, days: Int, due: String) throws {
        #expect(calendar.due(from: try noon(start), workingDays: days) == (try endOfDay(due)))
    }

    @Test func theDayIsTehrans() throws {
        // 20:29 UTC is 23:59 in Tehran, 20:30 the next day.
        let late = try #require(Instant(rfc3339: "2026-11-21T20:29:59Z"))
        #expect(calendar.due(from: late, days: 1) == (try endOfDay("1405/09/01")))
        #expect(calendar.due(from: late + 1_000, days: 1) == (try endOfDay("1405/09/02")))
        #expect(calendar.due(from: late, days: 15).rfc3339 == "2026-12-06T20:29:59Z")
    }

    @Test func aWeekChangesFromADayOn() throws {
        let old = WorkCalendar.Week(from: 0, rest: [6])
        let new = WorkCalendar.Week(from: try day("1405/09/01"), rest: [0, 6])
        let calendar = WorkCalendar(
            country: Network.iran.country, weeks: [new, old], yearlyHolidays: [], holidays: [])
        #expect(calendar.isWorkingDay(try day("1405/08/30")))  // the last Saturday of before
        #expect(!calendar.isWorkingDay(try day("1405/09/07")))
        #expect(calendar.isWorkingDay(try day("1405/09/08")))
    }

    @Test func aGregorianCountryInUTC() throws {
        let calendar = Network.example.calendar(of: .hub)
        let friday = try #require(Instant(rfc3339: "2026-11-06T23:59:00Z"))
        // 20 days later is Thursday the 26th; three working days pass the week end.
        #expect(calendar.due(from: friday, days: 20).rfc3339 == "2026-11-26T23:59:59Z")
        #expect(calendar.due(from: friday, workingDays: 3).rfc3339 == "2026-11-11T23:59:59Z")
        // 5 December is a Saturday, so Monday; Christmas and Boxing Day, the week end and the National Day close.
        #expect(calendar.due(from: friday, days: 29).rfc3339 == "2026-12-07T23:59:59Z")
        #expect(calendar.due(from: friday, days: 49).rfc3339 == "2026-12-29T23:59:59Z")
    }

    @Test func neverHangsNorTraps() {
        let never = WorkCalendar(
            country: Network.example.country, weeks: [.init(from: .min, rest: Set(0...6))], yearlyHolidays: [],
            holidays: [])
        for start in [Int64.min, -1, 0, .max] {
            for count in [Int.min, 0, 1, .max] {
                for calendar in [never, self.calendar] {
                    let instant = Instant(milliseconds: start)
                    #expect(calendar.due(from: instant, days: count).rfc3339.isEmpty == false)
                    #expect(calendar.due(from: instant, workingDays: count).rfc3339.isEmpty == false)
                }
            }
        }
    }
}
