import Casework
import Contract
import Foundation
import Logging
import Postgres
import POSIX
import Testing

@testable import Program
@testable import peyvand

struct BackupTests {
    /// The line by which a file is taken for a private key; put together here, so that no file of the project bears it.
    private static let keyMark = "-----BEGIN " + "PRIVATE KEY-----\n"

    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("peyvand-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        try await body(url.resolvingSymlinksInPath().path)
    }

    private func record(_ code: String = "IR-03", at time: String = "2026-11-21T23:30:00Z") -> BackupRecord {
        BackupRecord(
            code: code, madeAt: time, source: .private, postgresql: 15, database: "peyvand", superuser: "peyvand",
            migration: 3, incarnation: "00000000000000a1", seq: 12, position: 34, files: 0,
            filesHash: String(repeating: "0", count: 64), withKeys: false)
    }

    /// A backup without a database: only what this program itself writes and reads.
    private func made(in folder: String, withKeys: Bool = false) throws -> (BackupFiles, BackupRecord) {
        let data = folder + "/data"
        for path in ["postgres/data", "attachments/ab", "certs"] { try Files.makeFolder(data + "/" + path) }
        try Files.replace(data + "/postgres/data/PG_VERSION", with: "15\n")
        try Files.replace(data + "/attachments/ab/cd", with: "عکس", mode: 0o640)
        try Files.replace(data + "/attachments/empty", with: "")
        try Files.replace(data + "/certs/cert.pem", with: "-----BEGIN CERTIFICATE-----\n")
        try Files.replace(data + "/certs/any-name", with: Self.keyMark, mode: 0o600)
        let backup = folder + "/backup"
        try Files.makeFolder(backup)
        var files = try BackupFiles(folder: backup, withKeys: withKeys)
        try files.copyData(of: data) { _ in }
        var record = record()
        (record.files, record.filesHash) = (files.lines.count, try files.writeSums())
        return (files, record)
    }

    private func refusal(_ body: () throws -> Void) -> Failure? {
        do {
            try body()
            return nil
        } catch {
            return error as? Failure
        }
    }

    // MARK: backup.json

    @Test func theRecordIsReadBackAsItWasWritten() async throws {
        try await withFolder { folder in
            let written = record()
            try written.write(to: folder)
            #expect(try BackupRecord(reading: folder) == written)
        }
    }

