import Synchronization

/// Hands each value to all who listen now. A slow listener loses the oldest values beyond its bound, never blocks the
/// others; those who must not miss anything read the store from their cursor when a value wakes them.
public final class Broadcast<Value: Sendable>: Sendable {
    private struct State {
        var next = 0
        var listeners: [Int: AsyncStream<Value>.Continuation] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    /// A stream of the values sent from now on; it ends when its reader does.
    public func listen(buffering limit: Int = 1) -> AsyncStream<Value> {
        let (stream, continuation) = AsyncStream<Value>.makeStream(bufferingPolicy: .bufferingNewest(limit))
        let id = state.withLock { state in
            state.next += 1
            state.listeners[state.next] = continuation
            return state.next
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.listeners.removeValue(forKey: id) }
        }
        return stream
    }

    /// Whether anybody listens now.
    public var hasListeners: Bool { state.withLock { !$0.listeners.isEmpty } }

    public func send(_ value: Value) {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield(value) }
    }
}
