import Casework
import Cryptography
import Federation
import Postgres
import Testing

@testable import Store

@Suite struct VerificationTests {
    private static let key = SigningKey.generate()

    /// Thirty cases with notes and answers, and the hub's receipts for some of them.
    private func office() async throws -> ReadsOffice {
        let office = try await ReadsOffice()
        for index in 0..<30 {
            let id = try office.register(Texts(subject: "آب قطع است", citizenMobile: "09141234567"))
            try office.run(.note(text: "یادداشت"), on: id)
            if index % 3 == 0 { try office.run(.answer(text: "شد"), on: id) }
            guard index % 10 == 9 else { continue }
            try await office.save()
            let head = office.writer.head
            let text = Receipt.text(origin: office.origin, heads: [head], committedAt: office.now, position: 5)
            let signature = try Self.key.sign(text)
            try await office.store.record(
                Ack(heads: [head], committedAt: office.now, position: 5, signature: signature))
        }
        try await office.project()
        return office
    }

    private func verify(_ office: ReadsOffice, keys: [SigningKey] = [key]) async throws -> VerificationReport {
        try await Verification.run(
            database: office.database, store: office.store, origin: office.origin,
            receiptKeys: keys.map { try VerifyingKey(raw: $0.publicKey) })
    }

    @Test func `what was written verifies, and rebuilding it changes nothing`() async throws {
        let office = try await office()
        let report = try await verify(office)
        #expect(report.faults == [] && report.isClean)
        #expect(report.events == 70 && report.parts == 70 && report.cases == 30 && report.receipts == 3)
        let rebuilt = try await Rebuild.run(database: office.database, store: office.store, origin: office.origin)
        #expect(rebuilt.differences == [] && rebuilt.isEqual && rebuilt.cases == 30)
        #expect(rebuilt.projected == ["search": 30, "clocks": 20, "outbox": 40])
        #expect(try await verify(office).isClean)
        // The journal goes on from there.
        try office.register()
        try await office.save()
        #expect(try await verify(office).isClean)
        await office.close()
    }

    @Test(arguments: [
        (
            "UPDATE journal SET envelope = set_byte(envelope, 90, get_byte(envelope, 90) # 1) WHERE seq = 17",
            "journal IR-03 seq 17 (incarnation 00000000000000a1): hash does not match its bytes"
        ),
        (
            "UPDATE journal SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE seq = 17",
            "journal IR-03 seq 17 (incarnation 00000000000000a1): hash does not match its bytes"
        ),
        (
            "UPDATE journal SET case_id = (SELECT case_id FROM journal WHERE seq = 1) WHERE seq = 17",
            "journal IR-03 seq 17 (incarnation 00000000000000a1): its envelope names another case"
        ),
        (
            "DELETE FROM journal WHERE seq = 17",
            "journal IR-03 seq 18 (incarnation 00000000000000a1): the event before it is missing"
        ),
        (
            "UPDATE parts SET part = set_byte(part, 20, get_byte(part, 20) # 1) WHERE seq = 17",
            "parts IR-03 seq 17 (incarnation 00000000000000a1): does not have the hash that its event names"
        ),
        (
            "DELETE FROM parts WHERE seq = 17",
            """
            parts IR-03 seq 17 (incarnation 00000000000000a1): is missing; it may be withheld or erased, but must say so
            """
        ),
        (
            "INSERT INTO parts VALUES ('IR-03', 999, 161, 2, NULL)",
            "parts IR-03 seq 999 (incarnation 00000000000000a1): belongs to no event"
        ),
        (
            "UPDATE head SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1)",
            "head IR-03 seq 70 (incarnation 00000000000000a1): the journal has another event there"
        ),
        (
            "UPDATE acknowledgements SET signature = set_byte(signature, 9, get_byte(signature, 9) # 1) WHERE seq = 70",
            "acknowledgements IR-03 seq 70 (incarnation 00000000000000a1): its signature is none of the hub's"
        ),
        (
            "UPDATE acknowledgements SET seq = seq - 1 WHERE seq = 70",
            "acknowledgements IR-03 seq 69 (incarnation 00000000000000a1): its heads name other events"
        ),
        ("UPDATE chains SET seq = 69", "chains IR-03 seq 70 (incarnation 00000000000000a1): is said to end at seq 69"),
        (
            "UPDATE chains SET seq = 69",
            "chains IR-03 seq 69 (incarnation 00000000000000a1): the journal has another event there"
        ),
        (
            "UPDATE chains SET first = 2",
            "chains IR-03 seq 70 (incarnation 00000000000000a1): is said to begin at seq 2, not 1"
        ),
        (
            "UPDATE chains SET first = 0",
            "chains IR-03 seq 0 (incarnation 00000000000000a1): the journal has no such event"
        ),
        (
            "UPDATE chains SET parent = 5",
            """
            chains IR-03 seq 70 (incarnation 00000000000000a1): is said to continue incarnation 0000000000000005
            """
        ),
        ("DELETE FROM chains", "chains IR-03 seq 70 (incarnation 00000000000000a1): is missing"),
        (
            "INSERT INTO feed_cursors VALUES (-1, 9, sha256('x'))",
            "feed_cursors seq 9 (hub incarnation ffffffffffffffff): its event is not in the journal"
        ),
        ("UPDATE figures SET open = open + 1", "figures IR-03: differ from a recount"),
        (
            "INSERT INTO days VALUES ('2020-01-01T00:00:00Z', 'IR-03', 0, 0, 1)",
            "days IR-03 2020-01-01T00:00:00Z: differ from a recount"
        ),
    ])
    func `one changed byte or row is named`(change: String, fault: String) async throws {
        let office = try await office()
        try await office.execute(change)
        let report = try await verify(office)
        #expect(report.faults.contains(fault), "\(report.faults)")
        await office.close()
    }

