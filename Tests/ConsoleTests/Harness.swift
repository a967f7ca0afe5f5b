import Casework
import Contract
import HTTPTypes
import JSON
import Logging
import NIOCore
import Synchronization

@testable import Console

/// What a client got.
struct Answer: Sendable {
    var status = 0
    var headers: HTTPFields = [:]
    var body: [UInt8] = []
    /// Head, chunks and end came apart.
    var isStreamed = false

    var text: String { String(decoding: body, as: UTF8.self) }
    var json: JSON { get throws { try JSON(parsing: body) } }

    /// The last part of a problem's type; nil for another kind of answer.
    var problem: String? {
        guard headers[.contentType] == "application/problem+json", let json = try? json,
            json["status"] == JSON(status), json["detail"]?.string?.isEmpty == false, json["title"]?.string != nil
        else { return nil }
        return json["type"]?.string?.split(separator: ":").last.map { String($0) }
    }

    var faultyFields: [String] {
        ((try? json)?["errors"]?.array ?? []).compactMap { $0["field"]?.string }
    }
}

final class Recorder: ConsoleResponseWriter {
    struct Gone: Error {}

    let answer = Mutex(Answer())
    /// A reader who leaves after so many writes.
    let patience: Int?

    init(patience: Int? = nil) { self.patience = patience }

    func head(_ response: HTTPResponse) async throws {
        answer.withLock { ($0.status, $0.headers, $0.isStreamed) = (response.status.code, response.headerFields, true) }
    }

    func write(_ buffer: ByteBuffer) async throws {
        let count = answer.withLock { answer in
            answer.body += buffer.readableBytesView
            return answer.body.count
        }
        if let patience, count > patience { throw Gone() }
    }

    func finish(_ trailers: HTTPFields?) async throws {}

    func respond(_ response: HTTPResponse, body: ByteBuffer) async throws {
        answer.withLock { answer in
            answer.status = response.status.code
            answer.headers = response.headerFields
            answer.body = Array(body.readableBytesView)
        }
    }
}

/// A body in chunks of at most 1,000 bytes.
struct Chunks: AsyncSequence, Sendable {
    typealias Failure = any Error

    var bytes: [UInt8]
    var breaksOff = false

    struct Iterator: AsyncIteratorProtocol {
        var rest: ArraySlice<UInt8>
        var breaksOff: Bool

        mutating func next() async throws -> ByteBuffer? {
            guard !rest.isEmpty else {
                if breaksOff { throw Recorder.Gone() }
                return nil
            }
            defer { rest = rest.dropFirst(1_000) }
            return ByteBuffer(bytes: rest.prefix(1_000))
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(rest: bytes[...], breaksOff: breaksOff) }
}

struct Client: Sendable {
    let fixture: Fixture
    let console: Console
    var token: String? = "operator"

    static func node(_ fixture: Fixture? = nil, _ configuration: ConsoleConfiguration = .init()) -> Client {
        let fixture = fixture ?? Fixture(origin: Origin("IR-03")!)
        let service: any NodeService = fixture
        return Client(fixture, Console(service: service, configuration: configuration, logger: silent))
    }

    static func hub(_ fixture: Fixture? = nil, _ configuration: ConsoleConfiguration = .init()) -> Client {
        let fixture = fixture ?? Fixture(origin: .hub)
        let service: any HubService = fixture
        return Client(fixture, Console(service: service, configuration: configuration, logger: silent), token: "hub")
    }

    private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init(_ fixture: Fixture, _ console: Console, token: String? = "operator") {
        (self.fixture, self.console, self.token) = (fixture, console, token)
    }

    func with(token: String?) -> Client { Client(fixture, console, token: token) }

    /// `/api/v1/cases/ID` and what stands behind.
    func casePath(_ rest: String = "") -> String { "/api/v1/cases/" + fixture.caseID.description + rest }

    func send(
        _ method: HTTPRequest.Method, _ path: String?, _ body: String? = nil, headers: HTTPFields = [:],
        bytes: [UInt8]? = nil, certificate: String? = nil, remote: String = "192.0.2.1", isTLS: Bool = false,
        breaksOff: Bool = false, writer: Recorder = Recorder()
    ) async -> Answer {
        var headers = headers
        let bytes = bytes ?? body.map { Array($0.utf8) } ?? []
        if !bytes.isEmpty, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        if let token, headers[.authorization] == nil { headers[.authorization] = "Bearer " + token }
        let head = HTTPRequest(
            method: method, scheme: isTLS ? "https" : "http", authority: "peyvand.example:8443", path: path,
            headerFields: headers)
        await console.handle(
            ConsoleRequest(
                head: head, body: Chunks(bytes: bytes, breaksOff: breaksOff), certificateURI: certificate,
                remoteAddress: remote, isTLS: isTLS), writer)
        return writer.answer.withLock { $0 }
    }

    func get(_ path: String, headers: HTTPFields = [:]) async -> Answer { await send(.get, path, headers: headers) }
    func post(_ path: String, _ body: String?) async -> Answer { await send(.post, path, body) }
}

let intake = #"""
    {"kind":"complaint","channel":"phone","category":"trade-prices","subject":"نان گران است","description":"…",
     "about":"IR-03-SAMT","priority":"high","tags":["نان"],"citizen":{"name":"مریم","national_id":null,
     "mobile":"09141234567","address":null}}
    """#
