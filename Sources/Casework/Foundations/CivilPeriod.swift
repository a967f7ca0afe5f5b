/// A span that reports are made for: a month or a quarter of a country's calendar.
///
/// A case built with numbers that no calendar has is read as the nearest month or quarter.
public enum CivilPeriod: Sendable, Hashable {
    case month(year: Int, month: Int)
    case quarter(year: Int, quarter: Int)

    private static let years = 1...9377

    /// Reads `1405-08` (a month) or `1405-Q3` (a quarter); Persian digits and a small `q` are accepted.
    public init?(code: String) {
        let fields = PersianText.latinDigits(code).split(separator: "-", omittingEmptySubsequences: false)
        guard fields.count == 2, let year = CivilPeriod.number(fields[0]), CivilPeriod.years.contains(year) else {
            return nil
        }
        if fields[1].first == "Q" || fields[1].first == "q" {
            guard let quarter = CivilPeriod.number(fields[1].dropFirst()), (1...4).contains(quarter) else {
                return nil
            }
            self = .quarter(year: year, quarter: quarter)
        } else {
            guard let month = CivilPeriod.number(fields[1]), (1...12).contains(month) else { return nil }
            self = .month(year: year, month: month)
        }
    }

    /// `1405-08` or `1405-Q3`.
    public var code: String {
        switch self {
        case .month: padded(year, 4) + "-" + padded(firstMonth, 2)
        case .quarter: padded(year, 4) + "-Q" + String((firstMonth - 1) / 3 + 1)
        }
    }

    /// The period's instants in a country, without the first of the next period.
    public func range(in country: Country) -> Range<Instant> {
        let months =
            switch self {
            case .month: 1
            case .quarter: 3
            }
        let isLast = firstMonth + months > 12
        let first = start(country.calendar, year, firstMonth)
        let end = start(country.calendar, isLast ? year + 1 : year, isLast ? 1 : firstMonth + months)
        return country.zone.startOfDay(first)..<country.zone.startOfDay(end)
    }

    private func start(_ calendar: CivilCalendar, _ year: Int, _ month: Int) -> Int {
        switch calendar {
        case .jalali: JalaliDate.dayNumber(ofYear: year) + JalaliDate.daysBefore(month: month)
        case .gregorian: GregorianDate(year: year, month: month, day: 1)?.dayNumber ?? GregorianDate.last
        }
    }

    /// `آبان ۱۴۰۵`, `پاییز ۱۴۰۵`, `November 2026`, `Q4 2026`: a Jalali quarter is a season.
    public func name(_ calendar: CivilCalendar, _ language: Language) -> String {
        let (year, quarter) = (language.number(String(year)), (firstMonth - 1) / 3)
        switch (self, calendar, language) {
        case (.month, _, _): return calendar.monthNames(language)[firstMonth - 1] + " " + year
        case (.quarter, .jalali, .persian): return ["بهار", "تابستان", "پاییز", "زمستان"][quarter] + " " + year
        case (.quarter, .jalali, .english): return ["Spring", "Summer", "Autumn", "Winter"][quarter] + " " + year
        case (.quarter, .gregorian, .persian):
            return "سه‌ماهه " + ["اول", "دوم", "سوم", "چهارم"][quarter] + " " + year
        case (.quarter, .gregorian, .english): return "Q" + String(quarter + 1) + " " + year
        }
    }

    private var year: Int {
        switch self {
        case .month(let year, _), .quarter(let year, _):
            min(max(year, CivilPeriod.years.lowerBound), CivilPeriod.years.upperBound)
        }
    }

    private var firstMonth: Int {
        switch self {
        case .month(_, let month): min(max(month, 1), 12)
        case .quarter(_, let quarter): min(max(quarter, 1), 4) * 3 - 2
        }
    }

    private static func number(_ digits: Substring) -> Int? {
        guard (1...4).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(digits)
    }
}
