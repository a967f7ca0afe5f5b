/// Identifies an event: the SHA-256 of the exact envelope bytes that its origin stored. 32 bytes, compared as a
/// big-endian number, written as 64 lower-case hexadecimal digits.
public struct EventHash: Sendable, Hashable, Comparable, CustomStringConvertible {
    let a: UInt64, b: UInt64, c: UInt64, d: UInt64

    /// The hash before a journal's first event.
    public static let zero = EventHash(a: 0, b: 0, c: 0, d: 0)

    init(a: UInt64, b: UInt64, c: UInt64, d: UInt64) {
        (self.a, self.b, self.c, self.d) = (a, b, c, d)
    }

    /// `nil` unless there are exactly 32 bytes.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 32 else { return nil }
        self.init(
            a: bytes.bigEndianWord(at: 0), b: bytes.bigEndianWord(at: 8), c: bytes.bigEndianWord(at: 16),
            d: bytes.bigEndianWord(at: 24))
    }

    /// `nil` unless there are exactly 32 bytes.
    @inlinable
    public init?(_ bytes: some Collection<UInt8>) {
        guard let hash = bytes.withContiguousBytes({ EventHash($0) }) else { return nil }
        self = hash
    }

    /// Parses 64 hexadecimal digits; `nil` for anything else.
    public init?(hex: some StringProtocol) {
        guard hex.utf8.count == 64, let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    public var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            write(to: UnsafeMutableRawBufferPointer(buffer))
            count = 32
        }
    }

    /// Writes its 32 bytes to the beginning of a buffer that has room for them.
    public func write(to buffer: UnsafeMutableRawBufferPointer) {
        buffer.store(bigEndian: a, at: 0)
        buffer.store(bigEndian: b, at: 8)
        buffer.store(bigEndian: c, at: 16)
        buffer.store(bigEndian: d, at: 24)
    }

    public var description: String { Hex.encode(bytes) }

    public static func < (left: EventHash, right: EventHash) -> Bool {
        (left.a, left.b, left.c, left.d) < (right.a, right.b, right.c, right.d)
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(a) }
}

/// Identifies a case: a UUID of version 7 whose tenth byte is the number of its home (0…30 for `IR-00`…`IR-30`,
/// 255 for the hub), so that nobody can claim another's case by registering its identifier first.
public struct CaseID: Sendable, Hashable, Comparable, CustomStringConvertible {
    let high: UInt64, low: UInt64

    /// A new identifier. `random` supplies its 66 free bits: the low 10 bits of `random.0` and all of `random.1`
    /// but its top 16.
    public init(home: Origin, at instant: Instant, random: (UInt64, UInt64)) {
        high = UInt64(bitPattern: instant.milliseconds) << 16 | 0x7000 | random.0 & 0x0FFF
        low =
            0x8000_0000_0000_0000 | (random.0 >> 12 & 0x3F) << 56 | UInt64(home.number) << 48
            | random.1 & 0x0000_FFFF_FFFF_FFFF
    }

    /// `nil` unless these are 16 bytes of a version 7 UUID with a known home.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 16 else { return nil }
        (high, low) = (bytes.bigEndianWord(at: 0), bytes.bigEndianWord(at: 8))
        guard high >> 12 & 0xF == 7, low >> 62 == 2, Origin(number: UInt8(low >> 48 & 0xFF)) != nil else { return nil }
    }

    /// `nil` unless these are 16 bytes of a version 7 UUID with a known home.
    @inlinable
    public init?(_ bytes: some Collection<UInt8>) {
        guard let id = bytes.withContiguousBytes({ CaseID($0) }) else { return nil }
        self = id
    }

    /// Parses the usual form with hyphens, in either case; `nil` for anything else.
    public init?(_ string: some StringProtocol) {
        let groups = string.split(separator: "-", omittingEmptySubsequences: false)
        guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12], let bytes = Hex.decode(groups.joined()) else { return nil }
        self.init(bytes)
    }

    /// The origin that registered the case.
    public var home: Origin { Origin(number: UInt8(low >> 48 & 0xFF)) ?? .hub }

    public var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
            write(to: UnsafeMutableRawBufferPointer(buffer))
            count = 16
        }
    }

    /// Writes its 16 bytes to the beginning of a buffer that has room for them.
    public func write(to buffer: UnsafeMutableRawBufferPointer) {
        buffer.store(bigEndian: high, at: 0)
        buffer.store(bigEndian: low, at: 8)
    }

    public var description: String {
        let hex = Array(Hex.encode(bytes))
        return [hex[0..<8], hex[8..<12], hex[12..<16], hex[16..<20], hex[20..<32]].map { String($0) }
            .joined(separator: "-")
    }

    public static func < (left: CaseID, right: CaseID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

/// Numbers the successive grants of a case's custody; 0 before the first.
public typealias Epoch = UInt64

/// Lower-case hexadecimal.
public enum Hex {
    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text = [UInt8]()
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// `nil` for an odd count or anything but hexadecimal digits.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var bytes = [UInt8]()
        var high: UInt8?
        for digit in text.utf8 {
            guard let value = value(of: digit) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return high == nil ? bytes : nil
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case 48...57: digit - 48
        case 65...70: digit - 55
        case 97...102: digit - 87
        default: nil
        }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func bigEndianWord(at offset: Int) -> UInt64 {
        UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate func store(bigEndian word: UInt64, at offset: Int) {
        storeBytes(of: word.bigEndian, toByteOffset: offset, as: UInt64.self)
    }
}

extension Collection<UInt8> {
    /// Lends the elements as they lie in memory; a collection that is scattered there is copied first.
    @inlinable
    public func withContiguousBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withContiguousStorageIfAvailable { body(UnsafeRawBufferPointer($0)) }
            ?? Array(self).withUnsafeBytes { body($0) }
    }
}
