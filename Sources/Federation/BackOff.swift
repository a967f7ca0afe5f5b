/// How long to wait before the next dial: full jitter under a doubling bound.
public struct BackOff: Sendable, Equatable {
    public static let cap: UInt64 = 60_000
    public private(set) var attempts = 0

    public init() {}

    /// Milliseconds to wait after one more failure.
    public mutating func next(random: inout some RandomNumberGenerator) -> UInt64 {
        let bound = min(Self.cap, 500 << UInt64(min(attempts, 10)))
        attempts += 1
        return UInt64.random(in: 0...bound, using: &random)
    }

    public mutating func succeeded() { attempts = 0 }
}
