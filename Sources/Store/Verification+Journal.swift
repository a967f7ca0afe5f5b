import Casework
import Cryptography
import Federation
import Postgres

extension VerificationRun {
    private static let page = 500

    /// Every event of every origin, in the order of their seq.
    func checkJournal(_ report: inout VerificationReport) async throws {
        let total = try await query("SELECT coalesce(max(position), 0) FROM head")[0].get(0, as: Int.self)
        for origin in Origin.provinces + [.hub] {
            var check = ChainCheck(origin: origin, isComplete: self.origin.isHub || origin == self.origin)
            var place: (seq: Int64, incarnation: Int64) = (-1, 0)
            while true {
                let rows = try await page(of: origin, after: place)
                for row in rows { check.take(row, &report) }
                tell("journal", report.events, of: total)
                guard rows.count == Self.page, let last = rows.last else { break }
                place = (last.seq, last.incarnation)
            }
        }
        let orphans = try await query(
            """
            SELECT origin, seq, incarnation FROM parts p WHERE NOT EXISTS (
                SELECT 1 FROM journal j
                WHERE j.origin = p.origin AND j.seq = p.seq AND j.incarnation = p.incarnation
            ) ORDER BY origin, seq, incarnation LIMIT \(VerificationReport.maximumFaults)
            """)
        for row in orphans {
            let place = StoredEvent.name(try row.get(0), try row.get(1), try row.get(2))
            report.add(fault: "parts \(place): belongs to no event")
        }
    }

    private func page(of origin: Origin, after place: (seq: Int64, incarnation: Int64)) async throws -> [StoredEvent] {
        try await query(
            """
            SELECT j.origin, j.seq, j.incarnation, j.hash, j.case_id, j.envelope, p.state, p.part
            FROM (
                SELECT * FROM journal WHERE origin = $1 AND (seq, incarnation) > ($2, $3)
                ORDER BY seq, incarnation LIMIT \(Self.page)
            ) j LEFT JOIN LATERAL (
                SELECT state, part FROM parts
                WHERE origin = j.origin AND seq = j.seq AND incarnation = j.incarnation OFFSET 0
            ) p ON true
            ORDER BY j.seq, j.incarnation
            """,
            [.text(origin.code), .int64(place.seq), .int64(place.incarnation)]
        ).map { try StoredEvent($0) }
    }

    /// What the writer and the chains continue from must be in the journal.
    func checkHeads(_ report: inout VerificationReport) async throws {
        let rows = try await query(
            """
            SELECT place.kind, place.origin, place.seq, place.incarnation, j.hash IS NULL
            FROM (
                SELECT 'head' AS kind, origin, seq, incarnation, hash FROM head WHERE seq > 0
                UNION ALL SELECT 'chains', origin, seq, incarnation, hash FROM chains
            ) place LEFT JOIN journal j ON j.origin = place.origin AND j.seq = place.seq
                AND j.incarnation = place.incarnation
            WHERE j.hash IS DISTINCT FROM place.hash
            ORDER BY 1, 2, 3, 4
            """)
        for row in rows {
            let place = StoredEvent.name(try row.get(1), try row.get(2), try row.get(3))
            let reason = try row.get(4) ? "the journal has no such event" : "the journal has another event there"
            report.add(fault: "\(try row.get(0, as: String.self)) \(place): \(reason)")
        }
        let place = "the event of the feed's cursor is not in the journal"
        do {
            guard let cursor = try await store.feedCursor() else { return }
            let found = try await query("SELECT 1 FROM journal WHERE hash = $1 LIMIT 1", [.bytea(cursor.hash.bytes)])
            if found.isEmpty { report.add(fault: "facts feed_cursor: \(place)") }
        } catch let error as StoreError {
            report.add(fault: "facts feed_cursor: cannot be read (\(error))")
        }
    }
}

/// A row of the journal with its part, as stored.
struct StoredEvent: Sendable {
    var origin: String
    var seq, incarnation: Int64
    var hash: [UInt8]
    var caseID: [UInt8]?
    var envelope: [UInt8]
    var partState: Int16?
    var part: [UInt8]?

