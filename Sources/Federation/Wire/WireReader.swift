/// Reads a Protobuf message that has the form in which our own writers give it: known fields in ascending order, none
/// twice unless it is repeated. Each call asks for the next field that may come, so that whatever has another form
/// stays unread, or is unsound; `isDone` is then false, and the bytes are SwiftProtobuf's to judge.
///
/// A field that is absent has proto3's default. The reader is valid as long as the bytes are lent; it traps on none.
struct WireReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0
    private var isSound = true

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Whether every byte was read and understood.
    var isDone: Bool { isSound && offset == bytes.count }

    @inline(__always)
    mutating func uint64(_ field: Int) -> UInt64 { begins(field, 0) ? varint() : 0 }

    @inline(__always)
    mutating func uint32(_ field: Int) -> UInt32 {
        let value = uint64(field)
        // SwiftProtobuf drops the upper bits: that is left to it.
        if value > UInt64(UInt32.max) { fail() }
        return UInt32(truncatingIfNeeded: value)
    }

    @inline(__always)
    mutating func sint64(_ field: Int) -> Int64 {
        let value = uint64(field)
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    @inline(__always)
    mutating func bool(_ field: Int) -> Bool { uint64(field) != 0 }

    @inline(__always)
    mutating func fixed64(_ field: Int) -> UInt64 {
        guard begins(field, 1) else { return 0 }
        guard bytes.count - offset >= 8 else {
            fail()
            return 0
        }
        defer { offset += 8 }
        return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The bytes of a string, of bytes or of a message; `nil` when the field does not come next.
    @inline(__always)
    mutating func slice(_ field: Int) -> UnsafeRawBufferPointer? { begins(field, 2) ? body() : nil }

    /// `nil` when the field does not come next, or is not UTF-8.
    @inline(__always)
    mutating func string(_ field: Int) -> String? {
        guard let slice = slice(field) else { return nil }
        // `String(validating:)` is generic in the library and costs several times as much for a short text.
        guard slice.isUTF8 else {
            fail()
            return nil
        }
        return String(decoding: slice, as: UTF8.self)
    }

    /// Whichever length-delimited field comes next.
    mutating func member() -> (field: Int, body: UnsafeRawBufferPointer)? {
        let start = offset
        let tag = varint()
        // Of a tag with needless bytes SwiftProtobuf takes some and not others.
        guard isSound, offset - start <= 2, tag & 7 == 2, let body = body() else {
            fail()
            return nil
        }
        return (Int(truncatingIfNeeded: tag >> 3), body)
    }

    private mutating func fail() { (isSound, offset) = (false, bytes.count) }

    /// Steps over the field's tag if it comes next. Fields from 16 on have two bytes.
    @inline(__always)
    private mutating func begins(_ field: Int, _ wireType: Int) -> Bool {
        let tag = field << 3 | wireType
        if tag < 0x80 {
            guard offset < bytes.count, bytes[offset] == UInt8(tag) else { return false }
            offset += 1
        } else {
            guard bytes.count - offset >= 2, bytes[offset] == UInt8(tag & 0x7F | 0x80),
                bytes[offset + 1] == UInt8(tag >> 7)
            else { return false }
            offset += 2
        }
        return true
    }

    @inline(__always)
    private mutating func body() -> UnsafeRawBufferPointer? {
        let length = varint()
        guard isSound, length <= UInt64(bytes.count - offset) else {
            fail()
            return nil
        }
        let start = offset
        offset += Int(length)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
    }

    @inline(__always)
    private mutating func varint() -> UInt64 {
        if offset < bytes.count, bytes[offset] < 0x80 {
            defer { offset += 1 }
            return UInt64(bytes[offset])
        }
        return longVarint()
    }

    private mutating func longVarint() -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<min(10, bytes.count - offset) {
            let byte = bytes[offset + index]
            // Of a tenth byte one bit has room.
            if index == 9, byte > 1 { break }
            value |= UInt64(byte & 0x7F) << UInt64(7 * index)
            if byte < 0x80 {
                offset += index + 1
                return value
            }
        }
        fail()
        return 0
    }
}

extension UnsafeRawBufferPointer {
    /// Whether they are well-formed UTF-8 (Unicode 16, table 3-7).
    var isUTF8: Bool {
        var index = 0
        while index < count {
            let first = self[index]
            let length: Int
            var second: ClosedRange<UInt8> = 0x80...0xBF
            switch first {
            case 0..<0x80: length = 1
            case 0xC2...0xDF: length = 2
            case 0xE0: (length, second) = (3, 0xA0...0xBF)
            case 0xED: (length, second) = (3, 0x80...0x9F)
            case 0xE1...0xEF: length = 3
            case 0xF0: (length, second) = (4, 0x90...0xBF)
            case 0xF1...0xF3: length = 4
            case 0xF4: (length, second) = (4, 0x80...0x8F)
            default: return false
            }
            guard count - index >= length else { return false }
            if length > 1, !second.contains(self[index + 1]) { return false }
            if length > 2, self[index + 2] & 0xC0 != 0x80 { return false }
            if length > 3, self[index + 3] & 0xC0 != 0x80 { return false }
            index += length
        }
        return true
    }
}
