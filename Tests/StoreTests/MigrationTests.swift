import Casework
import Federation
import Testing

@testable import Postgres
@testable import Store

/// A database that an earlier version wrote, brought up to this one.
@Suite struct MigrationTests {
    /// Saves events as versions before 004 did.
    private func save(_ numbered: [Commit.Numbered], _ database: Database) async throws {
        let events = numbered.map(\.event)
        for origin in Set(events.map(\.origin)) {
            _ = try await PostgresStore(database: database, hashing: sha256).takeOver(origin, token: 1)
        }
        try await database.readers.run { connection in
            try connection.query(
                """
                INSERT INTO journal (origin, seq, incarnation, hash, case_id, position, envelope)
                SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bytea[], $5::uuid[], $6::bigint[],
                    $7::bytea[])
                """,
                [
                    .textArray(events.map(\.origin.code)), .int64Array(events.map(\.envelope.seq.stored)),
                    .int64Array(events.map(\.envelope.incarnation.stored)), .byteaArray(events.map(\.hash.bytes)),
                    .uuidArray(events.compactMap(\.caseID?.bytes)), .int64Array(numbered.map(\.position.stored)),
                    .byteaArray(events.map(\.bytes)),
                ])
            try connection.query(
                """
                INSERT INTO parts
                SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bytea[])
                """,
                [
                    .textArray(events.map(\.origin.code)), .int64Array(events.map(\.envelope.seq.stored)),
                    .int64Array(events.map(\.envelope.incarnation.stored)), .int16Array(events.map { _ in 1 }),
                    .byteaArray(events.compactMap(\.part.bytes)),
                ])
        }
    }

    /// Those columns of a case's row that there were.
    private func saveCase(_ id: CaseID, _ office: ContractOffice, _ database: Database) async throws {
        let record = try #require(office.records[id])
        let row = try #require(CaseRow(record, position: office.position))
        try await database.readers.run { connection in
            _ = try connection.query(
                """
                INSERT INTO cases VALUES ($1, $2, 'IR-03', 'IR-03', 'IR-03', 0, 'registered', NULL, 'complaint',
                    'phone', 'water', 'normal', NULL, $3, $4, $5, NULL, true, true, false, 0, 0, 0, $6, $7)
                """,
                [
                    .uuid(id.bytes), .text(row.trackingCode), Parameter(row.subject),
                    Parameter(timestamp: row.registeredAt?.stored), Parameter(timestamp: row.deadline?.stored),
                    .int(row.revision), .int64(row.position.stored),
                ])
            _ = try connection.query(
                "INSERT INTO case_origins VALUES ($1, $2)",
                [
                    .uuid(id.bytes), .int64(office.origin.mask | Origin.hub.mask),
                ])
            try connection.execute("INSERT INTO figures VALUES ('IR-03', 1, 1, 0, 0, 0, 0)")
        }
    }

    @Test func aNodesDatabaseGoesOn() async throws {
        let database = try await ContractServer.open(ContractServer.newDatabase(isMigrated: false))
        try await database.migrate(Array(Migration.all.prefix(3)))
        var office = ContractOffice(incarnation: .max)
        let event = try office.register()
        let id = try #require(event.caseID)
        var events = [event] + (try (0..<2).map { _ in try office.note(id) })
        let third = office.writer.head
        office.restart(5)
        events += try (0..<2).map { _ in try office.note(id) }
        let fifth = office.writer.head
        var hub = ContractOffice("hub", seed: 4, incarnation: 0xA)
        hub.restart(0xA, from: ChainHead(incarnation: 9, seq: 6, hash: sha256([7])))
        let fromHub = try hub.note(id)
        let numbered = office.batch(events + [fromHub]).effects.numbered
        try await save(numbered, database)
        try await saveCase(id, office, database)
        let heads = third.stored + fifth.stored
        let cursor = "\(Receipt.hex(.max - 6)):12:\(fromHub.hash)"
        try await database.readers.run { connection in
            try connection.query(
                "INSERT INTO acknowledgements VALUES (5, 5, $1, now(), 9, '')", [.bytea(heads)])
            try connection.query("INSERT INTO facts VALUES ('feed_cursor', $1)", [.text(cursor)])
            try connection.query(
                "INSERT INTO chains VALUES ('hub', 10, 7, $1), ('IR-05', 1, 1, $1)", [.bytea(fromHub.hash.bytes)])
            try connection.execute("DELETE FROM head WHERE origin = 'hub'")
            try connection.query(
                "UPDATE head SET incarnation = 5, seq = 5, hash = $1, position = 6", [.bytea(fifth.hash.bytes)])
            try connection.query(
                "INSERT INTO search VALUES ($1, ' آب'), (gen_random_uuid(), ' برق')", [.uuid(id.bytes)])
        }

        try await database.migrate()
        let store = PostgresStore(database: database, hashing: sha256)
        let chains = try await store.chains()
        #expect(
            chains == [
                office.origin: ChainTree(chains: [
                    Chain(parent: 0, first: 1, head: third), Chain(parent: .max, first: 4, head: fifth),
                ]),
                .hub: ChainTree(chains: [Chain(parent: 0, first: 7, head: hub.writer.head)]),
            ])
        #expect(chains[office.origin] == office.trees[office.origin])
        #expect(try await store.acknowledged() == [.max: 3, 5: 5])
        #expect(try await store.acknowledgement(covering: events[0].envelope.place)?.position == 9)
        #expect(
            try await store.feedCursors() == [
                FeedCursor(hubIncarnation: .max - 6, seq: 12, hash: fromHub.hash)
            ])
        let searched = try await database.readers.run { connection in
            try connection.query("SELECT id, document FROM search JOIN cases USING (id, registered_at)")
        }
        #expect(try searched.map { try $0.caseID(0) } == [id] && searched[0].get(1, as: String.self) == " آب")
        let digest = try #require(office.records[id]).digest(sha256)
        #expect(try await store.digests(of: [id]) == [CaseDigest(caseID: id, digest: digest)])
        let report = try await Verification.run(
            database: database, store: store, origin: office.origin, receiptKeys: [])
        #expect(report.faults == [] && report.events == 6)
        await store.close()
        await database.close()
    }

    @Test func aHubsFeedsKeepTheirGeneration() async throws {
        let database = try await ContractServer.open(ContractServer.newDatabase(isMigrated: false))
        try await database.migrate(Array(Migration.all.prefix(3)))
        var office = ContractOffice("hub")
        let event = try office.register()
        try await save(office.batch([event]).effects.numbered, database)
        let (there, generation) = (Origin.provinces[7], UInt64.max - 1)
        try await database.readers.run { connection in
            try connection.query(
                "INSERT INTO feeds VALUES ('IR-07', 1, 'hub', 1, $1, true)",
                [.int64(event.envelope.incarnation.stored)])
            try connection.query(
                "INSERT INTO facts VALUES ('feed_generation', $1)", [.text(Receipt.hex(generation))])
        }
        try await database.migrate()
        let store = PostgresStore(database: database, hashing: sha256)
        let cursor = FeedCursor(hubIncarnation: generation, seq: 1, hash: event.hash)
        #expect(try await store.feed(of: there, after: 0).map(\.cursor) == [cursor])
        #expect(try await store.feedFacts(of: there, [cursor]) == [FeedFact(hash: event.hash, end: cursor)])
        let facts = try await database.readers.run { try $0.query("SELECT name FROM facts") }
        #expect(facts.isEmpty)
        #expect(try await store.chains()[.hub]?.latest == office.writer.head)
        await store.close()
        await database.close()
    }
}
