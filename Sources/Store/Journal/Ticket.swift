import Synchronization

/// A result that comes later: work was handed over in order, and whoever handed it over may do other things first.
public final class Ticket<Value: Sendable>: Sendable {
    private enum State {
        case open([CheckedContinuation<Value, any Error>])
        case done(Result<Value, any Error>)
    }

    private let state = Mutex(State.open([]))

    init() {}

    /// Waits for it. Not ended by cancellation: what was handed over is carried out.
    public var value: Value {
        get async throws {
            try await withCheckedThrowingContinuation { continuation in
                let result = state.withLock { state -> Result<Value, any Error>? in
                    switch state {
                    case .open(let waiting):
                        state = .open(waiting + [continuation])
                        return nil
                    case .done(let result): return result
                    }
                }
                if let result { continuation.resume(with: result) }
            }
        }
    }

    /// Whether waiting for it would take no time.
    public var isDone: Bool { state.withLock { if case .done = $0 { true } else { false } } }

    /// Once.
    func resolve(_ result: Result<Value, any Error>) {
        let waiting = state.withLock { state -> [CheckedContinuation<Value, any Error>] in
            defer { state = .done(result) }
            return if case .open(let waiting) = state { waiting } else { [] }
        }
        for continuation in waiting { continuation.resume(with: result) }
    }
}
