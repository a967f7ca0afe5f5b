import ArgumentParser
import Casework
import Glibc
import Logging
import POSIX
import Postgres
import Program

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Puts a backup back as a server's data folder, checked first. Stop the server before.")

    @Option(help: "A backup, or the folder in which they stand: then the newest.") var from: String
    @Option(help: "The server's data folder, which this makes.") var directory: String
    @Flag(help: "Move a data folder that is there aside.") var force = false

    func run() async throws {
        let backup = try Self.choose(from)
        let record = try BackupRecord(reading: backup)
        let target = try Target(directory, force: force)
        try await orFail { try await Self.check(backup, record, scratch: try target.begin()) }
        do {
            try await orFail { try await Self.build(backup, record, in: target) }
            let aside = try target.finish()
            if let aside { Terminal.line("\(record.code): the former data folder is \(aside)") }
        } catch {
            try Files.removeTree(target.work)
            throw error
        }
        Terminal.line(
            "\(record.code): \(target.path) is restored from \(backup), of \(record.madeAt), "
                + "at least seq \(record.seq). Start the server; peyvand verify --directory \(target.path) checks it.")
        if record.withKeys { Terminal.line("Keys and configuration are in \(backup): put them back by hand.") }
    }

    static func choose(_ path: String) throws(Failure) -> String {
        let path = Files.absolute(path)
        if Files.exists(path + "/" + BackupRecord.fileName) { return path }
        let all = BackupShelf.backups(in: path)
        guard let newest = all.last else {
            throw Failure("there is no backup in \(path); name the folder that peyvand backup made.")
        }
        let codes = Set(all.map(\.record.code)).sorted()
        guard codes.count == 1 else {
            throw .usedWrongly("\(path) has backups of \(codes.joined(separator: ", ")); name one backup.")
        }
        return newest.path
    }

    private static func check(_ backup: String, _ record: BackupRecord, scratch: String) async throws {
        Stage.show("\(record.code): checking the backup of \(record.madeAt)")
        try await BaseBackup.verify(backup + "/postgres/data", scratch: scratch)
        try BackupFiles.verify(backup, record)
    }

    private static func build(_ backup: String, _ record: BackupRecord, in target: Target) async throws {
        Stage.show("\(record.code): copying")
        let work = target.work
        if Files.exists(backup + "/files") { try FileTree.copy(backup + "/files", to: work) }
        let postgres = DemoFolder(work).postgres
        try FileTree.copy(backup + "/postgres/data", to: postgres + "/data") { bytes in
            Stage.progress("\(record.code): copying: \(bytes >> 20) MiB")
        }
        if record.source == .url { try RestoredDatabase.makePrivate(postgres + "/data") }
        try target.giveToOwner()
        Stage.show("\(record.code): starting the database once")
        try await RestoredDatabase(directory: postgres, record: record).mark(at: .now)
        // Its lock and its log were made by us.
        try target.giveToOwner()
        try FileTree.synchronize(work)
    }
}

extension RestoreCommand {
    /// The data folder that a restore makes, first under another name beside it.
    struct Target: Sendable {
        let path: String
        let work: String
        private let owner: stat?
        private let isThere: Bool

        /// - Throws: `Failure` when the folder is in use, or is not empty and `force` is not set.
        init(_ directory: String, force: Bool) throws {
            path = Files.absolute(directory)
            work = "\(FileTree.parent(of: path))/.\(FileTree.name(of: path)).restoring"
            var status = stat()
            isThere = lstat(path, &status) == 0
            if isThere, status.st_mode & S_IFMT != S_IFDIR {
                throw Failure("\(path) is no folder; name the data folder itself.")
            }
            guard !PrivateServer.isInUse(DemoFolder(path).postgres) else {
                throw Failure("\(path) is in use; stop the server first (systemctl stop peyvand-node@IR-03).")
            }
            guard force || Files.names(in: path).isEmpty else {
                throw Failure("\(path) is not empty; give --force to move it aside, or name another folder.")
            }
            if !isThere { try Files.makeFolder(FileTree.parent(of: path)) }
            // Root restores for the service's user: whoever has the folder now, or the one above.
            let model = isThere ? path : FileTree.parent(of: path)
            owner = geteuid() == 0 && stat(model, &status) == 0 && status.st_uid != 0 ? status : nil
        }

        /// Clears away what an interrupted restore left; returns a folder for logs.
        func begin() throws -> String {
            guard !PrivateServer.isInUse(DemoFolder(work).postgres) else {
                throw Failure("another restore into \(path) is under way; wait for it.")
            }
            try Files.removeTree(work)
            try Files.makeFolder(work, mode: 0o700)
            let scratch = work + "/.scratch"
            try Files.makeFolder(scratch, mode: 0o700)
            return scratch
        }

        /// Does nothing when whoever restores is the owner.
        func giveToOwner() throws {
            try Files.removeTree(work + "/.scratch")
            if let owner { try Files.giveTree(work, to: owner.st_uid, group: owner.st_gid) }
        }

        /// Puts the new folder in place of the old one; returns where the old one is now, if it held anything.
        func finish() throws -> String? {
            var aside: String?
            if isThere, Files.names(in: path).isEmpty {
                guard rmdir(path) == 0 else { throw SystemError("replace", path) }
            } else if isThere {
                let place = "\(path).before-\(BackupShelf.stamp(.now))"
                try FileTree.move(path, to: place)
                aside = place
            }
            do {
                try FileTree.move(work, to: path)
            } catch {
                if let aside { try FileTree.move(aside, to: path) }
                throw error
            }
            return aside
        }
    }
}
