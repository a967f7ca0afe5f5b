/// The days on which the offices of one region work. Made by `Network` from its policies, holidays and closures.
///
/// A clock's starting event keeps the `due` that it was given: a later calendar moves nothing that already runs.
public struct WorkCalendar: Sendable, Hashable {
    /// A month and day that is a holiday in every year of the country's calendar.
    public struct MonthDay: Sendable, Hashable, Comparable {
        public let month: Int
        public let day: Int

        public init(month: Int, day: Int) {
            (self.month, self.day) = (month, day)
        }

        /// Reads `01-02`; nil for anything that no month has.
        public init?(code: String) {
            let fields = code.split(separator: "-", omittingEmptySubsequences: false)
            guard fields.count == 2, fields.allSatisfy({ $0.utf8.count == 2 }), let month = Int(fields[0]),
                let day = Int(fields[1]), (1...12).contains(month), (1...31).contains(day)
            else { return nil }
            self.init(month: month, day: day)
        }

        public var code: String { padded(month, 2) + "-" + padded(day, 2) }

        public static func < (left: MonthDay, right: MonthDay) -> Bool {
            (left.month, left.day) < (right.month, right.day)
        }
    }

    /// Days of the week as files and JSON write them, from Saturday.
    public static let weekdays = ["sat", "sun", "mon", "tue", "wed", "thu", "fri"]

    /// The days of rest of a week, from one day on.
    public struct Week: Sendable, Hashable {
        /// Days since 1970-01-01.
        public let from: Int
        /// 0 = Saturday … 6 = Friday.
        public let rest: Set<Int>

        public init(from: Int, rest: Set<Int>) { (self.from, self.rest) = (from, rest) }
    }

    public let country: Country
    /// In the order of their first days. Before the first, every day is a working day.
    public let weeks: [Week]
    public let yearlyHolidays: Set<MonthDay>
    /// Single days, as days since 1970-01-01: lunar holidays, those declared ad hoc, and closures.
    public let holidays: Set<Int>

    public init(country: Country, weeks: [Week], yearlyHolidays: Set<MonthDay>, holidays: Set<Int>) {
        self.country = country
        self.weeks = weeks.sorted { $0.from < $1.from }
        self.yearlyHolidays = yearlyHolidays
        self.holidays = holidays
    }

    /// - Parameter day: days since 1970-01-01.
    public func isWorkingDay(_ day: Int) -> Bool {
        if holidays.contains(day) { return false }
        if let week = weeks.last(where: { $0.from <= day }), week.rest.contains(Weekday.number(ofDay: day)) {
            return false
        }
        let date = CivilDate(country.calendar, dayNumber: day)
        return !yearlyHolidays.contains(MonthDay(month: date.month, day: date.day))
    }

    /// The end of the `n`-th working day after the day of `start`; that day itself never counts.
    ///
    /// See `due(from:days:)` for what the end of a day is. `n` is taken as 0–3,650; 0 gives the day of `start`, or
    /// the next working day if that one is not.
    public func due(from start: Instant, workingDays n: Int) -> Instant {
        let day = country.zone.dayNumber(at: start)
        let count = min(max(n, 0), WorkCalendar.longest)
        return end(of: count == 0 ? nextWorkingDay(from: day) : advance(day, by: count))
    }

    /// The end of the `n`-th calendar day after the day of `start`; if that is not a working day, the end of the next
    /// working day.
    ///
    /// The end of a day is 23:59:59 in the country's zone, so that the date of a deadline is the last day on which it
    /// can be met; a clock is overdue when now **>** due. `n` is taken as 0–3,650.
    public func due(from start: Instant, days n: Int) -> Instant {
        end(of: nextWorkingDay(from: country.zone.dayNumber(at: start) + min(max(n, 0), WorkCalendar.longest)))
    }

    private static let longest = 3_650
    /// No real calendar rests longer; one that did must not hang the search.
    private static let longestRest = 60

    private func end(of day: Int) -> Instant { country.zone.startOfDay(day + 1) - Instant.second }

    private func advance(_ day: Int, by workingDays: Int) -> Int {
        (0..<workingDays).reduce(day) { day, _ in nextWorkingDay(from: day + 1) }
    }

    /// `day` itself if offices work on it. A calendar that rests for 60 days on end is not believed: then `day`.
    private func nextWorkingDay(from day: Int) -> Int {
        (day..<day + WorkCalendar.longestRest).first { isWorkingDay($0) } ?? day
    }
}
