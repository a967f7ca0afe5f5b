import Casework
import Glibc
import Logging
import Program
import Synchronization

/// The one clock of a server: the system's, or, for tests and demonstrations, the system's and what a file says.
struct ServeClock: Sendable {
    let now: @Sendable () -> Instant
    /// How often a timer that waits for a moment of this clock looks at it.
    let tick: Duration

    /// - Throws: where the file is given to a server that somebody else could reach: a clock that anybody with a text editor
    ///   moves is not to date an office's events.
    static func open(_ settings: Settings, doors: [String], logger: Logger) throws(Failure) -> ServeClock {
        guard let file = settings.optional("clock.offset.file") else {
            return ServeClock(now: { .now }, tick: .seconds(20))
        }
        guard doors.allSatisfy({ $0 == "::1" || $0.hasPrefix("127.") }) else {
            throw .usedWrongly(
                "a clock that a file moves is for tests and demonstrations; all doors must be on loopback, and are on "
                    + doors.joined(separator: " and ") + ". Leave out --clock-offset-file.")
        }
        logger.warning("the clock is moved by a file: this server is for tests", metadata: ["file": "\(file)"])
        let clock = MovedClock(file: file, logger: logger)
        return ServeClock(now: { clock.now }, tick: .milliseconds(500))
    }
}

/// The system's clock and an offset, in milliseconds, that a file holds and that may change at any time.
private final class MovedClock: Sendable {
    private struct State {
        var offset: Int64 = 0
        var readAt: ContinuousClock.Instant?
    }

    private let file: String
    private let logger: Logger
    private let state = Mutex(State())

    init(file: String, logger: Logger) { (self.file, self.logger) = (file, logger) }

    var now: Instant {
        .now
            + state.withLock { state in
                let time = ContinuousClock.now
                if let readAt = state.readAt, time - readAt < .milliseconds(100) { return state.offset }
                state.readAt = time
                // A file that is being written, or is not there yet, changes nothing.
                if let offset = Self.read(file) { state.offset = offset }
                return state.offset
            }
    }

    private static func read(_ file: String) -> Int64? {
        guard let stream = fopen(file, "r") else { return nil }
        defer { fclose(stream) }
        var buffer = [CChar](repeating: 0, count: 32)
        guard fgets(&buffer, Int32(buffer.count), stream) != nil else { return nil }
        let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return Int64(text.filter { !$0.isWhitespace })
    }
}
