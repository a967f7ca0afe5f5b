import Casework
import Testing

import struct Simulator.Generator

@testable import Federation

/// What the hand-written reader reads, SwiftProtobuf reads too, and reads the same.
@Suite struct CanonicalBytesTests {
    // MARK: Canonical bytes are read fast

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func everyEventIsReadByHand(seed: UInt64) throws {
        var wire = RandomWire(seed: seed)
        for round in 0..<300 {
            let envelope = wire.envelope()
            // The hub's events end with a seal.
            let bytes = round % 5 == 0 ? testSeal.seal(envelope.wire) : envelope.wire
            #expect(fast(bytes) == envelope, "seed \(seed): \(envelope)")
            #expect(try Envelope(protobuf: bytes) == envelope)
        }
    }

    @Test func theCommonChangesAreReadByHand() throws {
        let common: Set = [
            "opened", "registered", "assessed", "referred", "received", "accepted", "refused", "acted", "answered",
            "closed", "noted", "granted", "stamped",
        ]
        var seen = Set<String>()
        for change in try CodecTests.everyChange() {
            let read = change.message.wire.withUnsafeBytes { CaseChange(canonical: $0) }
            #expect(read == (common.contains(change.kind.rawValue) ? change : nil))
            seen.insert(change.kind.rawValue)
        }
        #expect(seen.isSuperset(of: common))
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>) func textsAndFramesAreReadByHand(seed: UInt64) {
        var wire = RandomWire(seed: seed)
        for _ in 0..<200 {
            let texts = wire.texts()
            #expect(texts.wire.withUnsafeBytes { Texts(canonical: $0) } == texts, "seed \(seed)")
            let subject = texts.wire.withUnsafeBytes { Texts.subject(canonical: $0) }
            #expect(subject == .some(texts.subject), "seed \(seed)")

            let events = (0..<wire.random.below(4)).map { _ in wire.wireEvent() }
            let frame = NodeFrame.events(events)
            #expect(frame.wire.withUnsafeBytes { NodeFrame(canonical: $0) } == frame, "seed \(seed)")
            let feed = HubFrame.feed(events.map { FeedRow(cursor: wire.cursor(), event: $0) })
            #expect(feed.wire.withUnsafeBytes { HubFrame(canonical: $0) } == feed, "seed \(seed)")
        }
    }

    /// The writer gives SwiftProtobuf's bytes, at every length of a length.
    @Test(arguments: 1...4 as ClosedRange<UInt64>) func eventsAreWrittenAsByProtobuf(seed: UInt64) {
        var wire = RandomWire(seed: seed)
        for _ in 0..<100 {
            let frame = NodeFrame.events((0..<wire.random.below(4)).map { _ in wire.wireEvent() })
            #expect(frame.wire == frame.protobuf, "seed \(seed)")
        }
        for count in [0...1, 120...130, 16_376...16_386, 2_097_145...2_097_153].joined() {
            let bytes = [UInt8](repeating: 7, count: count)
            let partOnly = WireEvent(bytes: [], part: .present(bytes), hash: .zero)
            for event in [WireEvent(bytes: bytes, part: .none), partOnly] {
                let frame = NodeFrame.events([event])
                #expect(frame.wire == frame.protobuf, "\(count) bytes")
            }
        }
    }

