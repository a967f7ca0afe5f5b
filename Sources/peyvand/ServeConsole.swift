public import Console
import HTTP2
import HTTPTypes
import Logging
import NIOCore

/// The console's doors of one server: over TLS, and as plain HTTP where a port is given for it.
struct ServeConsole: Sendable {
    let doors: [Server]
    private let ports: [String: Int]

    /// Of the console's doors.
    static func address(_ settings: Settings) -> String { settings.optional("console.address") ?? "127.0.0.1" }

    /// - Parameters:
    ///   - authorize: why a presented client certificate may not connect; `nil` when it may.
    ///   - audit: gets one record for each connection that was turned away.
    static func open(
        _ console: Console, settings: Settings, authorize: @escaping @Sendable (PeerIdentity) -> String?,
        audit: @escaping @Sendable (RefusalRecord) -> Void, logger: Logger
    ) async throws -> ServeConsole {
        let address = address(settings)
        let tls = TLSConfiguration(
            certificateChainFile: try settings.required("certificate"),
            privateKeyFile: try settings.required("private.key"),
            trustRootsFile: try settings.required("trust.roots"), clientCertificate: .optional, alpn: [.h2, .http1])
        let secure = try Server(
            address: address, port: try settings.port("console.port", default: 8443), tls: tls,
            fastPath: { console.fastPath($0) }, authorize: authorize, audit: audit, logger: logger,
            handler: handler(console))
        var doors = [secure]
        var ports = ["console": try await secure.start()]
        if let port = try settings.optionalPort("plain.port") {
            let plain = try Server(
                address: address, port: port, tls: nil, fastPath: { console.fastPath($0) }, audit: audit,
                logger: logger, handler: handler(console))
            ports["plain"] = try await plain.start()
            doors.append(plain)
        }
        return ServeConsole(doors: doors, ports: ports)
    }

    /// `console=8443 plain=8080`
    var summary: String { ports.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ") }

    private static func handler(_ console: Console) -> RequestHandler {
        { request, response in
            await console.handle(
                ConsoleRequest(
                    head: request.head, body: request.body, certificateURI: request.peer?.uri,
                    remoteAddress: request.remoteAddress, isTLS: request.isTLS),
                response)
        }
    }
}

extension ResponseWriter: ConsoleResponseWriter {}
