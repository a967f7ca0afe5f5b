import HTTP2
import HTTPTypes
import NIOCore
import Synchronization
import Testing

/// How connections end.
@Suite struct EndTests {
    @Test func shutdownLetsOpenRequestsFinish() async throws {
        let handler: RequestHandler = { _, writer in
            do {
                try await writer.head(HTTPResponse(status: .ok))
                try await Task.sleep(for: .milliseconds(700))
                try await writer.write(ByteBuffer(string: "late"))
                try await writer.finish()
            } catch {
                Issue.record(error)
            }
        }
        try await withServer(handler: handler) { server, port, _ in
            let client = try await connect(port)
            let stream = try await client.open(get("/slow"))
            try await stream.finish()
            _ = try await stream.response()
            async let shutdown: Void = server.shutdown(grace: .seconds(5))
            #expect(try await String(buffer: stream.inbound.collect(upTo: 100)) == "late")
            #expect(await eventually { client.isClosed })
            await #expect(throws: HTTP2Error.self) { _ = try await client.open(get("/")) }
            await shutdown
            #expect(await client.waitUntilClosed() == nil)
        }
    }

    @Test func shutdownEndsWhatDoesNotFinish() async throws {
        try await withServer(handler: echo) { server, port, _ in
            let client = try await connect(port)
            let stream = try await client.open(get("/", method: .post))
            _ = try await stream.response()
            let start = ContinuousClock.now
            await server.shutdown(grace: .milliseconds(200))
            #expect(ContinuousClock.now - start < .seconds(3))
            await #expect(throws: HTTP2Error.self) { _ = try await stream.inbound.next() }
        }
    }

    @Test func silentServerIsGivenUp() async throws {
        var limits = Limits()
        limits.keepAliveInterval = .milliseconds(400)
        limits.keepAliveTimeout = .milliseconds(400)
        let quiet = limits
        // A relay that stops passing bytes on stands for a server whose machine died.
        try await withServer(handler: echo) { _, port, _ in
            let relay = try await Relay(to: port)
            let client = try await connect(relay.port, limits: quiet)
            let stream = try await client.open(get("/", method: .post))
            try await stream.write(ByteBuffer(string: "x"))
            _ = try await stream.inbound.next()
            relay.freeze()
            let start = ContinuousClock.now
            await #expect {
                while try await stream.inbound.next() != nil {}
            } throws: { ($0 as? HTTP2Error)?.code == .peerUnresponsive }
            #expect(ContinuousClock.now - start < .seconds(4))
            #expect(client.isClosed)
            try await relay.close()
        }
    }

    @Test func lostConnectionCancelsHandlerAndTellsBothSides() async throws {
        let outcome = Mutex<HTTP2Error.Code?>(nil)
        let handler: RequestHandler = { request, writer in
            do {
                try await writer.head(HTTPResponse(status: .ok))
                while try await request.body.next() != nil {}
                try await writer.finish()
            } catch {
                outcome.withLock { $0 = Task.isCancelled ? (error as? HTTP2Error)?.code : nil }
            }
        }
        try await withServer(handler: handler) { _, port, _ in
            let relay = try await Relay(to: port)
            let client = try await connect(relay.port)
            let stream = try await client.open(get("/", method: .post))
            _ = try await stream.response()
            relay.cut()
            #expect(await eventually { outcome.withLock { $0 } == .connectionClosed })
            await #expect {
                try await stream.write(ByteBuffer(string: "x"))
                while try await stream.inbound.next() != nil {}
            } throws: { ($0 as? HTTP2Error)?.code == .connectionClosed }
            #expect(await client.waitUntilClosed()?.code == .connectionClosed)
            #expect(client.isClosed)
            try await relay.close()
        }
    }

    @Test func clientLearnsWhyItWasSentAway() async throws {
        var limits = Limits()
        limits.frameBurst = 2
        limits.framesPerSecond = 1
        var eager = Limits()
        // A PING at every tick is more than this server allows.
        eager.keepAliveInterval = .zero
        try await withServer(limits: limits, handler: echo) { _, port, records in
            let client = try await connect(port, limits: eager)
            let error = await client.waitUntilClosed()
            #expect(error?.code == .goingAway)
            #expect(error?.underlying.first?.text == "ENHANCE_YOUR_CALM")
            #expect(records.all.map(\.code) == [.flood])
        }
    }

    @Test func idleConnectionIsKeptByPing() async throws {
        var limits = Limits()
        limits.keepAliveInterval = .milliseconds(300)
        limits.keepAliveTimeout = .milliseconds(300)
        try await withServer(limits: limits, handler: echo) { _, port, _ in
            let client = try await connect(port)
            try await Task.sleep(for: .seconds(2))
            #expect(!client.isClosed)
            await client.close()
        }
    }

    @Test func idleConnectionEndsWithoutFault() async throws {
        var limits = Limits()
        limits.idleTimeout = .milliseconds(300)
        try await withServer(limits: limits, handler: echo) { _, port, records in
            let client = try await connect(port)
            #expect(await client.waitUntilClosed() == nil)
            #expect(records.all.isEmpty)
        }
    }

    @Test func runEndsWhenCancelled() async throws {
        let server = try Server(
            address: "127.0.0.1", port: 0, tls: serverTLS(), logger: quietLogger, handler: echo)
        let port = try await server.start()
        let running = Task { try await server.run() }
        let client = try await connect(port)
        running.cancel()
        try await running.value
        #expect(await eventually { client.isClosed })
    }
}
