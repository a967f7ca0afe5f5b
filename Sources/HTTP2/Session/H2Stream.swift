import CNGHTTP2
import HTTPTypes
import NIOCore

/// What a session keeps of one stream. Confined to its session's event loop.
final class H2Stream {
    let id: Int32
    /// The block that is arriving: first the head, then the trailers.
    var block = HeaderBlock()
    var headReceived = false
    var remoteEnded = false
    /// The peer's head is all that it sends.
    var isBodiless = false
    /// When a header block began that has not ended.
    var headersSince: NIODeadline?
    /// What waits to be sent.
    var outbound = ByteQueue()
    var outboundEnded = false
    var trailers: HTTPFields?
    /// nghttp2 was told that there is nothing to send, and waits for `resume`.
    var deferred = false
    var localEnded = false
    /// Whether the owner wants `drained` once `outbound` falls below its low water.
    var wantsDrained = false
    /// When bytes of this stream last left, or it began to have some: for the stalled reader's timer.
    var progress = NIODeadline.uptimeNanoseconds(0)
    /// Body bytes that came in and were not yet given back to the peer's window.
    var unconsumed = 0
    /// The request or response that this stream carries, once the layer above has made one.
    var exchange: H2Exchange?

    init(id: Int32) { self.id = id }
}

/// What a session has to say after it took bytes or gave some.
enum H2Event {
    /// A request's or a response's head is complete.
    case head(H2Stream, endStream: Bool)
    /// The head or trailers are above the caps of `Limits`.
    case headTooLarge(H2Stream)
    case data(H2Stream, ByteBuffer)
    /// The peer ended its side; trailers if it sent some.
    case end(H2Stream, HTTPFields?)
    /// The stream is gone, with a code of RFC 9113 §7 (0 = in order).
    case closed(H2Stream, UInt32)
    /// The queue that a writer waits for has room again.
    case drained(H2Stream)
    /// The peer's SETTINGS came: its preface is complete.
    case settings
    case goaway(lastStream: Int32, errorCode: UInt32)
}
