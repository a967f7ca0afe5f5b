import Glibc
import Logging
import Synchronization

import POSIX
@testable import Postgres
@testable import Store

/// One private PostgreSQL for the contract suite. It ends with the test process: by the exit handler below, or, should
/// the process be killed, by the kernel's parent-death signal.
enum ContractServer {
    static let logger: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        return logger
    }()

    private static let root = "/tmp/peyvand-store-contract-\(getpid())"
    private static let process = Atomic<Int32>(0)
    private static let lastName = Atomic<Int>(0)

    private static let server = Task {
        removeLeftovers()
        let server = try await PrivateServer.start(
            directory: root, options: .init(sharedBuffers: "32MB", isDurable: false), logger: logger)
        process.store(server.pid, ordering: .relaxed)
        atexit {
            kill(ContractServer.process.load(ordering: .relaxed), SIGQUIT)
            usleep(200_000)
            try? Files.removeTree(ContractServer.root)
        }
        try await server.createDatabaseIfMissing("template")
        let database = try await Database.open(url: server.url(database: "template"), connections: 1, logger: logger)
        try await database.migrate()
        await database.close()
        return server
    }

    /// The URL of a new database, migrated or empty.
    static func newDatabase(isMigrated: Bool = true) async throws -> String {
        let server = try await server.value
        let name = "contract_\(lastName.wrappingAdd(1, ordering: .relaxed).newValue)"
        try await server.createDatabaseIfMissing(name, template: isMigrated ? "template" : nil)
        return server.url(database: name)
    }

    static func open(_ url: String) async throws -> Database {
        try await Database.open(url: url, connections: 2, logger: logger)
    }

    /// What killed test processes left behind.
    private static func removeLeftovers() {
        for name in Files.names(in: "/tmp") where name.hasPrefix("peyvand-store-contract-") {
            guard let number = name.split(separator: "-").last.flatMap({ pid_t($0) }) else { continue }
            if kill(number, 0) != 0 && errno == ESRCH { try? Files.removeTree("/tmp/" + name) }
        }
    }
}
