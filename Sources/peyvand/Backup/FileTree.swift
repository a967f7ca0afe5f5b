import Cryptography
import Glibc

/// Folders with all that is in them.
enum FileTree {
    /// Deeper than anyone nests; a link that leads back to a folder above it would go on for ever.
    private static let deepest = 40

    struct Entry: Sendable, Equatable {
        /// Below the root.
        var path: String
        var isFolder: Bool
        var mode: mode_t
    }

    /// Everything below a folder, each folder before what is in it, names sorted. A link counts as what it leads to;
    /// sockets and the like are left out, and so is what vanishes meanwhile.
    /// - Parameter isWanted: told the path below the root; a folder that is not wanted is not entered.
    static func entries(of root: String, isWanted: (String) -> Bool = { _ in true }) throws(Failure) -> [Entry] {
        var found: [Entry] = []
        var waiting = Array(Disk.names(in: root).reversed())
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
            waiting += Disk.names(in: root + "/" + path).reversed().map { path + "/" + $0 }
        }
        return found
    }

    /// Copies a file that does not exist at `target` yet.
    /// - Returns: its length and SHA-256.
    @discardableResult
    static func copyFile(_ source: String, to target: String, mode: mode_t) throws(Failure) -> (Int, [UInt8]) {
        let input = open(source, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw Disk.failure("open", source) }
        defer { close(input) }
        let output = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard output >= 0 else { throw Disk.failure("write", target) }
        defer { close(output) }
        return try read(input, source) { buffer throws(Failure) in
            var sent = 0
            while sent < buffer.count {
                let count = write(output, buffer.baseAddress.map { $0 + sent }, buffer.count - sent)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw Disk.failure("write", target) }
                sent += count
            }
        }
    }

    static func sum(of path: String) throws(Failure) -> [UInt8] {
        let input = open(path, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw Disk.failure("open", path) }
        defer { close(input) }
        return try read(input, path) { _ in }.1
    }

    private static func read(
        _ input: Int32, _ path: String, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) -> (Int, [UInt8]) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        let digest = SHA256()
        digest.begin()
        var total = 0
        while true {
            let count = Glibc.read(input, buffer.baseAddress, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Disk.failure("read", path) }
            if count == 0 { return (total, digest.finish()) }
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            digest.update(piece)
            try body(piece)
            total += count
        }
    }

    /// Copies a folder with all in it; modes stay, owners do not.
    static func copy(_ source: String, to target: String, progress: (Int) -> Void = { _ in }) throws(Failure) {
        try Disk.makeFolder(target, mode: 0o700)
        var total = 0
        for entry in try entries(of: source) {
            let place = target + "/" + entry.path
            if entry.isFolder {
                guard mkdir(place, entry.mode | 0o700) == 0 else { throw Disk.failure("make the folder", place) }
            } else {
                total += try copyFile(source + "/" + entry.path, to: place, mode: entry.mode).0
                progress(total)
            }
        }
    }

    /// Removes a folder with all in it; links are removed, not followed. None there is as good.
    static func remove(_ path: String) throws(Failure) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            for name in Disk.names(in: path) { try remove(path + "/" + name) }
            guard rmdir(path) == 0 else { throw Disk.failure("remove", path) }
        } else {
            try Disk.remove(path)
        }
    }

    /// Gives a folder and all in it to another user; links themselves, not what they lead to.
    static func give(_ path: String, to user: uid_t, group: gid_t) throws(Failure) {
        guard lchown(path, user, group) == 0 else { throw Disk.failure("change the owner of", path) }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return }
        for name in Disk.names(in: path) { try give(path + "/" + name, to: user, group: group) }
    }

    /// Sees to it that a folder with all in it is there after a power failure.
    static func synchronize(_ path: String) throws(Failure) {
        for entry in try entries(of: path) { try synchronizeOne(path + "/" + entry.path) }
        try synchronizeOne(path)
    }

    private static func synchronizeOne(_ path: String) throws(Failure) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Disk.failure("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Disk.failure("write", path) }
    }

    /// Renames within one disk, and sees to it that the new name lasts.
    static func move(_ source: String, to target: String) throws(Failure) {
        guard rename(source, target) == 0 else { throw Disk.failure("rename", source + " to " + target) }
        try synchronizeOne(parent(of: target))
    }

    /// Of an absolute path.
    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    static func name(of path: String) -> String { path.split(separator: "/").last.map { String($0) } ?? "" }
}
