/// Writes rows of `COPY … FROM STDIN (FORMAT binary)`; sends them on in pieces of 64 KiB.
public struct CopyWriter {
    private static let header: [UInt8] =
        Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0] + [UInt8](repeating: 0, count: 8)
    private static let pieceSize = 1 << 16

    private let session: Session
    private var row = CopyRow()

    init(_ session: Session) {
        self.session = session
        row.bytes.reserveCapacity(Self.pieceSize * 2)
        row.bytes.append(contentsOf: Self.header)
    }

    /// Appends one row: `body` appends its fields in the order of the statement's columns.
    /// - Throws: what `body` throws, which ends the whole COPY without effect; `connectionLost`.
    public mutating func row(_ body: (inout CopyRow) throws -> Void) throws {
        row.start()
        try body(&row)
        row.end()
        if row.bytes.count >= Self.pieceSize { try send() }
    }

    mutating func finish() throws {
        row.bytes.put(Int16(-1))
        try send()
    }

    private mutating func send() throws {
        try session.putCopyData(row.bytes)
        row.bytes.removeAll(keepingCapacity: true)
    }
}

/// One row of a COPY. Every `append` adds one field.
public struct CopyRow {
    var bytes: [UInt8] = []
    private var begin = 0
    private var fields: Int16 = 0

    mutating func start() {
        begin = bytes.count
        fields = 0
        bytes.put(Int16(0))
    }

    mutating func end() {
        bytes[begin] = UInt8(truncatingIfNeeded: fields >> 8)
        bytes[begin + 1] = UInt8(truncatingIfNeeded: fields)
    }

    public mutating func appendNull() {
        fields &+= 1
        bytes.put(Int32(-1))
    }

    public mutating func append(_ value: Int64) { fixed(8) { $0.put(value) } }
    public mutating func append(_ value: Int) { fixed(8) { $0.put(Int64(value)) } }
    public mutating func append(_ value: Int32) { fixed(4) { $0.put(value) } }
    public mutating func append(_ value: Int16) { fixed(2) { $0.put(value) } }
    public mutating func append(_ value: Bool) { fixed(1) { $0.append(value ? 1 : 0) } }
    public mutating func append(_ value: Double) { fixed(8) { $0.put(value.bitPattern) } }
    public mutating func append(_ value: String) { sized { $0.put(value) } }
    /// `bytea`.
    public mutating func append(_ value: [UInt8]) { fixed(value.count) { $0.append(contentsOf: value) } }
    /// `bytea` or `uuid`: `write` fills the bytes.
    @inlinable
    public mutating func append(count: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) { buffer in
            write(buffer)
            append(UnsafeRawBufferPointer(buffer))
        }
    }
    public mutating func append(_ value: UnsafeRawBufferPointer) { fixed(value.count) { $0.append(contentsOf: value) } }
    /// `uuid`: 16 bytes.
    public mutating func append(uuid value: [UInt8]) { append(value) }
    /// `timestamptz`, microseconds since 1970-01-01 UTC.
    public mutating func append(timestamp value: Int64) { append(Timestamp.toServer(value)) }
    public mutating func append(jsonb value: String) { sized { $0.put(jsonb: value) } }
    public mutating func append(_ value: [String]) { append(.textArray(value)) }
    public mutating func append(_ value: [Int64]) { append(.int64Array(value)) }
    public mutating func append(_ value: [Int32]) { append(.int32Array(value)) }
    public mutating func append(_ value: [[UInt8]]) { append(.byteaArray(value)) }

    public mutating func append(optional value: Int64?) { if let value { append(value) } else { appendNull() } }
    public mutating func append(optional value: Int32?) { if let value { append(value) } else { appendNull() } }
    public mutating func append(optional value: Bool?) { if let value { append(value) } else { appendNull() } }
    public mutating func append(optional value: Double?) { if let value { append(value) } else { appendNull() } }
    public mutating func append(optional value: String?) { if let value { append(value) } else { appendNull() } }
    public mutating func append(optional value: [UInt8]?) { if let value { append(value) } else { appendNull() } }
    public mutating func append(timestamp value: Int64?) {
        if let value { append(timestamp: value) } else { appendNull() }
    }

    /// Any parameter value, arrays among them.
    public mutating func append(_ value: Parameter) {
        if case .null = value {
            appendNull()
        } else {
            sized { _ = value.encode(into: &$0) }
        }
    }

    @inline(__always)
    private mutating func fixed(_ length: Int, _ body: (inout [UInt8]) -> Void) {
        fields &+= 1
        bytes.put(Int32(clamping: length))
        body(&bytes)
    }

    @inline(__always)
    private mutating func sized(_ body: (inout [UInt8]) -> Void) {
        fields &+= 1
        bytes.putSized(body)
    }
}
