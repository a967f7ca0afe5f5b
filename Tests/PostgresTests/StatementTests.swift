import Logging
import Testing

@testable import Postgres

@Suite struct StatementTests {
    @Test func errorsAreTypedAndTheConnectionGoesOn() async throws {
        let connection = try await TestServer.connect()
        try await connection.execute(
            """
            CREATE TEMP TABLE t (id int8 PRIMARY KEY, n int4 NOT NULL CONSTRAINT positive CHECK (n > 0),
                parent int8 REFERENCES t)
            """)
        let insert = "INSERT INTO t VALUES ($1, $2, $3)"
        try await connection.query(insert, [1, 1, nil])
        #expect(await code { try await connection.query(insert, [1, 1, nil]) } == .uniqueViolation)
        #expect(await code { try await connection.query(insert, [2, 0, nil]) } == .checkViolation)
        #expect(await code { try await connection.query(insert, [2, nil, nil]) } == .notNullViolation)
        #expect(await code { try await connection.query(insert, [2, 1, 9]) } == .foreignKeyViolation)
        #expect(await code { try await connection.query("SELECT * FROM nowhere") } == .undefinedTable)
        #expect(await code { try await connection.query("SELEKT") } == .syntaxError)
        #expect(await code { try await connection.query("SELECT 1/$1", [0]) } == .dataException)
        #expect(await code { try await connection.query("SELECT $1", [.text("a\0b")]) } == .dataException)
        #expect(await code { try await connection.execute("COPY t TO STDOUT") } == .misuse)
        #expect(await connection.isUsable == false)
        await connection.close()
        #expect(await code { try await connection.query("SELECT 1") } == .misuse)
    }

    @Test func errorTellsItsConstraint() async throws {
        let connection = try await TestServer.connect()
        try await connection.execute("CREATE TEMP TABLE t (n int4 CONSTRAINT positive CHECK (n > 0))")
        do {
            try await connection.query("INSERT INTO t VALUES ($1)", [-1])
            Issue.record("the constraint was not enforced")
        } catch let error as PostgresError {
            #expect(error.constraint == "positive" && error.table == "t" && error.sqlState == "23514")
            #expect(error.statement == "INSERT INTO t VALUES ($1)" && !error.isRetryable)
        }
    }

    @Test func affectedRowsAndNames() async throws {
        let connection = try await TestServer.connect()
        try await connection.execute("CREATE TEMP TABLE t (a int4); INSERT INTO t VALUES (1), (2)")
        #expect(try await connection.query("UPDATE t SET a = a + 1").affected == 2)
        let rows = try await connection.query("SELECT a, a * 2 AS twice FROM t ORDER BY a")
        #expect(rows.columnNames == ["a", "twice"])
        #expect(try rows.map { try $0.get("twice", as: Int.self) } == [4, 6])
    }

    /// One text, parameters of changing types and NULLs.
    @Test func preparedVariants() async throws {
        let connection = try await TestServer.connect()
        try await connection.run { connection in
            let sql = "SELECT coalesce($1, 0)::int8 + coalesce($2, 0)::int8"
            let calls: [([Parameter], Int)] = [
                ([nil, 1], 1), ([1, nil], 1), ([1, 2], 3), ([nil, nil], 0), ([.int32(5), 2], 7), ([3, 4], 7),
            ]
            for _ in 0..<3 {
                for (parameters, expected) in calls {
                    #expect(try connection.query(sql, parameters).first?.get(0, as: Int.self) == expected)
                }
            }
            let prepared = try connection.query(
                "SELECT count(*) FROM pg_prepared_statements WHERE statement = $1", [.text(sql)])
            #expect(try #require(prepared.first).get(0, as: Int.self) <= 4)
        }
    }

    @Test func generatedTextsDoNotPileUp() async throws {
        let connection = try await TestServer.connect()
        try await connection.run { connection in
            for index in 0..<2500 { try connection.query("SELECT \(index)") }
            let row = try #require(try connection.query("SELECT count(*) FROM pg_prepared_statements").first)
            #expect(try row.get(0, as: Int.self) <= StatementCache.limit + 1)
        }
    }

