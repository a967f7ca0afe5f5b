import Foundation
import TestDoors
import Testing

/// `peyvand backup` and `restore`, and the page for offices with a PostgreSQL of their own.
@Suite("Backups", .serialized, .scratch, .timeLimit(.minutes(5)))
struct BackupTests {
    private let place = Scratch.folder.appending(path: "backup-\(UUID().uuidString)")

    private func withOffice(
        database url: String? = nil, _ body: (BackupOffice) async throws -> Void
    ) async throws {
        let office = try await BackupOffice(in: place, database: url)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(office))
        } catch {
            outcome = .failure(error)
        }
        await office.end()
        try outcome.get()
    }

    private var shelf: URL { place.appending(path: "shelf") }

    private func backups() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: shelf.path)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted()
    }

    private func restore(to folder: URL, force: Bool = false, from source: URL? = nil) async throws -> Program.Result {
        try await Demo.peyvand(
            ["restore", "--from", (source ?? shelf).path, "--directory", folder.path] + (force ? ["--force"] : []))
    }

    private func expectSound(_ office: BackupOffice) async throws {
        let verified = try await Demo.peyvand(["verify"] + office.place, within: .seconds(120))
        #expect(verified.code == 0 && verified.output.contains("sound"), "\(verified.output) \(verified.errors)")
    }

    @Test func `a node is backed up while it works, and put back with all that the backup saw`() async throws {
        try await withOffice { office in
            var node = try await office.start()
            let early = try await Batch(20, at: node).send().compactMap(\.id)
            #expect(early.count == 20)
            let attachment = office.folder.appending(path: "attachments/ab")
            try FileManager.default.createDirectory(at: attachment, withIntermediateDirectories: true)
            try Data("a recording".utf8).write(to: attachment.appending(path: "cd"))

            let batch = try Batch(300, at: node)
            let curl = try batch.start()
            _ = try await eventually("registrations are under way", every: .milliseconds(5)) {
                batch.progress >= 20 ? true : nil
            }
            try await Demo.succeed(["backup", "--directory", office.folder.path, "--to", shelf.path, "--keep", "2"])
            let meanwhile = try await batch.outcome(of: curl)
            #expect(meanwhile.allSatisfy { $0.status == 201 }, "the backup disturbed the work")
            let late = try await node.register("پس از پشتیبان").text("id")
            #expect(backups().count == 1 && backups()[0].hasPrefix("IR-05-"))

            let busy = try await restore(to: office.folder, force: true)
            #expect(busy.code == 1 && busy.errors.contains("in use"), "\(busy.errors)")
            let head = try await node.status()["head"]?.number("seq")
            try await office.stop()
            let refused = try await restore(to: office.folder)
            #expect(refused.code == 1 && refused.errors.contains("--force"), "\(refused.errors)")
            let restored = try await restore(to: office.folder, force: true)
            #expect(restored.code == 0, "\(restored.output) \(restored.errors)")
            #expect(backups().count == 1, "the backup is still there")
            let beside = try FileManager.default.contentsOfDirectory(atPath: place.path)
            #expect(beside.count { $0.contains(".before-") } == 1, "the former folder is moved aside, not removed")
            let recording = try String(contentsOf: attachment.appending(path: "cd"), encoding: .utf8)
            #expect(recording == "a recording")

            node = try await office.start()
            for id in early { #expect(try await node.caseDocument(id)["status"]?.string == "registered") }
            #expect(try await node.call("GET", "/api/v1/cases/" + late).status == 404)
            let status = try await node.status()
            let seq = try #require(try status["head"]?.number("seq"))
            #expect(seq >= 40 && seq < head ?? 0, "\(seq) of \(String(describing: head))")
            #expect(status["restored_at"]?.string?.hasSuffix("Z") == true)
            #expect(try await node.register("پس از بازگرداندن")["status"]?.string == "registered")
            try await office.stop()
            try await expectSound(office)
        }
    }

    @Test func `a backup of a stopped node, a damaged one, and how many are kept`() async throws {
        try await withOffice { office in
            _ = try await office.start().register()
            try await office.stop()
            for _ in 1...3 {
                try await Demo.succeed(["backup", "--directory", office.folder.path, "--to", shelf.path, "--keep", "2"])
                // Names tell backups apart by the second.
                try await Task.sleep(for: .seconds(1))
            }
            #expect(backups().count == 2)
            let newest = shelf.appending(path: try #require(backups().last))
            let largest = try largestFile(in: newest.appending(path: "postgres/data/base"))
            var bytes = try Data(contentsOf: largest)
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: largest)
            let target = place.appending(path: "elsewhere")
            let refused = try await restore(to: target)
            #expect(refused.code == 1 && refused.errors.contains("pg_verifybackup"), "\(refused.errors)")
            #expect(refused.errors.split(separator: "\n").count == 1, "one line: \(refused.errors)")
            #expect(!FileManager.default.fileExists(atPath: target.path))
            let older = shelf.appending(path: try #require(backups().first))
            #expect(try await restore(to: target, from: older).code == 0)
            let verified = try await Demo.peyvand(["verify", "--directory", target.path])
            #expect(verified.code == 0, "\(verified.errors)")
        }
    }

    private func largestFile(in folder: URL) throws -> URL {
        let all = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.fileSizeKey])
        let files = try (all?.allObjects as? [URL] ?? []).map { file in
            (file, try file.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0)
        }
        return try #require(files.max { $0.1 < $1.1 }?.0)
    }

    @Test(
        arguments: [
            (["backup", "--to", "/nonexistent/x"], 2), (["backup", "--directory", "/nonexistent/x"], 2),
            (["backup", "--directory", "/nonexistent/x", "--to", "/tmp/x", "--keep", "0"], 2),
            (["backup", "--directory", "/nonexistent/x", "--to", "/tmp/x"], 1),
            (["restore", "--from", "/nonexistent/x", "--directory", "/nonexistent/y"], 1),
            (["restore", "--from", "/x"], 2),
        ] as [([String], Int32)])
    func `used wrongly, a command ends with one line and its code`(arguments: [String], code: Int32) async throws {
        let result = try await Demo.peyvand(arguments)
        #expect(result.code == code, "\(result.errors)")
        #expect(result.errors.hasPrefix("peyvand: "), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }

    // MARK: deploy/BACKUP.md

    @Test func `the page's commands bring an own PostgreSQL back to a moment`() async throws {
        mkdir(place.path, 0o755)
        let cluster = try OwnCluster(in: place.appending(path: "cluster"))
        try await cluster.make()
        let outcome: Result<Void, any Error>
        do {
            try await withOffice(database: cluster.url) { office in
                try await cluster.run(.archive)
                var node = try await office.start()
                let first = try await node.register("پیش از پشتیبان").text("id")
                try await cluster.run(.base)
                try await cluster.run(.prune)
                let second = try await node.register("پس از پشتیبان").text("id")
                let moment = try await cluster.run("psql -XAtc 'SELECT now()' \"$URL\"")
                let third = try await node.register("پس از آن لحظه").text("id")
                let copied = try await Demo.peyvand(["backup", "--database", cluster.url, "--to", shelf.path])
                #expect(copied.code == 0, "\(copied.errors)")
                try await office.stop()
                try await cluster.run(.restore, "TARGET='\(moment)'; BACKUP=$(ls -d \"$BASE\"/*Z | tail -n 1)")
                try await expectSound(office)
                node = try await office.start()
                for id in [first, second] { #expect(try await node.caseDocument(id)["id"]?.string == id) }
                #expect(try await node.call("GET", "/api/v1/cases/" + third).status == 404)
                #expect(try await node.status()["restored_at"]?.string?.hasSuffix("Z") == true)
                try await office.stop()

                // The copy of the whole server becomes a private one, with all three.
                let target = place.appending(path: "private")
                let restored = try await restore(to: target)
                #expect(restored.code == 0, "\(restored.errors)")
                let verified = try await Demo.peyvand(["verify", "--directory", target.path])
                #expect(verified.code == 0, "\(verified.errors)")
                #expect(verified.output.contains("3 cases"), "\(verified.output)")
                try await cluster.stop()
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await cluster.end()
        try outcome.get()
    }
}
