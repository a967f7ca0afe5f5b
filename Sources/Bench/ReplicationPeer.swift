import Casework
import Cryptography
import Demo
import Glibc
import Logging
import POSIX
import Postgres
import Program
import Store

/// PostgreSQL's own logical replication over TLS, of the tables that our accepting transaction writes: journal, parts and
/// case rows with all their indexes. The publisher's log holds each event as the transaction of its own that it was.
struct ReplicationPeer: Sendable {
    /// The publisher's TCP address: loopback, but not that of a server which may run on this machine already.
    static let address = "127.0.54.32"

    let publisher: PrivateServer
    private let source: Connection
    private let empty: String
    private let place: String
    private let events: Int64
    private let logger: Logger
    private let expected: String
    private let publisherData: String
    private let rounds = Rounds()

    private actor Rounds {
        private var count = 0
        func next() -> Int {
            count += 1
            return count
        }
    }

    /// Settings that a publisher needs besides those of our private servers.
    static func settings(
        _ network: BenchNetwork, at place: String, more: [String: String] = [:]
    ) throws -> [String: String] {
        // PostgreSQL's user must own the key.
        let identity = network.cast.certificates
        for (from, name) in [("chain.pem", "server.pem"), ("key.pem", "server.key")] {
            try Files.replace("\(place)/data/\(name)", with: try Files.read(identity.file(from, of: .hub)), mode: 0o600)
            var status = stat()
            guard stat(place + "/data", &status) == 0, chown("\(place)/data/\(name)", status.st_uid, status.st_gid) == 0
            else { throw SystemError("give away", "\(place)/data/\(name)") }
        }
        return [
            "wal_level": "logical", "listen_addresses": address, "ssl": "on", "ssl_cert_file": "server.pem",
            "ssl_key_file": "server.key", "max_wal_size": "4GB", "max_slot_wal_keep_size": "-1",
        ].merging(more) { $1 }
    }

    static func prepare(_ backlog: Backlog, _ bench: BenchRun) async throws -> ReplicationPeer {
        let place = bench.folder + "/publisher"
        try Backlog.lay(backlog.province, at: place)
        let publisher = try await PrivateServer.start(
            directory: place,
            options: .init(maximumConnections: 40, settings: try settings(backlog.network, at: place)),
            logger: bench.logger)
        let source = try await connect(publisher, bench.logger)
        try await source.run { connection in
            try connection.execute(JournalReplay.take)
            try connection.execute(
                "CREATE PUBLICATION bench FOR TABLE journal, parts, cases WITH (publish_via_partition_root = true)")
            try connection.execute("SELECT pg_create_logical_replication_slot('bench', 'pgoutput')")
            try JournalReplay.replay(connection)
        }
        let expected = try await contents(of: source)
        return ReplicationPeer(
            publisher: publisher, source: source, empty: backlog.hub, place: bench.folder + "/subscriber",
            events: Int64(backlog.events), logger: bench.logger, expected: expected, publisherData: place + "/data")
    }

    private init(
        publisher: PrivateServer, source: Connection, empty: String, place: String, events: Int64, logger: Logger,
        expected: String, publisherData: String
    ) {
        self.publisherData = publisherData
        (self.publisher, self.source, self.empty, self.place) = (publisher, source, empty, place)
        (self.events, self.logger, self.expected) = (events, logger, expected)
    }

    static func connect(_ server: PrivateServer, _ logger: Logger) async throws -> Connection {
        let configuration = ConnectionConfiguration(url: server.url(database: "peyvand"), statementTimeout: nil)
        return try await Connection.connect(configuration, logger: logger)
    }

    /// A subscriber with the hub's empty tables and the province's partition.
    static func subscriber(
        _ empty: String, at place: String, settings: [String: String] = [:], _ logger: Logger
    ) async throws -> PrivateServer {
        try Backlog.lay(empty, at: place)
        let server = try await PrivateServer.start(
            directory: place, options: .init(maximumConnections: 40, settings: settings), logger: logger)
        let database = try await Database.open(url: server.url(database: "peyvand"), connections: 1, logger: logger)
        let store = PostgresStore(database: database, hashing: Digest.hashing)
        if let origin = Origin(CatchUpBenchmark.origin) { _ = try await store.takeOver(origin, token: 1) }
        await store.close()
        await database.close()
        return server
    }

    /// Counts and one hash over what both sides must have alike.
    static func contents(of connection: Connection) async throws -> String {
        try await connection.run { connection in
            try connection.query(
                """
                SELECT (SELECT count(*) || ':' || sum(hashtextextended(encode(hash, 'hex'), 0)) FROM journal)
                    || ' ' || (SELECT count(*) || ':' || sum(hashtextextended(encode(part, 'hex'), seq)) FROM parts)
                    || ' ' || (SELECT count(*) || ':' || sum(hashtextextended(id::text || status || revision, 0)) FROM cases)
                """)[0].get(0)
        }
    }

