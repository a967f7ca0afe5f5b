import Contract
import Hummingbird
import NIOCore

/// Server-sent events: frames each message, and sends a comment down an idle stream now and then.
///
/// A reader who lags by more than `backlog` messages is cut off: memory stays bounded, and his browser comes back with
/// the last id it saw, so that he misses nothing.
struct EventStream: Sendable {
    let messages: AsyncStream<FeedMessage>
    let heartbeat: Duration
    let lifetime: Duration
    let backlog: Int

    private enum Piece: Sendable {
        case message(FeedMessage)
        case heartbeat
    }

    /// Returns when the feed ends, its lifetime is over or its reader lags; throws when the reader has gone.
    func run(_ writer: inout any ResponseBodyWriter) async throws {
        let (pieces, sink) = AsyncStream.makeStream(of: Piece.self, bufferingPolicy: .bufferingOldest(backlog))
        let (messages, heartbeat, lifetime) = (messages, heartbeat, lifetime)
        // One task pulls, one beats, one ends it; the group's own body alone writes.
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                for await message in messages {
                    guard case .enqueued = sink.yield(.message(message)) else { break }
                }
                sink.finish()
            }
            group.addTask {
                while !Task.isCancelled {
                    try await Task.sleep(for: heartbeat)
                    if case .terminated = sink.yield(.heartbeat) { return }
                }
            }
            group.addTask {
                try await Task.sleep(for: lifetime)
                sink.finish()
            }
            try await writer.write(ByteBuffer(string: "retry: 3000\n\n"))
            for await piece in pieces {
                switch piece {
                case .message(let message): try await writer.write(ByteBuffer(bytes: EventStream.frame(message)))
                case .heartbeat: try await writer.write(ByteBuffer(string: ": still here\n\n"))
                }
            }
        }
    }

    /// One event after the HTML standard: `id`, `event`, `data` lines and an empty line. A line break within the data
    /// becomes a further data line; ids and names hold none.
    static func frame(_ message: FeedMessage) -> [UInt8] {
        let plain = { (text: String) in text.filter { !$0.isNewline } }
        var lines = ["id: " + plain(message.id), "event: " + plain(message.event)]
        lines += message.data.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { "data: " + $0 }
        return Array((lines.joined(separator: "\n") + "\n\n").utf8)
    }
}
