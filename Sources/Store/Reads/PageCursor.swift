import Casework

/// Where a page ended: which order the list has, and the last row's place in it. Given out as hexadecimal digits.
enum PageCursor: Equatable {
    /// Cases not registered yet, which a list by date of registration begins with.
    case draft(CaseID)
    /// Registered cases, the latest first; microseconds since 1970.
    case registered(Int64, CaseID)
    /// By deadline, the oldest first.
    case due(Int64, CaseID)
    /// An event of a case: conflicts and proposals, the latest case first.
    case event(CaseID, EventHash)

    var text: String {
        switch self {
        case .draft(let id): Hex.encode([1] + id.bytes)
        case .registered(let time, let id): Hex.encode([2] + id.bytes + Self.bytes(time))
        case .due(let time, let id): Hex.encode([3] + id.bytes + Self.bytes(time))
        case .event(let id, let hash): Hex.encode([4] + id.bytes + hash.bytes)
        }
    }

    /// - Throws: `Refusal.invalid` for a text that no page gave.
    init(_ text: String) throws(Refusal) {
        guard let bytes = Hex.decode(text), let kind = bytes.first, let id = CaseID(bytes.dropFirst().prefix(16)) else {
            throw Self.invalid
        }
        let rest = bytes.dropFirst(17)
        switch (kind, rest.count) {
        case (1, 0): self = .draft(id)
        case (2, 8): self = .registered(try Self.time(rest), id)
        case (3, 8): self = .due(try Self.time(rest), id)
        case (4, 32):
            guard let hash = EventHash(rest) else { throw Self.invalid }
            self = .event(id, hash)
        default: throw Self.invalid
        }
    }

    static let invalid = Refusal.invalid(field: "cursor", .notACursor)

    private static func bytes(_ number: Int64) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }

    /// A time that a row can hold: the server refuses others, and the cursor comes from outside.
    private static func time(_ bytes: ArraySlice<UInt8>) throws(Refusal) -> Int64 {
        let number = Int64(bitPattern: bytes.reduce(0) { $0 << 8 | UInt64($1) })
        guard Instant(stored: number).stored == number else { throw Self.invalid }
        return number
    }
}