    @Test func aChangedTableIsPreparedAnew() async throws {
        let connection = try await TestServer.connect()
        try await connection.execute("CREATE TEMP TABLE t AS SELECT 1 AS a")
        #expect(try await connection.query("SELECT * FROM t").first?.count == 1)
        try await connection.execute("ALTER TABLE t ADD b int4")
        #expect(try await connection.query("SELECT * FROM t").first?.count == 2)
        try await connection.execute("DISCARD PLANS; DEALLOCATE ALL")
        #expect(try await connection.query("SELECT * FROM t").first?.count == 2)
    }

    @Test func pipelineAnswersInOrderAndStopsAtTheFirstError() async throws {
        let connection = try await TestServer.connect()
        try await connection.execute("CREATE TEMP TABLE t (a int8 PRIMARY KEY)")
        try await connection.run { connection in
            let inserts = (0..<1000).map { (sql: "INSERT INTO t VALUES ($1)", parameters: [Parameter.int($0)]) }
            let rows = try connection.pipeline(inserts + [("SELECT count(*) FROM t", [])])
            #expect(rows.count == 1001 && rows[0].affected == 1)
            #expect(try #require(rows.last?.first).get(0, as: Int.self) == 1000)
            #expect(throws: PostgresError.self) {
                try connection.pipeline([
                    ("INSERT INTO t VALUES ($1)", [5000]), ("INSERT INTO t VALUES ($1)", [1]),
                    ("SELECT 'never prepared before', $1", ["x"]),
                ])
            }
            // Without a transaction the pipeline is one; the skipped statement can be used afterwards.
            let left = try connection.pipeline([
                ("SELECT count(*) FROM t WHERE a = 5000", []), ("SELECT 'never prepared before', $1", ["y"]),
            ])
            #expect(try #require(left[0].first).get(0, as: Int.self) == 0)
            #expect(try #require(left[1].first).get(1, as: String.self) == "y")
        }
    }

    /// More in both directions than the socket holds: neither side may wait for the other.
    @Test func largePipelineDoesNotBlock() async throws {
        let connection = try await TestServer.connect()
        let text = String(repeating: "x", count: 100_000)
        let rows = try await connection.run { connection in
            try connection.pipeline((0..<200).map { _ in ("SELECT $1", [.text(text)]) })
        }
        #expect(try rows.allSatisfy { try $0[0].get(0, as: String.self) == text })
    }

    @Test func transactions() async throws {
        let connection = try await TestServer.connect()
        try await connection.execute("CREATE TEMP TABLE t (a int4, UNIQUE (a) DEFERRABLE INITIALLY DEFERRED)")
        try await connection.transaction { _ = try $0.query("INSERT INTO t VALUES (1)") }
        struct Refused: Error {}
        await #expect(throws: Refused.self) {
            try await connection.transaction { connection in
                try connection.query("INSERT INTO t VALUES (2)")
                throw Refused()
            }
        }
        // A deferred constraint fails at COMMIT: a definite answer, not an unknown one.
        let deferred = await code {
            try await connection.transaction { _ = try $0.query("INSERT INTO t VALUES (1)") }
        }
        #expect(deferred == .uniqueViolation)
        let swallowed = await code {
            try await connection.transaction { connection in
                _ = #expect(throws: PostgresError.self) { try connection.query("SELECT 1/0") }
            }
        }
        #expect(swallowed == .inFailedTransaction)
        let nested = await code { try await connection.transaction { try $0.transaction { _ in } } }
        #expect(nested == .activeTransaction)
        #expect(await !connection.isInTransaction)
        #expect(try await connection.query("SELECT a FROM t").map { try $0.get(0, as: Int.self) } == [1])
    }

    /// BEGIN goes with whatever is asked first; where nothing is asked, none is sent.
    @Test func everyKindOfStatementBeginsATransaction() async throws {
        let connection = try await TestServer.connect()
        try await connection.execute("CREATE TEMP TABLE t (a int8 PRIMARY KEY)")
        let kinds: [@Sendable (isolated Connection) throws -> Void] = [
            { try $0.query("INSERT INTO t VALUES (1)") },
            { try $0.execute("INSERT INTO t VALUES (2); INSERT INTO t VALUES (3)") },
            { connection in
                let answers = try connection.pipeline([("INSERT INTO t VALUES (4)", []), ("SELECT a FROM t", [])])
                #expect(answers.count == 2)
            },
            { try $0.copyIn("COPY t FROM STDIN (FORMAT binary)") { try $0.row { $0.append(Int64(5)) } } },
            { try $0.copyOut("COPY t TO STDOUT (FORMAT binary)") { _ in } },
        ]
        struct Refused: Error {}
        for statement in kinds {
            await #expect(throws: Refused.self) {
                try await connection.transaction { connection in
                    let before = connection.isInTransaction
                    try statement(connection)
                    let after = connection.isInTransaction
                    #expect(before && after)
                    throw Refused()
                }
            }
            #expect(try await connection.query("SELECT a FROM t").isEmpty)
        }
        for statement in kinds { try await connection.transaction { try statement($0) } }
        #expect(try await connection.query("SELECT a FROM t").count == 5)

        let failed = await code {
            try await connection.transaction { _ = try $0.query("INSERT INTO t VALUES (1)") }
        }
        #expect(failed == .uniqueViolation)
        try await connection.transaction { _ in }
        await #expect(throws: Refused.self) { try await connection.transaction { _ in throw Refused() } }
        #expect(await !connection.isInTransaction)
        // A mode is the first statement's too.
        let isolation = try await connection.run { connection in
            try connection.transaction(mode: .snapshot) { connection in
                try connection.query("SELECT current_setting('transaction_isolation')")[0].get(0, as: String.self)
            }
        }
        #expect(isolation == "repeatable read")
        #expect(try await connection.query("SELECT a FROM t").count == 5)
    }

    @Test func copyThatFails() async throws {
        let connection = try await TestServer.connect()
        try await connection.execute("CREATE TEMP TABLE t (a int8 PRIMARY KEY)")
        struct GivenUp: Error {}
        await #expect(throws: GivenUp.self) {
            try await connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
                try writer.row { $0.append(Int64(1)) }
                throw GivenUp()
            }
        }
        let duplicate = await code {
            try await connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
                for _ in 0..<100_000 { try writer.row { $0.append(Int64(1)) } }
            }
        }
        #expect(duplicate == .uniqueViolation)
        #expect(
            await code { try await connection.copyIn("COPY nowhere FROM STDIN (FORMAT binary)") { _ in } }
                == .undefinedTable)
        #expect(try await connection.query("SELECT * FROM t").isEmpty)
    }

    @Test func copyOutThatIsGivenUp() async throws {
        let connection = try await TestServer.connect()
        struct Enough: Error {}
        await #expect(throws: Enough.self) {
            try await connection.copyOut(
                "COPY (SELECT * FROM generate_series(1, 50000000)) TO STDOUT (FORMAT binary)"
            ) {
                if try $0.get(0, as: Int.self) > 1000 { throw Enough() }
            }
        }
        #expect(try await connection.query("SELECT 1").count == 1)
        #expect(
            await code { try await connection.copyOut("COPY nowhere TO STDOUT (FORMAT binary)") { _ in } }
                == .undefinedTable)
    }

    @Test func concurrentTransactionsAreTyped() async throws {
        let (first, second) = (try await TestServer.connect(), try await TestServer.connect())
        try await first.execute("CREATE TABLE counters AS SELECT 1 AS n")
        let result = await code {
            try await first.run { first in
                try first.execute("BEGIN ISOLATION LEVEL SERIALIZABLE")
                try first.query("SELECT n FROM counters")
            }
            try await second.execute("UPDATE counters SET n = 2")
            try await first.query("UPDATE counters SET n = 3")
        }
        #expect(result == .serializationFailure)
        try await first.execute("ROLLBACK")
        try await first.execute("BEGIN; LOCK TABLE counters")
        #expect(
            await code { try await second.execute("BEGIN; LOCK TABLE counters NOWAIT") } == .lockNotAvailable)
        try await first.execute("ROLLBACK; DROP TABLE counters")
    }
}
