extension Instant {
    /// The instants whose UTC year has four digits, which is all that RFC 3339 can write.
    private static let writable =
        Instant(milliseconds: -62_167_219_200_000)...Instant(milliseconds: 253_402_300_799_999)

    /// `2026-11-21T20:34:41Z`, in UTC, with three decimals only if there are milliseconds.
    ///
    /// An instant outside the years 0000–9999 is written as the nearest end of that range.
    public var rfc3339: String {
        let clamped = min(max(self, Instant.writable.lowerBound), Instant.writable.upperBound)
        let (days, time) = floorDivide(clamped.milliseconds, Instant.day)
        let date = GregorianDate(dayNumber: Int(days))
        let milliseconds = Int(time)
        return String(unsafeUninitializedCapacity: 24) { buffer in
            var count = 0
            func put(_ number: Int, _ width: Int, _ separator: Unicode.Scalar) {
                var rest = number
                for place in stride(from: count + width - 1, through: count, by: -1) {
                    buffer[place] = 0x30 + UInt8(rest % 10)
                    rest /= 10
                }
                buffer[count + width] = UInt8(ascii: separator)
                count += width + 1
            }
            put(date.year, 4, "-")
            put(date.month, 2, "-")
            put(date.day, 2, "T")
            put(milliseconds / 3_600_000, 2, ":")
            put(milliseconds / 60_000 % 60, 2, ":")
            let fraction = milliseconds % 1_000
            put(milliseconds / 1_000 % 60, 2, fraction == 0 ? "Z" : ".")
            if fraction != 0 { put(fraction, 3, "Z") }
            return count
        }
    }

    /// Reads RFC 3339: `2026-11-21T20:34:41.123+03:30`; `t` and `z` may be small, `T` and an offset are required.
    ///
    /// Digits of the fraction beyond the third are dropped. A leap second (`23:59:60` UTC) reads as the second
    /// after it, as Unix time does. Nil for anything else, and for an instant outside the UTC years 0000–9999.
    public init?(rfc3339 text: String) {
        var reader = DigitReader(text)
        guard let year = reader.number(4), reader.skip("-"),
            let month = reader.number(2), reader.skip("-"),
            let day = reader.number(2), reader.skip("T", or: "t"),
            let hour = reader.number(2), reader.skip(":"),
            let minute = reader.number(2), reader.skip(":"),
            let second = reader.number(2),
            let fraction = reader.fraction(),
            let offset = reader.offset(), reader.isAtEnd,
            let date = GregorianDate(year: year, month: month, day: day),
            hour <= 23, minute <= 59, second <= 60
        else { return nil }

        let minutes = Int64(date.dayNumber) * 1_440 + Int64(hour * 60 + minute - offset)
        if second == 60, floorDivide(minutes, 1_440).remainder != 1_439 { return nil }
        self.init(milliseconds: minutes * Instant.minute + Int64(second) * Instant.second + Int64(fraction))
        guard Instant.writable.contains(self) else { return nil }
    }
}

func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

/// Reads the fixed fields of RFC 3339 from the left; every method gives nil or false instead of reading past the end.
private struct DigitReader {
    private var rest: Substring.UTF8View

    init(_ text: String) {
        rest = Substring(text).utf8
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func digit() -> Int? {
        guard let byte = rest.first, byte >= 0x30, byte <= 0x39 else { return nil }
        rest.removeFirst()
        return Int(byte) - 0x30
    }

    mutating func number(_ width: Int) -> Int? {
        var value = 0
        for _ in 0..<width {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    mutating func skip(_ one: Unicode.Scalar, or other: Unicode.Scalar? = nil) -> Bool {
        guard let byte = rest.first else { return false }
        let scalar = Unicode.Scalar(byte)
        guard scalar == one || scalar == other else { return false }
        rest.removeFirst()
        return true
    }

    /// Milliseconds; 0 where there is no fraction, nil for a point without a digit.
    mutating func fraction() -> Int? {
        guard skip(".") else { return 0 }
        guard let first = digit() else { return nil }
        var milliseconds = first * 100
        var weight = 10
        while let digit = digit() {
            milliseconds += digit * weight
            weight /= 10
        }
        return milliseconds
    }

    /// Minutes east of UTC.
    mutating func offset() -> Int? {
        if skip("Z", or: "z") { return 0 }
        let isEast = rest.first == 0x2B
        guard skip("+", or: "-"), let hour = number(2), skip(":"), let minute = number(2),
            hour <= 23, minute <= 59
        else { return nil }
        return (isEast ? 1 : -1) * (hour * 60 + minute)
    }
}
