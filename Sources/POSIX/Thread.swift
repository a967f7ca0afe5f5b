import Glibc

/// A POSIX semaphore: wakes the one thread that waits for work.
public final class Semaphore: @unchecked Sendable {
    // Unchecked because of the pointer; a sem_t exists to be shared between threads.
    private let pointer: UnsafeMutablePointer<sem_t>

    /// Starts at zero: the first `wait` blocks until a `signal`.
    public init() {
        pointer = .allocate(capacity: 1)
        sem_init(pointer, 0, 0)
    }

    deinit {
        sem_destroy(pointer)
        pointer.deallocate()
    }

    /// Lets one `wait` go on, now or later.
    public func signal() { sem_post(pointer) }

    /// Blocks the calling thread until there is a signal, and uses it up.
    public func wait() {
        while sem_wait(pointer) != 0 && errno == EINTR {}
    }
}

/// Starts a detached thread. All signals are blocked on it, so that handlers run elsewhere and its system calls are
/// not interrupted.
/// - Throws: `SystemError` when the system gives no thread.
public func startThread(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
    final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let start = Unmanaged.passRetained(Start(body))
    var thread = pthread_t()
    let code = pthread_create(
        &thread, nil,
        { raw in
            guard let raw else { return nil }
            let body = Unmanaged<Start>.fromOpaque(raw).takeRetainedValue().body
            var all = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_BLOCK, &all, nil)
            body()
            return nil
        }, start.toOpaque())
    guard code == 0 else {
        start.release()
        throw SystemError("start", "a thread", code: code)
    }
    pthread_detach(thread)
}
