import HTTP2
import HTTPTypes
import NIOCore
import Testing

/// What no honest client sends, over plain HTTP/2 with prior knowledge: each ends with GOAWAY and one audit record.
@Suite struct AttackTests {
    private static let calm: UInt8 = 11

    private func begin(_ port: Int) throws -> RawPeer {
        let raw = try RawPeer(port: port)
        raw.send(RawPeer.preface + RawPeer.frame(4))
        return raw
    }

    @Test(arguments: [
        ("PING", RawPeer.frame(6, [UInt8](repeating: 1, count: 8))),
        ("SETTINGS", RawPeer.frame(4)),
        ("PRIORITY", RawPeer.frame(2, stream: 3, [0, 0, 0, 0, 9])),
        ("WINDOW_UPDATE", RawPeer.frame(8, [0, 0, 0, 1])),
        ("unknown", RawPeer.frame(0xbb, [1, 2, 3])),
    ])
    func floodEndsWithGoaway(name: String, frame: [UInt8]) async throws {
        try await withServer(tls: nil, handler: say("yes")) { _, port, records in
            let raw = try begin(port)
            var answer: [UInt8] = []
            // In pieces that are read, so that it is not nghttp2's cap on unread answers that ends it.
            for _ in 0..<30 {
                guard raw.send((0..<100).flatMap { _ in frame }) else { break }
                if name == "PING" || name == "SETTINGS", let bytes = try await raw.receive() { answer += bytes }
            }
            answer += try await raw.receiveAll()
            #expect(RawPeer.goawayCode(answer) == Self.calm)
            #expect(await eventually { records.all.map(\.code) == [.flood] })
        }
    }

    @Test func emptyDataFloodEndsWithGoaway() async throws {
        try await withServer(tls: nil, handler: echo) { _, port, records in
            let raw = try begin(port)
            raw.send(RawPeer.frame(1, flags: 4, stream: 1, [0x83] + RawPeer.getHeaders.dropFirst()))
            raw.send((0..<1500).flatMap { _ in RawPeer.frame(0, stream: 1) })
            #expect(try await RawPeer.goawayCode(raw.receiveAll()) == Self.calm)
            #expect(await eventually { records.all.map(\.code) == [.flood] })
        }
    }

    @Test func resetsThatThePeerProvokesAreCounted() async throws {
        try await withServer(tls: nil, handler: say("yes")) { _, port, records in
            let raw = try begin(port)
            // A request without a path makes the server reset its stream (CVE-2025-8671); HEADERS themselves are free.
            var stream: UInt32 = 1
            for _ in 0..<40 {
                var bytes: [UInt8] = []
                for _ in 0..<50 {
                    bytes += RawPeer.frame(1, flags: 5, stream: stream, [0x82, 0x86])
                    stream += 2
                }
                guard raw.send(bytes) else { break }
            }
            let answer = try await raw.receiveAll()
            #expect(RawPeer.goawayCode(answer) == Self.calm)
            #expect(await eventually { records.all.map(\.code) == [.flood] })
        }
    }

    @Test func honestDownloadIsNoFlood() async throws {
        let handler: RequestHandler = { _, writer in
            do {
                try await writer.respond(
                    HTTPResponse(status: .ok), body: ByteBuffer(repeating: 1, count: 48 << 20))
            } catch {
                Issue.record(error)
            }
        }
        try await withServer(handler: handler) { _, port, records in
            var limits = Limits()
            // Small windows: thousands of honest WINDOW_UPDATE frames.
            limits.streamWindow = 32 << 10
            limits.connectionWindow = 64 << 10
            limits.maxResponseBody = 64 << 20
            let client = try await connect(port, limits: limits)
            #expect(try await client.send(get("/")).1.readableBytes == 48 << 20)
            await client.close()
            #expect(records.all.isEmpty)
        }
    }

    @Test func hpackBombGets431() async throws {
        try await withServer(tls: nil, handler: say("yes")) { _, port, _ in
            let raw = try begin(port)
            // A field of 3,000 bytes enters the table, then is named 4,000 times by one byte each.
            let large = [0x40, 1, UInt8(ascii: "a"), 0x7f, 0xb9, 0x16] + [UInt8](repeating: 98, count: 3000)
            let bomb = RawPeer.getHeaders + large + [UInt8](repeating: 0xbe, count: 4000)
            raw.send(RawPeer.frame(1, flags: 5, stream: 1, bomb))
            raw.send(RawPeer.frame(1, flags: 5, stream: 3, RawPeer.getHeaders))
            raw.send(RawPeer.frame(7, [0, 0, 0, 0, 0, 0, 0, 0]))
            let frames = try await RawPeer.frames(raw.receiveAll())
            let heads = frames.filter { $0.type == 1 }
            // ":status: 431" as a literal; then the next request is answered as ever.
            #expect(heads.first?.payload.starts(with: [0x48, 3] + Array("431".utf8)) == true)
            #expect(heads.last?.payload.first == 0x88)
            #expect(frames.contains { $0.type == 0 && $0.payload == Array("yes".utf8) })
        }
    }

