import Casework
import SwiftProtobuf
import Testing

import struct Simulator.Generator

@testable import Federation

/// No bytes of a peer may stop this process: they give a value or a typed error.
@Suite struct HostileBytesTests {
    @Test(arguments: [1, 2, 3, 4]) func mutatedBytesNeverTrap(seed: UInt64) throws {
        var random = Generator(seed: seed)
        let frames = try CodecTests.everyFrame()
        var docket = Docket()
        for change in try CodecTests.everyChange() { try docket.write(Place.home, change, texts: Texts(text: "x")) }
        let envelopes = docket.events.map(\.bytes)
        let contents = try CodecTests.everyChange().map { $0.message.wire }
        let samples = [frames.node.map(\.wire), frames.hub.map(\.wire), envelopes]
        var (values, faults) = (0, 0)
        for round in 0..<2_500 {
            let kind = samples[round % 3]
            var bytes = kind[random.below(kind.count)]
            mutate(&bytes, &random)
            do {
                switch round % 3 {
                case 0: _ = try NodeFrame(wire: bytes)
                case 1: _ = try HubFrame(wire: bytes)
                default:
                    let event = try Event(bytes: bytes, part: .none, hashing: sha256)
                    _ = Fold.fold(docket.id, [docket.events[1], event])
                }
                values += 1
            } catch {
                #expect(error is FrameFault || error is EventFault, "seed \(seed): \(error)")
                faults += 1
            }
            // A change whose content alone was damaged reaches the fold.
            var content = contents[random.below(contents.count)]
            mutate(&content, &random)
            let envelope = docket.events[random.below(docket.events.count)].envelope
            _ = CaseChange(wire: content, type: envelope.type)
            _ = Texts(part: bytes)
        }
        // Both happen, else this would test nothing.
        #expect(values > 250 && faults > 250, "seed \(seed): \(values) values, \(faults) faults")
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout Generator) {
        for _ in 0...random.below(3) {
            let index = random.below(bytes.count + 1)
            switch random.below(6) {
            case 0 where index < bytes.count: bytes[index] = UInt8(random.below(256))
            case 1 where index < bytes.count: bytes[index] ^= 1 << UInt8(random.below(8))
            case 2 where index < bytes.count: bytes.remove(at: index)
            case 3: bytes.insert(UInt8(random.below(256)), at: index)
            case 4: bytes.removeSubrange(index...)
            default:
                let length = min(random.below(16), bytes.count - index)
                bytes.insert(contentsOf: bytes[index..<(index + length)], at: random.below(bytes.count + 1))
            }
        }
    }

    /// Extreme numbers in otherwise valid events: no arithmetic of the fold overflows.
    @Test func extremeNumbersNeverTrap() throws {
        var (docket, registration) = try Docket.registered()
        let extreme = Due(at: Instant(milliseconds: .max), calendar: 4_294_967_295)
        try docket.write(Place.home, .dueMoved(extreme), epoch: .max)
        try docket.write(Place.home, .dueMoved(Due(at: Instant(milliseconds: .min), calendar: 0)))
        try docket.write(Place.home, .escalated(clock: registration, level: 4_294_967_295))
        try docket.write(
            .hub,
            .granted(
                Grant(
                    epoch: .max, holder: office("SAMT"), seat: .hub,
                    cut: docket.positions(of: Place.home).map { ChainPlace(incarnation: $0.incarnation, seq: .max) },
                    cause: registration)))
        _ = try docket.forgeLast { ($0.seq, $0.stamp) = (UInt64(Int64.max), Stamp(rawValue: .max)) }
        try docket.write(.hub, .stamped(registration, hlc: .max))
        let state = docket.state()
        #expect(state.epoch == .max)
        #expect(state.isOverdue(at: Instant(milliseconds: .max)))
    }
}
