import HTTP2
import HTTPTypes
import NIOCore
import Synchronization
import Testing

@Suite struct StreamingTests {
    @Test func wholeExchangeWithIdentity() async throws {
        let handler: RequestHandler = { request, writer in
            do {
                let body = try await request.body.collect(upTo: 100)
                let text = "\(request.peer?.uri ?? "none") \(request.head.path ?? "") \(String(buffer: body))"
                try await writer.respond(HTTPResponse(status: .created), body: ByteBuffer(string: text))
            } catch {
                Issue.record(error)
            }
        }
        try await withServer(handler: handler) { _, port, records in
            let client = try await connect(port)
            #expect(client.peer?.uri == "spiffe://peyvand/hub")
            let (response, body, trailers) = try await client.send(
                get("/a?b=پ", method: .post), body: ByteBuffer(string: "hello"))
            #expect(response.status == .created)
            #expect(String(buffer: body) == "spiffe://peyvand/node/IR-03 /a?b=پ hello")
            #expect(trailers == nil)
            await client.close()
            #expect(client.isClosed)
            #expect(records.all.isEmpty)
        }
    }

    @Test func twentyMegabytesEachWay() async throws {
        try await withServer(handler: echo) { _, port, _ in
            let client = try await connect(port)
            let stream = try await client.open(get("/echo", method: .post))
            let chunk = ByteBuffer(repeating: 7, count: 50_000)
            let count = 420
            async let received: Int = {
                var total = 0
                for try await part in stream.inbound {
                    total += part.readableBytes
                }
                return total
            }()
            for _ in 0..<count { try await stream.write(chunk) }
            try await stream.finish()
            #expect(try await stream.response().status == .ok)
            #expect(try await received == count * chunk.readableBytes)
            #expect(try await stream.trailers?[.init("grpc-status")!] == "0")
            await client.close()
        }
    }

    @Test func bothSidesTakeTurns() async throws {
        try await withServer(handler: echo) { _, port, _ in
            let client = try await connect(port)
            let stream = try await client.open(get("/echo", method: .post))
            var incoming = stream.inbound.makeAsyncIterator()
            for turn in 0..<50 {
                try await stream.write(ByteBuffer(string: "turn \(turn)"))
                #expect(try await incoming.next().map { String(buffer: $0) } == "turn \(turn)")
            }
            try await stream.finish()
            #expect(try await incoming.next() == nil)
            await client.close()
        }
    }

