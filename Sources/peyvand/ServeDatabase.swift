import Logging
import Postgres
import Program

/// The database of a server: the one that is configured, or a private PostgreSQL under the data directory.
struct ServeDatabase: Sendable {
    let url: String
    let server: PrivateServer?

    static func open(_ settings: Settings, logger: Logger) async throws -> ServeDatabase {
        if let url = settings.optional("database") { return ServeDatabase(url: url, server: nil) }
        guard let directory = settings.optional("directory") else {
            throw Failure.usedWrongly(
                "no database is configured; give --database URL, or --directory for a private one.")
        }
        let server = try await PrivateServer.start(
            directory: directory + "/postgres", options: .init(maximumConnections: 40), logger: logger)
        try await server.createDatabaseIfMissing("peyvand")
        return ServeDatabase(url: server.url(database: "peyvand"), server: server)
    }

    func stop() async { await server?.stop() }
}
