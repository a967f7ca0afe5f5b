import CNGHTTP2
import NIOCore

/// Finds the frame headers in a stream of bytes. nghttp2 has no callback for frames of unknown types.
struct FrameScanner {
    struct Header: Equatable {
        let type: UInt8
        let flags: UInt8
        let length: Int
    }

    /// Bytes to pass over before the next header: at a server first the client's preface.
    private var skip: Int
    /// The beginning of a header whose end has not come yet.
    private var partial: [UInt8] = []

    init(afterPreface: Bool) {
        skip = afterPreface ? 0 : Int(NGHTTP2_CLIENT_MAGIC_LEN)
    }

    /// Calls `found` for each header that is complete with `bytes`, until it answers false.
    mutating func scan(_ bytes: UnsafeRawBufferPointer, _ found: (Header) -> Bool) {
        var at = 0
        while at < bytes.count {
            if skip > 0 {
                let step = min(skip, bytes.count - at)
                skip -= step
                at += step
                continue
            }
            let step = min(9 - partial.count, bytes.count - at)
            partial.append(contentsOf: bytes[at..<(at + step)])
            at += step
            guard partial.count == 9 else { return }
            let length = Int(partial[0]) << 16 | Int(partial[1]) << 8 | Int(partial[2])
            let header = Header(type: partial[3], flags: partial[4], length: length)
            partial.removeAll(keepingCapacity: true)
            skip = length
            guard found(header) else { return }
        }
    }
}

/// How many control frames a peer may still send: a burst, refilled at a steady rate.
///
/// nghttp2 stops some floods itself; PING that is read, SETTINGS, PRIORITY, empty DATA, unknown frames, tiny
/// WINDOW_UPDATE and resets provoked from us (CVE-2025-8671) it does not.
struct FrameBucket {
    private let capacity: Double
    private let perSecond: Double
    private var tokens: Double
    private var filled: NIODeadline
    /// WINDOW_UPDATE frames that data we sent since has earned: a stream's and the connection's for each DATA frame.
    private var earnedUpdates = 0

    init(burst: Int, perSecond: Int, now: NIODeadline) {
        capacity = Double(burst)
        self.perSecond = Double(perSecond)
        tokens = Double(burst)
        filled = now
    }

    /// Takes `count` tokens; false when the peer has used up its share.
    mutating func take(_ count: Double = 1, now: NIODeadline) -> Bool {
        let elapsed = Double((now - filled).nanoseconds) / 1e9
        if elapsed > 0 {
            tokens = min(capacity, tokens + elapsed * perSecond)
            filled = now
        }
        tokens -= count
        return tokens >= 0
    }

    mutating func sentData() {
        earnedUpdates = min(earnedUpdates + 2, 4096)
    }

    /// Whether the peer may have sent the frame with this header.
    mutating func allows(_ header: FrameScanner.Header, now: NIODeadline) -> Bool {
        switch UInt32(header.type) {
        case NGHTTP2_HEADERS.rawValue, NGHTTP2_RST_STREAM.rawValue, NGHTTP2_GOAWAY.rawValue,
            NGHTTP2_CONTINUATION.rawValue, NGHTTP2_PUSH_PROMISE.rawValue:
            // nghttp2 limits these itself, or they cost the sender a stream.
            return true
        case NGHTTP2_DATA.rawValue:
            let endsStream = UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
            return header.length > 0 || endsStream || take(now: now)
        case NGHTTP2_WINDOW_UPDATE.rawValue where earnedUpdates > 0:
            earnedUpdates -= 1
            return true
        default:
            return take(now: now)
        }
    }
}
