import Testing

@testable import Casework

@Suite struct WorkCalendarTests {
    let calendar = WorkCalendar.standard

    private func noon(_ date: String) throws -> Instant {
        try #require(JalaliDate(parsing: date)).startOfDay + 12 * Instant.hour
    }

    private func endOfDay(_ date: String) throws -> Instant {
        try #require(JalaliDate(parsing: date)).dayRange.upperBound - 1_000
    }

    @Test func restsOnFridaysAndSolarHolidays() throws {
        let holidays = ["01/01", "01/02", "01/03", "01/04", "01/12", "01/13", "03/14", "03/15", "11/22", "12/29"]
        for holiday in holidays {
            #expect(!calendar.isWorkingDay(try #require(JalaliDate(parsing: "1406/" + holiday))))
        }
        #expect(!calendar.isWorkingDay(try #require(JalaliDate(parsing: "1408/12/30"))))
        #expect(!calendar.isWorkingDay(try #require(JalaliDate(parsing: "1405/08/29"))))  // Friday
        #expect(calendar.isWorkingDay(try #require(JalaliDate(parsing: "1405/08/28"))))  // Thursday
        #expect(calendar.isWorkingDay(try #require(JalaliDate(parsing: "1405/08/30"))))
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

    @Test func newHolidaysMakeANewVersion() throws {
        let holiday = try #require(JalaliDate(parsing: "1405/09/15"))
        let next = calendar.adding(holidays: [holiday], version: 2)
        #expect(next.version == 2)
        #expect(next != calendar)
        #expect(next.due(from: try noon("1405/08/30"), days: 15) == (try endOfDay("1405/09/16")))
    }

    @Test func neverHangsNorTraps() {
        let never = WorkCalendar(version: 9, restDays: Set(0...6), yearlyHolidays: [], holidays: [])
        for start in [Int64.min, -1, 0, .max] {
            for count in [Int.min, 0, 1, .max] {
                for calendar in [never, .standard] {
                    let instant = Instant(milliseconds: start)
                    #expect(calendar.due(from: instant, days: count).rfc3339.isEmpty == false)
                    #expect(calendar.due(from: instant, workingDays: count).rfc3339.isEmpty == false)
                }
            }
        }
    }
}
