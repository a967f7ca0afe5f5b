import HTTP2
import HTTPTypes
import Logging
import NIOCore
import Synchronization

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// What a server's audit was told.
final class Records: Sendable {
    private let list = Mutex<[RefusalRecord]>([])
    var all: [RefusalRecord] { list.withLock { $0 } }
    func add(_ record: RefusalRecord) { list.withLock { $0.append(record) } }
}

func serverTLS(
    _ clientCertificate: TLSConfiguration.ClientCertificate = .required, alpn: [ALPN] = [.h2]
) -> TLSConfiguration {
    let authority = TestAuthority.shared
    return TLSConfiguration(
        certificateChainFile: authority.certificate("hub"), privateKeyFile: authority.key("hub"),
        trustRootsFile: authority.roots, clientCertificate: clientCertificate, alpn: alpn)
}

func clientTLS(_ name: String?, alpn: [ALPN] = [.h2]) -> TLSConfiguration {
    let authority = TestAuthority.shared
    return TLSConfiguration(
        certificateChainFile: name.map(authority.certificate), privateKeyFile: name.map(authority.key),
        trustRootsFile: authority.roots, alpn: alpn, serverName: "localhost", verifiesServerName: true,
        expectedPeerURI: "spiffe://peyvand/hub")
}

/// Runs `body` against a server on a port of the kernel's choosing, then shuts it down.
func withServer(
    tls: TLSConfiguration? = serverTLS(), limits: Limits = Limits(), fastPath: FastPath? = nil,
    authorize: (@Sendable (PeerIdentity) -> String?)? = nil, handler: @escaping RequestHandler,
    _ body: (Server, Int, Records) async throws -> Void
) async throws {
    let records = Records()
    let server = try Server(
        address: "127.0.0.1", port: 0, tls: tls, limits: limits, threads: 1, fastPath: fastPath,
        authorize: authorize, audit: { records.add($0) }, logger: quietLogger, handler: handler)
    let port = try await server.start()
    do {
        try await body(server, port, records)
    } catch {
        await server.shutdown(grace: .zero)
        throw error
    }
    await server.shutdown(grace: .milliseconds(100))
}

func connect(_ port: Int, as name: String? = "node03", limits: Limits = Limits()) async throws -> ClientConnection {
    try await ClientConnection.connect(
        host: "127.0.0.1", port: port, tls: clientTLS(name), limits: limits, logger: quietLogger)
}

func get(_ path: String, method: HTTPRequest.Method = .get) -> HTTPRequest {
    HTTPRequest(method: method, scheme: "https", authority: "localhost", path: path)
}

/// Waits until `condition` holds; false after `limit`.
func eventually(_ limit: Duration = .seconds(5), _ condition: () async throws -> Bool) async rethrows -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return true }
        // A cancelled test stops waiting at once.
        do { try await Task.sleep(for: .milliseconds(20)) } catch { return false }
    }
    return try await condition()
}

/// Echoes the body, with the trailers that gRPC uses.
let echo: RequestHandler = { request, writer in
    do {
        try await writer.head(HTTPResponse(status: .ok, headerFields: [.contentType: "application/grpc"]))
        for try await chunk in request.body { try await writer.write(chunk) }
        try await writer.finish([.init("grpc-status")!: "0"])
    } catch {
        // The peer is gone; there is nobody to tell.
        return
    }
}

/// Answers `text` to everything.
func say(_ text: String) -> RequestHandler {
    { _, writer in
        do {
            try await writer.respond(HTTPResponse(status: .ok), body: ByteBuffer(string: text))
        } catch {
            return
        }
    }
}
