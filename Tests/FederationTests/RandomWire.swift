import Casework

import struct Simulator.Generator

@testable import Federation

/// Random envelopes and texts: every kind of change, every field present or not.
struct RandomWire {
    var random: Generator

    init(seed: UInt64) { random = Generator(seed: seed) }

    mutating func envelope() -> Envelope {
        let change = change()
        let role = Role.allCases[random.below(Role.allCases.count)]
        return Envelope(
            id: (0..<16).map { _ in UInt8(random.below(256)) }, origin: origin(), incarnation: number(),
            seq: 1 + number() % UInt64(Int64.max), previous: hash(),
            caseID: random.chance(80) ? CaseID(home: origin(), at: instant(), random: (number(), number())) : nil,
            base: (0..<random.below(3)).map { _ in base() }, epoch: number(), stamp: Stamp(rawValue: number()),
            occurredAt: instant(), actor: Actor(name: string(), role: role, organization: organization()),
            type: change.kind.rawValue, schema: UInt32(truncatingIfNeeded: number()),
            minReader: UInt32(truncatingIfNeeded: number()), declaredClass: change.mergeClass, content: .change(change),
            partHash: random.chance(50) ? hash() : nil, applies: random.chance(20) ? hash() : nil)
    }

    mutating func texts() -> Texts {
        var texts = Texts(text: random.chance(50) ? string() : nil)
        for field in Field.allCases where random.chance(50) { texts[field] = string() }
        return texts
    }

    mutating func wireEvent() -> WireEvent {
        let bytes = random.chance(95) ? envelope().wire : []
        let parts = [Part.none, .withheld, .erased, .present([]), .present(texts().wire)]
        return WireEvent(bytes: bytes, part: parts[random.below(5)], hash: random.chance(80) ? hash() : nil)
    }

    mutating func cursor() -> FeedCursor { FeedCursor(hubIncarnation: number(), seq: number(), hash: hash()) }

    // MARK: Values

    private mutating func change() -> CaseChange {
        let code = TrackingCode(province: random.below(31), random: random.next())
        guard let code else { preconditionFailure("no such province") }
        switch random.below(26) {
        case 0: return .opened(trackingCode: code)
        case 1, 2: return .registered(registration(code))
        case 3:
            return .assessed(
                Assessment(lawful: random.chance(50), withinMeans: random.chance(50), done: random.chance(50)))
        case 4: return .referred(to: organization(), seat: origin())
        case 5: return .received(grant: hash(), due: due(), acceptBy: due())
        case 6: return .accepted
        case 7: return .refused
        case 8: return .acted
        case 9: return .answered
        case 10: return .closed(Outcome.allCases[random.below(Outcome.allCases.count)])
        case 11: return .noted
        case 12: return .attached(Attachment(sha256: hash(), size: number(), mediaType: string()))
        case 13: return .amended(Amendment(category: string(), tags: [string()], textFields: [.subject]))
        case 14: return .hidden(hash())
        case 15: return .unhidden(hash())
        case 16: return .disputed
        case 17: return .reviewed(dispute: hash(), upheld: random.chance(50))
        case 18: return .rated(score: 1 + random.below(5))
        case 19: return .withdrawn
        case 20: return .dueMoved(due())
        case 21: return .escalated(clock: hash(), level: random.below(1_000))
        case 22: return .duplicateMarked(of: CaseID(home: origin(), at: instant(), random: (number(), number())))
        case 23:
            return .granted(
                Grant(
                    epoch: number(), holder: organization(), seat: origin(), cut: positions(),
                    cause: random.chance(50) ? hash() : nil))
        case 24: return .stamped(hash(), hlc: number())
        default: return .branchRanked(BranchRank(origin: origin(), epoch: number(), losers: positions()))
        }
    }

    private mutating func registration(_ code: TrackingCode) -> Registration {
        Registration(
            trackingCode: code, kind: Kind.allCases[random.below(Kind.allCases.count)],
            channel: Channel.allCases[random.below(Channel.allCases.count)], category: string(),
            priority: Priority.allCases[random.below(Priority.allCases.count)],
            tags: (0..<random.below(3)).map { _ in string() }, about: random.chance(50) ? organization() : nil,
            due: due(), imported: random.chance(30))
    }

    private mutating func base() -> Base {
        let field = random.chance(80) ? Field.allCases[random.below(Field.allCases.count)] : nil
        return Base(field: field, events: (0..<random.below(3)).map { _ in hash() })
    }

    private mutating func positions() -> [ChainPlace] {
        (0..<random.below(3)).map { _ in ChainPlace(incarnation: number(), seq: number()) }
    }

