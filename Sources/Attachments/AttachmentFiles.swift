public import Casework
import Cryptography
import Glibc
import NIOPosix

/// The directory of files, by their SHA-256. Usable from any task; calls that block run on NIO's threads.
public struct AttachmentFiles: Sendable {
    public let directory: String

    /// Makes the directory and what lies in it; uploads that a dead process left are removed.
    /// - Throws: `FileFault`.
    public init(directory: String) throws {
        self.directory = directory
        for folder in [directory, directory + "/partial", directory + "/incoming", directory + "/damaged"] {
            try Self.makeFolder(folder)
        }
        try Self.empty(directory + "/incoming")
    }

    /// Bytes of a whole file; `nil` while it is not here.
    public func size(of file: EventHash) -> UInt64? { Self.size(path(of: file)) }

    /// Bytes that a transfer from `peer` has brought so far.
    public func partialSize(of file: EventHash, from peer: Origin) -> UInt64 { Self.size(partial(file, peer)) ?? 0 }

    /// A file whose bytes and hash are still to come.
    /// - Parameter size: bytes announced, if any: what has no room is refused at once.
    /// - Throws: `FileFault`.
    public func newFile(announced size: UInt64?) async throws -> NewFile {
        try await Self.blocking {
            try checkRoom(for: size ?? 0)
            let path = directory + "/incoming/" + Hex.encode(SecureRandom.bytes(16))
            return try NewFile(files: self, Descriptor(path, O_RDWR | O_CREAT | O_EXCL))
        }
    }

    /// The file that a transfer brings, to be gone on with where it broke off. One transfer at a time holds it.
    /// - Throws: `FileFault`, `busy` among them.
    public func partial(_ file: EventHash, from peer: Origin) async throws -> PartialFile {
        try await Self.blocking {
            let path = partial(file, peer)
            while true {
                let descriptor = try Descriptor(path, O_RDWR | O_CREAT)
                try descriptor.lock()
                // Who held it may have moved it into place, or thrown it away, before we had the lock.
                if try Self.inode(path) == descriptor.status().st_ino {
                    return PartialFile(files: self, descriptor, file)
                }
            }
        }
    }

    /// A whole file, for reading.
    /// - Throws: `FileFault`, `missing` among them.
    public func open(_ file: EventHash) async throws -> StoredFile {
        try await Self.blocking {
            let descriptor = try Descriptor(path(of: file), O_RDONLY)
            return StoredFile(descriptor, size: UInt64(try descriptor.status().st_size))
        }
    }

    /// Whether a file's bytes still have their hash: reads all of it.
    public func isWhole(_ file: EventHash) async throws -> Bool {
        try await Self.blocking { try Descriptor(path(of: file), O_RDONLY).digest() == file }
    }

    /// Takes a damaged file out of its place; it is kept for whoever looks into it.
    public func setAside(_ file: EventHash) async throws {
        try await Self.blocking {
            let path = path(of: file)
            guard rename(path, directory + "/damaged/" + file.description) == 0 else {
                throw FileFault.system("move", path)
            }
            try Descriptor.syncFolder(folder(of: file))
        }
    }

    // MARK: For the kinds of files

    /// Puts what is written, checked and synced in its place; what is there already stays.
    func publish(_ descriptor: Descriptor, as file: EventHash) throws {
        let path = path(of: file)
        if Self.size(path) != nil { return try remove(descriptor) }
        try Self.makeFolder(folder(of: file))
        guard rename(descriptor.path, path) == 0 else { throw FileFault.system("move", descriptor.path) }
        try Descriptor.syncFolder(folder(of: file))
    }

    func remove(_ descriptor: Descriptor) throws {
        guard unlink(descriptor.path) == 0 || errno == ENOENT else { throw FileFault.system("remove", descriptor.path) }
    }

    /// Files leave room for the journal, which may lie on the same disk: a twentieth of it, at most 1 GiB.
    func checkRoom(for bytes: UInt64) throws {
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { throw FileFault.system("look at", directory) }
        let unit = UInt64(status.f_frsize)
        let reserve = min(1 << 30, UInt64(status.f_blocks) * unit / 20)
        guard UInt64(status.f_bavail) * unit >= bytes + reserve else {
            throw FileFault(.full, "the disk of \(directory) has no room for this file")
        }
    }

    static func blocking<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await NIOThreadPool.singleton.runIfActive(body)
    }

    // MARK: Paths

    private func folder(of file: EventHash) -> String { directory + "/" + file.description.prefix(2) }
    private func path(of file: EventHash) -> String { folder(of: file) + "/" + file.description.dropFirst(2) }
    private func partial(_ file: EventHash, _ peer: Origin) -> String { directory + "/partial/\(peer.code)-\(file)" }

    private static func size(_ path: String) -> UInt64? {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_size) : nil
    }

    private static func inode(_ path: String) -> ino_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_ino : nil
    }

    private static func makeFolder(_ path: String) throws(FileFault) {
        if mkdir(path, 0o700) == 0 { return }
        let failure = errno
        if failure == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try makeFolder(String(path[..<slash]))
            if mkdir(path, 0o700) == 0 { return }
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw .system("make the folder", path, failure)
        }
    }

    private static func empty(_ path: String) throws(FileFault) {
        guard let folder = opendir(path) else { throw .system("read", path) }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name != ".", name != ".." else { continue }
            guard unlink(path + "/" + name) == 0 else { throw .system("remove", path + "/" + name) }
        }
    }
}
