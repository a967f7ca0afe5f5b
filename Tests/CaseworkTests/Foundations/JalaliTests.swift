import Testing

@testable import Casework

@Suite struct JalaliTests {
    @Test(arguments: [
        ("2026-03-21", "1405/01/01"), ("2025-03-20", "1403/12/30"), ("2025-03-21", "1404/01/01"),
        ("2026-11-21", "1405/08/30"), ("1979-02-11", "1357/11/22"), ("2000-01-01", "1378/10/11"),
        ("2030-03-20", "1408/12/30"), ("2022-09-21", "1401/06/30"), ("1925-03-31", "1304/01/11"),
        ("1970-01-01", "1348/10/11"),
    ])
    func agreesWithKnownDates(gregorian: String, jalali: String) throws {
        let noon = try #require(Instant(rfc3339: gregorian + "T08:00:00Z"))
        #expect(JalaliDate(instant: noon).description == jalali)
        #expect(JalaliDate(parsing: jalali)?.dayRange.contains(noon) == true)
    }

    /// The leap years of the official calendar in 1300–1420.
    @Test func knowsTheLeapYears() {
        let official = [
            1300, 1304, 1309, 1313, 1317, 1321, 1325, 1329, 1333, 1337, 1342, 1346, 1350, 1354, 1358, 1362, 1366,
            1370, 1375, 1379, 1383, 1387, 1391, 1395, 1399, 1403, 1408, 1412, 1416, 1420,
        ]
        #expect((1300...1420).filter(JalaliDate.isLeap) == official)
    }

    /// Counts on by hand, day after day, through 240 years.
    @Test func countsTwoHundredYears() throws {
        var (year, month, day) = (1250, 1, 1)
        let first = try #require(JalaliDate(year: year, month: month, day: day))
        var weekday = first.weekday
        for number in first.dayNumber..<first.dayNumber + 87_660 {
            let date = JalaliDate(dayNumber: number)
            guard date.year == year, date.month == month, date.day == day, date.dayNumber == number,
                date.weekday == weekday, JalaliDate(year: year, month: month, day: day) == date
            else {
                Issue.record("day \(number) is \(date), not \(year)/\(month)/\(day)")
                return
            }
            let isLeap = [1, 5, 9, 13, 17, 22, 26, 30].contains(year % 33)
            let length = month <= 6 ? 31 : month <= 11 || isLeap ? 30 : 29
            (day, weekday) = (day + 1, (weekday + 1) % 7)
            if day > length { (day, month) = (1, month + 1) }
            if month > 12 { (month, year) = (1, year + 1) }
        }
        #expect(year == 1490)
    }

    @Test func weekdays() {
        #expect(JalaliDate(parsing: "1405/08/30")?.weekday == 0)
        #expect(JalaliDate(parsing: "1405/01/01")?.weekday == 0)
        #expect(JalaliDate(parsing: "1403/12/30")?.weekday == 5)
        #expect(JalaliDate(parsing: "1348/10/11")?.weekday == 5)
        #expect(
            JalaliDate(parsing: "1200/01/01")?.adding(days: 7).weekday
                == JalaliDate(parsing: "1200/01/01")?.weekday)
    }

    @Test(arguments: [
        "", "1405", "1405/13/01", "1405/00/01", "1405/07/31", "1404/12/30", "1405/1/0", "0/1/1", "9378/1/1",
        "14 05/1/1", "1405/1/1/1", "1405//1", "1405/-1/1", "1405/½/1", "12345/1/1", "a/b/c", "99999999999999999999/1/1",
    ])
    func refusesWhatIsNoDate(text: String) {
        #expect(JalaliDate(parsing: text) == nil)
    }

    @Test func refusesNumbersThatAreNoDate() {
        #expect(JalaliDate(year: .min, month: .min, day: .min) == nil)
        #expect(JalaliDate(year: .max, month: .max, day: .max) == nil)
        #expect(JalaliDate(year: 1405, month: 1, day: .max) == nil)
    }

    @Test func readsAndWritesText() throws {
        let date = try #require(JalaliDate(parsing: "\u{200F} ۱۴۰۵/۸/۳۰ "))
        #expect(date == JalaliDate(parsing: "1405-08-30"))
        #expect(date.persian == "۱۴۰۵/۰۸/۳۰")
        #expect(date.persianLong == "شنبه ۳۰ آبان ۱۴۰۵")
        #expect(date.englishLong == "Saturday 30 Aban 1405")
    }

    @Test func clampsAtTheEnds() {
        #expect(JalaliDate(instant: Instant(milliseconds: .min)).description == "0001/01/01")
        #expect(JalaliDate(instant: Instant(milliseconds: .max)).year == 9377)
        let last = JalaliDate(dayNumber: .max)
        #expect(last.month == 12)
        #expect(last.adding(days: .max) == last)
        #expect(last.adding(days: .min).description == "0001/01/01")
        #expect(!last.dayRange.isEmpty)
        #expect(!last.monthRange.isEmpty)
        #expect(!JalaliDate(dayNumber: .min).quarterRange.isEmpty)
    }

    @Test func days() throws {
        let date = try #require(JalaliDate(parsing: "1405/08/30"))
        #expect(date.dayRange.lowerBound.rfc3339 == "2026-11-20T20:30:00Z")
        #expect(date.dayRange.upperBound.rfc3339 == "2026-11-21T20:30:00Z")
        #expect(date.daysInMonth == 30)
        #expect(date.adding(days: 1).description == "1405/09/01")
        #expect(date.quarter == 3)
    }
}

