import Foundation
import TestDoors
import Testing

/// The invariants that hold once a country is quiet again, whatever happened in it:
/// - every acknowledged registration exists exactly once at its origin, at the hub, and wherever else it is entitled;
/// - every chain verifies, and offices that share a case hold the same events of it;
/// - every figure equals its recount.
struct Checker: Sendable {
    let country: Country
    let ledger: Ledger
    /// Whose journal may have more than one line: it was restored while nobody could tell it what it had forgotten.
    var branched: Set<String> = []
    /// Acknowledged by whoever speaks on the link without a node, by origin.
    var voiceless: [String: Int] = [:]

    /// Waits until everything has arrived, then looks at all of it.
    func check() async throws {
        for node in country.nodes { try await node.settled() }
        try await checkReceipts()
        try await checkWrites()
        try await checkReplicas()
        try await checkChains()
        try await checkFigures()
        try await verify()
    }

    // MARK: Promises

    /// Where a receipt says that its event lies, there it lies, and nowhere else.
    private func checkReceipts() async throws {
        let receipts = ledger.receipts
        #expect(Set(receipts.map(\.hash)).count == receipts.count, "two registrations share an event")
        #expect(Set(receipts.map(\.id)).count == receipts.count, "two registrations share a case")
        for node in country.nodes {
            let own = receipts.filter { $0.origin == node.code }
            for office in [node, country.hub] {
                let places = try await journal(at: office, where: "origin = '\(node.code)'")
                let byHash = Dictionary(grouping: places, by: \.hash)
                for receipt in own {
                    let found = byHash[receipt.hash] ?? []
                    #expect(found.count == 1, "\(receipt) is \(found.count) times at \(office.code)")
                    #expect(found.allSatisfy { $0.seq == receipt.seq && $0.caseID == receipt.id })
                }
            }
        }
    }

    /// As many events of its home's people on each case as were acknowledged: none is lost, none was done twice. What
    /// an office writes by itself, such as that it has a case back, nobody was promised: its actor's role, field 2,
    /// is `system`.
    private func checkWrites() async throws {
        for node in country.nodes {
            let rows = try await node.database.rows(
                """
                SELECT case_id, count(*) FROM journal
                WHERE origin = '\(node.code)' AND position('\\x120673797374656d'::bytea IN envelope) = 0
                GROUP BY case_id
                """)
            let counts = Dictionary(rows.map { ($0[0], Int($0[1]) ?? 0) }, uniquingKeysWith: +)
            let own = Set(ledger.receipts.filter { $0.origin == node.code }.map(\.id))
            for (id, expected) in ledger.writes where own.contains(id) && counts[id] != expected {
                let events = try await node.server.get("/cases/\(id)/events").list("items")
                let types = events.map { "\($0["origin"]?.string ?? "") \($0["type"]?.string ?? "")" }
                Issue.record("\(node.code) on \(id): \(counts[id] ?? 0) of \(expected) that were promised: \(types)")
            }
            let unknown = counts.filter { ledger.writes[$0.key] == nil }.count
            #expect(unknown == 0, "\(unknown) cases of \(node.code) were never acknowledged, nor known to any caller")
        }
    }

    // MARK: Replicas

    struct Place: Hashable {
        var caseID, origin, incarnation, hash: String
        var seq: Int
    }

    func journal(at office: Office, where condition: String = "true") async throws -> [Place] {
        try await office.database.rows(
            """
            SELECT case_id, origin, to_hex(incarnation), encode(hash, 'hex'), seq FROM journal WHERE \(condition)
            """
        ).map { row in
            Place(caseID: row[0], origin: row[1], incarnation: row[2], hash: row[3], seq: Int(row[4]) ?? 0)
        }
    }

