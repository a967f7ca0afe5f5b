import Glibc

/// A whole file, open for reading by one or many.
public struct StoredFile: Sendable {
    /// Bytes.
    public let size: UInt64
    private let descriptor: Descriptor

    init(_ descriptor: Descriptor, size: UInt64) { (self.descriptor, self.size) = (descriptor, size) }

    /// Fewer bytes than asked for only at the file's end.
    /// - Throws: `FileFault`.
    public func read(at offset: UInt64, count: Int) async throws -> [UInt8] {
        let descriptor = descriptor
        return try await AttachmentFiles.blocking { try descriptor.read(at: offset, count: count) }
    }
}
