import Casework
import Contract
import Cryptography
import Federation
import HTTP2
import HTTPTypes
import Logging
import NIOCore
import Store

/// The door that nodes dial: mutual TLS, HTTP/2 only. Each call gets a `LinkCall`.
final class LinkDoor: Sendable {
    let server: Server
    let presence: Presence

    init(
        configuration: HubConfiguration, office: Office, writer: Writer<HubCore>,
        notices: Broadcast<Writer<HubCore>.Notice>, presence: Presence, feedEnds: FeedEnds, damage: Damage,
        authority: Authority, logger: Logger
    ) throws {
        self.presence = presence
        let attachments = AttachmentDoor(office: office, notices: notices, logger: logger)
        let load = LinkLoad()
        server = try Server(
            address: configuration.linkAddress, port: configuration.linkPort,
            tls: TLSConfiguration(
                certificateChainFile: configuration.certificate, privateKeyFile: configuration.privateKey,
                trustRootsFile: configuration.trustRoots, clientCertificate: .required, alpn: [.h2]),
            threads: 1, authorize: { authority.refusal($0) },
            audit: { authority.audit($0, door: "link") }, logger: logger
        ) { request, response in
            do {
                let path = request.head.path ?? ""
                guard path == "/peyvand.v1.Link/Connect" || path.hasPrefix(AttachmentDoor.path),
                    request.head.method == .post
                else { return try await Self.end(response, status: 12, "no such method") }
                guard let peer = request.peer, authority.refusal(peer) == nil, let origin = Self.origin(peer.uri) else {
                    return try await Self.end(response, status: 7, "the certificate names no node")
                }
                if path != "/peyvand.v1.Link/Connect" {
                    let method = String(path.dropFirst(AttachmentDoor.path.count))
                    return await attachments.serve(method, origin, request, response)
                }
                let call = LinkCall(
                    origin: origin, remote: request.remoteAddress, office: office, writer: writer,
                    presence: presence, feedEnds: feedEnds, load: load, damage: damage, logger: logger)
                await call.run(request.body, response, notices: notices)
            } catch {
                logger.debug("call ended", metadata: ["error": "\(error)"])
            }
        }
    }

    private static func origin(_ uri: String) -> Origin? {
        let prefix = "spiffe://peyvand/node/"
        guard uri.hasPrefix(prefix) else { return nil }
        return Origin(String(uri.dropFirst(prefix.count))).flatMap { $0.isHub ? nil : $0 }
    }

    /// A trailers-only answer of gRPC.
    static func end(_ response: ResponseWriter, status: Int, _ message: String) async throws {
        var head = HTTPResponse(status: .ok)
        head.headerFields[.contentType] = "application/grpc"
        head.headerFields[.grpcStatus] = String(status)
        head.headerFields[.grpcMessage] = message
        try await response.respond(head, body: ByteBuffer())
    }
}
