/// One row of a binary COPY.
struct CopyTuple: Sendable {
    let bytes: [UInt8]
    /// Where each field lies in `bytes`; nil for NULL.
    let fields: [Range<Int>?]
}

/// Takes a binary COPY apart. The server's pieces need not end where rows end.
struct CopyParser {
    private static let signature: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0]

    private var pending: [UInt8] = []
    private var offset = 0
    private var sawHeader = false
    private(set) var isFinished = false

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if offset == pending.count {
            pending.removeAll(keepingCapacity: true)
        } else if offset > 0 {
            pending.removeFirst(offset)
        }
        offset = 0
        pending.append(contentsOf: bytes)
    }

    /// The next whole row, nil when more bytes are needed or the end was reached.
    /// - Throws: `PostgresError` (`decoding`) for bytes that are no binary COPY.
    mutating func next() throws -> CopyTuple? {
        if isFinished { return nil }
        if !sawHeader {
            guard try takeHeader() else { return nil }
        }
        guard let count: Int16 = integer(at: offset) else { return nil }
        if count == -1 {
            isFinished = true
            return nil
        }
        guard count >= 0 else { throw PostgresError(.decoding, "The server sent a row with \(count) fields.") }
        var fields: [Range<Int>?] = []
        fields.reserveCapacity(Int(count))
        var position = offset + 2
        for _ in 0..<count {
            guard let length: Int32 = integer(at: position) else { return nil }
            position += 4
            if length < 0 {
                fields.append(nil)
                continue
            }
            guard pending.count - position >= Int(length) else { return nil }
            fields.append(position - offset..<position - offset + Int(length))
            position += Int(length)
        }
        defer { offset = position }
        return CopyTuple(bytes: Array(pending[offset..<position]), fields: fields)
    }

    private mutating func takeHeader() throws -> Bool {
        guard pending.count - offset >= 19, let extra: Int32 = integer(at: offset + 15) else { return false }
        guard pending[offset..<offset + 11].elementsEqual(Self.signature), extra >= 0 else {
            throw PostgresError(.decoding, "The server's COPY is not in binary format.")
        }
        guard pending.count - offset >= 19 + Int(extra) else { return false }
        offset += 19 + Int(extra)
        sawHeader = true
        return true
    }

    private func integer<T: FixedWidthInteger & BitwiseCopyable>(at position: Int) -> T? {
        pending.withUnsafeBytes { $0.bigEndian(at: position) }
    }
}
