/// Iran's one time zone.
public enum Tehran {
    static let standardMinutes = 210
    static let summerMinutes = 270

    /// Minutes east of UTC: 210 (+03:30), or 270 in summer time.
    ///
    /// Summer time ran from the start of 2 Farvardin to the end of 30 Shahrivar in 1370–1384 and 1387–1401 (1991–2005
    /// and 2008–2022; in 1370 it began on 13 Ordibehesht), as tzdata has it, and was abolished after that. The short
    /// experiments of 1977–1980 are left out: no case is that old, and +03:30 stands for them.
    public static func offsetMinutes(at instant: Instant) -> Int {
        let (local, _) = floorDivide((instant + Int64(standardMinutes) * Instant.minute).milliseconds, Instant.day)
        let date = JalaliDate(dayNumber: Int(local))
        guard let summer = summerDays(of: date.year) else { return standardMinutes }
        // On the standard clock summer time ends at 23:00 of its last day.
        let start = Int64(summer.lowerBound) * Instant.day - Int64(standardMinutes) * Instant.minute
        let end = Int64(summer.upperBound + 1) * Instant.day - Int64(summerMinutes) * Instant.minute
        return (start..<end).contains(instant.milliseconds) ? summerMinutes : standardMinutes
    }

    /// The first and last day on summer time of a Jalali year, as day numbers.
    private static func summerDays(of year: Int) -> ClosedRange<Int>? {
        guard (1370...1384).contains(year) || (1387...1401).contains(year) else { return nil }
        let newYear = JalaliDate.dayNumber(ofYear: year)
        // 2 Farvardin is the year's day 1 from zero, 13 Ordibehesht day 43, 30 Shahrivar day 184.
        return newYear + (year == 1370 ? 43 : 1)...newYear + 184
    }

    /// The first instant of a day, given as days since 1970-01-01.
    static func startOfDay(_ dayNumber: Int) -> Instant {
        let midnight = Instant(milliseconds: Int64(dayNumber) * Instant.day)
        let standard = midnight - Int64(standardMinutes) * Instant.minute
        let summer = midnight - Int64(summerMinutes) * Instant.minute
        // Where summer time begins at midnight the day starts at 01:00, which is 00:00 on the standard clock.
        return offsetMinutes(at: summer) == summerMinutes ? summer : standard
    }

    /// Hour, minute and second on the wall clock.
    public static func timeOfDay(at instant: Instant) -> (hour: Int, minute: Int, second: Int) {
        let local = instant + Int64(offsetMinutes(at: instant)) * Instant.minute
        let second = Int(floorDivide(local.milliseconds, Instant.day).remainder / Instant.second)
        return (second / 3_600, second / 60 % 60, second % 60)
    }

    /// Days since 1970-01-01 on the wall clock's date.
    static func dayNumber(at instant: Instant) -> Int {
        let local = instant + Int64(offsetMinutes(at: instant)) * Instant.minute
        return Int(floorDivide(local.milliseconds, Instant.day).quotient)
    }

    /// For people: `۱۴۰۵/۰۸/۳۰ ۱۰:۰۵`.
    public static func persianTimestamp(of instant: Instant) -> String {
        let time = timeOfDay(at: instant)
        return JalaliDate(instant: instant).persian + " "
            + PersianText.persianDigits(padded(time.hour, 2) + ":" + padded(time.minute, 2))
    }
}
