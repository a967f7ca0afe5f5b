import Casework

/// Finds the value of a closed set by the UTF-8 of its name; those of more than 16 bytes it does not find. A `rawValue`
/// wants a string first, and compares that with one name after the other.
struct NameTable<Value: CaseIterable & RawRepresentable<String> & Sendable>: Sendable {
    private let entries: [(name: ShortName, value: Value)]

    init() { entries = Value.allCases.compactMap { value in ShortName(value.rawValue).map { ($0, value) } } }

    subscript(name: UnsafeRawBufferPointer) -> Value? {
        guard let wanted = ShortName(name) else { return nil }
        for (name, value) in entries where name == wanted { return value }
        return nil
    }
}

/// 1 to 16 bytes as numbers. The two words overlap below 16 bytes; with the count they still tell all names apart.
private struct ShortName: Equatable {
    let count: Int
    let head, tail: UInt64

    init?(_ bytes: UnsafeRawBufferPointer) {
        count = bytes.count
        switch count {
        case 8...16:
            head = bytes.loadUnaligned(as: UInt64.self)
            tail = bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
        case 4..<8:
            head = UInt64(bytes.loadUnaligned(as: UInt32.self))
            tail = UInt64(bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
        case 1..<4:
            // First, middle and last are all bytes of so short a name.
            head = UInt64(bytes[0]) << 8 | UInt64(bytes[count / 2])
            tail = UInt64(bytes[count - 1])
        default: return nil
        }
    }

    init?(_ name: String) {
        guard let short = name.utf8.withContiguousBytes({ ShortName($0) }) else { return nil }
        self = short
    }
}

extension Kind { static let names = NameTable<Kind>() }
extension Channel { static let names = NameTable<Channel>() }
extension Outcome { static let names = NameTable<Outcome>() }
extension Priority { static let names = NameTable<Priority>() }
extension Role { static let names = NameTable<Role>() }
