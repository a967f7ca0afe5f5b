import Glibc
import Synchronization

/// What a person reads while a command works. Written at once, unbuffered: a log that is watched through a pipe must
/// show each line when it happens.
public enum Terminal {
    /// Whether a person may be watching: standard output is a terminal.
    public static let isInteractive = isatty(STDOUT_FILENO) == 1

    /// Whether a progress line stands unfinished on the screen.
    private static let isMidLine = Mutex(false)

    /// One line.
    public static func line(_ text: String = "") { put(text + "\n", to: STDOUT_FILENO, endsMidLine: false) }

    /// As it is.
    public static func write(_ text: String) { put(text, to: STDOUT_FILENO, endsMidLine: false) }

    /// To standard error.
    public static func complain(_ text: String) { put(text + "\n", to: STDERR_FILENO, endsMidLine: false) }

    /// A line that the next one replaces; nothing where it would fill a file.
    public static func progress(_ text: String) {
        if isInteractive { put("\r\u{1B}[K" + text, to: STDOUT_FILENO, endsMidLine: true) }
    }

    /// What a person answers on the same line.
    public static func prompt(_ text: String) { put(text, to: STDOUT_FILENO, endsMidLine: true) }

    /// Ends an unfinished progress line.
    public static func flush() {
        isMidLine.withLock { midLine in
            if midLine { send("\n", to: STDOUT_FILENO) }
            midLine = false
        }
    }

    private static func put(_ text: String, to descriptor: Int32, endsMidLine: Bool) {
        isMidLine.withLock { midLine in
            if midLine, !endsMidLine { send("\n", to: STDOUT_FILENO) }
            midLine = endsMidLine
            send(text, to: descriptor)
        }
    }

    private static func send(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent)
            }
            if count < 0 && errno == EINTR { continue }
            // Nobody reads any more: work goes on without words.
            if count <= 0 { return }
            sent += count
        }
    }
}
