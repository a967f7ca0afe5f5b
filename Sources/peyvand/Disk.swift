import Glibc

/// The few file operations that the commands need. Errors are `Failure`s that name the path.
enum Disk {
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func size(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// The path from the root, without looking at what is there.
    static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return normalized(path) }
        guard let buffer = getcwd(nil, 0) else { return path }
        defer { free(buffer) }
        return normalized(String(cString: buffer) + "/" + path)
    }

    private static func normalized(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// Makes the folder and those above it; one that exists is left as it is.
    static func makeFolder(_ path: String, mode: mode_t = 0o755) throws(Failure) {
        if mkdir(path, mode) == 0 { return }
        if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try makeFolder(String(path[..<slash]))
            if mkdir(path, mode) == 0 { return }
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw failure("make the folder", path)
        }
    }

    static func read(_ path: String) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity((size(path) ?? 0) + 1)
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }

    static func text(_ path: String) throws(Failure) -> String { String(decoding: try read(path), as: UTF8.self) }

    /// Puts a complete file in place at once: a reader sees the old one or the new one, also after a power failure.
    static func replace(_ path: String, with bytes: [UInt8], mode: mode_t = 0o644) throws(Failure) {
        let fresh = path + ".new"
        unlink(fresh)
        let descriptor = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure("write", fresh) }
        defer { close(descriptor) }
        // The umask may have taken bits away.
        fchmod(descriptor, mode)
        try write(bytes, to: descriptor, path: fresh)
        guard fsync(descriptor) == 0, rename(fresh, path) == 0 else { throw failure("write", path) }
    }

    static func replace(_ path: String, with text: String, mode: mode_t = 0o644) throws(Failure) {
        try replace(path, with: Array(text.utf8), mode: mode)
    }

    static func append(_ path: String, _ text: String) throws(Failure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("write", path) }
        defer { close(descriptor) }
        try write(Array(text.utf8), to: descriptor, path: path)
    }

    /// Removes a file; none there is as good.
    static func remove(_ path: String) throws(Failure) {
        guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    static func cut(_ path: String, to length: Int) throws(Failure) {
        guard truncate(path, length) == 0 || errno == ENOENT else { throw failure("cut", path) }
    }

    /// Names in a folder, sorted; none when there is no such folder.
    static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The last lines of a text file, as one line.
    static func tail(of path: String, lines: Int = 3) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        if let size = size(path), size > 4096 { lseek(descriptor, -4096, SEEK_END) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = max(0, Glibc.read(descriptor, &bytes, bytes.count))
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").suffix(lines)
            .joined(separator: " | ")
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(Failure) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failure("write", path) }
            sent += count
        }
    }

    static func failure(_ doing: String, _ path: String) -> Failure {
        Failure("cannot \(doing) \(path): \(String(cString: strerror(errno))).")
    }
}

/// A file lock that ends with this value, or with this process in whatever way.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// Nil when another process holds it.
    init?(_ path: String) throws(Failure) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Disk.failure("lock", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
    }

    deinit { close(descriptor) }
}
