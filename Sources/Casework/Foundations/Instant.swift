/// A point in time, in milliseconds since the Unix epoch (1970-01-01T00:00:00Z), without leap seconds.
///
/// All arithmetic saturates at the ends of `Int64`, so that a peer's absurd stamp cannot trap the process.
public struct Instant: Sendable, Hashable, Comparable {
    public static let second: Int64 = 1_000
    public static let minute: Int64 = 60_000
    public static let hour: Int64 = 3_600_000
    public static let day: Int64 = 86_400_000

    public var milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    public init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: Instant.second)
        self.milliseconds = overflow ? (seconds < 0 ? .min : .max) : product
    }

    /// Whole seconds since the epoch, rounded towards the past.
    public var seconds: Int64 { floorDivide(milliseconds, Instant.second).quotient }

    public static func < (left: Instant, right: Instant) -> Bool { left.milliseconds < right.milliseconds }

    public static func + (instant: Instant, milliseconds: Int64) -> Instant {
        let (sum, overflow) = instant.milliseconds.addingReportingOverflow(milliseconds)
        return Instant(milliseconds: overflow ? (milliseconds < 0 ? .min : .max) : sum)
    }

    public static func - (instant: Instant, milliseconds: Int64) -> Instant {
        let (difference, overflow) = instant.milliseconds.subtractingReportingOverflow(milliseconds)
        return Instant(milliseconds: overflow ? (milliseconds < 0 ? .max : .min) : difference)
    }

    /// Milliseconds from `earlier` to `later`; negative if they are the other way round.
    public static func - (later: Instant, earlier: Instant) -> Int64 {
        let (difference, overflow) = later.milliseconds.subtractingReportingOverflow(earlier.milliseconds)
        return overflow ? (later < earlier ? .min : .max) : difference
    }
}

/// Quotient rounded down and a remainder in `0..<divisor`; `divisor` is a positive constant at every call.
func floorDivide(_ dividend: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
}

extension Instant: CustomStringConvertible {
    public var description: String { rfc3339 }
}
