/// A date of the Solar Hijri (Jalali) calendar, years 1–9377; a day is a day on Tehran's wall clock.
///
/// Leap years follow the 33-year cycle, which agrees with the official, astronomical calendar in 1210–1500 at least;
/// far outside that span dates are proleptic. Whatever would fall outside the years 1–9377 becomes the nearest end.
public struct JalaliDate: Sendable, Hashable, Comparable {
    public let year: Int
    /// 1 = Farvardin … 12 = Esfand.
    public let month: Int
    /// 1–31.
    public let day: Int

    /// Nil unless the date exists.
    public init?(year: Int, month: Int, day: Int) {
        guard JalaliDate.years.contains(year), (1...12).contains(month), day >= 1,
            day <= JalaliDate.length(ofMonth: month, year: year)
        else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
    }

    /// The date in Tehran at that instant.
    public init(instant: Instant) {
        self.init(dayNumber: Tehran.dayNumber(at: instant))
    }

    /// From days since 1970-01-01.
    public init(dayNumber: Int) {
        let bounded = min(max(dayNumber, JalaliDate.dayNumbers.lowerBound), JalaliDate.dayNumbers.upperBound)
        let elapsed = bounded - JalaliDate.epoch
        // 33 years have 12,053 days, which gives the year or a neighbour; the loops settle which.
        var year = min((elapsed * 33 + 66) / 12_053 + 1, JalaliDate.years.upperBound)
        while JalaliDate.dayNumber(ofYear: year) > bounded { year -= 1 }
        while JalaliDate.dayNumber(ofYear: year + 1) <= bounded { year += 1 }
        let dayOfYear = bounded - JalaliDate.dayNumber(ofYear: year)
        self.year = year
        self.month = dayOfYear < 186 ? dayOfYear / 31 + 1 : (dayOfYear - 186) / 30 + 7
        self.day = dayOfYear < 186 ? dayOfYear % 31 + 1 : (dayOfYear - 186) % 30 + 1
    }

    public static func < (left: JalaliDate, right: JalaliDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }

    // MARK: Facts

    /// Days since 1970-01-01.
    public var dayNumber: Int {
        JalaliDate.dayNumber(ofYear: year) + JalaliDate.daysBefore(month: month) + day - 1
    }

    /// 0 = Saturday … 6 = Friday.
    public var weekday: Int {
        // 1970-01-01 was a Thursday, 5 in this count.
        let remainder = (dayNumber + 5) % 7
        return remainder < 0 ? remainder + 7 : remainder
    }

    public var isLeap: Bool { JalaliDate.isLeap(year) }

    /// Days of this date's month, 29–31.
    public var daysInMonth: Int { JalaliDate.length(ofMonth: month, year: year) }

    /// 1 = spring … 4 = winter.
    public var quarter: Int { (month - 1) / 3 + 1 }

    // MARK: Arithmetic and spans

    public func adding(days: Int) -> JalaliDate {
        let (sum, overflow) = dayNumber.addingReportingOverflow(days)
        return JalaliDate(dayNumber: overflow ? (days < 0 ? .min : .max) : sum)
    }

    /// The first instant of the day in Tehran; its midnight, but for the days on which summer time began.
    public var startOfDay: Instant { Tehran.startOfDay(dayNumber) }

    /// The day's instants, without the start of the next day.
    public var dayRange: Range<Instant> { startOfDay..<Tehran.startOfDay(dayNumber + 1) }

    /// The instants of this date's month.
    public var monthRange: Range<Instant> { JalaliPeriod.month(year: year, month: month).range }

    /// The instants of this date's quarter.
    public var quarterRange: Range<Instant> { JalaliPeriod.quarter(year: year, quarter: quarter).range }

    // MARK: The calendar

    static let years = 1...9377
    /// Day number of 1 Farvardin of year 1.
    private static let epoch = -492_268
    private static let dayNumbers = epoch...dayNumber(ofYear: years.upperBound + 1) - 1

    public static func isLeap(_ year: Int) -> Bool {
        years.contains(year) && dayNumber(ofYear: year + 1) - dayNumber(ofYear: year) == 366
    }

    /// Day number of 1 Farvardin; `year` lies near `years`.
    static func dayNumber(ofYear year: Int) -> Int {
        epoch + 365 * (year - 1) + (8 * year + 21) / 33
    }

    static func daysBefore(month: Int) -> Int {
        month <= 7 ? (month - 1) * 31 : 186 + (month - 7) * 30
    }

    static func length(ofMonth month: Int, year: Int) -> Int {
        month <= 6 ? 31 : month <= 11 || isLeap(year) ? 30 : 29
    }
}