    init(_ row: Row) throws {
        origin = try row.get(0)
        seq = try row.get(1)
        incarnation = try row.get(2)
        hash = try row.get(3)
        caseID = try row.get(4)
        envelope = try row.get(5)
        partState = try row.get(6)
        part = try row.get(7)
    }

    var name: String { Self.name(origin, seq, incarnation) }

    static func name(_ origin: String, _ seq: Int64, _ incarnation: Int64) -> String {
        "\(origin) seq \(seq) (incarnation \(Receipt.hex(UInt64(stored: incarnation))))"
    }
}

/// Checks one origin's events, given in the order of (seq, incarnation). Remembers one level of the tree only.
struct ChainCheck {
    let origin: Origin
    /// Whether this server must hold all of it; if not, only neighbours that are here are compared.
    let isComplete: Bool
    private var seq: Int64 = 0
    /// By incarnation: what the events at `seq` and at the seq before are known as.
    private var level: [Int64: [EventHash]] = [:]
    private var before: [Int64: [EventHash]] = [:]

    init(origin: Origin, isComplete: Bool) { (self.origin, self.isComplete) = (origin, isComplete) }

    mutating func take(_ row: StoredEvent, _ report: inout VerificationReport) {
        report.events += 1
        if row.seq != seq {
            before = row.seq == seq + 1 ? level : [:]
            level = [:]
            seq = row.seq
        }
        let computed = Digest.hashing(row.envelope)
        let stored = EventHash(row.hash)
        // A row whose hash is wrong is named once; its successor may have known it by either.
        level[row.incarnation] = stored == computed ? [computed] : [computed] + (stored.map { [$0] } ?? [])
        func fault(_ reason: String) { report.add(fault: "journal \(row.name): \(reason)") }
        guard stored == computed else { return fault("hash does not match its bytes") }
        let event: Event
        do {
            event = try Event(bytes: row.envelope, part: .none, hashing: Digest.hashing)
        } catch {
            return fault("its bytes are no event (\(error))")
        }
        let envelope = event.envelope
        if envelope.origin.code != row.origin || envelope.seq.stored != row.seq
            || envelope.incarnation.stored != row.incarnation
        {
            let named = StoredEvent.name(envelope.origin.code, envelope.seq.stored, envelope.incarnation.stored)
            fault("its envelope says \(named)")
        }
        if envelope.caseID?.bytes != row.caseID { fault("its envelope names another case") }
        if let reason = brokenLink(envelope) { fault(reason) }
        checkPart(of: event, row, &report)
    }

    private func brokenLink(_ envelope: Envelope) -> String? {
        if envelope.seq == 1 { return envelope.previous == .zero ? nil : "the first event names a predecessor" }
        if let own = before[envelope.incarnation.stored] {
            return own.contains(envelope.previous) ? nil : "does not continue the event before it"
        }
        guard isComplete else { return nil }
        if before.values.contains(where: { $0.contains(envelope.previous) }) { return nil }
        return before.isEmpty ? "the event before it is missing" : "does not continue any event before it"
    }

    private func checkPart(of event: Event, _ row: StoredEvent, _ report: inout VerificationReport) {
        func fault(_ reason: String) { report.add(fault: "parts \(row.name): \(reason)") }
        switch (row.partState, event.envelope.partHash) {
        case (nil, nil): break
        case (nil, _): fault("is missing; it may be withheld or erased, but must say so")
        case (_, nil): fault("its event names no part")
        case (1, let named):
            guard let part = row.part else { return fault("is marked present but has no bytes") }
            guard Digest.hashing(part) == named else { return fault("does not have the hash that its event names") }
            report.parts += 1
        case (2, _), (3, _):
            if row.part != nil { fault("is marked withheld or erased but has bytes") }
        default: fault("has the unknown state \(row.partState ?? 0)")
        }
    }
}