    // MARK: Other bytes are read the same

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func damagedEventsAreReadTheSame(seed: UInt64) {
        var wire = RandomWire(seed: seed)
        var (byHand, other) = (0, 0)
        for _ in 0..<1_000 {
            let bytes = damaged(wire.envelope().wire, &wire.random)
            let slow = outcome { () throws(EventFault) in try Envelope(protobuf: bytes) }
            if let fast = fast(bytes) {
                byHand += 1
                #expect(slow == .success(fast), "seed \(seed): \(bytes)")
                // Equal strings may differ in their bytes: written anew they show it.
                if case .success(let slow) = slow { #expect(slow.wire == fast.wire, "seed \(seed): \(bytes)") }
            } else {
                other += 1
            }
            let read = outcome { () throws(EventFault) in try Envelope(wire: bytes) }
            #expect(read == slow, "seed \(seed): \(bytes)")
        }
        #expect(byHand > 100 && other > 100, "seed \(seed): \(byHand) by hand, \(other) not")
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>) func damagedContentsAreReadTheSame(seed: UInt64) {
        var wire = RandomWire(seed: seed)
        var byHand = 0
        for _ in 0..<2_000 {
            guard let change = wire.envelope().change else { continue }
            let bytes = damaged(change.message.wire, &wire.random)
            guard let fast = bytes.withUnsafeBytes({ CaseChange(canonical: $0) }) else { continue }
            byHand += 1
            #expect(CaseChange(wire: bytes, type: fast.kind.rawValue) == fast, "seed \(seed): \(bytes)")
        }
        #expect(byHand > 100)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func damagedPartsAreReadTheSame(seed: UInt64) {
        var wire = RandomWire(seed: seed)
        var (byHand, malformed) = (0, 0)
        let salt = [UInt8](repeating: 9, count: 16)
        for _ in 0..<1_000 {
            let bytes = damaged(wire.texts().wire, &wire.random)
            let slow = Texts(protobuf: bytes)
            if slow == nil { malformed += 1 }
            if let fast = bytes.withUnsafeBytes({ Texts(canonical: $0) }) {
                byHand += 1
                #expect(fast == slow && fast.wire == slow?.wire, "seed \(seed): \(bytes)")
            }
            #expect(Texts(part: salt + bytes) == slow, "seed \(seed): \(bytes)")
            #expect(Texts.subject(part: salt + bytes) == slow?.subject, "seed \(seed): \(bytes)")
        }
        #expect(byHand > 100 && malformed > 50, "seed \(seed): \(byHand), \(malformed)")
        for count in 0...16 {
            let part = [UInt8](repeating: 1, count: count)
            #expect(Texts.subject(part: part) == nil && (Texts(part: part) == nil) == (count < 16))
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func damagedFramesAreReadTheSame(seed: UInt64) {
        var wire = RandomWire(seed: seed)
        var byHand = 0
        for _ in 0..<500 {
            let events = (0..<wire.random.below(4)).map { _ in wire.wireEvent() }
            let up = damaged(NodeFrame.events(events).wire, &wire.random)
            let slow = outcome { () throws(FrameFault) in try NodeFrame(protobuf: up) }
            if let fast = up.withUnsafeBytes({ NodeFrame(canonical: $0) }) {
                byHand += 1
                #expect(slow == .success(fast), "seed \(seed): \(up)")
            }
            #expect(outcome { () throws(FrameFault) in try NodeFrame(wire: up) } == slow)

            let rows = events.map { FeedRow(cursor: wire.cursor(), event: $0) }
            let down = damaged(HubFrame.feed(rows).wire, &wire.random)
            let slowDown = outcome { () throws(FrameFault) in try HubFrame(protobuf: down) }
            if let fast = down.withUnsafeBytes({ HubFrame(canonical: $0) }) {
                byHand += 1
                #expect(slowDown == .success(fast), "seed \(seed): \(down)")
            }
            #expect(outcome { () throws(FrameFault) in try HubFrame(wire: down) } == slowDown)
        }
        #expect(byHand > 100 && byHand < 900, "seed \(seed): \(byHand)")
    }

    // MARK: Pieces

    /// Every byte at which the rules of UTF-8 change, in every place.
    @Test func utf8IsJudgedAsByTheStandardLibrary() {
        let edges: [UInt8] = [
            0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
            0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        var wrong = [[UInt8]]()
        func judge(_ bytes: [UInt8]) {
            if bytes.withUnsafeBytes({ $0.isUTF8 }) != (String(validating: bytes, as: UTF8.self) != nil) {
                wrong.append(bytes)
            }
        }
        judge([])
        for a in edges {
            judge([a])
            for b in edges {
                judge([a, b])
                for c in edges {
                    judge([a, b, c])
                    if a >= 0xE0 { for d in edges { judge([a, b, c, d]) } }
                }
            }
        }
        #expect(wrong.isEmpty)
    }

    @Test func namesAreFoundAndNothingElse() {
        check(Kind.names)
        check(Channel.names)
        check(Outcome.names)
        check(Priority.names)
        check(Role.names)
    }

    private func check<Value>(_ table: NameTable<Value>) where Value: Equatable {
        for value in Value.allCases {
            let name = Array(value.rawValue.utf8)
            #expect(name.withUnsafeBytes { table[$0] } == value)
            var others = [name + [0], [0] + name, Array(name.dropLast()), name.reversed(), name + name + name]
            for index in name.indices {
                var other = name
                other[index] ^= 0x20
                others.append(other)
            }
            for other in others {
                let expected = String(validating: other, as: UTF8.self).flatMap { Value(rawValue: $0) }
                #expect(other.withUnsafeBytes { table[$0] } == expected)
            }
        }
    }

    // MARK: -

    /// SwiftProtobuf takes tags of up to five bytes, whatever they say.
    @Test func needlessBytesOfATagAreLeftToProtobuf() {
        for count in 0..<12 {
            // Field 6, `accepted`, of length 0.
            let tag: [UInt8] = count == 0 ? [0x32] : [0xB2] + Array(repeating: 0x80, count: count - 1) + [0]
            let read = (tag + [0]).withUnsafeBytes { CaseChange(canonical: $0) }
            let slow = CaseChange(wire: tag + [0], type: "accepted")
            #expect(read == nil || read == slow, "\(count) needless bytes")
            #expect((slow != nil) == (count <= 4), "\(count) needless bytes")
        }
    }

    private func fast(_ bytes: [UInt8]) -> Envelope? { bytes.withUnsafeBytes { Envelope(canonical: $0) } }

    private func outcome<Value, Fault>(_ body: () throws(Fault) -> Value) -> Result<Value, Fault> {
        do { return .success(try body()) } catch { return .failure(error) }
    }

    /// One to three times something wrong: with the message's fields, or with its bytes.
    private func damaged(_ bytes: [UInt8], _ random: inout Generator) -> [UInt8] {
        var bytes = bytes
        for _ in 0...random.below(3) {
            if random.chance(60), var message = LooseMessage(bytes) {
                message.damage(&random)
                bytes = message.bytes
                continue
            }
            let index = random.below(bytes.count + 1)
            switch random.below(5) {
            case 0 where index < bytes.count: bytes[index] = UInt8(random.below(256))
            case 1 where index < bytes.count: bytes[index] ^= 1 << UInt8(random.below(8))
            case 2 where index < bytes.count: bytes.remove(at: index)
            case 3: bytes.insert(UInt8(random.below(256)), at: index)
            default: if random.chance(20) { bytes.removeSubrange(index...) }
            }
        }
        return bytes
    }
}
