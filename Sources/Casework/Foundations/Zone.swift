/// The one time zone of a country.
public enum Zone: Sendable, Hashable {
    /// The rule of `Tehran`.
    case asiaTehran
    /// Minutes east of UTC, −840…840, without summer time.
    case fixed(minutes: Int)

    public static let utc = Zone.fixed(minutes: 0)

    /// Reads `asia_tehran`, `UTC`, `UTC+05:30`, `UTC-03:00`; nil for anything else.
    public init?(code: String) {
        if code == "asia_tehran" {
            self = .asiaTehran
            return
        }
        guard code.hasPrefix("UTC") else { return nil }
        let rest = Array(code.utf8.dropFirst(3))
        if rest.isEmpty {
            self = .utc
            return
        }
        let digits = [1, 2, 4, 5].compactMap { rest.count == 6 ? Int(rest[$0]) - 0x30 : nil }
        guard digits.count == 4, digits.allSatisfy({ (0...9).contains($0) }), rest[3] == 0x3A,
            rest[0] == 0x2B || rest[0] == 0x2D
        else { return nil }
        let minutes = (digits[0] * 10 + digits[1]) * 60 + digits[2] * 10 + digits[3]
        guard digits[2] < 6, minutes <= 840 else { return nil }
        self = .fixed(minutes: rest[0] == 0x2B ? minutes : -minutes)
    }

    /// As `init(code:)` reads it.
    public var code: String {
        switch self {
        case .asiaTehran: return "asia_tehran"
        case .fixed(0): return "UTC"
        case .fixed(let minutes):
            let (hours, rest) = abs(minutes).quotientAndRemainder(dividingBy: 60)
            return "UTC" + (minutes < 0 ? "-" : "+") + padded(hours, 2) + ":" + padded(rest, 2)
        }
    }

    /// Minutes east of UTC.
    public func offsetMinutes(at instant: Instant) -> Int {
        switch self {
        case .asiaTehran: Tehran.offsetMinutes(at: instant)
        case .fixed(let minutes): minutes
        }
    }

    /// The first instant of a day, given as days since 1970-01-01; what no calendar can write is clamped.
    public func startOfDay(_ dayNumber: Int) -> Instant {
        let dayNumber = min(max(dayNumber, -10_000_000), 10_000_000)
        return switch self {
        case .asiaTehran: Tehran.startOfDay(dayNumber)
        case .fixed(let minutes):
            Instant(milliseconds: Int64(dayNumber) * Instant.day) - Int64(minutes) * Instant.minute
        }
    }

    /// Days since 1970-01-01 on the wall clock's date.
    public func dayNumber(at instant: Instant) -> Int {
        let local = instant + Int64(offsetMinutes(at: instant)) * Instant.minute
        return Int(floorDivide(local.milliseconds, Instant.day).quotient)
    }

    /// Hour, minute and second on the wall clock.
    public func timeOfDay(at instant: Instant) -> (hour: Int, minute: Int, second: Int) {
        let local = instant + Int64(offsetMinutes(at: instant)) * Instant.minute
        let second = Int(floorDivide(local.milliseconds, Instant.day).remainder / Instant.second)
        return (second / 3_600, second / 60 % 60, second % 60)
    }
}
