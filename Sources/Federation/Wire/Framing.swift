/// gRPC's framing: one byte that says whether the message is compressed (never, here), four bytes of big-endian length, then
/// the message.
public struct Deframer: Sendable {
    private var buffer: [UInt8] = []
    private var start = 0

    public init() {}

    public mutating func append(_ bytes: some Collection<UInt8>) {
        if start > 0, start == buffer.count {
            buffer.removeAll(keepingCapacity: true)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole message; `nil` until more bytes have come.
    public mutating func next() throws(FrameFault) -> [UInt8]? {
        guard buffer.count - start >= 5 else { return nil }
        guard buffer[start] == 0 else { throw FrameFault("a compressed message") }
        let length = buffer[(start + 1)..<(start + 5)].reduce(0) { $0 << 8 | Int($1) }
        guard length <= Batch.maximumFrame else { throw FrameFault("a message of \(length) bytes") }
        guard buffer.count - start >= 5 + length else {
            buffer.removeSubrange(..<start)
            start = 0
            return nil
        }
        let message = Array(buffer[(start + 5)..<(start + 5 + length)])
        start += 5 + length
        return message
    }

    /// The prefix of a message of this length.
    public static func prefix(_ length: Int) -> [UInt8] {
        [0, UInt8(length >> 24 & 0xFF), UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)]
    }
}
