/// The days on which offices work. A clock's starting event names the version that its `due` was reckoned by, and
/// keeps that `due`: a later calendar moves nothing that already runs.
public struct WorkCalendar: Sendable, Hashable {
    /// A month and day that is a holiday in every year.
    public struct MonthDay: Sendable, Hashable, Comparable {
        public let month: Int
        public let day: Int

        public init(month: Int, day: Int) {
            (self.month, self.day) = (month, day)
        }

        public static func < (left: MonthDay, right: MonthDay) -> Bool {
            (left.month, left.day) < (right.month, right.day)
        }
    }

    public let version: Int
    /// Weekdays of rest, 0 = Saturday … 6 = Friday.
    public let restDays: Set<Int>
    /// Holidays of every Jalali year.
    public let yearlyHolidays: Set<MonthDay>
    /// Single holidays, as days since 1970-01-01 (`JalaliDate.dayNumber`): the lunar ones and those declared ad hoc.
    public let holidays: Set<Int>

    public init(version: Int, restDays: Set<Int>, yearlyHolidays: Set<MonthDay>, holidays: Set<Int>) {
        self.version = version
        self.restDays = restDays
        self.yearlyHolidays = yearlyHolidays
        self.holidays = holidays
    }

    /// Version 1: Friday rests, Thursday works (many offices work half of it; half a day still is a day to answer
    /// in), and the holidays of the solar calendar rest, 30 Esfand of leap years among them.
    ///
    /// The lunar holidays (Ashura, Eid al-Fitr, …) are **not** in it: the sighting of the moon moves them by a day,
    /// and each year's official list is published in the autumn before. The hub adds them with `adding`.
    public static let standard = WorkCalendar(
        version: 1,
        restDays: [6],
        yearlyHolidays: [
            MonthDay(month: 1, day: 1), MonthDay(month: 1, day: 2), MonthDay(month: 1, day: 3),
            MonthDay(month: 1, day: 4), MonthDay(month: 1, day: 12), MonthDay(month: 1, day: 13),
            MonthDay(month: 3, day: 14), MonthDay(month: 3, day: 15), MonthDay(month: 11, day: 22),
            MonthDay(month: 12, day: 29), MonthDay(month: 12, day: 30),
        ],
        holidays: [])

    /// The same calendar with more single holidays, under a new version.
    public func adding(holidays dates: [JalaliDate], version: Int) -> WorkCalendar {
        WorkCalendar(
            version: version, restDays: restDays, yearlyHolidays: yearlyHolidays,
            holidays: holidays.union(dates.map(\.dayNumber)))
    }

    public func isWorkingDay(_ date: JalaliDate) -> Bool {
        !restDays.contains(date.weekday)
            && !yearlyHolidays.contains(MonthDay(month: date.month, day: date.day))
            && !holidays.contains(date.dayNumber)
    }

    /// The end of the `n`-th working day after the Tehran day of `start`; that day itself never counts.
    ///
    /// See `due(from:days:)` for what the end of a day is. `n` is taken as 0–3,650; 0 gives the day of `start`, or
    /// the next working day if that one is not.
    public func due(from start: Instant, workingDays n: Int) -> Instant {
        let date = JalaliDate(instant: start)
        let count = min(max(n, 0), WorkCalendar.longest)
        return end(of: count == 0 ? nextWorkingDay(from: date) : advance(date, by: count))
    }

    /// The end of the `n`-th calendar day after the Tehran day of `start`; if that is not a working day, the end of
    /// the next working day.
    ///
    /// The end of a day is 23:59:59 in Tehran, so that the date of a deadline is the last day on which it can be met;
    /// a clock is overdue when now **>** due. `n` is taken as 0–3,650.
    public func due(from start: Instant, days n: Int) -> Instant {
        let date = JalaliDate(instant: start).adding(days: min(max(n, 0), WorkCalendar.longest))
        return end(of: nextWorkingDay(from: date))
    }

    private static let longest = 3_650
    /// No real calendar rests longer; one that did must not hang the search.
    private static let longestRest = 60

    private func end(of date: JalaliDate) -> Instant {
        date.dayRange.upperBound - Instant.second
    }

    private func advance(_ date: JalaliDate, by workingDays: Int) -> JalaliDate {
        (0..<workingDays).reduce(date) { date, _ in nextWorkingDay(from: date.adding(days: 1)) }
    }

    /// `date` itself if offices work on it. A calendar that rests for 60 days on end is not believed: then `date`.
    private func nextWorkingDay(from date: JalaliDate) -> JalaliDate {
        var candidate = date
        for _ in 0..<WorkCalendar.longestRest {
            if isWorkingDay(candidate) { return candidate }
            candidate = candidate.adding(days: 1)
        }
        return date
    }
}
