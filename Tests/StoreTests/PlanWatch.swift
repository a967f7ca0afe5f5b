import Logging
import Postgres
import Synchronization
import Testing

@testable import Store

/// Hears the plan of every statement that a database runs, from PostgreSQL itself (`auto_explain`): the plan that was
/// used, under the settings of the connection that used it.
final class PlanWatch: Sendable {
    struct Plan: Sendable {
        let statement: String
        let tree: String

        /// Tables that this plan reads from end to end.
        var scanned: [String] {
            tree.matches(of: /Seq Scan on (\w+)/).map { String($0.output.1) }
        }
    }

    private let heard = Mutex<[Plan]>([])

    /// A new, migrated database whose plans are heard.
    static func open() async throws -> (database: Database, watch: PlanWatch) {
        let url = try await ContractServer.newDatabase()
        let plain = try await ContractServer.open(url)
        try await plain.readers.run { connection in
            let name = try connection.query("SELECT current_database()")[0].get(0, as: String.self)
            // For connections to come.
            for setting in [
                "session_preload_libraries = auto_explain", "auto_explain.log_min_duration = 0",
                "client_min_messages = log",
            ] { try connection.execute("ALTER DATABASE \(name) SET \(setting)") }
        }
        await plain.close()
        let watch = PlanWatch()
        var logger = Logger(label: "plans") { _ in Ear(watch: watch) }
        logger.logLevel = .debug
        return (try await Database.open(url: url, connections: 2, logger: logger), watch)
    }

    /// The plans of what `body` ran.
    func plans(of body: () async throws -> Void) async rethrows -> [Plan] {
        heard.withLock { $0 = [] }
        try await body()
        return heard.withLock { $0 }
    }

    /// `duration: 0.1 ms  plan:`, `Query Text: …`, then the tree, whose first line tells a node's cost.
    fileprivate func hear(_ text: String) {
        guard let match = text.firstMatch(of: /plan:\nQuery Text: ((?s).*?)\n(\S[^\n]*  \(cost=(?s).*)/) else { return }
        let plan = Plan(statement: String(match.output.1), tree: String(match.output.2))
        heard.withLock { $0.append(plan) }
    }
}

private struct Ear: LogHandler {
    let watch: PlanWatch
    var logLevel = Logger.Level.debug
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        if let text = event.metadata?["text"] { watch.hear("\(text)") }
    }
}
