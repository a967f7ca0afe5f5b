public import Glibc

extension Files {
    /// All bytes of a file.
    public static func read(_ path: String) throws(SystemError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity((size(path) ?? 0) + 1)
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read", path) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }

    /// A text file in UTF-8; wrong bytes become U+FFFD.
    public static func text(_ path: String) throws(SystemError) -> String {
        String(decoding: try read(path), as: UTF8.self)
    }

    /// The last lines of a log, as one line; empty when it cannot be read.
    public static func tail(of path: String, lines: Int = 3) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        if let size = size(path), size > 4096 { lseek(descriptor, -4096, SEEK_END) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = max(0, Glibc.read(descriptor, &bytes, bytes.count))
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").suffix(lines)
            .joined(separator: " | ")
    }

    /// Puts a complete file in place at once: a reader sees the old one or the new one, also after a power failure.
    public static func replace(_ path: String, with bytes: [UInt8], mode: mode_t = 0o644) throws(SystemError) {
        let fresh = path + ".new"
        unlink(fresh)
        let descriptor = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw SystemError("write", fresh) }
        defer { close(descriptor) }
        // The umask may have taken bits away.
        fchmod(descriptor, mode)
        try write(bytes, to: descriptor, path: fresh)
        guard fsync(descriptor) == 0, rename(fresh, path) == 0 else { throw SystemError("write", path) }
    }

    /// Puts a complete text file in place at once.
    public static func replace(_ path: String, with text: String, mode: mode_t = 0o644) throws(SystemError) {
        try replace(path, with: Array(text.utf8), mode: mode)
    }

    /// Adds text to the end of a file, which is made if it is not there.
    public static func append(_ path: String, _ text: String) throws(SystemError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw SystemError("write", path) }
        defer { close(descriptor) }
        try write(Array(text.utf8), to: descriptor, path: path)
    }

    /// Shortens a file to its first bytes; none there is as good.
    public static func cut(_ path: String, to length: Int) throws(SystemError) {
        guard truncate(path, length) == 0 || errno == ENOENT else { throw SystemError("cut", path) }
    }

    /// Writes all of the bytes, however often the kernel takes only some.
    /// - Parameter path: for the error.
    public static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String
    ) throws(SystemError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw SystemError("write", path) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Writes all of the bytes.
    public static func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(SystemError) {
        try bytes.span.withUnsafeBytes { buffer throws(SystemError) in
            try write(buffer, to: descriptor, path: path)
        }
    }
}
