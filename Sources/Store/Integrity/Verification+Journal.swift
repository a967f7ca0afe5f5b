import Casework
import Cryptography
import Federation
import Postgres

extension VerificationRun {
    private static let page = 500

    /// Every event of every origin, in the order of their seq: the journal, and what is held apart.
    func checkJournal(_ report: inout VerificationReport) async throws {
        let total = try await query("SELECT coalesce(max(position), 0) FROM head")[0].get(0, as: Int.self)
        let loss = try await loss(&report)
        for origin in Origin.provinces + [.hub] {
            var check = ChainCheck(
                origin: origin, isComplete: self.origin.isHub || origin == self.origin, loss: origin.isHub ? loss : nil)
            var place: (seq: Int64, incarnation: Int64) = (-1, 0)
            while true {
                let rows = try await page(of: origin, after: place)
                for row in rows { check.take(row, &report) }
                tell("journal", report.events, of: total)
                guard rows.count == Self.page, let last = rows.last else { break }
                place = (last.seq, last.incarnation)
            }
            if let loss, let note = check.note(on: loss) { report.notes.append(note) }
            if self.origin.isHub || origin.isHub || origin == self.origin { try await checkChains(check, &report) }
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

    /// Where a hub that was brought back from an older state may lack events of its own.
    private func loss(_ report: inout VerificationReport) async throws -> ChainCheck.Loss? {
        guard origin.isHub else { return nil }
        let facts = try await query("SELECT value FROM facts WHERE name = 'restored'")
        guard let lines = try facts.first?.get(0, as: String.self).split(separator: "\n") else { return nil }
        let present = try await query("SELECT incarnation FROM head WHERE origin = $1", [.text(origin.code)])
        let floors = lines.dropFirst().compactMap { ChainHead(line: $0) }
        guard let since = lines.first.flatMap({ Instant(rfc3339: String($0)) }), floors.count == lines.count - 1 else {
            report.add(fault: "facts restored: cannot be read")
            return nil
        }
        return ChainCheck.Loss(since: since, floors: floors, present: try present.first?.get(0) ?? 0)
    }

    private func page(of origin: Origin, after place: (seq: Int64, incarnation: Int64)) async throws -> [StoredEvent] {
        try await query(
            """
            SELECT * FROM (
                SELECT j.origin, j.seq, j.incarnation, j.hash, j.case_id, j.envelope, p.state, p.part, false AS is_held
                FROM (
                    SELECT * FROM journal WHERE origin = $1 AND (seq, incarnation) > ($2, $3)
                    ORDER BY seq, incarnation LIMIT \(Self.page)
                ) j LEFT JOIN LATERAL (
                    SELECT state, part FROM parts
                    WHERE origin = j.origin AND seq = j.seq AND incarnation = j.incarnation OFFSET 0
                ) p ON true
                UNION ALL (
                    SELECT origin, seq, incarnation, hash, case_id, envelope, part_state, part, true FROM held_events
                    WHERE origin = $1 AND (seq, incarnation) > ($2, $3)
                    ORDER BY seq, incarnation LIMIT \(Self.page)
                )
            ) accepted
            ORDER BY seq, incarnation LIMIT \(Self.page)
            """,
            [.text(origin.code), .int64(place.seq), .int64(place.incarnation)]
        ).map { try StoredEvent($0) }
    }
}

/// A row of the journal with its part, or of what is held apart, as stored.
struct StoredEvent: Sendable {
    var origin: String
    var seq, incarnation: Int64
    var hash: [UInt8]
    var caseID: [UInt8]?
    var envelope: [UInt8]
    var partState: Int16?
    var part: [UInt8]?
    var isHeld: Bool

    init(_ row: Row) throws {
        origin = try row.get(0)
        seq = try row.get(1)
        incarnation = try row.get(2)
        hash = try row.get(3)
        caseID = try row.get(4)
        envelope = try row.get(5)
        partState = try row.get(6)
        part = try row.get(7)
        isHeld = try row.get(8)
    }

    var name: String { Self.name(origin, seq, incarnation) }

    static func name(_ origin: String, _ seq: Int64, _ incarnation: Int64) -> String {
        "\(origin) seq \(seq) (incarnation \(Receipt.hex(UInt64(stored: incarnation))))"
    }
}
