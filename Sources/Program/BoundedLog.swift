import Glibc
public import POSIX
import Synchronization

/// A log file that never grows beyond its bound: when full it becomes `NAME.1`, in the place of an older one.
public final class BoundedLog: Sendable {
    /// Where the newest lines are.
    public let path: String
    private let limit: Int
    private let state: Mutex<(descriptor: Int32, size: Int)>

    /// Goes on with a log that is there.
    /// - Parameter limit: bytes.
    public init(_ path: String, limit: Int = 4 << 20) throws(SystemError) {
        self.path = path
        self.limit = limit
        state = Mutex((try Self.open(path), Files.size(path) ?? 0))
    }

    deinit { state.withLock { _ = close($0.descriptor) } }

    /// A log that cannot be written does not stop the program that it is about.
    public func append(_ bytes: ArraySlice<UInt8>) {
        state.withLock { state in
            if state.size + bytes.count > limit, rename(path, path + ".1") == 0, let fresh = try? Self.open(path) {
                close(state.descriptor)
                state = (fresh, 0)
            }
            let count = bytes.withUnsafeBytes { write(state.descriptor, $0.baseAddress, $0.count) }
            state.size += max(0, count)
        }
    }

    private static func open(_ path: String) throws(SystemError) -> Int32 {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw SystemError("write", path) }
        return descriptor
    }
}
