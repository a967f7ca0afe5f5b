import Contract
public import HTTP2
import Logging
import Store
import Synchronization

/// The authority to connect: the registry alone, as last read. Asked at every handshake and for every request.
public final class Authority: Sendable {
    private let registry: Registry
    private let office: Office
    private let valid = Mutex<[String: Registry.Entry]>([:])
    private let logger: Logger

    init(office: Office, logger: Logger) {
        self.office = office
        self.logger = logger
        registry = Registry(office.database)
    }

    /// Reads the registry anew; tells whether it changed.
    @discardableResult
    func refresh() async throws -> Bool {
        let entries = try await registry.entries().filter { $0.use == "tls" && $0.state == "valid" }
        let next = Dictionary(entries.map { ($0.fingerprint, $0) }) { first, _ in first }
        return valid.withLock { valid in
            defer { valid = next }
            return valid != next
        }
    }

    /// Why this certificate may not connect; `nil` when it may.
    public func refusal(_ peer: PeerIdentity) -> String? {
        valid.withLock { valid in
            guard let entry = valid[peer.fingerprint] else { return "the certificate is revoked or not registered" }
            return entry.uri == peer.uri ? nil : "the certificate's name is not the registered one"
        }
    }

    /// Leaves one audit line for a connection that was turned away.
    public func audit(_ refusal: RefusalRecord, door: String) {
        logger.notice(
            "connection refused", metadata: ["remote": "\(refusal.remoteAddress)", "reason": "\(refusal.reason)"])
        office.auditRefusal(
            door: door, identity: refusal.identity?.uri, fingerprint: refusal.identity?.fingerprint,
            remote: refusal.remoteAddress, reason: "\(refusal.code.rawValue): \(refusal.reason)")
    }
}
