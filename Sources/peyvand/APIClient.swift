import Contract
import HTTP2
import HTTPTypes
import JSON
import Logging
import NIOCore

/// Where a server's REST interface is, and how we know it.
struct Endpoint: Sendable, Equatable {
    var host: String
    var port: Int

    /// Reads `https://host[:port]`.
    init(url: String) throws(Failure) {
        let wrong = Failure.usedWrongly("'\(url)' is no address of a server; write it as https://HOST:PORT.")
        guard url.hasPrefix("https://") else { throw wrong }
        var rest = url.dropFirst("https://".count)
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard !rest.isEmpty, !rest.contains("/") else { throw wrong }
        var (host, port) = (rest, Substring("443"))
        if let colon = rest.lastIndex(of: ":"), rest.last != "]" {
            (host, port) = (rest[..<colon], rest[rest.index(after: colon)...])
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, let number = Int(port), (1...65535).contains(number) else { throw wrong }
        self.host = String(host)
        self.port = number
    }

    var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}

/// A client of one server's REST interface: one connection, made again when it is gone.
actor APIClient {
    struct Answer: Sendable {
        var status: Int
        var json: JSON

        var isSuccess: Bool { (200..<300).contains(status) }
        /// What a problem document says, for people.
        var problem: String {
            let words = [json["title"]?.string, json["detail"]?.string].compactMap { $0 }
            return words.isEmpty ? "status \(status)" : "\(words.joined(separator: ": ")) (status \(status))"
        }
        /// Worth the same request again: the server is busy, starting or stopping.
        var isTransient: Bool { status == 429 || status == 502 || status == 503 || status == 504 }
    }

    /// The server did not answer; the request may or may not have been carried out.
    struct Unreachable: Error, Sendable, CustomStringConvertible {
        var description: String
    }

    nonisolated let endpoint: Endpoint
    private let tls: TLSConfiguration
    private let token: String?
    private var connecting: Task<ClientConnection, any Error>?

    /// - Parameters:
    ///   - trustRoots: PEM file of the authority that signed the server; nil: the system's authorities.
    ///   - certificate: PEM files of a client certificate and its key, for a ministry.
    init(
        _ endpoint: Endpoint, token: String?, trustRoots: String?, certificate: (chain: String, key: String)? = nil
    ) {
        self.endpoint = endpoint
        self.token = token
        tls = TLSConfiguration(
            certificateChainFile: certificate?.chain, privateKeyFile: certificate?.key, trustRootsFile: trustRoots,
            serverName: endpoint.host, verifiesServerName: true)
    }

    func get(_ path: String) async throws -> Answer { try await call(.get, path) }

    /// One exchange.
    /// - Parameter key: the idempotency key: with it the same call may be made again after any fault.
    /// - Throws: `Unreachable`; `CancellationError`.
    func call(
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

    func close() async {
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
