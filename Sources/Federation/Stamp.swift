public import Casework

/// A hybrid logical clock's reading: milliseconds since 1970 in the upper 48 bits, a counter in the lower 16.
public struct Stamp: Sendable, Hashable, Comparable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Instants outside 1970…10889 become the nearest end.
    public init(at instant: Instant) { rawValue = min(UInt64(clamping: instant.milliseconds), 0xFFFF_FFFF_FFFF) << 16 }

    public var instant: Instant { Instant(milliseconds: Int64(rawValue >> 16)) }

    public static func < (left: Stamp, right: Stamp) -> Bool { left.rawValue < right.rawValue }
}

/// Gives every event of one origin a stamp greater than all that this origin has written or seen.
public struct HybridClock: Sendable, Equatable {
    /// How far ahead of the hub's wall clock a stamp may run before the hub bounds it.
    public static let tolerance: Int64 = 5 * 60 * 1000

    public private(set) var last: Stamp

    public init(last: Stamp = Stamp(rawValue: 0)) { self.last = last }

    public mutating func tick(now: Instant) -> Stamp {
        let wall = Stamp(at: now)
        last = wall > last ? wall : Stamp(rawValue: last.rawValue + (last.rawValue < .max ? 1 : 0))
        return last
    }

    /// Takes note of another origin's effective stamp.
    public mutating func observe(_ stamp: Stamp) { last = max(last, stamp) }

    /// Sets the clock back to the greatest stamp that the hub lets count.
    public mutating func reset(to stamp: Stamp) { last = stamp }
}
