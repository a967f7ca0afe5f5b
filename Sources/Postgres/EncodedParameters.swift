/// The parameters of one statement in the shape that libpq wants; its memory is reused from statement to statement.
struct EncodedParameters {
    private var bytes: [UInt8] = []
    private var starts: [Int] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []
    private var pointers: [UnsafePointer<CChar>?] = []

    /// Beyond this the buffer is given back after use: one large attachment must not stay in memory for ever.
    private static let keptCapacity = 1 << 20

    /// Encodes and lends count, values, lengths and formats for the time of `body`.
    mutating func withEncoded<R>(
        _ parameters: [Parameter],
        _ body: (Int32, [UnsafePointer<CChar>?], [Int32], [Int32]) throws -> R
    ) rethrows -> R {
        bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptCapacity)
        starts.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        pointers.removeAll(keepingCapacity: true)
        for parameter in parameters {
            let start = bytes.count
            let isPresent = parameter.encode(into: &bytes)
            starts.append(isPresent ? start : -1)
            lengths.append(Int32(clamping: bytes.count - start))
        }
        while formats.count < parameters.count { formats.append(1) }
        // libpq tells NULL from an empty value by the pointer: an empty buffer still needs an address.
        if bytes.isEmpty { bytes.append(0) }
        return try bytes.withUnsafeBytes { buffer in
            for start in starts {
                let address = start < 0 ? nil : buffer.baseAddress.map { $0 + start }
                pointers.append(address?.assumingMemoryBound(to: CChar.self))
            }
            return try body(Int32(clamping: parameters.count), pointers, lengths, formats)
        }
    }
}
