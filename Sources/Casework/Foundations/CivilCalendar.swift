/// The calendar that people of a country date by.
public enum CivilCalendar: String, Sendable, Hashable, CaseIterable {
    case jalali, gregorian

    /// Years that it can write.
    var years: ClosedRange<Int> {
        switch self {
        case .jalali: JalaliDate.years
        case .gregorian: 1...9999
        }
    }

    /// Days since 1970-01-01 of a date; `nil` unless it exists.
    func dayNumber(year: Int, month: Int, day: Int) -> Int? {
        switch self {
        case .jalali: JalaliDate(year: year, month: month, day: day)?.dayNumber
        case .gregorian: GregorianDate(year: year, month: month, day: day)?.dayNumber
        }
    }

    /// `month` 1…12, from 0.
    func monthNames(_ language: Language) -> [String] {
        switch (self, language) {
        case (.jalali, .persian): JalaliDate.monthNamesFA
        case (.jalali, .english): JalaliDate.monthNamesEN
        case (.gregorian, .persian): GregorianDate.monthNamesFA
        case (.gregorian, .english): GregorianDate.monthNamesEN
        }
    }
}

/// A language of pages and names.
public enum Language: String, Sendable, Hashable, CaseIterable {
    case persian = "fa"
    case english = "en"

    func number(_ digits: String) -> String { self == .persian ? PersianText.persianDigits(digits) : digits }
}

/// A day as people of a country date it.
public struct CivilDate: Sendable, Hashable, Comparable {
    public let calendar: CivilCalendar
    public let year: Int
    /// 1…12
    public let month: Int
    /// 1…31
    public let day: Int
    /// Days since 1970-01-01.
    public let dayNumber: Int

    /// Nil unless the date exists.
    public init?(_ calendar: CivilCalendar, year: Int, month: Int, day: Int) {
        guard calendar.years.contains(year), let number = calendar.dayNumber(year: year, month: month, day: day) else {
            return nil
        }
        (self.calendar, self.year, self.month, self.day, dayNumber) = (calendar, year, month, day, number)
    }

    /// From days since 1970-01-01; what lies outside the calendar's years becomes its nearest end.
    public init(_ calendar: CivilCalendar, dayNumber: Int) {
        self.calendar = calendar
        switch calendar {
        case .jalali:
            let date = JalaliDate(dayNumber: dayNumber)
            (year, month, day, self.dayNumber) = (date.year, date.month, date.day, date.dayNumber)
        case .gregorian:
            let date = GregorianDate(dayNumber: min(max(dayNumber, GregorianDate.first), GregorianDate.last))
            (year, month, day, self.dayNumber) = (date.year, date.month, date.day, date.dayNumber)
        }
    }

    /// Reads `1405-08-30`, also with `/` and with Persian digits; nil unless the date exists.
    public init?(_ calendar: CivilCalendar, parsing text: String) {
        let fields = PersianText.latinDigits(text).split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "-" }
        guard fields.count == 3 else { return nil }
        var numbers: [Int] = []
        for field in fields {
            let digits = PersianText.trimmed(field)
            guard (1...4).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(digits)
            else { return nil }
            numbers.append(number)
        }
        self.init(calendar, year: numbers[0], month: numbers[1], day: numbers[2])
    }

    /// `1405-08-30`
    public var code: String { padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2) }

    /// For people: `۱۴۰۵/۰۸/۳۰` in Persian, `1405/08/30` or `30 November 2026` in English.
    public func text(_ language: Language) -> String {
        if calendar == .gregorian, language == .english {
            return String(day) + " " + GregorianDate.monthNamesEN[month - 1] + " " + String(year)
        }
        return language.number(padded(year, 4) + "/" + padded(month, 2) + "/" + padded(day, 2))
    }

    /// 0 = Saturday … 6 = Friday.
    public var weekday: Int { Weekday.number(ofDay: dayNumber) }

    public static func < (left: CivilDate, right: CivilDate) -> Bool { left.dayNumber < right.dayNumber }
}

/// Days of the week: 0 = Saturday … 6 = Friday.
enum Weekday {
    static func number(ofDay dayNumber: Int) -> Int {
        // 1970-01-01 was a Thursday, 5 in this count.
        let remainder = (dayNumber + 5) % 7
        return remainder < 0 ? remainder + 7 : remainder
    }
}

extension GregorianDate {
    static let monthNamesEN = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    static let monthNamesFA = [
        "ژانویه", "فوریه", "مارس", "آوریل", "مه", "ژوئن", "ژوئیه", "اوت", "سپتامبر", "اکتبر", "نوامبر", "دسامبر",
    ]
    /// Day numbers of 0001-01-01 and 9999-12-31.
    static let (first, last) = (-719_162, 2_932_896)
}
