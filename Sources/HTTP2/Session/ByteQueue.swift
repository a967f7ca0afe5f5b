import NIOCore

/// Bytes in order, as buffers; small ones are joined, so that many tiny writes cost no long queue.
struct ByteQueue {
    private var buffers: [ByteBuffer] = []
    private var first = 0
    /// Readable bytes in all buffers.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ buffer: ByteBuffer) {
        guard buffer.readableBytes > 0 else { return }
        count += buffer.readableBytes
        if buffer.readableBytes < 4096, first < buffers.count, buffers[buffers.count - 1].readableBytes < 16 << 10 {
            buffers[buffers.count - 1].writeImmutableBuffer(buffer)
        } else {
            buffers.append(buffer)
        }
    }

    mutating func popFirst() -> ByteBuffer? {
        guard first < buffers.count else { return nil }
        let buffer = buffers[first]
        count -= buffer.readableBytes
        advance()
        return buffer
    }

    /// Moves as many bytes as fit into `space`; answers how many.
    mutating func move(into space: UnsafeMutableRawBufferPointer) -> Int {
        var moved = 0
        while moved < space.count, first < buffers.count {
            let size = min(space.count - moved, buffers[first].readableBytes)
            buffers[first].readWithUnsafeReadableBytes { bytes in
                UnsafeMutableRawBufferPointer(rebasing: space[moved..<(moved + size)])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<size]))
                return size
            }
            moved += size
            if buffers[first].readableBytes == 0 { advance() }
        }
        count -= moved
        return moved
    }

    mutating func removeAll() {
        buffers.removeAll()
        first = 0
        count = 0
    }

    private mutating func advance() {
        buffers[first] = ByteBuffer()
        first += 1
        if first == buffers.count {
            buffers.removeAll(keepingCapacity: true)
            first = 0
        } else if first > 32 {
            buffers.removeFirst(first)
            first = 0
        }
    }
}
