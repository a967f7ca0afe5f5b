import HTTP2
import HTTPTypes
import NIOCore
import Synchronization
import Testing

@Suite struct HandshakeTests {
    @Test(
        arguments: [
            (nil, HTTP2Error.Code.certificateMissing), ("foreign03", .peerRefused), ("expired", .peerRefused),
            ("twice", .peerRefused), ("nameless", .peerRefused), ("serveronly", .peerRefused),
        ] as [(String?, HTTP2Error.Code)])
    func refusesCertificate(name: String?, code: HTTP2Error.Code) async throws {
        try await withServer(handler: say("in")) { _, port, records in
            await #expect {
                _ = try await connect(port, as: name)
            } throws: { ($0 as? HTTP2Error)?.code == .certificateRefused }
            #expect(await eventually { records.all.count == 1 })
            let record = try #require(records.all.first)
            #expect(record.code == code)
            #expect(record.remoteAddress.hasPrefix("127.0.0.1:"))
            #expect(record.identity?.commonName == name)
            try await Task.sleep(for: .milliseconds(100))
            #expect(records.all.count == 1)
        }
    }

    @Test func refusesWhatAuthorizeRefuses() async throws {
        let revoked = Atomic<Bool>(false)
        let authorize: @Sendable (PeerIdentity) -> String? = {
            revoked.load(ordering: .relaxed) && $0.uri.hasSuffix("IR-03") ? "revoked" : nil
        }
        try await withServer(authorize: authorize, handler: say("in")) { _, port, records in
            let first = try await connect(port)
            #expect(try await first.send(get("/")).0.status == .ok)
            await first.close()
            revoked.store(true, ordering: .relaxed)
            await #expect {
                _ = try await connect(port)
            } throws: { ($0 as? HTTP2Error)?.code == .certificateRefused }
            let other = try await connect(port, as: "node05")
            await other.close()
            #expect(records.all.map(\.reason) == ["revoked"])
            #expect(records.all.first?.identity?.uri == "spiffe://peyvand/node/IR-03")
        }
    }

    @Test func revocationClosesLiveConnections() async throws {
        try await withServer(handler: echo) { server, port, _ in
            let revoked = try await connect(port)
            let stream = try await revoked.open(get("/", method: .post))
            try await stream.write(ByteBuffer(string: "x"))
            _ = try await stream.inbound.next()
            let other = try await connect(port, as: "node05")
            let closed = await server.closeConnections { $0?.uri.hasSuffix("IR-03") == true }
            #expect(closed == 1)
            let start = ContinuousClock.now
            await #expect(throws: HTTP2Error.self) { while try await stream.inbound.next() != nil {} }
            #expect(ContinuousClock.now - start < .seconds(2))
            #expect(await eventually { revoked.isClosed })
            #expect(!other.isClosed)
            await other.close()
        }
    }

    @Test func refusesOtherProtocol() async throws {
        try await withServer(handler: say("in")) { _, port, records in
            await #expect {
                _ = try await ClientConnection.connect(
                    host: "127.0.0.1", port: port, tls: clientTLS("node03", alpn: [.http1]), logger: quietLogger)
            } throws: { ($0 as? HTTP2Error)?.code == .protocolMismatch }
            #expect(await eventually { records.all.first?.code == .protocolMismatch })
        }
    }

    @Test func refusesNoProtocol() async throws {
        try await withServer(handler: say("in")) { _, port, records in
            await #expect {
                _ = try await ClientConnection.connect(
                    host: "127.0.0.1", port: port, tls: clientTLS("node03", alpn: []), logger: quietLogger)
            } throws: { ($0 as? HTTP2Error)?.code == .protocolMismatch }
            #expect(await eventually { records.all.first?.code == .protocolMismatch })
            #expect(records.all.first?.identity?.uri == "spiffe://peyvand/node/IR-03")
        }
    }

    @Test func optionalCertificateMayBeMissingButNotWrong() async throws {
        try await withServer(tls: serverTLS(.optional), handler: say("in")) { _, port, records in
            let nobody = try await connect(port, as: nil)
            #expect(try await nobody.send(get("/")).0.status == .ok)
            await nobody.close()
            let node = try await connect(port)
            await node.close()
            await #expect(throws: HTTP2Error.self) { _ = try await connect(port, as: "foreign03") }
            #expect(await eventually { records.all.count == 1 })
        }
    }

    @Test func clientRefusesServerWithOtherIdentity() async throws {
        try await withServer(handler: say("in")) { _, port, _ in
            var tls = clientTLS("node03")
            tls.expectedPeerURI = "spiffe://peyvand/other-hub"
            let wrong = tls
            await #expect {
                _ = try await ClientConnection.connect(
                    host: "127.0.0.1", port: port, tls: wrong, logger: quietLogger)
            } throws: { ($0 as? HTTP2Error)?.code == .peerRefused }
            tls.expectedPeerURI = nil
            tls.serverName = "hub.example"
            let misnamed = tls
            await #expect {
                _ = try await ClientConnection.connect(
                    host: "127.0.0.1", port: port, tls: misnamed, logger: quietLogger)
            } throws: { ($0 as? HTTP2Error)?.code == .peerRefused }
        }
    }

    @Test func nobodyListens() async throws {
        await #expect {
            _ = try await connect(1)
        } throws: { ($0 as? HTTP2Error)?.code == .connectFailed }
    }

    @Test func missingFileIsNamed() throws {
        #expect {
            var tls = serverTLS()
            tls.privateKeyFile = "/nonexistent.key"
            _ = try Server(address: "127.0.0.1", port: 0, tls: tls, logger: quietLogger, handler: echo)
        } throws: {
            let error = $0 as? HTTP2Error
            return error?.code == .configuration && error?.message.contains("/nonexistent.key") == true
        }
    }

    @Test func halfOpenHandshakeIsClosed() async throws {
        var limits = Limits()
        limits.handshakeTimeout = .milliseconds(300)
        try await withServer(limits: limits, handler: echo) { _, port, records in
            let raw = try RawPeer(port: port)
            raw.send([22, 3, 1])
            #expect(try await raw.receive() == nil)
            #expect(await eventually { records.all.first?.code == .timeout })
        }
    }

    @Test func garbageInsteadOfHandshake() async throws {
        try await withServer(handler: echo) { _, port, records in
            let raw = try RawPeer(port: port)
            raw.send("GET / HTTP/1.1\r\n\r\n")
            _ = try await raw.receiveAll()
            #expect(await eventually { records.all.first?.code == .handshakeFailed })
        }
    }
}
