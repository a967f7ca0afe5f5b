import Casework
import Federation
import Postgres

// How values of the domain lie in columns.

extension UInt64 {
    /// `bigint` has no unsigned form: the same 64 bits.
    var stored: Int64 { Int64(bitPattern: self) }
    init(stored: Int64) { self.init(bitPattern: stored) }
}

extension Instant {
    /// 0001-01-01 to 9999-12-31, in milliseconds. A peer's event may name any time; one absurd time must not make a
    /// whole batch impossible to save. The event's own bytes keep what it said.
    private static let storable: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

    /// Microseconds, within what `timestamptz` and people's calendars can hold.
    var stored: Int64 {
        min(max(milliseconds, Self.storable.lowerBound), Self.storable.upperBound) * 1000
    }

    /// As a column gives it back.
    var storable: Instant { Instant(stored: stored) }

    init(stored microseconds: Int64) {
        let (quotient, remainder) = microseconds.quotientAndRemainder(dividingBy: 1000)
        self.init(milliseconds: remainder < 0 ? quotient - 1 : quotient)
    }
}

extension String {
    /// PostgreSQL's `text` holds no U+0000, which a peer's event or a person's text may contain.
    var stored: String {
        guard utf8.contains(0) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
    }
}

extension CaseID {
    /// What a column is read into.
    static let blank = CaseID(home: .hub, at: Instant(milliseconds: 0), random: (0, 0))
}

extension Origin {
    /// This origin's bit in `case_origins.origins`.
    var mask: UInt64 { 1 << UInt64(isHub ? 31 : number) }

    static func inMask(_ mask: UInt64) -> [Origin] { (provinces + [.hub]).filter { $0.mask & mask != 0 } }
}

extension CopyRow {
    mutating func append(_ hash: EventHash) { append(count: 32) { hash.write(to: $0) } }
    /// `uuid`
    mutating func append(_ id: CaseID) { append(count: 16) { id.write(to: $0) } }
}

extension Int {
    var stored: Int32 { Int32(clamping: self) }
}

extension Part {
    /// `parts.state`; `nil` when the event has no part and so no row there.
    var storedState: Int? {
        switch self {
        case .none: nil
        case .present: 1
        case .withheld: 2
        case .erased: 3
        }
    }

    /// Of the columns `state` and `part`, both NULL when there is no row.
    init(state: Int16?, bytes: [UInt8]?) {
        switch (state, bytes) {
        case (nil, _): self = .none
        case (1, let bytes?): self = .present(bytes)
        case (3, _): self = .erased
        default: self = .withheld
        }
    }
}

extension ChainHead {
    /// 48 bytes: incarnation, seq, hash.
    var stored: [UInt8] { incarnation.storedBytes + seq.storedBytes + hash.bytes }

    init?(stored bytes: ArraySlice<UInt8>) {
        guard bytes.count == 48, let hash = EventHash(bytes.dropFirst(16)) else { return nil }
        let numbers = bytes.prefix(16).reduce(into: (high: UInt64(0), low: UInt64(0))) { words, byte in
            words.high = words.high << 8 | words.low >> 56
            words.low = words.low << 8 | UInt64(byte)
        }
        self.init(incarnation: numbers.high, seq: numbers.low, hash: hash)
    }
}

extension UInt64 {
    fileprivate var storedBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}

extension ChainHead {
    /// `incarnation:seq:hash`, the first and the last in hexadecimal: a line of a fact.
    var line: String { "\(Receipt.hex(incarnation)):\(seq):\(hash)" }

    init?(line: some StringProtocol) {
        let fields = line.split(separator: ":")
        guard fields.count == 3, let incarnation = UInt64(fields[0], radix: 16), let seq = UInt64(fields[1]),
            let hash = EventHash(hex: fields[2])
        else { return nil }
        self.init(incarnation: incarnation, seq: seq, hash: hash)
    }
}

extension Row {
    func hash(_ column: Int) throws -> EventHash {
        let hash = try withBytes(column) { bytes in bytes.flatMap { EventHash($0) } }
        guard let hash else { throw StoreError.corrupt(nil, "a stored hash is not 32 bytes long") }
        return hash
    }

    func number(_ column: Int) throws -> UInt64 { UInt64(stored: try get(column)) }

    func origin(_ column: Int) throws -> Origin {
        let code = try get(column, as: String.self)
        guard let origin = Origin(code) else { throw StoreError.corrupt(nil, "no origin: \(code)") }
        return origin
    }

    func caseID(_ column: Int) throws -> CaseID {
        guard let id = try withBytes(column, { bytes in bytes.flatMap { CaseID($0) } }) else {
            throw StoreError.corrupt(nil, "no case id")
        }
        return id
    }

    func instant(_ column: Int) throws -> Instant { Instant(stored: try timestamp(column)) }
}

/// Hashes one after the other, as `idempotency.events` and `acknowledgements.heads` hold them.
func pieces(_ bytes: [UInt8], of length: Int) -> [ArraySlice<UInt8>] {
    stride(from: 0, to: bytes.count, by: length).map { bytes[$0..<Swift.min($0 + length, bytes.count)] }
}