    /// What a node holds is what the hub holds of the cases that the node is entitled to; the feed may be on its way.
    private func checkReplicas() async throws {
        for node in country.nodes {
            let ids = entitled(node.code).map { "'\($0)'" }.joined(separator: ",")
            guard !ids.isEmpty else { continue }
            var (here, there) = (Set<Place>(), Set<Place>())
            do {
                _ = try await eventually("\(node.code) holds what the hub holds", within: .seconds(60)) {
                    here = Set(try await journal(at: node))
                    there = Set(try await journal(at: country.hub, where: "case_id IN (\(ids))"))
                    return here == there ? true : nil
                }
            } catch let fault as Fault {
                let missing = "\(there.subtracting(here).prefix(3)) are not at \(node.code)"
                throw Fault("\(fault)\n\(missing), \(here.subtracting(there).prefix(3)) not at the hub")
            }
        }
    }

    private func entitled(_ code: String) -> [String] {
        let own = ledger.receipts.filter { $0.origin == code }.map(\.id)
        let given = ledger.seats.filter { $0.value.contains(code) }.map(\.key)
        return Set(own + given).sorted()
    }

    // MARK: Chains

    /// No place of a chain is used twice, and each event names the one before it. In SQL, apart from the program's own
    /// check: `prev_hash` is field 6 of an envelope, 32 bytes.
    private func checkChains() async throws {
        let orphans = """
            SELECT count(*) FROM journal e WHERE seq > 1 AND NOT EXISTS (
                SELECT 1 FROM journal p WHERE p.origin = e.origin AND p.seq = e.seq - 1
                    AND position('\\x3220'::bytea || p.hash IN e.envelope) > 0)
            """
        #expect(try await country.hub.database.count(orphans) == 0, "events at the hub without the one before")
        for node in country.nodes {
            let own = orphans + " AND e.origin = '\(node.code)'"
            #expect(try await node.database.count(own) == 0, "events of \(node.code) without the one before")
        }
        let shape = """
            SELECT origin, count(*), count(DISTINCT seq), max(seq), count(DISTINCT hash) FROM journal GROUP BY origin
            """
        for row in try await country.hub.database.rows(shape) {
            #expect(row[1] == row[4], "an event is twice at the hub: \(row)")
            #expect(row[2] == row[3], "seqs of \(row[0]) are not dense: \(row)")
            if !branched.contains(row[0]) { #expect(row[1] == row[2], "a seq of \(row[0]) was used twice: \(row)") }
        }
    }

    // MARK: Figures

    private func checkFigures() async throws {
        let overview = try await country.hub.server.get("/overview")
        let recount = try await country.hub.database.rows(
            """
            SELECT home, count(*) FILTER (WHERE status <> 'newEvent'),
                count(*) FILTER (WHERE is_open AND status <> 'newEvent'),
                count(*) FILTER (WHERE status = 'disputed'), count(*) FILTER (WHERE conflicts > 0)
            FROM cases GROUP BY home
            """)
        let provinces = try overview.list("provinces")
        var total = 0
        for row in recount {
            let province = try #require(provinces.first { $0["code"]?.string == row[0] })
            let shown = try ["registered", "open", "disputed", "conflicts"].map { String(try province.number($0)) }
            #expect(shown == Array(row[1...]), "\(row[0]): figures \(shown), recount \(row[1...])")
            let promised = ledger.registered(of: row[0]) + (voiceless[row[0]] ?? 0)
            #expect(row[1] == String(promised), "\(row[0]): \(row[1]) registered, \(promised) promised")
            total += promised
        }
        #expect(try overview.number("registered") == total)
        #expect(ledger.receipts.count + voiceless.values.reduce(0, +) == total, "a province is missing")
    }

    /// The program's own check of journals, receipts, state and figures, for each database.
    private func verify() async throws {
        let key = country.certificates.appending(path: "hub/receipt.pem").path
        for office in country.offices {
            let result = try await Demo.peyvand(
                ["verify", "--directory", office.folder.path, "--hub-receipt-certificate", key])
            #expect(result.code == 0, "verify of \(office.code): \(result.output) \(result.errors)")
        }
    }
}