@Suite struct JalaliPeriodTests {
    @Test func rangesOfMonthsAndQuarters() throws {
        let aban = try #require(JalaliPeriod(code: "1405-08"))
        #expect(aban.range.lowerBound.rfc3339 == "2026-10-22T20:30:00Z")
        #expect(aban.range.upperBound.rfc3339 == "2026-11-21T20:30:00Z")
        let autumn = try #require(JalaliPeriod(code: "۱۴۰۵-q۳"))
        #expect(autumn == .quarter(year: 1405, quarter: 3))
        #expect(autumn.range.lowerBound.rfc3339 == "2026-09-22T20:30:00Z")
        #expect(autumn.range.upperBound.rfc3339 == "2026-12-21T20:30:00Z")
        #expect(aban.nameFA == "آبان ۱۴۰۵")
        #expect(autumn.nameFA == "پاییز ۱۴۰۵")
        #expect(autumn.nameEN == "Autumn 1405")
    }

    @Test func periodsTileTheYears() {
        for year in 1368...1410 {
            for month in 1...12 {
                let next =
                    month == 12
                    ? JalaliPeriod.month(year: year + 1, month: 1) : .month(year: year, month: month + 1)
                let period = JalaliPeriod.month(year: year, month: month)
                #expect(period.range.upperBound == next.range.lowerBound)
                #expect(JalaliPeriod(code: period.code) == period)
            }
            for quarter in 1...4 {
                let period = JalaliPeriod.quarter(year: year, quarter: quarter)
                let last = JalaliPeriod.month(year: year, month: quarter * 3)
                #expect(period.range.upperBound == last.range.upperBound)
                #expect(JalaliPeriod(code: period.code) == period)
            }
        }
    }

    @Test(arguments: [
        "", "1405", "1405-13", "1405-0", "1405-Q5", "1405-Q0", "1405-Q", "-1-1", "1405-8-1", "0-1", "1405-+8",
    ])
    func refusesTheRest(code: String) {
        #expect(JalaliPeriod(code: code) == nil)
    }

    @Test func absurdNumbersAreClamped() {
        #expect(JalaliPeriod.month(year: .max, month: .max).code == "9377-12")
        #expect(JalaliPeriod.quarter(year: .min, quarter: .min).code == "0001-Q1")
        #expect(!JalaliPeriod.month(year: .max, month: .max).range.isEmpty)
    }
}

@Suite struct TehranTests {
    /// From tzdata's table of Asia/Tehran: the instant of each change and the offset from then on.
    @Test(arguments: [
        ("1991-05-02T20:30:00Z", 270), ("1991-09-21T19:30:00Z", 210), ("1996-03-20T20:30:00Z", 270),
        ("1996-09-20T19:30:00Z", 210), ("2001-03-21T20:30:00Z", 270), ("2005-09-21T19:30:00Z", 210),
        ("2008-03-20T20:30:00Z", 270), ("2008-09-20T19:30:00Z", 210), ("2016-03-20T20:30:00Z", 270),
        ("2020-09-20T19:30:00Z", 210), ("2022-03-21T20:30:00Z", 270), ("2022-09-21T19:30:00Z", 210),
    ])
    func changesWhereTzdataDoes(text: String, minutes: Int) throws {
        let change = try #require(Instant(rfc3339: text))
        #expect(Tehran.offsetMinutes(at: change) == minutes)
        #expect(Tehran.offsetMinutes(at: change - 1) == 480 - minutes)
    }

    @Test(arguments: ["1985-07-01", "2006-07-01", "2007-07-01", "2023-07-01", "2026-07-01", "1991-04-15"])
    func hasNoSummerTime(date: String) throws {
        #expect(Tehran.offsetMinutes(at: try #require(Instant(rfc3339: date + "T00:00:00Z"))) == 210)
    }

    @Test func daysMeetEvenWhereTheClockChanges() throws {
        let start = try #require(JalaliDate(parsing: "1369/12/01")).dayNumber
        for number in start..<start + 12_000 {
            let range = JalaliDate(dayNumber: number).dayRange
            #expect(JalaliDate(instant: range.lowerBound).dayNumber == number)
            #expect(JalaliDate(instant: range.upperBound - 1).dayNumber == number)
            #expect(range.upperBound == JalaliDate(dayNumber: number + 1).startOfDay)
        }
    }

    @Test func wallClock() throws {
        let instant = try #require(Instant(rfc3339: "2026-11-21T20:34:41Z"))
        #expect(Tehran.timeOfDay(at: instant) == (0, 4, 41))
        #expect(Tehran.persianTimestamp(of: instant) == "۱۴۰۵/۰۹/۰۱ ۰۰:۰۴")
        for extreme in [Int64.min, .max] {
            #expect(Tehran.offsetMinutes(at: Instant(milliseconds: extreme)) == 210)
            #expect((0...23).contains(Tehran.timeOfDay(at: Instant(milliseconds: extreme)).hour))
        }
    }
}
