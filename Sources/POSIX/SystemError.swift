import Glibc

/// A call of the operating system that failed.
public struct SystemError: Error, Sendable, CustomStringConvertible {
    /// What was to be done, and with what: `open`, `/etc/peyvand/hub.env`.
    public let action, subject: String
    /// The `errno` of the call.
    public let code: Int32

    /// - Parameter code: nil: `errno` as the call left it.
    public init(_ action: String, _ subject: String, code: Int32? = nil) {
        self.code = code ?? errno
        (self.action, self.subject) = (action, subject)
    }

    /// One line for people: `cannot open /etc/peyvand/hub.env: Permission denied.`
    public var description: String { "cannot \(action) \(subject): \(String(cString: strerror(code)))." }
}
