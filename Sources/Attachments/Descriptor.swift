import Casework
import Cryptography
import Glibc

/// One open file; closed with its last owner. Every call blocks.
final class Descriptor: Sendable {
    let path: String
    private let number: Int32

    /// - Parameter flags: of `open(2)`; `O_CLOEXEC` is added.
    init(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(FileFault) {
        self.path = path
        number = open(path, flags | O_CLOEXEC, mode)
        guard number >= 0 else { throw .system("open", path) }
    }

    deinit { close(number) }

    func status() throws(FileFault) -> stat {
        var status = stat()
        guard fstat(number, &status) == 0 else { throw .system("look at", path) }
        return status
    }

    func lock() throws(FileFault) {
        guard flock(number, LOCK_EX | LOCK_NB) == 0 else { throw .system("lock", path) }
    }

    func write(_ bytes: [UInt8], at offset: UInt64) throws(FileFault) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                pwrite(number, buffer.baseAddress.map { $0 + done }, buffer.count - done, off_t(offset) + off_t(done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system("write", path) }
            done += count
        }
    }

    /// Fewer bytes than asked for only at the file's end.
    func read(at offset: UInt64, count: Int) throws(FileFault) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                let place = buffer.baseAddress.map { $0 + filled }
                let got = pread(number, place, count - filled, off_t(offset) + off_t(filled))
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = errno }
                guard got > 0 else { return }
                filled += got
            }
        }
        guard failure == 0 else { throw .system("read", path, failure) }
        return bytes
    }

    func sync() throws(FileFault) {
        guard fsync(number) == 0 else { throw .system("save", path) }
    }

    /// SHA-256 of all bytes.
    func digest() throws(FileFault) -> EventHash {
        let digest = SHA256()
        digest.begin()
        var offset: UInt64 = 0
        while true {
            let bytes = try read(at: offset, count: 1 << 20)
            bytes.withUnsafeBytes { digest.update($0) }
            offset += UInt64(bytes.count)
            if bytes.count < 1 << 20 { break }
        }
        return EventHash(digest.finish()) ?? .zero
    }

    /// Makes a change of names in a folder durable.
    static func syncFolder(_ path: String) throws(FileFault) {
        try Descriptor(path, O_RDONLY | O_DIRECTORY).sync()
    }
}