    static func wait(for events: Int64, at connection: Connection) async throws -> ContinuousClock.Instant {
        let deadline = ContinuousClock.now + .seconds(900)
        while ContinuousClock.now < deadline {
            let seq: Int64? = try await connection.run { connection in
                try connection.query(
                    "SELECT seq FROM journal WHERE origin = $1 ORDER BY seq DESC LIMIT 1",
                    [.text(CatchUpBenchmark.origin)]
                ).first?.get(0)
            }
            if seq ?? 0 >= events { return .now }
            try await Task.sleep(for: Backlog.look)
        }
        throw Failure("the peer's subscriber is not done after 15 minutes.")
    }

    /// - Returns: events per second.
    func catchUp(checked: Bool) async throws -> Double {
        let slot = "round_\(await rounds.next())"
        let server = try await Self.subscriber(empty, at: place, logger)
        let target = try await Self.connect(server, logger)
        try await source.run { connection in
            try connection.execute("SELECT pg_copy_logical_replication_slot('bench', '\(slot)'); CHECKPOINT")
        }
        try await target.run { connection in
            try connection.execute(
                """
                CREATE SUBSCRIPTION bench
                CONNECTION 'host=\(Self.address) dbname=peyvand user=peyvand sslmode=require'
                PUBLICATION bench WITH (slot_name = '\(slot)', create_slot = false, copy_data = false, enabled = false)
                """)
        }
        let began = ContinuousClock.now
        try await target.run { try $0.execute("ALTER SUBSCRIPTION bench ENABLE") }
        let ended = try await Self.wait(for: events, at: target)
        if checked {
            guard try await Self.contents(of: target) == expected else { throw Failure("the peer's two sides differ.") }
        }
        try await target.run { connection in
            try connection.execute("ALTER SUBSCRIPTION bench DISABLE")
            try connection.execute("ALTER SUBSCRIPTION bench SET (slot_name = NONE)")
            try connection.execute("DROP SUBSCRIPTION bench")
        }
        await target.close()
        await server.stop()
        // The publisher frees a slot a moment after its reader has left.
        for attempt in 0... {
            do {
                try await source.run { try $0.execute("SELECT pg_drop_replication_slot('\(slot)')") }
                break
            } catch let error as PostgresError where attempt < 100 && error.message.contains("is active") {
                try await Task.sleep(for: .milliseconds(50))
            }
        }
        return Double(events) / (ended - began).seconds
    }

    /// One COPY of all events and parts and one upsert of all cases, in one transaction: what PostgreSQL itself needs.
    func copy() async throws -> Double {
        let server = try await Self.subscriber(empty, at: place, logger)
        let target = try await Self.connect(server, logger)
        let files = ["journal", "parts", "cases"].map { ($0, "\(place)/data/bench-\($0).copy") }
        for (table, file) in files {
            let reader = "SELECT * FROM \(table)\(table == "cases" ? "" : " ORDER BY seq")"
            let publisherFile = "bench-\(table).copy"
            try await source.run { connection in
                try connection.execute("COPY (\(reader)) TO '\(publisherData)/\(publisherFile)' (FORMAT binary)")
            }
            guard rename("\(publisherData)/\(publisherFile)", file) == 0 else { throw SystemError("move", file) }
        }
        let changes = try await target.run { connection in
            try connection.query(
                """
                SELECT string_agg(quote_ident(attname) || ' = excluded.' || quote_ident(attname), ', ')
                FROM pg_attribute WHERE attrelid = 'cases'::regclass AND attnum > 0 AND NOT attisdropped
                """)[0].get(0, as: String.self)
        }
        let began = ContinuousClock.now
        try await target.run { connection in
            try connection.transaction { connection in
                try connection.execute("COPY journal FROM '\(files[0].1)' (FORMAT binary)")
                try connection.execute("COPY parts FROM '\(files[1].1)' (FORMAT binary)")
                try connection.execute("CREATE TEMP TABLE incoming (LIKE cases) ON COMMIT DROP")
                try connection.execute("COPY incoming FROM '\(files[2].1)' (FORMAT binary)")
                try connection.execute(
                    "INSERT INTO cases SELECT * FROM incoming ON CONFLICT (id) DO UPDATE SET \(changes)")
            }
        }
        let took = ContinuousClock.now - began
        guard try await Self.contents(of: target) == expected else { throw Failure("the copied tables differ.") }
        await target.close()
        await server.stop()
        return Double(events) / took.seconds
    }

    func stop() async {
        await source.close()
        await publisher.stop()
    }
}