    @Test func `a case row that its events do not make is named, and rebuilt`() async throws {
        let office = try await office()
        let ids = office.records.keys.sorted()
        try await office.execute(
            """
            UPDATE cases SET status = 'closed', is_open = false WHERE id = '\(ids[3])';
            DELETE FROM cases WHERE id = '\(ids[5])';
            UPDATE cases SET pending = NOT pending, parked = NOT parked, digest = sha256('') WHERE id = '\(ids[6])';
            UPDATE search SET document = 'x' WHERE id = '\(ids[7])';
            INSERT INTO days VALUES ('2020-01-01T00:00:00Z', 'IR-03', 0, 1, 0);
            UPDATE clocks SET level = 1 WHERE case_id = '\(ids[8])';
            UPDATE outbox SET outcome = 'sent' WHERE case_id = '\(ids[9])';
            DELETE FROM clocks WHERE case_id = '\(ids[10])';
            INSERT INTO clocks SELECT '\(ids[0])', sha256('x'), kind, due, seat, holder, 0 FROM clocks LIMIT 1;
            INSERT INTO search VALUES ('00000000-0000-7000-8003-000000000000', NULL, 'x')
            """)
        let report = try await verify(office)
        #expect(report.faults.contains("cases \(ids[3]): differs from its events in status, isOpen"))
        #expect(report.faults.contains("cases \(ids[5]): is missing, but its events make a case"))
        #expect(report.faults.contains("cases \(ids[6]): differs from its events in pending, parked, digest"))
        for row in [
            "search \(ids[7])", "clocks \(ids[8])", "clocks \(ids[10])", "clocks \(ids[0])", "outbox \(ids[9])",
        ] {
            #expect(report.faults.contains("\(row): is not what its case says"))
        }
        #expect(report.faults.contains("search 00000000-0000-7000-8003-000000000000: has no case"))
        let rebuilt = try await Rebuild.run(database: office.database, store: office.store, origin: office.origin)
        for row in ["clocks \(ids[8])", "clocks \(ids[10])", "clocks \(ids[0])", "outbox \(ids[9])"] {
            #expect(rebuilt.differences.contains("\(row): was not what its case says"))
        }
        #expect(rebuilt.differences.contains("cases \(ids[3]): was not what its events make of it"))
        #expect(rebuilt.differences.contains("cases \(ids[5]): was missing"))
        #expect(rebuilt.differences.contains("days IR-03 2020-01-01T00:00:00Z: were not the count of its cases"))
        #expect(rebuilt.differences.contains("search \(ids[7]): was not what its case says"))
        #expect(try await verify(office).faults == [])
        #expect(try await Rebuild.run(database: office.database, store: office.store, origin: office.origin).isEqual)
        await office.close()
    }

    @Test func `receipts need the hub's key`() async throws {
        let office = try await office()
        let unchecked = try await verify(office, keys: [])
        #expect(unchecked.isClean && unchecked.uncheckedReceipts == 3 && unchecked.receipts == 0)
        #expect(try await verify(office, keys: [SigningKey.generate()]).faultCount == 3)
        #expect(try await verify(office, keys: [SigningKey.generate(), Self.key]).isClean)
        await office.close()
    }
}
