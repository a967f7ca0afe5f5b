import ArgumentParser
import Casework
import Glibc
import Logging
import POSIX
import Postgres
import Program
import Store

/// A server's database, for whoever looks after its users, tokens and certificates.
struct StoreOptions: ParsableArguments {
    @Option(help: "A libpq URL (environment: PEYVAND_DATABASE).") var database: String?
    @Option(help: "A server's data folder, or a demonstration's (environment: PEYVAND_DIRECTORY).")
    var directory: String?
    @Option(help: "In a demonstration, which server: hub, or a province such as IR-03.") var code: String?

    /// Lends the database. A private PostgreSQL that nobody runs is started for as long as it takes.
    func withDatabase<Result: Sendable>(
        standard: String? = nil, _ body: (Database) async throws -> Result
    ) async throws -> Result {
        var logger = Logger(label: "peyvand")
        logger.logLevel = .error
        if let url = database ?? (directory == nil ? Environment["PEYVAND_DATABASE"] : nil) {
            return try await Self.lend(url, logger, body)
        }
        guard let given = directory ?? Environment["PEYVAND_DIRECTORY"] else {
            throw Failure.usedWrongly("no database is named; give --database URL, or --directory DIR.")
        }
        let folder = DemoFolder(given)
        let name = try name(in: folder, standard: standard)
        guard Files.exists(folder.postgres + "/data") else {
            throw Failure("there is no database below \(folder.path); start the server there once.")
        }
        if let socket = Self.socket(of: folder.postgres) {
            let url = "postgresql:///\(name)?host=\(Self.escaped(socket))&port=5432&user=peyvand"
            return try await Self.lend(url, logger, body)
        }
        let server = try await PrivateServer.start(directory: folder.postgres, logger: logger)
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await Self.lend(server.url(database: name), logger, body))
        } catch {
            outcome = .failure(error)
        }
        await server.stop()
        return try outcome.get()
    }

    private func name(in folder: DemoFolder, standard: String?) throws(Failure) -> String {
        guard Files.exists(folder.stateFile) else { return "peyvand" }
        guard let code = code ?? standard else {
            throw .usedWrongly("a demonstration has many servers; give --code hub, or --code IR-03.")
        }
        guard Origin(code) != nil else { throw .usedWrongly("'\(code)' is no server; use hub, or IR-00 to IR-30.") }
        return DemoFolder.database(of: code)
    }

    private static func lend<Result: Sendable>(
        _ url: String, _ logger: Logger, _ body: (Database) async throws -> Result
    ) async throws -> Result {
        let database: Database
        do {
            database = try await Database.open(url: url, connections: 1, logger: logger)
            try await database.migrate()
        } catch {
            throw Failure("the database cannot be used: \(error)")
        }
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(database))
        } catch {
            outcome = .failure(error)
        }
        await database.close()
        return try outcome.get()
    }

    /// Where a running server listens, as it wrote itself: the fifth line of its process file.
    private static func socket(of postgres: String) -> String? {
        guard let text = try? Files.text(postgres + "/data/postmaster.pid") else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count > 4, let process = Int32(lines[0]), kill(process, 0) == 0 || errno == EPERM else {
            return nil
        }
        return String(lines[4])
    }

    private static func escaped(_ path: String) -> String {
        path.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                return String(UnicodeScalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                return "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }.joined()
    }
}
