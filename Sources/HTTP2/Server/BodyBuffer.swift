import HTTPTypes
import NIOCore

/// What has come of a body and was not yet taken. Confined to its connection's event loop.
struct BodyBuffer {
    enum Step {
        case chunk(ByteBuffer)
        case end
        case wait
    }

    private enum State {
        /// More may come. Can go to: ended, failed.
        case open
        /// The whole body came.
        case ended
        /// It will never be whole.
        case failed(any Error)
    }

    private var queue = ByteQueue()
    private var state = State.open
    private var waiter: Waiter<ByteBuffer?>?
    private(set) var trailers: HTTPFields?
    /// All bytes that ever came.
    private(set) var received = 0

    var buffered: Int { queue.count }

    var isOpen: Bool {
        if case .open = state { true } else { false }
    }

    /// The next bytes; every chunk that was received comes before the end or the failure.
    mutating func take() throws -> Step {
        if let buffer = queue.popFirst() { return .chunk(buffer) }
        switch state {
        case .open: return .wait
        case .ended: return .end
        case .failed(let error): throw error
        }
    }

    /// Adds a chunk; answers how many bytes went straight to a waiting reader.
    mutating func receive(_ buffer: ByteBuffer) -> Int {
        guard isOpen else { return 0 }
        received += buffer.readableBytes
        guard let reader = waiter else {
            queue.append(buffer)
            return 0
        }
        waiter = nil
        reader.resume(returning: buffer)
        return buffer.readableBytes
    }

    mutating func end(_ trailers: HTTPFields?) {
        guard isOpen else { return }
        state = .ended
        self.trailers = trailers
        waiter?.resume(returning: nil)
        waiter = nil
    }

    mutating func fail(_ failure: @autoclosure () -> any Error) {
        guard isOpen else { return }
        let error = failure()
        state = .failed(error)
        waiter?.resume(throwing: error)
        waiter = nil
    }

    /// Lets `reader` wait; answers the bytes it was given at once.
    mutating func wait(_ reader: Waiter<ByteBuffer?>) -> Int {
        guard waiter == nil else {
            reader.resume(throwing: HTTP2Error(.misuse, "two readers of one body"))
            return 0
        }
        do {
            switch try take() {
            case .chunk(let buffer):
                reader.resume(returning: buffer)
                return buffer.readableBytes
            case .end: reader.resume(returning: nil)
            case .wait: waiter = reader
            }
        } catch {
            reader.resume(throwing: error)
        }
        return 0
    }

    mutating func cancel(_ token: WaitToken) {
        guard let waiter, waiter.token === token else { return }
        waiter.resume(throwing: CancellationError())
        self.waiter = nil
    }

    /// Drops what is queued; answers how many bytes that was.
    mutating func discard() -> Int {
        defer { queue.removeAll() }
        return queue.count
    }
}

/// Writers that wait for room.
struct RoomWaiters {
    private var waiters: [Waiter<Void>] = []

    var isEmpty: Bool { waiters.isEmpty }

    mutating func append(_ waiter: Waiter<Void>) { waiters.append(waiter) }

    mutating func resumeAll() {
        for waiter in waiters { waiter.resume(returning: ()) }
        waiters.removeAll()
    }

    mutating func failAll(_ error: any Error) {
        for waiter in waiters { waiter.resume(throwing: error) }
        waiters.removeAll()
    }

    mutating func cancel(_ token: WaitToken) {
        waiters.removeAll { waiter in
            guard waiter.token === token else { return false }
            waiter.resume(throwing: CancellationError())
            return true
        }
    }
}