    @Test(arguments: ["", "{}", "[]", #"{"format":1}"#, #"{"format":1,"code":"IR-99"}"#])
    func aDamagedRecordIsRefused(text: String) async throws {
        try await withFolder { folder in
            try Files.replace(folder + "/backup.json", with: text)
            #expect(refusal { _ = try BackupRecord(reading: folder) }?.message.contains("damaged") == true)
        }
    }

    @Test func aNewerFormatSaysWhatToDo() async throws {
        try await withFolder { folder in
            try Files.replace(folder + "/backup.json", with: #"{"format":2}"#)
            #expect(refusal { _ = try BackupRecord(reading: folder) }?.message.contains("newer program") == true)
        }
    }

    // MARK: Files

    @Test func filesAreCopiedWithTheirSumsAndKeysStayOut() async throws {
        try await withFolder { folder in
            let (files, record) = try made(in: folder)
            #expect(files.leftOut == [folder + "/data/certs/any-name"])
            #expect(record.files == 3 && !Files.exists(folder + "/backup/files/postgres"))
            #expect(try Files.text(folder + "/backup/files/attachments/ab/cd") == "عکس")
            try BackupFiles.verify(folder + "/backup", record)
        }
    }

    @Test func keysComeWhenTheyAreAskedFor() async throws {
        try await withFolder { folder in
            let (files, record) = try made(in: folder, withKeys: true)
            #expect(files.leftOut.isEmpty && record.files == 4)
            let status = try FileManager.default.attributesOfItem(atPath: folder + "/backup/files/certs/any-name")
            #expect(status[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func settingsComeWithoutPasswordsAndWithoutKeys() async throws {
        try await withFolder { folder in
            try Files.replace(folder + "/key.pem", with: Self.keyMark)
            try Files.replace(folder + "/chain.pem", with: "-----BEGIN CERTIFICATE-----\n")
            let settings = try await Settings(
                flags: [
                    "code": "IR-03", "database": "postgresql://peyvand:s3cret@db1/peyvand",
                    "private.key": folder + "/key.pem", "certificate": folder + "/chain.pem",
                ], file: nil)
            var files = try BackupFiles(folder: folder, withKeys: false)
            try files.copySettings(settings)
            let text = try Files.text(folder + "/config/settings.env")
            #expect(text.contains("PEYVAND_CODE=IR-03\n"))
            #expect(text.contains("PEYVAND_DATABASE=postgresql://peyvand@db1/peyvand\n"))
            #expect(!text.contains("s3cret"))
            #expect(Files.exists(folder + "/config/certificate.pem") && !Files.exists(folder + "/keys"))
        }
        #expect(BackupFiles.masked("postgresql:///x?password=s3cret").contains("s3cret") == false)
    }

    @Test(arguments: ["files/attachments/ab/cd", "files.sha256"]) func aChangedByteIsFound(path: String) async throws {
        try await withFolder { folder in
            let (_, record) = try made(in: folder)
            let place = folder + "/backup/" + path
            var bytes = try Files.read(place)
            bytes[0] ^= 1
            try Files.replace(place, with: bytes)
            let found = refusal { try BackupFiles.verify(folder + "/backup", record) }
            #expect(found?.message.contains(place) == true, "\(String(describing: found))")
        }
    }

    @Test func whatHasNotChangedSinceIsStoredOnceAndADamagedCopyIsNotTakenOver() async throws {
        try await withFolder { folder in
            let (_, first) = try made(in: folder)
            try Files.replace(folder + "/backup/files/attachments/empty", with: "rotten")
            try Files.makeFolder(folder + "/second")
            var files = try BackupFiles(folder: folder + "/second", withKeys: false, earlier: folder + "/backup")
            try files.copyData(of: folder + "/data") { _ in }
            var record = first
            record.filesHash = try files.writeSums()
            #expect(record == first, "the same files have the same sums")
            try BackupFiles.verify(folder + "/second", record)
            let links = { (path: String) -> Int? in
                let status = try FileManager.default.attributesOfItem(atPath: folder + "/second/files/" + path)
                return status[.referenceCount] as? Int
            }
            #expect(try links("attachments/ab/cd") == 2)
            #expect(try links("attachments/empty") == 1)
        }
    }

    @Test func attachmentsElsewhereComeToTheirUsualPlace() async throws {
        try await withFolder { folder in
            try Files.makeFolder(folder + "/elsewhere/ab")
            try Files.replace(folder + "/elsewhere/ab/cd", with: "x")
            var files = try BackupFiles(folder: folder + "/backup", withKeys: false)
            try files.copyAttachments(folder + "/elsewhere") { _ in }
            #expect(try Files.text(folder + "/backup/files/attachments/ab/cd") == "x" && files.lines.count == 1)
        }
    }

    @Test func aMissingFileIsFound() async throws {
        try await withFolder { folder in
            let (_, record) = try made(in: folder)
            try Files.remove(folder + "/backup/files/attachments/empty")
            #expect(refusal { try BackupFiles.verify(folder + "/backup", record) } != nil)
        }
    }

    // MARK: The shelf

    @Test func onlyTheNewestWholeBackupsOfAServerAreKept() async throws {
        try await withFolder { folder in
            let shelf = try BackupShelf(folder)
            for (code, day) in [("IR-03", 1), ("IR-03", 2), ("IR-03", 3), ("hub", 1)] {
                let (work, final) = try shelf.begin(code, at: Instant(seconds: Int64(day) * 86_400))
                try record(code, at: "1970-01-0\(day + 1)T00:00:00Z").write(to: work)
                try FileTree.move(work, to: final)
            }
            try Files.makeFolder(folder + "/something else")
            #expect(try shelf.keepNewest(2, of: "IR-03") == 1)
            #expect(
                Files.names(in: folder).filter { $0 != ".lock" }
                    == ["IR-03-19700103T000000Z", "IR-03-19700104T000000Z", "hub-19700102T000000Z", "something else"])
            #expect(try RestoreCommand.choose(folder + "/hub-19700102T000000Z").hasSuffix("/hub-19700102T000000Z"))
            #expect(refusal { _ = try RestoreCommand.choose(folder) }?.code == 2, "of which server?")
        }
    }

    @Test func anUnfinishedBackupIsNeverChosenAndClearedAwayByTheNext() async throws {
        try await withFolder { folder in
            var shelf: BackupShelf? = try BackupShelf(folder)
            let work = try #require(try shelf?.begin("IR-03", at: Instant(seconds: 0)).work)
            try record().write(to: work)
            #expect(refusal { _ = try RestoreCommand.choose(folder) } != nil)
            #expect(refusal { _ = try BackupShelf(folder) }?.message.contains("under way") == true)
            shelf = nil
            _ = try BackupShelf(folder)
            #expect(!Files.exists(work))
        }
    }

    // MARK: Refusals of a restore

    @Test func aFolderThatHoldsSomethingIsRefusedWithoutForce() async throws {
        try await withFolder { folder in
            try Files.replace(folder + "/x", with: "x")
            let folders = refusal { _ = try RestoreCommand.Target(folder, force: false) }
            #expect(folders?.message.contains("--force") == true)
            let file = refusal { _ = try RestoreCommand.Target(folder + "/x", force: true) }
            #expect(file?.message.contains("no folder") == true)
        }
    }

    @Test func aFolderInUseIsRefusedEvenWithForce() async throws {
        try await withFolder { folder in
            try Files.makeFolder(folder + "/postgres")
            let lock = try #require(try FileLock(folder + "/postgres/lock"))
            #expect(refusal { _ = try RestoreCommand.Target(folder, force: true) }?.message.contains("in use") == true)
            withExtendedLifetime(lock) {}
        }
    }

    @Test func theOldFolderIsMovedAsideAndTheNewOneTakesItsPlace() async throws {
        try await withFolder { folder in
            let place = folder + "/IR-03"
            try Files.makeFolder(place)
            try Files.replace(place + "/old", with: "old")
            let target = try RestoreCommand.Target(place, force: true)
            _ = try target.begin()
            try Files.replace(target.work + "/new", with: "new")
            try target.giveToOwner()
            let aside = try #require(try target.finish())
            #expect(Files.names(in: place) == ["new"] && Files.names(in: aside) == ["old"])
            #expect(Files.names(in: folder).count == 2)
        }
    }

    // MARK: The whole way

    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func aDatabaseThatWasNeverServedIsRefused() async throws {
        try await withFolder { folder in
            chmod(folder, 0o755)
            let server = try await PrivateServer.start(
                directory: folder + "/data/postgres", options: .init(sharedBuffers: "16MB", isDurable: false),
                logger: Self.quiet)
            try await server.createDatabaseIfMissing("peyvand")
            let settings = try await Settings(flags: [:], file: nil)
            let source = try await BackupSource.open(database: nil, directory: folder + "/data", settings)
            let failure: Failure?
            do {
                _ = try await source.record(at: Instant(seconds: 0), withKeys: false)
                failure = nil
            } catch {
                failure = error as? Failure
            }
            await source.close()
            await server.stop()
            #expect(failure?.message.contains("no journal yet") == true, "\(String(describing: failure))")
        }
    }
}
