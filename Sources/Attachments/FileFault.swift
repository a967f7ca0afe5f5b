import Glibc

/// Why the bytes of a file could not be kept or given.
public struct FileFault: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The disk has no room but what the journal needs.
        case full
        /// Another transfer of this file from the same server is under way.
        case busy
        case missing
        /// The bytes do not have their hash.
        case damaged
        /// The operating system refused: permissions, or a failing disk.
        case io
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }

    public var description: String { message }

    /// From `errno`, right after a call that failed.
    static func system(_ doing: String, _ path: String, _ number: Int32 = errno) -> FileFault {
        let code: Code =
            switch number {
            case ENOSPC, EDQUOT, EFBIG: .full
            case ENOENT: .missing
            case EWOULDBLOCK: .busy
            default: .io
            }
        return FileFault(code, "cannot \(doing) \(path): \(String(cString: strerror(number)))")
    }
}
