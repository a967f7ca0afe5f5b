import HTTP2
public import HTTPTypes
public import JSON
import Logging
import NIOCore

/// A client of one server's REST interface: one connection, made again when it is gone.
public actor APIClient {
    /// What the server said.
    public struct Answer: Sendable {
        /// HTTP's.
        public var status: Int
        /// Null for a body that is no JSON.
        public var json: JSON

        /// 200 to 299.
        public var isSuccess: Bool { (200..<300).contains(status) }
        /// What a problem document says, for people.
        public var problem: String {
            let words = [json["title"]?.string, json["detail"]?.string].compactMap { $0 }
            return words.isEmpty ? "status \(status)" : "\(words.joined(separator: ": ")) (status \(status))"
        }
        /// Worth the same request again: the server is busy, starting or stopping.
        public var isTransient: Bool { status == 429 || status == 502 || status == 503 || status == 504 }
    }

    /// The server did not answer; the request may or may not have been carried out.
    public struct Unreachable: Error, Sendable, CustomStringConvertible {
        public var description: String
    }

    /// The server.
    public nonisolated let endpoint: Endpoint
    private let tls: TLSConfiguration
    private let token: String?
    private var connecting: Task<ClientConnection, any Error>?

    /// Nothing is connected yet.
    /// - Parameters:
    ///   - token: a bearer token.
    ///   - trustRoots: PEM file of the authority that signed the server; nil: the system's authorities.
    ///   - certificate: PEM files of a client certificate and its key, for a ministry.
    public init(
        _ endpoint: Endpoint, token: String?, trustRoots: String?, certificate: (chain: String, key: String)? = nil
    ) {
        self.endpoint = endpoint
        self.token = token
        tls = TLSConfiguration(
            certificateChainFile: certificate?.chain, privateKeyFile: certificate?.key, trustRootsFile: trustRoots,
            serverName: endpoint.host, verifiesServerName: true)
    }

    /// One GET.
    /// - Throws: `Unreachable`; `CancellationError`.
    public func get(_ path: String) async throws -> Answer { try await call(.get, path) }

    /// One exchange.
    /// - Parameter key: the idempotency key: with it the same call may be made again after any fault.
    /// - Throws: `Unreachable`; `CancellationError`.
    public func call(
        _ method: HTTPRequest.Method, _ path: String, body: JSON? = nil, key: String? = nil,
        timeout: Duration = .seconds(60)
    ) async throws -> Answer {
        var request = HTTPRequest(method: method, scheme: "https", authority: endpoint.authority, path: path)
        if let token { request.headerFields[.authorization] = "Bearer " + token }
        request.headerFields[.accept] = "application/json"
        if body != nil { request.headerFields[.contentType] = "application/json" }
        if let key { request.headerFields[Self.idempotencyKey] = key }
        let buffer = body.map { ByteBuffer(bytes: $0.bytes) }
        do {
            let connection = try await connected()
            return try await Self.exchange(request, buffer, on: connection, timeout: timeout)
        } catch let error as CancellationError {
            throw error
        } catch let error as Unreachable {
            throw error
        } catch {
            let reason = (error as? HTTP2Error)?.message ?? String(describing: error)
            throw Unreachable(description: "\(endpoint.authority): \(reason)")
        }
    }

    /// Ends the connection; the next call makes another.
    public func close() async {
        let connection = try? await connecting?.value
        connecting = nil
        await connection?.close()
    }

    private static let idempotencyKey = HTTPField.Name("Idempotency-Key")!

    /// Calls that come while a connection is being made wait for that same one.
    private func connected() async throws -> ClientConnection {
        if let connecting {
            if let connection = try? await connecting.value, !connection.isClosed { return connection }
            if self.connecting == connecting { self.connecting = nil }
        }
        if let connecting { return try await connecting.value }
        let (endpoint, tls) = (endpoint, tls)
        let attempt = Task {
            try await ClientConnection.connect(
                host: endpoint.host, port: endpoint.port, tls: tls, logger: Logger(label: "peyvand"))
        }
        connecting = attempt
        return try await attempt.value
    }

    private static func exchange(
        _ request: HTTPRequest, _ body: ByteBuffer?, on connection: ClientConnection, timeout: Duration
    ) async throws -> Answer {
        try await withThrowingTaskGroup(of: Answer?.self) { group in
            group.addTask {
                let (response, buffer, _) = try await connection.send(request, body: body)
                let json = try? JSON(parsing: Array(buffer.readableBytesView), bounds: .init(values: 5_000_000))
                return Answer(status: response.status.code, json: json ?? .null)
            }
            group.addTask {
                try await Task.sleep(for: timeout)
                return nil
            }
            defer { group.cancelAll() }
            guard case .some(.some(let answer)) = try await group.next() else {
                throw Unreachable(description: "no answer within \(timeout)")
            }
            return answer
        }
    }
}

extension APIClient {
    /// The answer to a GET that must succeed.
    /// - Throws: `Failure` that says what the server said.
    public func document(_ path: String) async throws -> JSON {
        let answer: Answer
        do {
            answer = try await get(path)
        } catch let unreachable as Unreachable {
            throw Failure("the server cannot be reached: \(unreachable).")
        }
        guard answer.isSuccess else { throw Failure("\(endpoint.authority) says: \(answer.problem)") }
        return answer.json
    }
}
