import Casework
import Federation
import Logging
import Testing

@testable import Postgres
@testable import Store

/// What only PostgreSQL can show: figures, corruption, lost connections, partitions.
@Suite struct ContractPostgresTests {
    private func with(
        few: Int = 128,
        _ body: (_ database: Database, _ store: PostgresStore) async throws -> Void
    ) async throws {
        let database = try await ContractServer.open(ContractServer.newDatabase())
        let store = PostgresStore(database: database, hashing: sha256, few: few)
        try await body(database, store)
        await store.close()
        await database.close()
    }

    // MARK: - Figures and rows

    @Test func figuresEqualARecount() async throws {
        try await with { database, store in
            var office = ContractOffice()
            var other = ContractOffice("IR-23", seed: 5)
            try await office.begin(store)
            var random = SeededRandom(state: 42)
            var ids: [CaseID] = []
            for round in 0..<25 {
                var events: [Event] = []
                for _ in 0..<Int.random(in: 1...12, using: &random) {
                    if ids.isEmpty || Int.random(in: 0..<3, using: &random) == 0 {
                        let event = Bool.random(using: &random) ? try office.register() : try other.register()
                        events.append(event)
                        ids.append(try #require(event.caseID))
                    } else if let id = ids.randomElement(using: &random) {
                        let changes: [CaseChange] = [.accepted, .answered, .closed(.resolved), .disputed, .withdrawn]
                        let change = try #require(changes.randomElement(using: &random))
                        events.append(
                            id.home == office.origin ? try office.write(change, id) : try other.write(change, id))
                    }
                }
                if round % 3 == 0, let id = ids.first(where: { $0.home == office.origin }) {
                    events += try edits(of: id, &office)
                }
                try await store.commit(office.batch(events))
            }
            let (kept, recounted) = try await figures(database)
            #expect(kept == recounted)
            #expect(kept.count == 2)
            // Every column was moved.
            for column in 0..<6 { #expect(kept.contains { $0.value[column] > 0 }, "column \(column)") }
        }
    }

    /// Two edits that do not know of each other: a conflict.
    private func edits(of id: CaseID, _ office: inout ContractOffice) throws -> [Event] {
        try ["low", "urgent"].map { priority in
            try office.write(.amended(Amendment(priority: Priority(rawValue: priority))), id)
        }
    }

    private func figures(_ database: Database) async throws -> (kept: [String: [Int]], recounted: [String: [Int]]) {
        try await database.readers.run { connection in
            func read(_ rows: Rows) throws -> [String: [Int]] {
                var figures: [String: [Int]] = [:]
                for row in rows {
                    figures[try row.get(0)] = try (1...6).map { try row.get($0, as: Int.self) }
                }
                return figures
            }
            return (
                try read(
                    connection.query(
                        "SELECT home, registered, open, answered, closed, disputed, conflicts FROM figures")),
                try read(
                    connection.query(
                        """
                        SELECT home, count(registered_at), count(*) FILTER (WHERE is_open),
                            count(*) FILTER (WHERE status = 'answered'), count(*) FILTER (WHERE status = 'closed'),
                            count(*) FILTER (WHERE status = 'disputed'), count(*) FILTER (WHERE conflicts > 0)
                        FROM cases GROUP BY home
                        """))
            )
        }
    }

    /// Many new rows are written while the batch before is under way.
    @Test func manyRowsDoNotWait() async throws {
        try await with(few: 0) { database, store in
            var office = ContractOffice()
            try await office.begin(store)
            let batches = [office.batch([try office.register()]), office.batch([try office.register()])]
            let gate = AsyncStream<Void>.makeStream()
            let earlier = Task {
                for await _ in gate.stream {}
                try await store.commit(batches[0])
            }
            let later = Task { try await store.commit(batches[1], after: earlier) }
            // Its transaction has written its rows, and is not over.
            let writers = """
                SELECT count(*) FROM pg_locks WHERE relation = 'parts'::regclass AND mode = 'RowExclusiveLock'
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                """
            while try await database.readers.run({ try $0.query(writers)[0].get(0, as: Int.self) }) == 0 {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(try await store.journal(of: office.origin, after: 0) == [])
            gate.continuation.finish()
            try await later.value
            #expect(try await store.journal(of: office.origin, after: 0).count == 2)
        }
    }

    @Test func aCaseRowIsStoredAsItIs() async throws {
        try await with { database, store in
            var office = ContractOffice()
            try await office.begin(store)
            let event = try office.register(subject: "گران‌فروشی\0!")
            var batch = office.batch([event])
            // A peer may name a time that no calendar has, and more of anything than a column holds.
            batch.cases[0].answeredAt = Instant(milliseconds: .max)
            batch.cases[0].proposals = .max
            batch.cases[0].epoch = .max
            try await store.commit(batch)
            let row = batch.cases[0]
            try await database.readers.run { connection in
                let found = try connection.query(
                    """
                    SELECT id, tracking_code, subject, registered_at, answered_at, epoch, position, revision
                    FROM cases
                    """)
                #expect(found.count == 1)
                #expect(try found[0].get(0, as: [UInt8].self) == row.id.bytes)
                #expect(try found[0].get(1, as: String.self) == row.trackingCode)
                #expect(try found[0].get(2, as: String.self) == "گران‌فروشی\u{FFFD}!")
                #expect(try found[0].timestamp(3) == (row.registeredAt?.milliseconds ?? 0) * 1000)
                #expect(try found[0].timestamp(4) == 253_402_300_799_999_000)
                #expect(try found[0].get(5, as: Int64.self) == -1)
                #expect(try found[0].get(6, as: Int64.self) == 1)
                #expect(try found[0].get(7, as: Int.self) == 1)
            }
        }
    }

    /// However absurd the times that a peer names, and whatever a case's days were before.
    @Test(arguments: [0, 128]) func daysAreThoseOfTheCases(few: Int) async throws {
        try await with(few: few) { database, store in
            var office = ContractOffice()
            try await office.begin(store)
            let (first, second) = (try office.register(), try office.register())
            var batch = office.batch([first, second])
            let day = Instant(milliseconds: 946_758_600_000)  // 2000-01-01 20:30 UTC
            batch.cases[0].registeredAt = day
            batch.cases[0].deadline = Instant(milliseconds: 0)
            batch.cases[1].registeredAt = day - 1
            batch.cases[1].deadline = Instant(milliseconds: .max)
            batch.begun = 1
            try await store.commit(batch)
            #expect(
                try await Self.days(database) == [
                    "IR-03 1970-01-01 0 0 1", "IR-03 2000-01-01 1 0 0", "IR-03 9999-12-31 0 0 1",
                ])
            let third = try office.note(try #require(first.caseID))
            batch = office.batch([third])
            batch.cases[0].registeredAt = day + Instant.day
            batch.cases[0].answeredAt = day + Instant.day - 1
            batch.cases[0].countsDue = false
            try await store.commit(batch)
            #expect(
                try await Self.days(database) == [
                    "IR-03 2000-01-01 0 1 0", "IR-03 2000-01-02 1 0 0", "IR-03 9999-12-31 0 0 1",
                ])
        }
    }

    /// Its events were lost, so it is taken for a case that begins: what its row counted is taken off all the same.
    @Test(arguments: [0, 128]) func aRowThatShouldNotStandIsReplaced(few: Int) async throws {
        try await with(few: few) { database, store in
            var office = ContractOffice()
            try await office.begin(store)
            let first = try office.register()
            var batch = office.batch([first])
            batch.begun = 1
            try await store.commit(batch)
            try await database.readers.run { try $0.execute("DELETE FROM case_origins") }
            batch = office.batch([try office.note(try #require(first.caseID)), try office.register()])
            batch.begun = batch.cases.count
            try await store.commit(batch)
            let (kept, recounted) = try await figures(database)
            #expect(kept == recounted)
            #expect(kept["IR-03"]?.first == 2)
            #expect(try await !Self.days(database).isEmpty)
        }
    }

    /// Those that have any, after it was seen that a recount finds the same.
    private static func days(_ database: Database) async throws -> [String] {
        try await database.readers.run { connection in
            #expect(try connection.query(FigureCount.differentDays(from: "cases")).isEmpty)
            return try connection.query(
                """
                SELECT concat_ws(' ', home, (at AT TIME ZONE 'UTC')::date, registered, answered, due) FROM days
                WHERE registered <> 0 OR answered <> 0 OR due <> 0 ORDER BY at
                """
            ).map { try $0.get(0) }
        }
    }

    // MARK: - Damage

    @Test func damagedBytesAreFound() async throws {
        try await with { database, store in
            var office = ContractOffice()
            try await office.begin(store)
            let good = try office.register()
            let bad = try office.register()
            let there = try #require(Origin("IR-07"))
            var batch = office.batch([good, bad])
            batch.effects.routed = [route(bad, to: there, 1)]
            try await store.commit(batch)
            let id = try #require(bad.caseID)
            let goodID = try #require(good.caseID)
            func damage(_ sql: String) async throws { try await database.readers.run { try $0.execute(sql) } }
            // One byte of the envelope's label: it still decodes.
            let flip = "UPDATE journal SET envelope = set_byte(envelope, 10, get_byte(envelope, 10) # 1) WHERE seq = 2"
            try await damage(flip)
            await #expect(throws: StoreError.corrupt(id, "IR-03 2")) { try await store.events(of: [id]) }
            await #expect(throws: StoreError.corrupt(id, "IR-03 2")) {
                try await store.journal(of: office.origin, after: 0)
            }
            await #expect(throws: StoreError.corrupt(id, "IR-03 2")) { try await store.feed(of: there, after: 0) }
            #expect(try await store.events(of: [goodID])[goodID] == [good])
            try await damage(flip)
            #expect(try await store.events(of: [id])[id] == [bad])
            try await damage("UPDATE journal SET hash = set_byte(hash, 3, get_byte(hash, 3) # 1) WHERE seq = 2")
            await #expect(throws: StoreError.corrupt(id, "IR-03 2")) { try await store.events(of: [id]) }
            #expect(try await store.repair([good, bad]) == 1)
            #expect(try await store.events(of: [id])[id] == [bad])
            // Damaged bytes under a damaged hash could be anything.
            try await damage(
                """
                UPDATE journal SET hash = set_byte(hash, 3, get_byte(hash, 3) # 1),
                    envelope = set_byte(envelope, 10, get_byte(envelope, 10) # 1) WHERE seq = 2
                """)
            #expect(try await store.repair([bad]) == 0)
            try await damage("UPDATE journal SET hash = set_byte(hash, 3, get_byte(hash, 3) # 1) WHERE seq = 2")
            #expect(try await store.repair([bad]) == 1)
            try await damage("UPDATE parts SET part = set_byte(part, 20, get_byte(part, 20) # 1) WHERE seq = 2")
            await #expect(throws: StoreError.corrupt(id, "IR-03 2")) { try await store.events(of: [id]) }
            await #expect(throws: StoreError.corrupt(id, "IR-03 2")) { try await store.feed(of: there, after: 0) }
            try await damage("DELETE FROM parts WHERE seq = 2")
            #expect(try await store.repair([bad]) == 1)
            #expect(try await store.feed(of: there, after: 0).map(\.event) == [WireEvent(bad)])
            // What is withheld or erased here stays so.
            try await damage("UPDATE parts SET state = 2, part = NULL WHERE seq = 2")
            #expect(try await store.repair([bad]) == 0)
            #expect(try await store.events(of: [id])[id]?.map(\.part) == [.withheld])
        }
    }

    @Test func whatIsHeldIsMendedToo() async throws {
        try await with { database, store in
            var office = ContractOffice("hub")
            var province = ContractOffice("IR-03", seed: 3)
            try await office.begin(store)
            let event = try province.register()
            var batch = office.batch([])
            batch.effects.held = [event]
            try await store.commit(batch)
            let id = try #require(event.caseID)
            for (column, place) in [("envelope", 10), ("part", 20)] {
                try await database.readers.run { connection in
                    try connection.execute(
                        """
                        UPDATE held_events
                        SET \(column) = set_byte(\(column), \(place), get_byte(\(column), \(place)) # 1)
                        """)
                }
                await #expect(throws: StoreError.corrupt(id, "IR-03 1")) {
                    try await store.held(of: province.origin, preferring: [], limit: 1)
                }
                #expect(try await store.repair([event]) == 1)
                #expect(try await store.held(of: province.origin, preferring: [], limit: 1) == [event])
            }
        }
    }

    // MARK: - Lost connections

    @Test func aLostConnectionIsOpenedAgain() async throws {
        try await with { database, store in
            var office = ContractOffice()
            try await office.begin(store)
            try await store.commit(office.batch([office.register()]))
            try await endWriters(database)
            try await store.commit(office.batch([office.register()]))
            #expect(try await store.resume(office.origin, token: 7) == office.stored)
            #expect(try await store.journal(of: office.origin, after: 0).count == 2)
        }
    }

    /// Both of the writer's connections were lost, and it tries once more only.
    @Test func twoLostConnectionsAreOpenedAgain() async throws {
        try await with(few: 0) { database, store in
            var office = ContractOffice()
            try await office.begin(store)
            let batches = [office.batch([try office.register()]), office.batch([try office.register()])]
            let earlier = Task {
                try await Task.sleep(for: .milliseconds(300))
                try await store.commit(batches[0])
            }
            try await store.commit(batches[1], after: earlier)
            #expect(try await endWriters(database) == 2)
            try await store.commit(office.batch([office.register()]))
            #expect(try await store.journal(of: office.origin, after: 0).count == 3)
        }
    }

    @discardableResult
    private func endWriters(_ database: Database) async throws -> Int {
        try await database.readers.run { connection in
            try connection.query(
                """
                SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                WHERE application_name = 'peyvand writer' AND datname = current_database()
                """
            ).count
        }
    }

    @Test func aCommitWithoutAnswerIsUnknown() async throws {
        try await with { database, store in
            var office = ContractOffice()
            try await office.begin(store)
            // A deferred trigger holds COMMIT up long enough to be killed in it.
            try await database.readers.run { connection in
                try connection.execute(
                    """
                    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
                        $$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$;
                    CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON cases DEFERRABLE INITIALLY DEFERRED
                        FOR EACH ROW EXECUTE FUNCTION wait()
                    """)
            }
            let before = office
            let batch = try office.batch([office.register()])
            async let outcome: Void = store.commit(batch)
            try await untilCommitting(database)
            try await endWriters(database)
            do {
                try await outcome
                Issue.record("the commit was answered")
            } catch {
                #expect(error as? StoreError == .outcomeUnknown)
            }
            try await database.readers.run { try $0.execute("DROP TRIGGER wait ON cases") }
            // The head tells what became of it, and the writer goes on from there.
            #expect(try await store.resume(office.origin, token: 7) == before.stored)
            try await store.commit(batch)
        }
    }

    private func untilCommitting(_ database: Database) async throws {
        for _ in 0..<200 {
            let isWaiting = try await database.readers.run { connection in
                try connection.query(
                    """
                    SELECT 1 FROM pg_stat_activity WHERE application_name = 'peyvand writer'
                        AND datname = current_database() AND wait_event = 'PgSleep'
                    """
                ).count == 1
            }
            if isWaiting { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("COMMIT did not come")
    }

    // MARK: - Partitions

    @Test func seqsBeyondOnePartitionFindTheirs() async throws {
        try await with { _, store in
            var office = ContractOffice()
            try await office.begin(store)
            let id = office.newCase()
            let end = JournalPartition.size - 2
            office.writer = JournalWriter(
                origin: office.origin, incarnation: 3,
                continuing: ChainHead(incarnation: 2, seq: end, hash: sha256([1])), clock: HybridClock())
            let events = try (0..<4).map { _ in try office.note(id) }
            try await store.commit(office.batch(events))
            #expect(try await store.events(of: [id])[id] == events)
            #expect(try await store.journal(of: office.origin, after: end) == events)
        }
    }

    // MARK: - Hosts

    @Test func severalHostsNeedAStandby() async throws {
        let url = try await ContractServer.newDatabase()
        let start = try #require(url.firstRange(of: "host="))
        var several = url
        several.replaceSubrange(start, with: "host=/nonexistent,")
        several = several.split(separator: "&port=").joined(separator: "&port=5432,")
        #expect(try Conninfo(url: several).hasSeveralHosts)
        await #expect(throws: StoreError.noStandby) {
            try await Database.open(url: several, connections: 1, logger: ContractServer.logger)
        }
    }

    @Test func hostsAreReadAsLibpqReadsThem() throws {
        let wish = "target_session_attrs=read-write"
        let urls: [(url: String, writable: String)] = [
            ("postgresql://a/x", "postgresql://a/x"),
            ("postgresql://u:p,w@a/x", "postgresql://u:p,w@a/x"),
            ("postgresql://a,b/x", "postgresql://a,b/x?" + wish),
            ("postgres://a:1,b:2/x?sslmode=require", "postgres://a:1,b:2/x?sslmode=require&" + wish),
            ("host=a,b dbname=x", "host=a,b dbname=x " + wish),
            ("postgresql://a,b/x?target_session_attrs=primary", "postgresql://a,b/x?target_session_attrs=primary"),
        ]
        for (url, writable) in urls { #expect(try Conninfo(url: url).writableURL == writable) }
        #expect(throws: PostgresError.self) { try Conninfo(url: "postgresql://[a/") }
    }
}
