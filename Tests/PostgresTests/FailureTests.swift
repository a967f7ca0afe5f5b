import Glibc
import Logging
import Testing

@testable import Postgres

@Suite struct FailureTests {
    @Test func cancellingTheTaskCancelsTheStatement() async throws {
        let connection = try await TestServer.connect()
        let begun = ContinuousClock.now
        let task = Task { try await connection.query("SELECT pg_sleep(30)") }
        try await Task.sleep(for: .milliseconds(200))
        task.cancel()
        #expect(await code { _ = try await task.value } == .queryCanceled)
        #expect(.now - begun < .seconds(5))
        // Only that statement: the connection goes on.
        #expect(try await connection.query("SELECT 1").count == 1)
    }

    @Test func theTimeLimitIsTyped() async throws {
        let connection = try await TestServer.connect(statementTimeout: .milliseconds(150))
        #expect(await code { try await connection.query("SELECT pg_sleep(30)") } == .timeout)
        #expect(await connection.isUsable)
    }

    /// A frozen server sends neither an answer nor an end.
    @Test func aSilentServerIsGivenUp() async throws {
        var configuration = try await TestServer.configuration(statementTimeout: .milliseconds(200))
        configuration.silenceGrace = .milliseconds(300)
        let connection = try await Connection.connect(configuration, logger: TestServer.logger)
        let process = await connection.processID
        let begun = ContinuousClock.now
        kill(process, SIGSTOP)
        let result = await code { try await connection.query("SELECT 1") }
        kill(process, SIGCONT)
        #expect(result == .connectionLost)
        #expect(.now - begun < .seconds(5))
        #expect(await !connection.isUsable)
    }

    @Test func anEndedConnectionIsTyped() async throws {
        let connection = try await TestServer.connect()
        let other = try await TestServer.connect()
        let process = await connection.processID
        let running = Task { try await connection.query("SELECT pg_sleep(30)") }
        try await Task.sleep(for: .milliseconds(100))
        try await other.query("SELECT pg_terminate_backend($1)", [.int32(process)])
        #expect(await code { _ = try await running.value } == .adminShutdown)
        #expect(await code { try await connection.query("SELECT 1") } == .connectionLost)
    }

    /// The server ends a session that waits too long within its transaction.
    @Test func aTransactionLeftOpenLosesItsConnection() async throws {
        let connection = try await TestServer.connect()
        try await connection.execute("SET idle_in_transaction_session_timeout = '100ms'")
        let result = await code {
            try await connection.transaction {
                try $0.query("SELECT 1")
            } once: {
                try await Task.sleep(for: .milliseconds(500))
            } _: {
                try $0.query("SELECT 1")
            }
        }
        #expect(result == .connectionLost)
        #expect(await !connection.isUsable)
    }

    @Test func commitWhoseAnswerNeverComesIsUnknown() async throws {
        let connection = try await TestServer.connect()
        let other = try await TestServer.connect()
        let process = await connection.processID
        // A deferred trigger holds COMMIT up long enough to be killed in it.
        try await connection.execute(
            """
            CREATE TEMP TABLE slow (a int4);
            CREATE FUNCTION pg_temp.wait() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION pg_temp.wait()
            """)
        let commit = Task {
            try await connection.transaction { _ = try $0.query("INSERT INTO slow VALUES (1)") }
        }
        try await Task.sleep(for: .milliseconds(200))
        try await other.query("SELECT pg_terminate_backend($1)", [.int32(process)])
        #expect(await code { try await commit.value } == .commitOutcomeUnknown)
    }

    @Test func connectionFailuresAreTyped() async throws {
        var configuration = try await TestServer.configuration()
        let good = configuration.url
        configuration.url = "host=/nonexistent dbname=x"
        #expect(await connectCode(configuration) == .connectionLost)
        configuration.url = good.split(separator: "/contract").joined(separator: "/missing")
        #expect(await connectCode(configuration) == .invalidDatabase)
    }

    private func connectCode(_ configuration: ConnectionConfiguration) async -> PostgresError.Code? {
        await code { _ = try await Connection.connect(configuration, logger: TestServer.logger) }
    }

    @Test func severalHostsAreTriedInTurn() async throws {
        var configuration = try await TestServer.configuration()
        guard let start = configuration.url.range(of: "host=") else { return }
        configuration.url.replaceSubrange(start, with: "host=/nonexistent,")
        configuration.url = configuration.url.split(separator: "&port=").joined(separator: "&port=5432,")
        let connection = try await Connection.connect(configuration, logger: TestServer.logger)
        #expect(try await connection.query("SELECT 1").count == 1)
    }

    /// Dropped without `close`, closed without being dropped, used after the last reference's hop: none stays open.
    @Test func droppedConnectionsEnd() async throws {
        var configuration = try await TestServer.configuration()
        configuration.applicationName = "dropped"
        for index in 0..<10 {
            let connection = try await Connection.connect(configuration, logger: TestServer.logger)
            if index % 2 == 0 { await connection.close() } else { try await connection.query("SELECT 1") }
        }
        let other = try await TestServer.connect()
        let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dropped'"
        var left = 10
        for _ in 0..<100 where left > 0 {
            left = try await other.query(count).first?.get(0) ?? 0
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(left == 0)
    }

    @Test func aCancelledTaskSendsNothing() async throws {
        let connection = try await TestServer.connect()
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            try await connection.query("SELECT 1")
        }
        task.cancel()
        #expect(await code { try await task.value } == .queryCanceled)
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<String.Index>? { firstRange(of: text) }
}