    private mutating func due() -> Due { Due(at: instant(), calendar: Int(UInt32(truncatingIfNeeded: number()))) }

    private mutating func instant() -> Instant { Instant(milliseconds: Int64(bitPattern: number())) }

    private mutating func origin() -> Origin {
        random.chance(20) ? .hub : Origin.provinces[random.below(31)]
    }

    private mutating func organization() -> OrganizationCode {
        let letters = Array("ABCXYZ0189-".utf8)
        let code = (0..<2 + random.below(31)).map { _ in letters[random.below(letters.count)] }
        return office(String(decoding: code, as: UTF8.self))
    }

    private mutating func hash() -> EventHash { sha256([UInt8(random.below(256))]) }

    /// Of every length in bits, so that varints of every length occur.
    private mutating func number() -> UInt64 { random.next() >> UInt64(random.below(64)) }

    private mutating func string() -> String {
        let letters: [Character] = ["a", "Z", " ", "\0", "é", "ب", "\u{200C}", "ی", "€", "\u{FFFD}", "🙂", "\u{10FFFF}"]
        return String((0..<random.below(24)).map { _ in letters[random.below(letters.count)] })
    }
}

/// A Protobuf message taken apart, so that it can be put together wrongly.
struct LooseMessage {
    private struct Field {
        var tag: UInt64
        /// A varint's or a fixed number's bytes as they are, or what is length-delimited.
        var value: [UInt8]
        /// Needless bytes of a tag, and of a length.
        var longTag = 0, longLength = 0
    }

    private var fields: [Field] = []

    /// `nil` for what is no message.
    init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let tag = Self.varint(&rest), tag.value >> 3 > 0 else { return nil }
            let count: Int
            switch tag.value & 7 {
            case 0:
                guard let value = Self.varint(&rest) else { return nil }
                fields.append(Field(tag: tag.value, value: value.bytes))
                continue
            case 1: count = 8
            case 2:
                guard let length = Self.varint(&rest), length.value <= 1 << 20 else { return nil }
                count = Int(length.value)
            default: return nil
            }
            guard rest.count >= count else { return nil }
            fields.append(Field(tag: tag.value, value: Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
        }
    }

    private static func varint(_ bytes: inout ArraySlice<UInt8>) -> (value: UInt64, bytes: [UInt8])? {
        var value: UInt64 = 0
        for (index, byte) in bytes.prefix(10).enumerated() {
            value |= UInt64(byte & 0x7F) << UInt64(7 * index)
            guard byte < 0x80 else { continue }
            defer { bytes = bytes.dropFirst(index + 1) }
            return (value, Array(bytes.prefix(index + 1)))
        }
        return nil
    }

    var bytes: [UInt8] {
        fields.flatMap { field in
            var bytes = Self.bytes(field.tag, needless: field.longTag)
            if field.tag & 7 == 2 { bytes += Self.bytes(UInt64(field.value.count), needless: field.longLength) }
            return bytes + field.value
        }
    }

    private static func bytes(_ value: UInt64, needless: Int) -> [UInt8] {
        var (rest, bytes) = (value, [UInt8]())
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
        for _ in 0..<needless {
            bytes[bytes.count - 1] |= 0x80
            bytes.append(0)
        }
        return bytes
    }

    /// One thing made wrong, or merely unusual, here or in a message within.
    mutating func damage(_ random: inout Generator) {
        guard !fields.isEmpty else {
            fields.append(Field(tag: UInt64(8 + random.below(64)), value: [1]))
            return
        }
        let index = random.below(fields.count)
        switch random.below(12) {
        case 0: fields.insert(fields[index], at: random.below(fields.count + 1))
        case 1: fields.swapAt(index, random.below(fields.count))
        case 2: fields.remove(at: index)
        case 3: fields.insert(Field(tag: UInt64(random.below(300) << 3), value: [1]), at: index)
        case 4: fields.append(Field(tag: UInt64(random.below(300) << 3 | 2), value: [0x61]))
        case 5: fields[index].tag ^= UInt64(1 + random.below(7))
        case 6: fields[index].longTag = 1 + random.below(10)
        case 7: fields[index].longLength = 1 + random.below(10)
        case 8: fields[index].value = Self.bytes(random.next(), needless: random.below(3))
        case 9:
            let bad: [[UInt8]] = [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xD9], [0x80], []]
            fields[index].value = bad[random.below(bad.count)]
        default:
            let nested = fields.indices.filter { fields[$0].tag & 7 == 2 }
            guard let index = random.pick(nested), var message = LooseMessage(fields[index].value) else { return }
            message.damage(&random)
            fields[index].value = message.bytes
        }
    }
}
