import Cryptography
public import Glibc
public import POSIX

/// Folders with all that is in them.
public enum FileTree {
    /// Deeper than anyone nests; a link that leads back to a folder above it would go on for ever.
    private static let deepest = 40

    /// A file or a folder.
    public struct Entry: Sendable, Equatable {
        /// Below the root.
        public var path: String
        /// Else it is a file.
        public var isFolder: Bool
        /// The nine permission bits.
        public var mode: mode_t
    }

    /// Everything below a folder, each folder before what is in it, names sorted. A link counts as what it leads to;
    /// sockets and the like are left out, and so is what vanishes meanwhile.
    /// - Parameter isWanted: told the path below the root; a folder that is not wanted is not entered.
    public static func entries(of root: String, isWanted: (String) -> Bool = { _ in true }) throws -> [Entry] {
        var found: [Entry] = []
        var waiting = Array(Files.names(in: root).reversed())
        while let path = waiting.popLast() {
            var status = stat()
            guard isWanted(path), stat(root + "/" + path, &status) == 0 else { continue }
            let kind = status.st_mode & S_IFMT
            guard kind == S_IFDIR || kind == S_IFREG else { continue }
            found.append(Entry(path: path, isFolder: kind == S_IFDIR, mode: status.st_mode & 0o777))
            guard kind == S_IFDIR else { continue }
            guard path.split(separator: "/").count < deepest else {
                throw Failure("\(root)/\(path) is too deep; does a link in it lead back to a folder above?")
            }
            waiting += Files.names(in: root + "/" + path).reversed().map { path + "/" + $0 }
        }
        return found
    }

    /// Copies a file that does not exist at `target` yet.
    /// - Returns: its length and SHA-256.
    @discardableResult
    public static func copyFile(_ source: String, to target: String, mode: mode_t) throws(SystemError) -> (Int, [UInt8])
    {
        let input = open(source, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw SystemError("open", source) }
        defer { close(input) }
        let output = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard output >= 0 else { throw SystemError("write", target) }
        defer { close(output) }
        return try read(input, source) { buffer throws(SystemError) in
            try Files.write(buffer, to: output, path: target)
        }
    }

    /// SHA-256 of a file.
    public static func sum(of path: String) throws(SystemError) -> [UInt8] {
        let input = open(path, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw SystemError("open", path) }
        defer { close(input) }
        return try read(input, path) { _ in }.1
    }

    private static func read(
        _ input: Int32, _ path: String, _ body: (UnsafeRawBufferPointer) throws(SystemError) -> Void
    ) throws(SystemError) -> (Int, [UInt8]) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        let digest = SHA256()
        digest.begin()
        var total = 0
        while true {
            let count = Glibc.read(input, buffer.baseAddress, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read", path) }
            if count == 0 { return (total, digest.finish()) }
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            digest.update(piece)
            try body(piece)
            total += count
        }
    }

    /// Copies a folder with all in it; modes stay, owners do not.
    /// - Parameter progress: told the bytes copied so far.
    public static func copy(_ source: String, to target: String, progress: (Int) -> Void = { _ in }) throws {
        try Files.makeFolder(target, mode: 0o700)
        var total = 0
        for entry in try entries(of: source) {
            let place = target + "/" + entry.path
            if entry.isFolder {
                guard mkdir(place, entry.mode | 0o700) == 0 else { throw SystemError("make the folder", place) }
            } else {
                total += try copyFile(source + "/" + entry.path, to: place, mode: entry.mode).0
                progress(total)
            }
        }
    }

    /// Sees to it that a folder with all in it is there after a power failure.
    public static func synchronize(_ path: String) throws {
        for entry in try entries(of: path) { try synchronizeOne(path + "/" + entry.path) }
        try synchronizeOne(path)
    }

    private static func synchronizeOne(_ path: String) throws(SystemError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemError("write", path) }
    }

    /// Renames within one disk, and sees to it that the new name lasts.
    public static func move(_ source: String, to target: String) throws(SystemError) {
        guard rename(source, target) == 0 else { throw SystemError("rename", source + " to " + target) }
        try synchronizeOne(parent(of: target))
    }

    /// The folder above an absolute path.
    public static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    /// The last part of a path.
    public static func name(of path: String) -> String { path.split(separator: "/").last.map { String($0) } ?? "" }
}
