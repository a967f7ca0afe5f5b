import Casework
import Program

/// A date and a time of day on some wall clock, without a zone.
struct LocalTime: Sendable, Equatable {
    var year, month, day, hour, minute, second: Int

    /// Seconds since 1970 as if the wall clock showed UTC.
    var secondsAsUTC: Int64 {
        Int64(Self.days(year: year, month: month, day: day)) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    /// Days since 1970-01-01 in the Gregorian calendar; Howard Hinnant's `days_from_civil`.
    static func days(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static func daysIn(month: Int, year: Int) -> Int {
        let next = month == 12 ? days(year: year + 1, month: 1, day: 1) : days(year: year, month: month + 1, day: 1)
        return next - days(year: year, month: month, day: 1)
    }

    /// The year in which that second lies.
    static func year(ofSeconds seconds: Int64) -> Int {
        let days = Int((Double(seconds) / 86_400).rounded(.down))
        var year = 1970 + Int((Double(days) / 365.2425).rounded(.down))
        while Self.days(year: year + 1, month: 1, day: 1) <= days { year += 1 }
        while Self.days(year: year, month: 1, day: 1) > days { year -= 1 }
        return year
    }
}

/// How times are written in a file. `y` year (`yy`: 2000–2099), `M` month, `d` day, `H` hour, `h` hour of twelve, `m`
/// minute, `s` second, `a` AM or PM; one letter takes one or two digits, several exactly as many. All else stands for
/// itself.
struct TimeFormat: Sendable, Equatable {
    private enum Part: Sendable, Equatable {
        case number(Character, count: Int)
        case halfOfDay
        case literal(Character)
    }

    private let parts: [Part]

    /// - Throws: `Failure` for a format without a whole date.
    init(_ pattern: String) throws(Failure) {
        var parts: [Part] = []
        for character in pattern {
            switch character {
            case "y", "M", "d", "H", "h", "m", "s":
                if case .number(character, let count) = parts.last {
                    parts[parts.count - 1] = .number(character, count: count + 1)
                } else {
                    parts.append(.number(character, count: 1))
                }
            case "a": parts.append(.halfOfDay)
            default: parts.append(.literal(character))
            }
        }
        for needed: Character in ["y", "M", "d"] {
            let isThere = parts.contains { if case .number(needed, _) = $0 { true } else { false } }
            guard isThere else { throw .usedWrongly("the time format '\(pattern)' has no '\(needed)'.") }
        }
        self.parts = parts
    }

    /// Nil when the text is not written so, or no calendar has that day.
    func parse(_ text: String) -> LocalTime? {
        var rest = Substring(text)
        var values: [Character: Int] = [:]
        var isAfternoon: Bool?
        for part in parts {
            switch part {
            case .literal(let character):
                guard rest.first == character else { return nil }
                rest = rest.dropFirst()
            case .halfOfDay:
                let half = rest.prefix(2).lowercased()
                guard half == "am" || half == "pm" else { return nil }
                isAfternoon = half == "pm"
                rest = rest.dropFirst(2)
            case .number(let letter, let count):
                let digits = rest.prefix(count == 1 ? 2 : count).prefix { $0.isASCII && $0.isNumber }
                guard digits.count >= count, let value = Int(digits) else { return nil }
                values[letter] = letter == "y" && count <= 2 ? 2000 + value : value
                rest = rest.dropFirst(digits.count)
            }
        }
        guard rest.isEmpty else { return nil }
        return time(values, isAfternoon: isAfternoon)
    }

    private func time(_ values: [Character: Int], isAfternoon: Bool?) -> LocalTime? {
        var hour = values["H"] ?? 0
        if let half = values["h"] {
            guard (1...12).contains(half) else { return nil }
            hour = half % 12 + (isAfternoon == true ? 12 : 0)
        }
        let time = LocalTime(
            year: values["y"] ?? 0, month: values["M"] ?? 0, day: values["d"] ?? 0, hour: hour,
            minute: values["m"] ?? 0, second: values["s"] ?? 0)
        guard (1...12).contains(time.month), time.day >= 1,
            time.day <= LocalTime.daysIn(month: time.month, year: time.year), (0...23).contains(time.hour),
            (0...59).contains(time.minute), (0...59).contains(time.second)
        else { return nil }
        return time
    }
}
