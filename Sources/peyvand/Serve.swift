import Glibc
import HTTP2
import Logging
import Postgres
import Program
import ServiceLifecycle
import UnixSignals

/// A long-lived part of a server, ended by graceful shutdown.
private struct Part: Service {
    var name: String
    var body: @Sendable () async throws -> Void

    func run() async throws { try await cancelWhenGracefulShutdown(body) }
}

/// Runs a server's parts until SIGTERM or SIGINT, or until one of them fails. Doors close first, then the writer, then a
/// private PostgreSQL, so that what was answered is durable and nothing new is taken.
struct ServerRun: Sendable {
    var database: ServeDatabase
    var console: ServeConsole
    var exitWithParent: Bool
    var logger: Logger

    func run(_ server: @escaping @Sendable () async throws -> Void) async throws {
        var parts = [any Service]()
        if let postgres = database.server { parts.append(Part(name: "postgres") { await postgres.run() }) }
        if exitWithParent { parts.append(Part(name: "parent") { try await Self.waitForParent() }) }
        parts.append(Part(name: "server", body: server))
        for door in console.doors { parts.append(Part(name: "door") { try await door.run() }) }
        var configuration = ServiceGroupConfiguration(
            services: parts.map {
                .init(
                    service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup)
            },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(20)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await ServiceGroup(configuration: configuration).run()) } catch {
            outcome = .failure(error)
        }
        await database.stop()
        do {
            try outcome.get()
        } catch is CancellationError {
            return
        } catch {
            throw Failure("the server stopped: \(error)")
        }
    }

    /// Returns when the process that started this one is gone: a demonstration leaves nothing behind.
    private static func waitForParent() async throws {
        let parent = getppid()
        while getppid() == parent { try await Task.sleep(for: .seconds(1)) }
    }
}
