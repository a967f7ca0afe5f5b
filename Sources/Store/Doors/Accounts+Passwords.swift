import Contract
import Cryptography
import Dispatch
import Synchronization

/// scrypt, one hash at a time in the whole process: each takes 32 MiB and a tenth of a second of a core. A queue of
/// its own keeps the work off the threads on which requests run; a flood of attempts is turned away instead of
/// queued.
final class PasswordHashing: Sendable {
    static let shared = PasswordHashing()
    static let saltLength = 16
    private static let maximumWaiting = 32
    private static let cost: UInt64 = 1 << 15
    private static let maximumMemory: UInt64 = 64 << 20

    private let queue = DispatchQueue(label: "peyvand.passwords")
    private let waiting = Mutex(0)

    /// - Throws: `ServiceError.unavailable` when too many wait.
    func hash(_ password: String, salt: [UInt8]) async throws -> [UInt8] {
        let isFull = waiting.withLock { waiting in
            if waiting >= Self.maximumWaiting { return true }
            waiting += 1
            return false
        }
        if isFull { throw ServiceError.unavailable("too many people log in at this moment") }
        defer { waiting.withLock { $0 -= 1 } }
        return try await withCheckedThrowingContinuation { continuation in
            queue.async {
                continuation.resume(
                    with: Result {
                        try Scrypt.hash(
                            password: Array(password.utf8), salt: salt, n: Self.cost, maxMemory: Self.maximumMemory)
                    })
            }
        }
    }
}
