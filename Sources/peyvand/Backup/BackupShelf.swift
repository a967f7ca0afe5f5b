import Casework
import Glibc
import POSIX
import Program

/// A folder in which backups stand, each a folder of its own; one process at a time adds to it.
struct BackupShelf: Sendable {
    private static let unfinished = ".unfinished"

    let path: String
    private let lock: FileLock

    /// Makes the folder when there is none, and clears away what an interrupted backup left.
    init(_ path: String) throws {
        self.path = Files.absolute(path)
        try Files.makeFolder(self.path, mode: 0o700)
        guard let lock = try FileLock(self.path + "/.lock") else {
            throw Failure("another backup into \(path) is under way; wait for it, or name another folder.")
        }
        self.lock = lock
        for name in Files.names(in: self.path) where name.hasSuffix(Self.unfinished) {
            try Files.removeTree(self.path + "/" + name)
        }
    }

    /// A new empty folder for a backup that is not whole yet, and the name that it will have.
    func begin(_ code: String, at now: Instant) throws -> (work: String, final: String) {
        let final = "\(path)/\(code)-\(Self.stamp(now))"
        guard !Files.exists(final) else { throw Failure("\(final) is there already; try again in a second.") }
        let work = final + Self.unfinished
        try Files.makeFolder(work, mode: 0o700)
        return (work, final)
    }

    /// Whole backups of a server, the oldest first.
    static func backups(in path: String, of code: String? = nil) -> [(path: String, record: BackupRecord)] {
        Files.names(in: path).filter { !$0.hasSuffix(unfinished) }.compactMap { name in
            let folder = path + "/" + name
            // What is no backup, or a damaged one, is nobody's to count or remove.
            guard Files.exists(folder + "/" + BackupRecord.fileName), let record = try? BackupRecord(reading: folder),
                code == nil || record.code == code
            else { return nil }
            return (folder, record)
        }.sorted { $0.record.madeAt < $1.record.madeAt }
    }

    /// Removes all backups of a server but the newest ones. Its record goes first: half a backup is none.
    /// - Returns: how many were removed.
    func keepNewest(_ count: Int, of code: String) throws -> Int {
        let old = Self.backups(in: path, of: code).dropLast(max(count, 1))
        for (folder, _) in old {
            try Files.remove(folder + "/" + BackupRecord.fileName)
            try Files.removeTree(folder)
        }
        return old.count
    }

    /// `20261121T233000Z`
    static func stamp(_ instant: Instant) -> String {
        String(instant.rfc3339.prefix(19).filter { $0 != "-" && $0 != ":" }) + "Z"
    }
}