/// A province's journal, played again into the publisher's log, each event in a transaction of its own.
enum JournalReplay {
    static let take = """
        CREATE TABLE bench_events AS
            SELECT row_number() OVER (ORDER BY j.position) AS number, j.*, p.state, p.part,
                row_number() OVER (PARTITION BY j.case_id ORDER BY j.position) AS step
            FROM journal j LEFT JOIN parts p USING (origin, seq, incarnation);
        CREATE TABLE bench_cases AS SELECT * FROM cases;
        CREATE UNIQUE INDEX ON bench_cases (id);
        TRUNCATE journal, parts, cases;
        CREATE PROCEDURE bench_replay() LANGUAGE plpgsql AS $$
        DECLARE event record;
        BEGIN
            FOR event IN SELECT * FROM bench_events ORDER BY number LOOP
                INSERT INTO journal (origin, seq, incarnation, hash, case_id, position, envelope)
                    VALUES (event.origin, event.seq, event.incarnation, event.hash, event.case_id, event.position, event.envelope);
                IF event.state IS NOT NULL THEN
                    INSERT INTO parts VALUES (event.origin, event.seq, event.incarnation, event.state, event.part);
                END IF;
                IF event.step = 1 THEN
                    -- As it stood after its registration.
                    INSERT INTO cases SELECT first.* FROM bench_cases c CROSS JOIN LATERAL jsonb_populate_record(
                        c, jsonb_build_object('status', 'registered', 'revision', 1, 'position', event.position)) first
                    WHERE c.id = event.case_id;
                ELSE
                    UPDATE cases c SET status = f.status, revision = f.revision, position = f.position, holder = f.holder,
                        digest = f.digest, pending = f.pending
                    FROM bench_cases f WHERE f.id = event.case_id AND c.id = event.case_id;
                END IF;
                COMMIT;
            END LOOP;
        END $$
        """

    /// The procedure commits by itself, so it stands alone.
    static func replay(_ connection: isolated Connection) throws {
        try connection.execute("SET synchronous_commit = off")
        try connection.execute("CALL bench_replay()")
    }
}

/// pglogical with last_update_wins, of the same tables; its log cannot be read twice, so one round.
enum PglogicalPeer {
    static func measure(_ backlog: Backlog, _ bench: BenchRun) async throws -> Double {
        let more = [
            "shared_preload_libraries": "pglogical", "track_commit_timestamp": "on",
            "pglogical.conflict_resolution": "last_update_wins",
        ]
        let place = bench.folder + "/provider"
        try Backlog.lay(backlog.province, at: place)
        let settings = try ReplicationPeer.settings(backlog.network, at: place, more: more)
        let provider = try await PrivateServer.start(
            directory: place, options: .init(maximumConnections: 40, settings: settings), logger: bench.logger)
        let subscriber = try await ReplicationPeer.subscriber(
            backlog.hub, at: bench.folder + "/subscriber", settings: more.merging(["wal_level": "logical"]) { $1 },
            bench.logger)
        let source = try await ReplicationPeer.connect(provider, bench.logger)
        let target = try await ReplicationPeer.connect(subscriber, bench.logger)
        let address = "host=\(ReplicationPeer.address) dbname=peyvand user=peyvand sslmode=require"
        try await source.run { connection in
            try connection.execute(JournalReplay.take)
            try connection.execute("CREATE EXTENSION pglogical")
            try connection.execute("SELECT pglogical.create_node('provider', '\(address)')")
            for table in ["journal_ir_03_0", "parts", "cases"] {
                try connection.execute("SELECT pglogical.replication_set_add_table('default', '\(table)')")
            }
        }
        let socket = subscriber.url(database: "peyvand")
        try await target.run { connection in
            try connection.execute("CREATE EXTENSION pglogical")
            try connection.execute("SELECT pglogical.create_node('subscriber', '\(socket)')")
            try connection.execute(
                """
                SELECT pglogical.create_subscription('bench', '\(address)', synchronize_structure := false,
                    synchronize_data := false)
                """)
        }
        try await state("replicating", at: target)
        try await target.run { try $0.execute("SELECT pglogical.alter_subscription_disable('bench', true)") }
        try await source.run { try JournalReplay.replay($0) }
        let began = ContinuousClock.now
        try await target.run { try $0.execute("SELECT pglogical.alter_subscription_enable('bench', true)") }
        let ended = try await ReplicationPeer.wait(for: Int64(backlog.events), at: target)
        let same = try await ReplicationPeer.contents(of: source) == ReplicationPeer.contents(of: target)
        for connection in [source, target] { await connection.close() }
        for server in [subscriber, provider] { await server.stop() }
        guard same else { throw Failure("pglogical's two sides differ.") }
        return Double(backlog.events) / (ended - began).seconds
    }

    private static func state(_ wanted: String, at connection: Connection) async throws {
        for _ in 0..<600 {
            let found: String? = try await connection.run { connection in
                try connection.query("SELECT status FROM pglogical.show_subscription_status('bench')").first?.get(0)
            }
            if found == wanted { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Failure("pglogical does not reach the state \(wanted).")
    }
}
