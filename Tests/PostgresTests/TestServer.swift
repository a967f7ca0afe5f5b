import Glibc
import Logging
import POSIX
import Synchronization

@testable import Postgres

/// One private server for the whole suite. It ends with the test process: by the exit handler below, or, should the
/// process be killed, by the kernel's parent-death signal.
enum TestServer {
    static let logger: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        return logger
    }()

    private static let root = "/tmp/peyvand-postgres-tests-\(getpid())"
    private static let process = Atomic<Int32>(0)

    private static let server = Task {
        removeLeftovers()
        let server = try await PrivateServer.start(
            directory: root, options: .init(sharedBuffers: "16MB", isDurable: false), logger: logger)
        try await server.createDatabaseIfMissing("contract")
        process.store(server.pid, ordering: .relaxed)
        atexit {
            kill(TestServer.process.load(ordering: .relaxed), SIGQUIT)
            usleep(200_000)
            try? Files.removeTree(TestServer.root)
        }
        return server
    }

    static func configuration(statementTimeout: Duration? = .seconds(20)) async throws -> ConnectionConfiguration {
        ConnectionConfiguration(
            url: try await server.value.url(database: "contract"), statementTimeout: statementTimeout)
    }

    static func connect(statementTimeout: Duration? = .seconds(20)) async throws -> Connection {
        try await Connection.connect(configuration(statementTimeout: statementTimeout), logger: logger)
    }

    /// A directory for a test that needs a server of its own.
    static func directory(_ name: String) -> String { "/tmp/peyvand-postgres-tests-\(getpid())-\(name)" }

    /// What killed test processes left behind.
    private static func removeLeftovers() {
        for name in Files.names(in: "/tmp") where name.hasPrefix("peyvand-postgres-tests-") {
            guard let number = name.split(separator: "-").dropFirst(3).first.flatMap({ pid_t($0) }) else { continue }
            if kill(number, 0) != 0 && errno == ESRCH { try? Files.removeTree("/tmp/" + name) }
        }
    }
}

/// The code of the error that `body` throws, nil when it throws none or another kind.
func code(_ body: () async throws -> Void) async -> PostgresError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? PostgresError)?.code
    }
}
