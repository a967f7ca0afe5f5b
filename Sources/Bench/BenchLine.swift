import Casework
import Contract
import Glibc
import HTTP2
import HTTPTypes
import JSON
import Logging
import NIOCore
import Program

/// One HTTP/2 connection over TLS to a server's REST interface, as light as a load's source should be.
struct BenchLine: Sendable {
    private let connection: ClientConnection
    private let authority: String
    private let token: String

    init(port: Int, token: String, trustRoots: String, logger: Logger) async throws {
        authority = "127.0.0.1:\(port)"
        self.token = token
        connection = try await ClientConnection.connect(
            host: "127.0.0.1", port: port,
            tls: TLSConfiguration(
                certificateChainFile: nil, privateKeyFile: nil, trustRootsFile: trustRoots, serverName: "127.0.0.1",
                verifiesServerName: true),
            logger: logger)
    }

    private static let idempotencyKey = HTTPField.Name("Idempotency-Key")!

    private func request(_ method: HTTPRequest.Method, _ path: String) -> HTTPRequest {
        var request = HTTPRequest(method: method, scheme: "https", authority: authority, path: path)
        request.headerFields[.authorization] = "Bearer " + token
        return request
    }

    /// - Throws: `Failure` for an answer that is no success.
    @discardableResult
    func post(_ path: String, _ body: ByteBuffer, key: String) async throws -> ByteBuffer {
        var request = request(.post, path)
        request.headerFields[.contentType] = "application/json"
        request.headerFields[Self.idempotencyKey] = key
        let (response, answer, _) = try await connection.send(request, body: body)
        guard response.status.kind == .successful else {
            throw Failure("\(path) answered \(response.status.code): \(String(buffer: answer).prefix(300))")
        }
        return answer
    }

    /// The hub's feed as it comes: each message's event and data, and the wall clock's microseconds when it was here.
    func feed(_ body: (_ event: String, _ data: JSON, _ at: Int64) async throws -> Bool) async throws {
        let stream = try await connection.open(request(.get, "/api/v1/feed"))
        defer { stream.reset() }
        // A request whose body does not end is cut off after a minute.
        try await stream.finish()
        guard try await stream.response().status == .ok else { throw Failure("the feed does not open.") }
        var pending = [UInt8]()
        for try await buffer in stream.inbound {
            let at = Wall.microseconds
            pending += buffer.readableBytesView
            while let end = Self.blankLine(pending) {
                let block = String(decoding: pending[..<end], as: UTF8.self)
                pending.removeFirst(end + 2)
                var (event, data) = ("", "")
                for line in block.split(separator: "\n") {
                    if line.hasPrefix("event: ") { event = String(line.dropFirst(7)) }
                    if line.hasPrefix("data: ") { data += line.dropFirst(6) }
                }
                guard !data.isEmpty else { continue }
                let json = try JSON(parsing: Array(data.utf8), bounds: .init(values: 100_000))
                if try await !body(event, json, at) { return }
            }
        }
        throw Failure("the feed ended.")
    }

    private static func blankLine(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 2 else { return nil }
        return (0..<bytes.count - 1).first { bytes[$0] == 0x0A && bytes[$0 + 1] == 0x0A }
    }

    func close() async { await connection.close() }
}

/// The wall clock, as PostgreSQL reads it for its commits.
enum Wall {
    static var microseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}

extension Workload {
    /// The body of a `POST /cases`.
    mutating func body() -> ByteBuffer {
        let intake = intake()
        let json: JSON = [
            "kind": .string(intake.kind.rawValue), "channel": .string(intake.channel.rawValue),
            "category": .string(intake.category), "subject": JSON(intake.texts.subject),
            "description": JSON(intake.texts.description),
            "citizen": [
                "name": JSON(intake.texts.citizenName), "mobile": JSON(intake.texts.citizenMobile),
                "address": JSON(intake.texts.citizenAddress),
            ],
        ]
        return ByteBuffer(bytes: json.bytes)
    }
}
