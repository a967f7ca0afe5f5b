import Glibc

/// A file lock that ends with this value, or with this process in whatever way.
public final class FileLock: Sendable {
    private let descriptor: Int32

    /// Makes the file if it is not there. Nil when another process holds the lock.
    public init?(_ path: String) throws(SystemError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("lock", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
    }

    deinit { close(descriptor) }
}
