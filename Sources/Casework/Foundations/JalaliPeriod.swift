/// A span that reports are made for: a month or a quarter of the Jalali calendar.
///
/// A case built with numbers that no calendar has is read as the nearest month or quarter.
public enum JalaliPeriod: Sendable, Hashable {
    case month(year: Int, month: Int)
    case quarter(year: Int, quarter: Int)

    /// Reads `1405-08` (a month) or `1405-Q3` (a quarter); Persian digits and a small `q` are accepted.
    public init?(code: String) {
        let fields = PersianText.latinDigits(code).split(separator: "-", omittingEmptySubsequences: false)
        guard fields.count == 2, let year = JalaliPeriod.number(fields[0]), JalaliDate.years.contains(year) else {
            return nil
        }
        if fields[1].first == "Q" || fields[1].first == "q" {
            guard let quarter = JalaliPeriod.number(fields[1].dropFirst()), (1...4).contains(quarter) else {
                return nil
            }
            self = .quarter(year: year, quarter: quarter)
        } else {
            guard let month = JalaliPeriod.number(fields[1]), (1...12).contains(month) else { return nil }
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

    /// The period's instants in Tehran, without the first of the next period.
    public var range: Range<Instant> {
        let newYear = JalaliDate.dayNumber(ofYear: year)
        let first = newYear + JalaliDate.daysBefore(month: firstMonth)
        let months =
            switch self {
            case .month: 1
            case .quarter: 3
            }
        let end =
            firstMonth + months > 12
            ? JalaliDate.dayNumber(ofYear: year + 1) : newYear + JalaliDate.daysBefore(month: firstMonth + months)
        return Tehran.startOfDay(first)..<Tehran.startOfDay(end)
    }

    /// `آبان ۱۴۰۵` or `پاییز ۱۴۰۵`.
    public var nameFA: String {
        let year = PersianText.persianDigits(year)
        return switch self {
        case .month: JalaliDate.monthNamesFA[firstMonth - 1] + " " + year
        case .quarter: ["بهار", "تابستان", "پاییز", "زمستان"][(firstMonth - 1) / 3] + " " + year
        }
    }

    /// `Aban 1405` or `Autumn 1405`.
    public var nameEN: String {
        switch self {
        case .month: JalaliDate.monthNamesEN[firstMonth - 1] + " " + String(year)
        case .quarter: ["Spring", "Summer", "Autumn", "Winter"][(firstMonth - 1) / 3] + " " + String(year)
        }
    }

    private var year: Int {
        switch self {
        case .month(let year, _), .quarter(let year, _):
            min(max(year, JalaliDate.years.lowerBound), JalaliDate.years.upperBound)
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
