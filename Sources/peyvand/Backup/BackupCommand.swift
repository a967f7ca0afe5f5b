import ArgumentParser
import Casework
import POSIX
import Postgres
import Program

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "A checked copy of one server, taken while it works: database, attachments, configuration.")

    @Option(help: "The server's data folder (environment: PEYVAND_DIRECTORY).") var directory: String?
    @Option(help: "A libpq URL of the server's database, by a role that may replicate (PEYVAND_DATABASE).")
    var database: String?
    @Option(help: "The folder in which backups stand; each becomes a folder there (PEYVAND_BACKUP_TO).")
    var to: String?
    @Option(help: "How many backups of this server to keep there; all, if not given (PEYVAND_BACKUP_KEEP).")
    var keep: Int?
    @Flag(help: "Private keys too: who has the backup can then act as this server.") var withKeys = false
    @Option(help: "A file of PEYVAND_… lines.") var config: String?

    func run() async throws {
        let flags = ["backup.to": to, "backup.keep": keep.map(String.init)]
        let settings = try await Settings(flags: flags.compactMapValues { $0 }, file: config)
        let target = Files.absolute(try settings.required("backup.to"))
        let keep = try Self.count(settings.optional("backup.keep"))
        let source = try await orFail {
            try await BackupSource.open(database: database, directory: directory, settings)
        }
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await orFail { try await backUp(source, settings, to: target, keep: keep) })
        } catch {
            outcome = .failure(error)
        }
        await source.close()
        try outcome.get()
    }

    private static func count(_ text: String?) throws(Failure) -> Int? {
        guard let text else { return nil }
        guard let count = Int(text), count > 0 else {
            throw .usedWrongly("'\(text)' is no number of backups to keep; give 1 or more.")
        }
        return count
    }

    private func backUp(_ source: BackupSource, _ settings: Settings, to target: String, keep: Int?) async throws {
        if let data = source.directory, (target + "/").hasPrefix(data + "/") {
            throw Failure.usedWrongly("\(target) lies in the data folder and would be lost with it; name another disk.")
        }
        let begun = ContinuousClock.now
        let now = Instant.now
        var record = try await source.record(at: now, withKeys: withKeys)
        let shelf = try BackupShelf(target)
        let (work, final) = try shelf.begin(record.code, at: now)
        do {
            let earlier = BackupShelf.backups(in: target, of: record.code).last?.path
            let leftOut = try await write(source, settings, to: work, earlier: earlier, &record)
            try FileTree.move(work, to: final)
            for path in leftOut { Terminal.complain("left out, since it holds a private key: \(path)") }
        } catch {
            // Half a backup helps nobody, and its space may be what is missing.
            try Files.removeTree(work)
            throw error
        }
        let removed = try keep.map { try shelf.keepNewest($0, of: record.code) } ?? 0
        let seconds = (ContinuousClock.now - begun).components.seconds
        Terminal.line(
            "\(record.code): \(final), seq \(record.seq), position \(record.position), \(record.files) files, "
                + "checked, in \(seconds) s" + (removed > 0 ? "; \(removed) older removed" : ""))
    }

    /// The database first: what its rows refer to is in the data folder by then.
    private func write(
        _ source: BackupSource, _ settings: Settings, to work: String, earlier: String?, _ record: inout BackupRecord
    ) async throws -> [String] {
        let (data, scratch) = (work + "/postgres/data", work + "/scratch")
        try Files.makeFolder(work + "/postgres", mode: 0o700)
        try Files.makeFolder(scratch, mode: 0o700)
        let code = record.code
        Stage.show("\(code): copying the database")
        try await BaseBackup.take(from: source.url, major: record.postgresql, into: data, scratch: scratch) { line in
            Stage.progress("\(code): copying the database: \(line)")
        }
        Stage.show("\(code): checking the copy")
        try await BaseBackup.verify(data, scratch: scratch)
        try Files.removeTree(scratch)
        Stage.show("\(code): copying the files")
        var files = try BackupFiles(folder: work, withKeys: withKeys, earlier: earlier)
        if let directory = source.directory {
            try files.copyData(of: directory) { Stage.progress("\(code): \($0)") }
        }
        if let elsewhere = settings.optional("attachments").map({ Files.absolute($0) }), Files.exists(elsewhere),
            !source.holds(elsewhere)
        {
            try files.copyAttachments(elsewhere) { Stage.progress("\(code): \($0)") }
        }
        try files.copySettings(settings)
        record.files = files.lines.count
        record.filesHash = try files.writeSums()
        try record.write(to: work)
        try FileTree.synchronize(work)
        return files.leftOut
    }
}

/// What a long command is at, for a person who waits or a log.
enum Stage {
    static func show(_ text: String) {
        if Terminal.isInteractive { Terminal.progress(text) } else { Terminal.line(text) }
    }

    /// Only for a terminal: a log is told the stages.
    static func progress(_ text: String) { Terminal.progress(text) }
}

/// A database's error as the one line that a command ends with.
func orFail<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
        return try await body()
    } catch let error as PostgresError {
        throw Failure(error.message.hasSuffix(".") ? error.message : error.message + ".")
    }
}
