import Logging
import Synchronization
import Testing

@testable import Postgres

@Suite struct PoolTests {
    @Test func neverMoreThanItsSize() async throws {
        let pool = Pool(configuration: try await TestServer.configuration(), size: 3, logger: TestServer.logger)
        let processes = try await withThrowingTaskGroup(of: Int32.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await pool.run { connection in
                        try connection.query("SELECT pg_sleep(0.005)")
                        return connection.processID
                    }
                }
            }
            return try await group.reduce(into: Set<Int32>()) { $0.insert($1) }
        }
        #expect(processes.count <= 3 && processes.count > 1)
        await pool.close()
        #expect(await code { try await pool.run { _ in } } == .misuse)
    }

    @Test func brokenConnectionsAreReplaced() async throws {
        let pool = Pool(configuration: try await TestServer.configuration(), size: 1, logger: TestServer.logger)
        let other = try await TestServer.connect()
        let first = try await pool.run { $0.processID }
        #expect(try await pool.run { $0.processID } == first)
        try await other.query("SELECT pg_terminate_backend($1, 2000)", [.int32(first)])
        #expect(try await pool.run { try $0.query("SELECT 1").count } == 1)
        #expect(try await pool.run { $0.processID } != first)
        await pool.close()
    }

    @Test func anOpenTransactionIsNotHandedOn() async throws {
        let pool = Pool(configuration: try await TestServer.configuration(), size: 1, logger: TestServer.logger)
        try await pool.run { try $0.execute("BEGIN; CREATE TABLE forgotten (a int4)") }
        #expect(await code { try await pool.run { _ = try $0.query("SELECT * FROM forgotten") } } == .undefinedTable)
        await pool.close()
    }

    @Test func cancelledWaitersGiveUpTheirPlace() async throws {
        let pool = Pool(configuration: try await TestServer.configuration(), size: 1, logger: TestServer.logger)
        let holder = Task { try await pool.run { _ = try $0.query("SELECT pg_sleep(0.3)") } }
        try await Task.sleep(for: .milliseconds(100))
        let waiter = Task { try await pool.run { _ = try $0.query("SELECT 1") } }
        try await Task.sleep(for: .milliseconds(50))
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
        try await holder.value
        #expect(try await pool.run { try $0.query("SELECT 1").count } == 1)
        await pool.close()
    }

    @Test func patienceEnds() async throws {
        let configuration = ConnectionConfiguration(url: "host=/nonexistent dbname=x")
        let pool = Pool(
            configuration: configuration, size: 1, logger: TestServer.logger, patience: .milliseconds(200))
        #expect(await code { try await pool.run { _ in } } == .connectionLost)
        #expect(await code { try await pool.run { _ in } } == .connectionLost)
    }
}
