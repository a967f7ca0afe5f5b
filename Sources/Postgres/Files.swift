import Glibc

/// The few file operations that the private server needs.
enum Files {
    static func status(_ path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }

    static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }

    static func failure(_ doing: String, _ path: String) -> PostgresError {
        let reason = String(cString: strerror(errno))
        return PostgresError(.serverUnavailable, "Cannot \(doing) \(path): \(reason).")
    }

    /// Makes the directory and those above it; one that exists is left as it is.
    static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws {
        if let status = status(path) {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw PostgresError(.serverUnavailable, "\(path) is in the way: it is no directory.")
            }
            return
        }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try makeDirectory(String(path[..<slash]))
        }
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw failure("make the directory", path) }
    }

    /// The path without links and dots; the file must exist.
    static func resolve(_ path: String) throws -> String {
        guard let resolved = realpath(path, nil) else { throw failure("find", path) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    static func entries(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The text of a small file; nil when it cannot be read.
    static func read(_ path: String, limit: Int = 1 << 16, fromEnd: Bool = false) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        if fromEnd, let size = status(path)?.st_size, size > limit { lseek(descriptor, -off_t(limit), SEEK_END) }
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < limit {
            let part = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, limit - count)
            }
            if part < 0 && errno == EINTR { continue }
            if part <= 0 { break }
            count += part
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// The last lines of a log, as one line.
    static func tail(of path: String, lines: Int = 6) -> String {
        let text = read(path, limit: 4096, fromEnd: true) ?? ""
        return text.split(separator: "\n").suffix(lines).joined(separator: " | ")
    }

    static func link(of path: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = bytes.withUnsafeMutableBytes { buffer in
            buffer.withMemoryRebound(to: CChar.self) { buffer in
                buffer.baseAddress.map { readlink(path, $0, buffer.count) } ?? -1
            }
        }
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    /// Removes a directory and all in it; links are removed, not followed.
    static func removeTree(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            for name in entries(path) { try removeTree(path + "/" + name) }
            guard rmdir(path) == 0 else { throw failure("remove", path) }
        } else {
            guard unlink(path) == 0 else { throw failure("remove", path) }
        }
    }

    /// Gives a directory and all in it to another user; links themselves, not what they point to.
    static func giveTree(_ path: String, to user: uid_t, group: gid_t) throws {
        guard lchown(path, user, group) == 0 else { throw failure("change the owner of", path) }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return }
        for name in entries(path) { try giveTree(path + "/" + name, to: user, group: group) }
    }
}
