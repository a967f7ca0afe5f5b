public import Glibc

/// File operations of programs and of the private PostgreSQL. Calls block; errors are `SystemError`s that name the path.
public enum Files {
    /// Whether something has this path, a folder too.
    public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Whether this process may run it.
    public static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }

    /// What the kernel says of a path, links followed; nil when there is nothing.
    public static func status(_ path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }

    /// Bytes of a file; nil when there is none.
    public static func size(_ path: String) -> Int? { status(path).map { Int($0.st_size) } }

    // MARK: - Paths

    /// The path from the root, without looking at what is there.
    public static func absolute(_ path: String) -> String {
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

    /// The path without links and dots; the file must exist.
    public static func resolve(_ path: String) throws(SystemError) -> String {
        guard let resolved = realpath(path, nil) else { throw SystemError("find", path) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// What a symbolic link leads to; nil for anything else.
    public static func link(of path: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = bytes.withUnsafeMutableBytes { buffer in
            buffer.withMemoryRebound(to: CChar.self) { buffer in
                buffer.baseAddress.map { readlink(path, $0, buffer.count) } ?? -1
            }
        }
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    // MARK: - Folders

    /// Makes the folder and those above it; one that exists is left as it is.
    public static func makeFolder(_ path: String, mode: mode_t = 0o755) throws(SystemError) {
        if mkdir(path, mode) == 0 { return }
        if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try makeFolder(String(path[..<slash]))
            if mkdir(path, mode) == 0 { return }
        }
        let code = errno
        guard let status = status(path), status.st_mode & S_IFMT == S_IFDIR else {
            throw SystemError("make the folder", path, code: code)
        }
    }

    /// Names in a folder, sorted; none when there is no such folder.
    public static func names(in path: String) -> [String] {
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

    /// Removes a folder with all in it, or a file; links are removed, not followed. None there is as good.
    public static func removeTree(_ path: String) throws(SystemError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            for name in names(in: path) { try removeTree(path + "/" + name) }
            guard rmdir(path) == 0 else { throw SystemError("remove", path) }
        } else {
            try remove(path)
        }
    }

    /// Gives a folder and all in it to another user; links themselves, not what they lead to.
    public static func giveTree(_ path: String, to user: uid_t, group: gid_t) throws(SystemError) {
        guard lchown(path, user, group) == 0 else { throw SystemError("change the owner of", path) }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return }
        for name in names(in: path) { try giveTree(path + "/" + name, to: user, group: group) }
    }

    /// Removes a file; none there is as good.
    public static func remove(_ path: String) throws(SystemError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
    }
}
