/// One value as it came over the wire. The bytes are valid only while the decoding call runs.
public struct Cell {
    /// The type's OID; 0 when unknown (COPY).
    public let type: UInt32
    /// Text format: results of the simple protocol.
    let isText: Bool
    /// Nil for NULL.
    public let bytes: UnsafeRawBufferPointer?

    func present(_ wanted: String) throws -> UnsafeRawBufferPointer {
        guard let bytes else { throw PostgresError(.decoding, "NULL where \(wanted) was expected.") }
        return bytes
    }

    func mismatch(_ wanted: String) -> PostgresError {
        let length = bytes.map { "\($0.count) bytes" } ?? "NULL"
        return PostgresError(.decoding, "A value of type OID \(type) (\(length)) is no \(wanted).")
    }

    /// Calls `body` for each element of a one-dimensional (or empty) array.
    func forEachElement(_ body: (Cell) throws -> Void) throws {
        let bytes = try present("an array")
        guard !isText, let dimensions: Int32 = bytes.bigEndian(at: 0), let element: UInt32 = bytes.bigEndian(at: 8)
        else { throw mismatch("array") }
        if dimensions == 0 { return }
        guard dimensions == 1, let length: Int32 = bytes.bigEndian(at: 12), length >= 0 else {
            throw mismatch("one-dimensional array")
        }
        var offset = 20
        for _ in 0..<length {
            guard let size: Int32 = bytes.bigEndian(at: offset) else { throw mismatch("array") }
            offset += 4
            if size < 0 {
                try body(Cell(type: element, isText: false, bytes: nil))
                continue
            }
            guard bytes.count - offset >= Int(size) else { throw mismatch("array") }
            let slice = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Int(size)])
            try body(Cell(type: element, isText: false, bytes: slice))
            offset += Int(size)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Nil when the integer does not lie within the buffer.
    @inline(__always)
    func bigEndian<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int) -> T? {
        guard offset >= 0, count - offset >= MemoryLayout<T>.size else { return nil }
        return T(bigEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}

extension Timestamp {
    private static let microsecondsPerDay: Int64 = 86_400_000_000

    static func decode(_ cell: Cell) throws -> Int64 {
        let bytes = try cell.present("a time")
        switch (cell.type, bytes.count) {
        case (TypeID.timestamptz, 8), (TypeID.timestamp, 8), (0, 8):
            if !cell.isText, let value: Int64 = bytes.bigEndian(at: 0) { return fromServer(value) }
        case (TypeID.date, 4):
            guard !cell.isText, let days: Int32 = bytes.bigEndian(at: 0) else { break }
            if days == .max { return .max }
            if days == .min { return .min }
            return fromServer(Int64(days) * microsecondsPerDay)
        default: break
        }
        throw cell.mismatch("time")
    }
}
