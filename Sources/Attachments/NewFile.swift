public import Casework
import Cryptography
import Glibc
import Synchronization

/// An upload: bytes come in order, the hash is known at their end. Dropped unkept, it leaves nothing; after a crash,
/// the next start removes it.
public final class NewFile: Sendable {
    private struct State {
        var digest = SHA256()
        var size: UInt64 = 0
        /// Bytes since the room on the disk was last looked at.
        var unchecked: UInt64 = 0
        var isKept = false
    }

    private let files: AttachmentFiles
    private let descriptor: Descriptor
    private let state: Mutex<State>

    init(files: AttachmentFiles, _ descriptor: Descriptor) {
        (self.files, self.descriptor) = (files, descriptor)
        let state = State()
        state.digest.begin()
        self.state = Mutex(state)
    }

    deinit {
        guard !state.withLock({ $0.isKept }) else { return }
        // What cannot be removed now is removed at the next start.
        unlink(descriptor.path)
    }

    /// Adds a piece. One caller at a time.
    /// - Returns: the bytes so far.
    /// - Throws: `FileFault`, `full` among them.
    @discardableResult
    public func append(_ bytes: [UInt8]) async throws -> UInt64 {
        try await AttachmentFiles.blocking { [self] in
            try state.withLock { state in
                state.unchecked += UInt64(bytes.count)
                if state.unchecked >= 1 << 20 {
                    try files.checkRoom(for: UInt64(bytes.count))
                    state.unchecked = 0
                }
                try descriptor.write(bytes, at: state.size)
                bytes.withUnsafeBytes { state.digest.update($0) }
                state.size += UInt64(bytes.count)
                return state.size
            }
        }
    }

    /// Puts the file on disk and in its place; it is durable when this returns.
    /// - Throws: `FileFault`.
    public func keep() async throws -> (sha256: EventHash, size: UInt64) {
        try await AttachmentFiles.blocking { [self] in
            try state.withLock { state in
                let sha256 = EventHash(state.digest.finish()) ?? .zero
                try descriptor.sync()
                try files.publish(descriptor, as: sha256)
                state.isKept = true
                return (sha256, state.size)
            }
        }
    }
}
