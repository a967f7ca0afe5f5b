import NIOCore
import Synchronization

/// Names one suspended call, so that its cancellation finds it, or finds it before it began to wait.
final class WaitToken: Sendable {
    private let flag = Atomic<Bool>(false)

    var isCancelled: Bool { flag.load(ordering: .acquiring) }
    func cancel() { flag.store(true, ordering: .releasing) }
}

/// A task that waits for something to happen on an event loop.
struct Waiter<Value: Sendable>: Sendable {
    let token: WaitToken
    let continuation: CheckedContinuation<Value, any Error>

    func resume(returning value: Value) { continuation.resume(returning: value) }
    func resume(throwing error: any Error) { continuation.resume(throwing: error) }
}

extension EventLoop {
    /// Suspends until the waiter that `install` gets on this loop is resumed. When the task is cancelled, `cancel` is
    /// called on the loop and must resume that waiter if it is still there.
    ///
    /// - Throws: what the waiter is resumed with; `CancellationError` if the task was cancelled before.
    func wait<Value: Sendable>(
        install: @escaping @Sendable (Waiter<Value>) -> Void, cancel: @escaping @Sendable (WaitToken) -> Void
    ) async throws -> Value {
        let token = WaitToken()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let waiter = Waiter(token: token, continuation: continuation)
                run {
                    if token.isCancelled {
                        waiter.resume(throwing: CancellationError())
                    } else {
                        install(waiter)
                    }
                }
            }
        } onCancel: {
            // The flag first: a waiter that is installed later sees it, one installed before is found by `cancel`.
            token.cancel()
            execute { cancel(token) }
        }
    }

    /// Runs `body` on this loop: at once if that is where we are.
    func run(_ body: @escaping @Sendable () -> Void) {
        if inEventLoop { body() } else { execute(body) }
    }

    /// Runs `body` on this loop and answers its result: without suspending if that is where we are.
    func call<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        if inEventLoop { return try body() }
        return try await submit(body).get()
    }
}
