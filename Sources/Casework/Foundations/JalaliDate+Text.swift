extension JalaliDate: CustomStringConvertible {
    public static let monthNamesFA = [
        "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند",
    ]
    public static let monthNamesEN = [
        "Farvardin", "Ordibehesht", "Khordad", "Tir", "Mordad", "Shahrivar", "Mehr", "Aban", "Azar", "Dey", "Bahman",
        "Esfand",
    ]
    /// From Saturday.
    public static let weekdayNamesFA = [
        "شنبه", "یکشنبه", "دوشنبه", "سه‌شنبه", "چهارشنبه", "پنجشنبه", "جمعه",
    ]
    /// From Saturday.
    public static let weekdayNamesEN = [
        "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday",
    ]

    /// `1405/08/30`.
    public var description: String { padded(year, 4) + "/" + padded(month, 2) + "/" + padded(day, 2) }

    /// `۱۴۰۵/۰۸/۳۰`.
    public var persian: String { PersianText.persianDigits(description) }

    /// `شنبه ۳۰ آبان ۱۴۰۵`.
    public var persianLong: String {
        JalaliDate.weekdayNamesFA[weekday] + " " + PersianText.persianDigits(day) + " "
            + JalaliDate.monthNamesFA[month - 1] + " " + PersianText.persianDigits(year)
    }

    /// `Saturday 30 Aban 1405`.
    public var englishLong: String {
        JalaliDate.weekdayNamesEN[weekday] + " " + String(day) + " " + JalaliDate.monthNamesEN[month - 1] + " "
            + String(year)
    }

    /// Reads `1405/8/30`, `1405-08-30` or `۱۴۰۵/۰۸/۳۰`, spaces around it allowed; nil unless the date exists.
    public init?(parsing text: String) {
        let latin = PersianText.latinDigits(text)
        let fields = latin.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "-" }
        guard fields.count == 3 else { return nil }
        var numbers: [Int] = []
        for field in fields {
            let digits = PersianText.trimmed(field)
            guard (1...4).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(digits)
            else { return nil }
            numbers.append(number)
        }
        self.init(year: numbers[0], month: numbers[1], day: numbers[2])
    }
}
