import HTTPTypes
import NIOCore
import Testing

@testable import HTTP2

/// The parts that do no input or output, without a socket.
@Suite struct SessionTests {
    private let now = NIODeadline.uptimeNanoseconds(1_000_000_000)

    /// Moves what `from` has to say into `to`, in pieces of random size.
    private func pump(_ from: H2Session, _ to: H2Session, _ generator: inout SplitMix) throws {
        var buffer = ByteBuffer()
        guard try from.send(into: &buffer, limit: 1 << 20, now: now) else { return }
        while buffer.readableBytes > 0 {
            let size = min(buffer.readableBytes, Int.random(in: 1...3000, using: &generator))
            let piece = buffer.readSlice(length: size) ?? ByteBuffer()
            try piece.withUnsafeReadableBytes { try to.receive($0, now: now) }
        }
    }

    @Test(arguments: 0..<20) func carriesBodyBothWaysInAnyPieces(seed: UInt64) throws {
        var generator = SplitMix(state: seed)
        let client = try H2Session(role: .client, limits: Limits(), now: now)
        let server = try H2Session(role: .server, limits: Limits(), now: now)
        let stream = try client.open(get("/x", method: .post), endStream: false)
        let body = (0..<Int.random(in: 0...200_000, using: &generator)).map { UInt8(truncatingIfNeeded: $0) }
        client.enqueue(ByteBuffer(bytes: body), on: stream)
        client.end(stream, trailers: [.init("x-end")!: "yes"])
        var uploaded: [UInt8] = []
        var downloaded: [UInt8] = []
        var trailers: [HTTPFields?] = []
        var closed = 0
        for _ in 0..<10 {
            try pump(client, server, &generator)
            try server.processEvents { event in
                switch event {
                case .head(let stream, _):
                    #expect(stream.block.request()?.path == "/x")
                    try server.respond(HTTPResponse(status: .ok), on: stream, endStream: false)
                case .data(let stream, let buffer):
                    uploaded += Array(buffer: buffer)
                    server.consume(buffer.readableBytes, of: stream)
                    server.enqueue(buffer, on: stream)
                case .end(let stream, let fields):
                    trailers.append(fields)
                    server.end(stream, trailers: nil)
                case .closed(_, let code):
                    #expect(code == 0)
                    closed += 1
                default: break
                }
            }
            try pump(server, client, &generator)
            client.processEvents { event in
                switch event {
                case .data(let stream, let buffer):
                    downloaded += Array(buffer: buffer)
                    client.consume(buffer.readableBytes, of: stream)
                case .closed: closed += 1
                default: break
                }
            }
        }
        #expect(uploaded == body)
        #expect(downloaded == body)
        #expect(trailers == [[.init("x-end")!: "yes"]])
        #expect(closed == 2)
        #expect(client.streams.isEmpty && server.streams.isEmpty)
    }

    @Test func windowHoldsBackWhatNobodyTakes() throws {
        var generator = SplitMix(state: 1)
        var limits = Limits()
        limits.streamWindow = 100_000
        let client = try H2Session(role: .client, limits: Limits(), now: now)
        let server = try H2Session(role: .server, limits: limits, now: now)
        try pump(server, client, &generator)
        let stream = try client.open(get("/", method: .post), endStream: false)
        client.enqueue(ByteBuffer(repeating: 1, count: 300_000), on: stream)
        for _ in 0..<5 {
            try pump(client, server, &generator)
            try pump(server, client, &generator)
        }
        #expect(stream.outbound.count == 200_000)
        let received = try #require(server.streams[1])
        server.consume(100_000, of: received)
        for _ in 0..<5 {
            try pump(server, client, &generator)
            try pump(client, server, &generator)
        }
        #expect(stream.outbound.count == 100_000)
    }

    @Test func frameScannerFindsEveryHeaderInAnyPieces() {
        for seed in 0..<50 {
            var generator = SplitMix(state: UInt64(seed))
            var bytes: [UInt8] = RawPeer.preface
            var expected: [FrameScanner.Header] = []
            for _ in 0..<30 {
                let length = Int.random(in: 0...300, using: &generator)
                let type = UInt8.random(in: 0...255, using: &generator)
                bytes += RawPeer.frame(type, flags: 5, [UInt8](repeating: type, count: length))
                expected.append(FrameScanner.Header(type: type, flags: 5, length: length))
            }
            var scanner = FrameScanner(afterPreface: false)
            var found: [FrameScanner.Header] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(Int.random(in: 1...40, using: &generator)))
                rest = rest.dropFirst(piece.count)
                piece.withUnsafeBytes {
                    scanner.scan($0) {
                        found.append($0)
                        return true
                    }
                }
            }
            #expect(found == expected)
        }
    }

    @Test func frameBucketRefillsWithTime() {
        var bucket = FrameBucket(burst: 10, perSecond: 5, now: now)
        let ping = FrameScanner.Header(type: 6, flags: 0, length: 8)
        let atOnce = (0..<12).map { _ in bucket.allows(ping, now: now) }
        #expect(atOnce.count(where: { $0 }) == 10)
        // The two that were refused are owed; five more came in a second.
        let later = (0..<9).map { _ in bucket.allows(ping, now: now + .seconds(1)) }
        #expect(later.count(where: { $0 }) == 3)
    }

    @Test func byteQueueEqualsPlainArray() {
        for seed in 0..<10 {
            var generator = SplitMix(state: UInt64(seed))
            var queue = ByteQueue()
            var plain: [UInt8] = []
            for _ in 0..<200 {
                switch Int.random(in: 0..<5, using: &generator) {
                case 0, 1, 2:
                    let size = Int.random(in: 0...6000, using: &generator)
                    let bytes = [UInt8](repeating: .random(in: 0...255, using: &generator), count: size)
                    queue.append(ByteBuffer(bytes: bytes))
                    plain += bytes
                case 3:
                    var space = [UInt8](repeating: 0, count: Int.random(in: 1...9000, using: &generator))
                    let count = space.withUnsafeMutableBytes { queue.move(into: $0) }
                    #expect(Array(space[..<count]) == Array(plain.prefix(space.count)))
                    plain.removeFirst(count)
                default:
                    let bytes = queue.popFirst().map { Array(buffer: $0) } ?? []
                    #expect(Array(plain.prefix(bytes.count)) == bytes)
                    plain.removeFirst(bytes.count)
                }
                #expect(queue.count == plain.count)
            }
        }
    }
}
