import Casework
import Contract
import HTTPTypes
import Hummingbird
import JSON
import NIOCore

/// Files of cases: taken and given as they are, in a stream.
struct AttachmentRoutes: Sendable {
    let service: any CaseService

    var all: [Route] {
        [
            Route(
                .get, "/api/v1/cases/{id}/attachments", "Its files in history order", .readers,
                answer: .json(Shapes.list(of: "Attachment"))
            ) { call in
                let files = try await service.attachments(of: try call.caseID, for: try call.principal)
                return .json(["items": .array(files.map(\.json)), "next": .null])
            },
            Route(
                .attach, "Attach a file: the body is its bytes, as they are",
                parameters: [.init("name", .string(limit: Limits.name), "The file's name, without folders. Required.")],
                handle: attach),
            Route(
                .get, "/api/v1/cases/{id}/attachments/{sha256}", "One file, as it was attached", .readers,
                answer: .other("*/*"), handle: give),
        ]
    }

    @Sendable
    private func attach(_ call: APICall) async throws -> Response {
        let head = call.source.request.head
        guard let name = call.query["name"] else { throw Problem.invalid("name", .missing) }
        guard head.headerFields[.contentEncoding]?.lowercased() ?? "identity" == "identity" else {
            throw Problem.badRequest("Send the file without Content-Encoding.")
        }
        let result = try await service.attach(
            FileUpload(
                principal: try call.principal, caseID: try call.caseID, name: name,
                mediaType: head.headerFields[.contentType] ?? "application/octet-stream",
                announced: head.headerFields[.contentLength].flatMap { UInt64($0) },
                idempotencyKey: call.idempotencyKey, request: "\(head.method.rawValue) \(head.path ?? "")",
                body: Self.pieces(call.source.request.body)))
        return .json(result.document.json(at: service.origin))
    }

    private static func pieces(
        _ body: some AsyncSequence<ByteBuffer, any Error> & Sendable
    ) -> any AsyncSequence<[UInt8], any Error> & Sendable {
        body.map { Array($0.readableBytesView) }
    }

    /// A browser saves it and never shows it: what a stranger sent must not run as a page of this server.
    @Sendable
    private func give(_ call: APICall) async throws -> Response {
        guard let file = EventHash(hex: try call.path("sha256")) else { throw FileRefusal.unknown }
        let content = try await service.attachment(file, of: try call.caseID, for: try call.principal)
        let body = ResponseBody(contentLength: Int(content.size)) { writer in
            var offset: UInt64 = 0
            while offset < content.size {
                let piece = try await content.read(offset)
                // A file that ends early must not look whole: the stream breaks off.
                guard !piece.isEmpty else { throw FileRefusal.brokenOff }
                offset += UInt64(piece.count)
                try await writer.write(ByteBuffer(bytes: piece))
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: MediaType.isValid(content.mediaType) ? content.mediaType : "application/octet-stream",
                .contentDisposition: Self.disposition(content.name ?? file.description),
                .eTag: "\"\(file)\"",
            ], body: body)
    }

    /// RFC 6266 with RFC 8187: the name in UTF-8, and in ASCII for those who cannot read that.
    static func disposition(_ name: String) -> String {
        let plain = name.unicodeScalars.map { scalar in
            scalar.isASCII && scalar.value >= 0x20 && scalar.value != 0x7F && !"\"\\%;".unicodeScalars.contains(scalar)
                ? String(scalar) : "_"
        }.joined()
        let encoded = name.utf8.map { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: String(UnicodeScalar(byte))
            default: "%" + Hex.encode([byte]).uppercased()
            }
        }.joined()
        return "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(encoded)"
    }
}
