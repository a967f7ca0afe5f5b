import ArgumentParser
import Casework
import Cryptography
import Logging
import POSIX
import Postgres
import Program
import Store

/// Which databases a command works on: one that is named, a server's private one, or all of a demonstration's.
struct DatabaseSelection: ParsableArguments {
    @Option(help: "A libpq URL (environment: PEYVAND_DATABASE).") var database: String?
    @Option(help: "A server's data directory, or a demonstration's: then every database of it.") var directory: String?
    @Option(help: "PEM: the hub's receipt certificate, for the receipts at a node (PEYVAND_HUB_RECEIPT_CERTIFICATE).")
    var hubReceiptCertificate: String?

    struct Target: Sendable {
        var name: String
        var url: String
    }

    /// Runs `body` with each database; a private PostgreSQL that nobody runs is started for it, and stopped after.
    func withTargets(_ body: (Target, [VerifyingKey]) async throws -> Void) async throws {
        let logger = Logger(label: "peyvand.database", factory: { _ in SwiftLogNoOpLogHandler() })
        if let url = database ?? Environment["PEYVAND_DATABASE"] {
            return try await body(Target(name: "the database", url: url), try keys(demo: nil))
        }
        guard let directory = directory ?? Environment["PEYVAND_DIRECTORY"] else {
            throw Failure.usedWrongly("no database is named; give --database URL, or --directory DIR.")
        }
        let folder = DemoFolder(directory)
        guard Files.exists(folder.postgres) else {
            throw Failure("\(directory) holds no private database; give --database URL, or another directory.")
        }
        let codes = try Self.codes(of: folder)
        let names = codes.isEmpty ? ["peyvand"] : codes.map { DemoFolder.database(of: $0) }
        let keys = try keys(demo: codes.isEmpty ? nil : folder)
        let server: PrivateServer?
        do {
            server = try await PrivateServer.start(directory: folder.postgres, logger: logger)
        } catch let error as PostgresError where error.code == .serverUnavailable {
            server = nil
        }
        let outcome: Result<Void, any Error>
        do {
            for (index, name) in names.enumerated() {
                let url =
                    try server?.url(database: name)
                    ?? PrivateServer.url(runningIn: folder.postgres, database: name)
                try await body(Target(name: codes.isEmpty ? directory : codes[index], url: url), keys)
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await server?.stop()
        try outcome.get()
    }

    /// The processes of a demonstration in this folder, the hub first; none when it is no demonstration.
    private static func codes(of folder: DemoFolder) throws -> [String] {
        guard Files.exists(folder.stateFile) else { return [] }
        return try DemoState(reading: folder).ports.keys.sorted { left, right in
            left == Origin.hub.code ? right != left : right != Origin.hub.code && left < right
        }
    }

    private func keys(demo: DemoFolder?) throws -> [VerifyingKey] {
        let file =
            hubReceiptCertificate ?? Environment["PEYVAND_HUB_RECEIPT_CERTIFICATE"]
            ?? demo.map { $0.certificates + "/hub/receipt.pem" }
        guard let file else { return [] }
        do {
            return [try VerifyingKey(certificateFile: file)]
        } catch {
            throw Failure("the hub's receipt certificate \(file) cannot be read: \(error)")
        }
    }
}

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks journals' chains, the receipts, and the state against the fold.")
    @OptionGroup var selection: DatabaseSelection

    func run() async throws {
        var faults = 0
        try await selection.withTargets { target, keys in
            let (database, store, origin) = try await Self.open(target)
            let report = try await Verification.run(
                database: database, store: store, origin: origin, receiptKeys: keys
            ) { progress in
                Terminal.progress("\(target.name): \(progress.stage) \(progress.done)")
            }
            await database.close()
            for fault in report.faults { Terminal.complain("\(target.name): \(fault)") }
            for note in report.notes { Terminal.complain("\(target.name): note: \(note)") }
            faults += report.faultCount
            let unchecked = report.uncheckedReceipts > 0 ? ", \(report.uncheckedReceipts) receipts without a key" : ""
            Terminal.line(
                "\r\(target.name) (\(origin.code)): \(report.events) events, \(report.parts) parts, \(report.cases) cases, "
                    + "\(report.receipts) receipts\(unchecked): \(report.isClean ? "sound" : "\(report.faultCount) faults")"
            )
        }
        if faults > 0 { throw Failure("\(faults) faults were found; keep this database, and restore from a backup.") }
    }

    /// The database, its store, and whose journal it keeps.
    static func open(_ target: DatabaseSelection.Target) async throws -> (Database, PostgresStore, Origin) {
        let logger = Logger(label: "peyvand.database", factory: { _ in SwiftLogNoOpLogHandler() })
        let database = try await Database.open(url: target.url, connections: 2, logger: logger)
        let code: String? = try await database.readers.run { connection in
            try connection.query("SELECT origin FROM head").first?.get(0)
        }
        guard let origin = code.flatMap({ Origin($0) }) else {
            throw Failure("\(target.name) has no journal yet; serve it once.")
        }
        return (database, PostgresStore(database: database, hashing: Digest.hashing), origin)
    }
}

struct RebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Drops what is derived, makes it anew from the journal, and proves equality. Stop the server first.")
    @OptionGroup var selection: DatabaseSelection

    func run() async throws {
        var differences = 0
        try await selection.withTargets { target, _ in
            let (database, store, origin) = try await VerifyCommand.open(target)
            let report = try await Rebuild.run(database: database, store: store, origin: origin) { stage, done in
                Terminal.progress("\(target.name): \(stage) \(done)")
            }
            await database.close()
            for difference in report.differences { Terminal.complain("\(target.name): \(difference)") }
            differences += report.differenceCount
            Terminal.line(
                "\r\(target.name) (\(origin.code)): \(report.cases) cases, \(projected(report)): "
                    + (report.isEqual ? "equal" : "\(report.differenceCount) differed and are mended"))
        }
        if differences > 0 { throw Failure("\(differences) rows differed from the journal; they are mended now.") }
    }

    /// `25 rows of clocks, 30 rows of search`
    private func projected(_ report: RebuildReport) -> String {
        report.projected.sorted { $0.key < $1.key }.map { "\($0.value) rows of \($0.key)" }.joined(separator: ", ")
    }
}
