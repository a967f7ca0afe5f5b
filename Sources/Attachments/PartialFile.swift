import Casework
import Glibc

/// What a transfer has brought of a file whose hash is known. It stays on disk until it is whole, and is gone on with
/// from its length; what a crash left behind in it is found by its hash.
public struct PartialFile: Sendable {
    private let files: AttachmentFiles
    private let descriptor: Descriptor
    private let file: EventHash

    init(files: AttachmentFiles, _ descriptor: Descriptor, _ file: EventHash) {
        (self.files, self.descriptor, self.file) = (files, descriptor, file)
    }

    /// Bytes so far.
    public var size: UInt64 { get throws { UInt64(try descriptor.status().st_size) } }

    /// - Throws: `FileFault`, as the other calls.
    public func write(_ bytes: [UInt8], at offset: UInt64) async throws {
        try await AttachmentFiles.blocking { [self] in try descriptor.write(bytes, at: offset) }
    }

    /// Everything written is on disk when this returns. Throws `full` when the next stretch would have no room.
    public func sync() async throws {
        try await AttachmentFiles.blocking { [self] in
            try descriptor.sync()
            try files.checkRoom(for: 0)
        }
    }

    /// Whether the bytes have the file's hash: reads all of them.
    public func isWhole() async throws -> Bool {
        try await AttachmentFiles.blocking { [self] in
            try descriptor.sync()
            return try descriptor.digest() == file
        }
    }

    /// Puts a whole file in its place.
    public func publish() async throws {
        try await AttachmentFiles.blocking { [self] in try files.publish(descriptor, as: file) }
    }

    /// Throws the bytes away.
    public func discard() async throws {
        try await AttachmentFiles.blocking { [self] in try files.remove(descriptor) }
    }
}
