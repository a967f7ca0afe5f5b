import HTTP2
import HTTPTypes
import NIOCore
import Synchronization
import Testing

/// HTTP/1.1 on the plain door, by bytes; over TLS by `curl`, in `CurlTests`.
@Suite struct HTTP1Tests {
    /// Answers with method, path and body.
    private let mirror: RequestHandler = { request, writer in
        do {
            let body = try await request.body.collect(upTo: 1 << 20)
            let text = "\(request.head.method.rawValue) \(request.head.path ?? "") [\(String(buffer: body))]"
            try await writer.respond(HTTPResponse(status: .ok), body: ByteBuffer(string: text))
        } catch {
            return
        }
    }

    @Test func keepsConnectionBetweenRequests() async throws {
        try await withServer(tls: nil, handler: mirror) { _, port, records in
            let raw = try RawPeer(port: port)
            raw.send("GET /one HTTP/1.1\r\nHost: x\r\n\r\n")
            let first = try await raw.receive(until: "[]")
            #expect(first.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(first.contains("Content-Length: 11\r\n") && first.hasSuffix("GET /one []"))
            raw.send("POST /two HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            #expect(try await raw.receive(until: "[abc]").hasSuffix("POST /two [abc]"))
            raw.send("POST /three HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n")
            #expect(try await raw.receive(until: "[de]").hasSuffix("POST /three [de]"))
            raw.send("GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(try await String(decoding: raw.receiveAll(), as: UTF8.self).contains("Connection: close"))
            #expect(records.all.isEmpty)
        }
    }

    @Test func keepsConnectionWhenHandlerIgnoresBody() async throws {
        try await withServer(tls: nil, handler: say("yes")) { _, port, _ in
            let raw = try RawPeer(port: port)
            for _ in 0..<3 {
                raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await raw.receive(until: "yes").hasSuffix("yes"))
            }
            // A body that nobody read has no place before the next request: the connection ends.
            raw.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
            #expect(try await String(decoding: raw.receiveAll(), as: UTF8.self).hasSuffix("yes"))
        }
    }

    @Test func answersInOrderWhatCameTogether() async throws {
        try await withServer(tls: nil, handler: mirror) { _, port, _ in
            let raw = try RawPeer(port: port)
            raw.send(
                "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\naGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
                    + "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n")
            let all = try await raw.receive(until: "GET /3 []")
            let places = ["POST /1 [a]", "GET /2 []", "GET /3 []"].map { all.ranges(of: $0).first?.lowerBound }
            #expect(places.allSatisfy { $0 != nil })
            #expect(places.compactMap { $0 } == places.compactMap { $0 }.sorted())
        }
    }

    @Test func streamsWithoutLength() async throws {
        let handler: RequestHandler = { _, writer in
            do {
                try await writer.head(HTTPResponse(status: .ok, headerFields: [.contentType: "text/event-stream"]))
                for index in 0..<3 {
                    try await writer.write(ByteBuffer(string: "data: \(index)\n\n"))
                    try await Task.sleep(for: .milliseconds(30))
                }
                try await writer.finish()
            } catch {
                Issue.record(error)
            }
        }
        try await withServer(tls: nil, handler: handler) { _, port, _ in
            let raw = try RawPeer(port: port)
            raw.send("GET /feed HTTP/1.1\r\nHost: x\r\n\r\n")
            var all = try await raw.receive(until: "data: 0")
            #expect(all.lowercased().contains("transfer-encoding: chunked"))
            let end = "\r\n0\r\n\r\n"
            if !all.hasSuffix(end) { all += try await raw.receive(until: end) }
            #expect(all.contains("data: 2") && all.hasSuffix(end))
        }
    }

    @Test func disconnectCancelsHandler() async throws {
        let cancelled = Atomic<Bool>(false)
        let handler: RequestHandler = { _, writer in
            do {
                try await writer.head(HTTPResponse(status: .ok))
                try await Task.sleep(for: .seconds(30))
            } catch {
                cancelled.store(Task.isCancelled, ordering: .relaxed)
            }
        }
        try await withServer(tls: nil, handler: handler) { _, port, _ in
            do {
                let raw = try RawPeer(port: port)
                raw.send("GET /feed HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await raw.receive() != nil)
            }
            #expect(await eventually { cancelled.load(ordering: .relaxed) })
        }
    }

    @Test func saysContinueOnceBodyIsWanted() async throws {
        try await withServer(tls: nil, handler: mirror) { _, port, _ in
            let raw = try RawPeer(port: port)
            raw.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            #expect(try await raw.receive(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            raw.send("ok")
            #expect(try await raw.receive(until: "[ok]").hasPrefix("HTTP/1.1 200 OK"))
        }
    }

    @Test func headHasLengthButNoBody() async throws {
        try await withServer(tls: nil, handler: mirror) { _, port, _ in
            let raw = try RawPeer(port: port)
            raw.send("HEAD /h HTTP/1.1\r\nHost: x\r\n\r\nGET /g HTTP/1.1\r\nHost: x\r\n\r\n")
            let all = try await raw.receive(until: "GET /g []")
            #expect(all.contains("Content-Length: 10\r\n"))
            #expect(!all.contains("HEAD /h"))
        }
    }

    @Test(arguments: [
        "nonsense\r\n\r\n", "GET / HTTP/1.1\r\nbad header\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func malformedGets400AndClose(text: String) async throws {
        try await withServer(tls: nil, handler: mirror) { _, port, records in
            let raw = try RawPeer(port: port)
            raw.send(text)
            #expect(try await String(decoding: raw.receiveAll(), as: UTF8.self).hasPrefix("HTTP/1.1 400 "))
            #expect(await eventually { records.all.first?.code == .protocolViolation })
        }
    }

    @Test func tooManyHeaderBytesGet431() async throws {
        try await withServer(tls: nil, handler: mirror) { _, port, _ in
            let raw = try RawPeer(port: port)
            raw.send("GET / HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 20_000))\r\n\r\n")
            #expect(try await String(decoding: raw.receiveAll(), as: UTF8.self).hasPrefix("HTTP/1.1 431 "))
        }
    }

    @Test func slowHeadAndSlowBodyAreClosed() async throws {
        var limits = Limits()
        limits.headersTimeout = .milliseconds(300)
        limits.bodyTimeout = .milliseconds(300)
        try await withServer(tls: nil, limits: limits, handler: mirror) { _, port, records in
            let head = try RawPeer(port: port)
            head.send("GET / HTTP/1.1\r\nHo")
            #expect(try await String(decoding: head.receiveAll(), as: UTF8.self).hasPrefix("HTTP/1.1 408 "))
            let body = try RawPeer(port: port)
            body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab")
            #expect(try await String(decoding: body.receiveAll(), as: UTF8.self).hasPrefix("HTTP/1.1 408 "))
            #expect(records.all.map(\.code) == [.timeout, .timeout])
        }
    }

    @Test func largeUploadAndDownloadWithFlowControl() async throws {
        try await withServer(tls: nil, handler: echo) { _, port, _ in
            let raw = try RawPeer(port: port)
            let size = 8 << 20
            let sender = Task.detached {
                raw.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \(size)\r\nConnection: close\r\n\r\n")
                raw.send([UInt8](repeating: 65, count: size))
            }
            let answer = try await raw.receiveAll()
            await sender.value
            #expect(answer.count(where: { $0 == 65 }) >= size)
        }
    }

    @Test func shutdownClosesIdleConnection() async throws {
        try await withServer(tls: nil, handler: mirror) { server, port, _ in
            let raw = try RawPeer(port: port)
            raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await raw.receive(until: "[]")
            await server.shutdown(grace: .seconds(3))
            #expect(try await raw.receive() == nil)
        }
    }
}