    @Test func manyStreamsAtOnce() async throws {
        try await withServer(handler: say("yes")) { _, port, _ in
            let client = try await connect(port)
            let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<500 {
                    group.addTask { try await String(buffer: client.send(get("/\(index)")).1) == "yes" }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(answers == 500)
            await client.close()
        }
    }

    @Test func writerWaitsForSlowReader() async throws {
        let sent = Atomic<Int>(0)
        let total = 64 << 20
        let handler: RequestHandler = { _, writer in
            do {
                try await writer.head(HTTPResponse(status: .ok))
                let chunk = ByteBuffer(repeating: 1, count: 32 << 10)
                while sent.load(ordering: .relaxed) < total {
                    try await writer.write(chunk)
                    sent.add(chunk.readableBytes, ordering: .relaxed)
                }
                try await writer.finish()
            } catch {
                return
            }
        }
        try await withServer(handler: handler) { _, port, _ in
            let client = try await connect(port)
            let stream = try await client.open(get("/big"))
            try await stream.finish()
            #expect(try await stream.response().status == .ok)
            try await Task.sleep(for: .milliseconds(500))
            let limits = Limits()
            // Nothing was read: the stream's window and the writer's queue are all that may have left the handler.
            #expect(sent.load(ordering: .relaxed) <= limits.streamWindow + 2 * limits.outboundHighWater)
            stream.reset()
            await client.close()
        }
    }

    @Test func readerThatTakesNothingStopsSender() async throws {
        let handler: RequestHandler = { _, _ in
            do { try await Task.sleep(for: .seconds(30)) } catch { return }
        }
        try await withServer(handler: handler) { _, port, _ in
            let client = try await connect(port)
            let stream = try await client.open(get("/sink", method: .post))
            let sent = Atomic<Int>(0)
            let chunk = ByteBuffer(repeating: 1, count: 32 << 10)
            let writer = Task {
                while true {
                    try await stream.write(chunk)
                    sent.add(chunk.readableBytes, ordering: .relaxed)
                }
            }
            try await Task.sleep(for: .milliseconds(500))
            let limits = Limits()
            #expect(sent.load(ordering: .relaxed) <= limits.streamWindow + 2 * limits.outboundHighWater)
            #expect(sent.load(ordering: .relaxed) >= limits.streamWindow / 2)
            writer.cancel()
            await #expect(throws: CancellationError.self) { try await writer.value }
            stream.reset()
            await client.close()
        }
    }

    @Test func resetByClientCancelsHandler() async throws {
        let cancelled = Atomic<Bool>(false)
        let handler: RequestHandler = { _, writer in
            do {
                try await writer.head(HTTPResponse(status: .ok))
                try await Task.sleep(for: .seconds(30))
            } catch {
                cancelled.store(Task.isCancelled, ordering: .relaxed)
            }
        }
        try await withServer(handler: handler) { _, port, _ in
            let client = try await connect(port)
            let stream = try await client.open(get("/feed"))
            _ = try await stream.response()
            stream.reset()
            #expect(await eventually { cancelled.load(ordering: .relaxed) })
            await client.close()
        }
    }

    @Test func handlerThatSaysNothingGives500() async throws {
        try await withServer(handler: { _, _ in }) { _, port, _ in
            let client = try await connect(port)
            #expect(try await client.send(get("/")).0.status == .internalServerError)
            await client.close()
        }
    }

    @Test func trailersOnlyAnswer() async throws {
        let handler: RequestHandler = { _, writer in
            let fields: HTTPFields = [.contentType: "application/grpc", .init("grpc-status")!: "12"]
            do {
                try await writer.respond(HTTPResponse(status: .ok, headerFields: fields))
            } catch {
                Issue.record(error)
            }
        }
        try await withServer(handler: handler) { _, port, _ in
            let client = try await connect(port)
            let stream = try await client.open(get("/unknown", method: .post))
            let response = try await stream.response()
            #expect(response.headerFields[.init("grpc-status")!] == "12")
            #expect(try await stream.inbound.next() == nil)
            await client.close()
        }
    }

    @Test func fastPathAnswersAheadOfHandler() async throws {
        let fast: FastPath = { request in
            request.path == "/livez" ? (HTTPResponse(status: .ok), ByteBuffer(string: "alive")) : nil
        }
        try await withServer(fastPath: fast, handler: say("handler")) { _, port, _ in
            let client = try await connect(port)
            #expect(try await String(buffer: client.send(get("/livez")).1) == "alive")
            #expect(try await String(buffer: client.send(get("/other")).1) == "handler")
            await client.close()
        }
    }

    @Test func bodyAboveLimitIsRefusedByReader() async throws {
        let handler: RequestHandler = { request, writer in
            do {
                _ = try await request.body.collect(upTo: 1000)
            } catch {
                do {
                    try await writer.respond(HTTPResponse(status: .contentTooLarge))
                } catch {
                    Issue.record(error)
                }
            }
        }
        try await withServer(handler: handler) { _, port, _ in
            let client = try await connect(port)
            let big = ByteBuffer(repeating: 1, count: 3 << 20)
            #expect(try await client.send(get("/", method: .post), body: big).0.status == .contentTooLarge)
            // The connection, and its window, are as good as before.
            #expect(try await client.send(get("/", method: .post), body: big).0.status == .contentTooLarge)
            await client.close()
        }
    }
}
