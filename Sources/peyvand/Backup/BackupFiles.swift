import Casework
import Cryptography
import Glibc
import POSIX
import Program

/// What a server has beside its database: copied with a sum of each file, and checked before it is put back.
struct BackupFiles: Sendable {
    static let sums = "files.sha256"

    /// The backup's folder.
    let folder: String
    let withKeys: Bool
    /// An earlier backup on the same shelf, and its sums by path: what has not changed since is not stored twice.
    private let earlier: (folder: String, sums: [Substring: Substring])?
    private(set) var lines: [String] = []
    /// Files that were left out because they hold a private key.
    private(set) var leftOut: [String] = []

    init(folder: String, withKeys: Bool, earlier: String? = nil) throws {
        (self.folder, self.withKeys) = (folder, withKeys)
        guard let earlier else {
            self.earlier = nil
            return
        }
        let lines = try Files.text(earlier + "/" + Self.sums).split(separator: "\n")
        let pairs = lines.map { ($0.dropFirst(66), $0.prefix(64)) }
        self.earlier = (earlier, Dictionary(pairs) { first, _ in first })
    }

    /// Everything in a server's data folder but its database, into `files`.
    mutating func copyData(of directory: String, progress: (String) -> Void) throws {
        try copyTree(directory, to: "files", progress: progress) { $0 != "postgres" }
    }

    /// Attachments that lie elsewhere than in the data folder, to where they lie by default.
    mutating func copyAttachments(_ directory: String, progress: (String) -> Void) throws {
        try copyTree(directory, to: "files/attachments", progress: progress) { _ in true }
    }

    private mutating func copyTree(
        _ directory: String, to place: String, progress: (String) -> Void, isWanted: (String) -> Bool
    ) throws {
        try Files.makeFolder(folder + "/" + place, mode: 0o700)
        let entries = try FileTree.entries(of: directory, isWanted: isWanted)
        for (index, entry) in entries.enumerated() {
            let target = place + "/" + entry.path
            if entry.isFolder {
                try Files.makeFolder(folder + "/" + target, mode: entry.mode | 0o700)
            } else {
                progress("files: \(index + 1) of \(entries.count)")
                try copy(directory + "/" + entry.path, to: target, mode: entry.mode)
            }
        }
    }

    /// The files that the settings name, into `config` and `keys`, and the settings themselves without passwords.
    mutating func copySettings(_ settings: Settings) throws {
        try Files.makeFolder(folder + "/config", mode: 0o700)
        for key in ["certificate", "trust.roots", "receipt.certificate", "hub.receipt.certificate"] {
            guard let path = settings.optional(key) else { continue }
            try copy(path, to: "config/" + Self.fileName(key), mode: 0o600)
        }
        if withKeys {
            try Files.makeFolder(folder + "/keys", mode: 0o700)
            for key in ["private.key", "receipt.key"] {
                guard let path = settings.optional(key) else { continue }
                try copy(path, to: "keys/" + Self.fileName(key), mode: 0o600)
            }
        }
        let text = Self.keys.compactMap { key in
            settings.optional(key).map { "PEYVAND_\(Self.variable(key))=\(key == "database" ? Self.masked($0) : $0)\n" }
        }.joined()
        let name = "config/settings.env"
        try Files.replace(folder + "/" + name, with: text, mode: 0o600)
        lines.append("\(hex(try FileTree.sum(of: folder + "/" + name)))  \(name)")
    }

    /// Writes the list of sums; returns its own.
    func writeSums() throws -> String {
        let path = folder + "/" + Self.sums
        try Files.replace(path, with: lines.map { $0 + "\n" }.joined(), mode: 0o600)
        return hex(try FileTree.sum(of: path))
    }

    private mutating func copy(_ source: String, to target: String, mode: mode_t) throws {
        guard withKeys || !Self.holdsKey(source) else {
            leftOut.append(source)
            return
        }
        // An upload's temporary file may have found its last name, or its end, meanwhile.
        guard Files.exists(source) else { return }
        if let sum = try linkEarlier(source, target) {
            lines.append("\(sum)  \(target)")
        } else {
            let sum = try FileTree.copyFile(source, to: folder + "/" + target, mode: mode).1
            lines.append("\(hex(sum))  \(target)")
        }
    }

    /// The sum of a file of which the earlier backup has a sound copy, which then stands in both.
    private func linkEarlier(_ source: String, _ target: String) throws -> String? {
        guard let earlier, let old = earlier.sums[Substring(target)] else { return nil }
        let copy = earlier.folder + "/" + target
        guard Files.exists(copy), hex(try FileTree.sum(of: source)) == old, hex(try FileTree.sum(of: copy)) == old,
            link(copy, folder + "/" + target) == 0
        else { return nil }
        return String(old)
    }

    /// Whether a file holds a private key, by its first 64 KiB: a name promises nothing.
    private static func holdsKey(_ path: String) -> Bool {
        if path.hasSuffix(".key") { return true }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = max(0, Glibc.read(descriptor, &bytes, bytes.count))
        return String(decoding: bytes[..<count], as: UTF8.self).contains("PRIVATE KEY-----")
    }

    // MARK: Checking

    /// Checks every file of a backup against its sum.
    /// - Throws: `Failure` that names the first file that is missing or damaged.
    static func verify(_ folder: String, _ record: BackupRecord) throws {
        let list = folder + "/" + sums
        guard hex(try FileTree.sum(of: list)) == record.filesHash else {
            throw Failure("\(list) is damaged; take another backup.")
        }
        let lines = try Files.text(list).split(separator: "\n")
        guard lines.count == record.files else { throw Failure("\(list) is damaged; take another backup.") }
        for line in lines {
            let path = folder + "/" + line.dropFirst(66)
            guard Files.exists(path), hex(try FileTree.sum(of: path)) == line.prefix(64) else {
                throw Failure("\(path) is missing or damaged; take another backup.")
            }
        }
    }

    // MARK: Settings

    private static let keys = [
        "code", "directory", "database", "attachments", "console.address", "console.port", "plain.port",
        "link.host", "link.port", "link.address", "certificate", "private.key", "trust.roots", "receipt.key",
        "receipt.certificate",
        "hub.receipt.certificate", "log.level",
    ]

    private static func variable(_ key: String) -> String {
        key.uppercased().split(separator: ".").joined(separator: "_")
    }

    /// `hub.receipt.certificate` → `hub-receipt-certificate.pem`
    private static func fileName(_ key: String) -> String { key.split(separator: ".").joined(separator: "-") + ".pem" }

    /// A database's URL without its password.
    static func masked(_ url: String) -> String {
        if url.contains("password=") { return url.prefix { $0 != " " && $0 != "?" } + " (password left out)" }
        guard let scheme = url.firstRange(of: "://"), let at = url[scheme.upperBound...].firstIndex(of: "@"),
            let colon = url[scheme.upperBound..<at].firstIndex(of: ":")
        else { return url }
        return String(url[..<colon] + url[at...])
    }
}