    @Test(arguments: [
        RawPeer.preface + RawPeer.frame(4) + RawPeer.frame(0, stream: 1, [1]),
        RawPeer.preface + RawPeer.frame(4) + RawPeer.frame(6, [1]),
        RawPeer.preface + RawPeer.frame(6, [UInt8](repeating: 0, count: 8)),
        RawPeer.preface + RawPeer.frame(4) + RawPeer.frame(1, flags: 5, stream: 1, [0xff, 0xff, 0xff, 0xff, 0xff]),
        RawPeer.preface + RawPeer.frame(4) + [0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1],
    ])
    func malformedFramesEndTheConnection(bytes: [UInt8]) async throws {
        try await withServer(tls: nil, handler: say("yes")) { _, port, records in
            let raw = try RawPeer(port: port)
            raw.send(bytes)
            let code = try await RawPeer.goawayCode(raw.receiveAll())
            #expect(code != nil && code != 0)
            #expect(await eventually { records.all.map(\.code) == [.protocolViolation] })
        }
    }

    @Test func randomBytesNeverStopTheServer() async throws {
        try await withServer(tls: nil, handler: say("yes")) { _, port, _ in
            for seed in 0..<60 {
                var generator = SplitMix(state: UInt64(seed))
                var bytes = seed % 3 == 0 ? [] : RawPeer.preface + RawPeer.frame(4)
                for _ in 0..<20 {
                    let size = Int(generator.next() % 60)
                    let payload = (0..<size).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
                    bytes += RawPeer.frame(
                        UInt8(generator.next() % 11), flags: UInt8(truncatingIfNeeded: generator.next()),
                        stream: UInt32(generator.next() % 6), payload)
                }
                try RawPeer(port: port).send(bytes)
            }
            let raw = try begin(port)
            raw.send(RawPeer.frame(1, flags: 5, stream: 1, RawPeer.getHeaders))
            #expect(try await raw.receive(until: "yes").contains("yes"))
        }
    }

    @Test func missingPrefaceIsClosed() async throws {
        var limits = Limits()
        limits.prefaceTimeout = .milliseconds(300)
        limits.handshakeTimeout = .milliseconds(300)
        try await withServer(tls: nil, limits: limits, handler: say("yes")) { _, port, records in
            let silent = try RawPeer(port: port)
            silent.send("PRI * HT")
            #expect(try await silent.receive() == nil)
            let half = try RawPeer(port: port)
            half.send(RawPeer.preface)
            _ = try await half.receiveAll()
            #expect(await eventually { records.all.map(\.code) == [.timeout, .timeout] })
        }
    }

    @Test func slowBodyIsReset() async throws {
        var limits = Limits()
        limits.bodyTimeout = .milliseconds(300)
        try await withServer(tls: nil, limits: limits, handler: echo) { _, port, records in
            let raw = try begin(port)
            raw.send(RawPeer.frame(1, flags: 4, stream: 1, [0x83] + RawPeer.getHeaders.dropFirst()))
            #expect(await eventually { records.all.map(\.code) == [.timeout] })
            raw.send(RawPeer.frame(7, [0, 0, 0, 0, 0, 0, 0, 0]))
            #expect(try await RawPeer.frames(raw.receiveAll()).contains { $0.type == 3 })
        }
    }

    @Test func zeroWindowReaderIsGivenUp() async throws {
        var limits = Limits()
        limits.stalledReaderTimeout = .milliseconds(300)
        try await withServer(tls: nil, limits: limits, handler: say("yes")) { _, port, records in
            let raw = try RawPeer(port: port)
            // SETTINGS_INITIAL_WINDOW_SIZE = 0: the answer's body may never leave.
            raw.send(RawPeer.preface + RawPeer.frame(4, [0, 4, 0, 0, 0, 0]))
            raw.send(RawPeer.frame(1, flags: 5, stream: 1, RawPeer.getHeaders))
            #expect(await eventually { records.all.map(\.code) == [.timeout] })
        }
    }

    @Test func readerThatStopsReadingIsClosed() async throws {
        var limits = Limits()
        limits.stalledReaderTimeout = .milliseconds(300)
        let handler: RequestHandler = { _, writer in
            do {
                try await writer.respond(HTTPResponse(status: .ok), body: ByteBuffer(repeating: 1, count: 32 << 20))
            } catch {
                return
            }
        }
        try await withServer(tls: nil, limits: limits, handler: handler) { _, port, records in
            let raw = try RawPeer(port: port, receiveBuffer: 4096)
            raw.send(RawPeer.preface + RawPeer.frame(4, [0, 4, 0x7f, 0xff, 0xff, 0xff]))
            raw.send(RawPeer.frame(8, [0x7f, 0, 0, 0]))
            raw.send(RawPeer.frame(1, flags: 5, stream: 1, RawPeer.getHeaders))
            #expect(await eventually { records.all.map(\.code) == [.timeout] })
        }
    }

    @Test func connectionsFromOneAddressAreCapped() async throws {
        var limits = Limits()
        limits.connectionsPerAddress = 2
        // The two that are let in say nothing for as long as this takes.
        limits.handshakeTimeout = .seconds(60)
        try await withServer(tls: nil, limits: limits, handler: say("yes")) { _, port, records in
            var kept = [try RawPeer(port: port), try RawPeer(port: port)]
            try await Task.sleep(for: .milliseconds(100))
            let third = try RawPeer(port: port)
            #expect(try await third.receive() == nil)
            #expect(records.all.map(\.code) == [.tooManyConnections])
            kept.removeAll()
            try await Task.sleep(for: .milliseconds(100))
            let fourth = try RawPeer(port: port)
            fourth.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await fourth.receive(until: "yes").contains("yes"))
        }
    }
}

/// A small reproducible generator (Steele and others, 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
