import Casework
import Demo
import Postgres
import Program
import Store
import Synchronization

/// The absent province comes with its backlog, by its own process and link: the hub has something to accept.
final class News: Sendable {
    private let network: BenchNetwork
    private let connection: Connection
    private let began = ContinuousClock.now
    private let first: Int64
    private let last: Int64
    private let reached: Mutex<(seq: Int64, at: ContinuousClock.Instant)>
    private let hasEnded = Mutex(false)
    private let watching = Mutex<Task<Void, any Error>?>(nil)

    private init(_ network: BenchNetwork, _ connection: Connection, from first: Int64, to last: Int64) {
        (self.network, self.connection, self.first, self.last) = (network, connection, first, last)
        reached = Mutex((first, began))
    }

    static func begin(_ hub: NationalHub, _ bench: BenchRun) async throws -> News {
        let code = NationalHub.absent.code
        let url = try await hub.network.open(DemoCast.hub).url
        let province = try await Connection.connect(
            ConnectionConfiguration(url: try await hub.network.open(code).url), logger: bench.logger)
        let last = try await seq(of: code, at: province)
        await province.close()
        let connection = try await Connection.connect(ConnectionConfiguration(url: url), logger: bench.logger)
        let first = try await seq(of: code, at: connection)
        let news = News(hub.network, connection, from: first, to: last)
        try await hub.network.start(code)
        news.watching.withLock { $0 = Task { try await news.watch() } }
        return news
    }

    private static let look = Duration.milliseconds(20)

    /// Waits for the first of it.
    func arrive() async throws {
        while isComing, reached.withLock({ $0.seq }) == first { try await Task.sleep(for: Self.look) }
    }

    /// Not all of it is there, and nothing has failed.
    var isComing: Bool { !hasEnded.withLock { $0 } }

    /// Waits for the rest of it.
    /// - Returns: events per second.
    func end() async throws -> Double {
        try await withTaskCancellationHandler {
            try await watching.withLock { $0 }?.value
        } onCancel: {
            cancel()
        }
        await connection.close()
        await network.stop(NationalHub.absent.code)
        let reached = reached.withLock { $0 }
        guard reached.seq > first else { return 0 }
        return Double(reached.seq - first) / (reached.at - began).seconds
    }

    func cancel() { watching.withLock { $0 }?.cancel() }

    private func watch() async throws {
        defer { hasEnded.withLock { $0 = true } }
        let code = NationalHub.absent.code
        let deadline = ContinuousClock.now + .seconds(600)
        while reached.withLock({ $0.seq }) < last {
            guard ContinuousClock.now < deadline else { throw Failure("\(code) is still behind after ten minutes.") }
            try await Task.sleep(for: Self.look)
            let seq = try await Self.seq(of: code, at: connection)
            reached.withLock { $0 = (seq, .now) }
        }
    }

    private static func seq(of code: String, at connection: Connection) async throws -> Int64 {
        try await connection.run { connection in
            let sql = "SELECT max(seq) FROM chains WHERE origin = $1"
            return try connection.query(sql, [.text(code)])[0].get(0, as: Int64?.self) ?? 0
        }
    }
}
