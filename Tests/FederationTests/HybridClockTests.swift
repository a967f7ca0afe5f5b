import Casework
import Testing

@testable import Federation

@Suite struct HybridClockTests {
    @Test func aStampIsGreaterThanAllBeforeIt() {
        var clock = HybridClock()
        let noon = Instant(milliseconds: 1_760_000_000_000)
        let first = clock.tick(now: noon)
        #expect(first == Stamp(at: noon))
        // The wall stands still, then falls back an hour: the counter goes on.
        let second = clock.tick(now: noon)
        let third = clock.tick(now: noon - Instant.hour)
        #expect(second.rawValue == first.rawValue + 1)
        #expect(third.rawValue == first.rawValue + 2)
        #expect(third.instant == noon)
        // The wall leads again.
        #expect(clock.tick(now: noon + 1) == Stamp(at: noon + 1))
    }

    @Test func aStampSeenIsOvertaken() {
        var clock = HybridClock()
        let seen = Stamp(at: Instant(milliseconds: 1_760_000_000_000))
        clock.observe(seen)
        clock.observe(Stamp(rawValue: 5))
        #expect(clock.tick(now: Instant(milliseconds: 0)) > seen)
    }

    @Test func resetBringsTheClockBack() {
        var clock = HybridClock(last: Stamp(at: Instant(milliseconds: 4_000_000_000_000)))
        let bound = Stamp(at: Instant(milliseconds: 1_760_000_000_000))
        clock.reset(to: bound)
        #expect(clock.tick(now: bound.instant - 5).rawValue == bound.rawValue + 1)
    }

    /// A peer may have sent anything: no clock wraps round, and no instant loses its upper bits.
    @Test func theEndsOfTimeSaturate() {
        var clock = HybridClock(last: Stamp(rawValue: .max))
        #expect(clock.tick(now: Instant(milliseconds: 0)) == Stamp(rawValue: .max))
        #expect(Stamp(at: Instant(milliseconds: .max)) > Stamp(at: Instant(milliseconds: 1 << 47)))
        #expect(Stamp(at: Instant(milliseconds: .min)) == Stamp(rawValue: 0))
        #expect(Stamp(rawValue: .max).instant.milliseconds == (1 << 48) - 1)
    }
}
