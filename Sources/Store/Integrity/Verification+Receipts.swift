import Casework
import Cryptography
import Federation
import Postgres

extension VerificationRun {
    private static let page = 500

    /// Each receipt of the hub: signed by one of the given keys, and for events that are here.
    func checkReceipts(_ report: inout VerificationReport) async throws {
        var place: (incarnation: Int64, seq: Int64) = (.min, -1)
        while true {
            let rows = try await query(
                """
                SELECT seq, incarnation, heads, committed_at, position, signature FROM acknowledgements
                WHERE (incarnation, seq) > ($1, $2) ORDER BY incarnation, seq LIMIT \(Self.page)
                """, [.int64(place.incarnation), .int64(place.seq)]
            ).map { try StoredReceipt($0) }
            let known = try await hashes(at: rows.flatMap(\.heads))
            for row in rows { check(row, known, &report) }
            tell("receipts", report.receipts + report.uncheckedReceipts)
            guard rows.count == Self.page, let last = rows.last else { return }
            place = (last.incarnation, last.seq)
        }
    }

    private func check(
        _ row: StoredReceipt, _ known: [ChainPlace: EventHash], _ report: inout VerificationReport
    ) {
        func fault(_ reason: String) {
            let place = StoredEvent.name(origin.code, row.seq, row.incarnation)
            report.add(fault: "acknowledgements \(place): \(reason)")
        }
        let isNamed = row.heads.contains { $0.seq.stored == row.seq && $0.incarnation.stored == row.incarnation }
        if !isNamed { fault("its heads name other events") }
        for head in row.heads {
            let place = ChainPlace(incarnation: head.incarnation, seq: head.seq)
            if known[place] != head.hash { fault("seq \(head.seq) is not in the journal with the hash it names") }
        }
        guard !receiptKeys.isEmpty else {
            report.uncheckedReceipts += 1
            return
        }
        report.receipts += 1
        let text = Receipt.text(
            origin: origin, heads: row.heads, committedAt: row.committedAt, position: row.position)
        if !receiptKeys.contains(where: { $0.verify(row.signature, text) }) {
            fault("its signature is none of the hub's")
        }
    }

    private func hashes(at heads: [ChainHead]) async throws -> [ChainPlace: EventHash] {
        let rows = try await query(
            """
            SELECT j.incarnation, j.seq, j.hash
            FROM unnest($2::bigint[], $3::bigint[]) AS place (seq, incarnation)
            JOIN journal j ON j.origin = $1 AND j.seq = place.seq AND j.incarnation = place.incarnation
            """,
            [
                .text(origin.code), .int64Array(heads.map(\.seq.stored)),
                .int64Array(heads.map(\.incarnation.stored)),
            ])
        var hashes: [ChainPlace: EventHash] = [:]
        for row in rows {
            hashes[ChainPlace(incarnation: try row.number(0), seq: try row.number(1))] = try row.hash(2)
        }
        return hashes
    }
}

private struct StoredReceipt: Sendable {
    var seq, incarnation: Int64
    var heads: [ChainHead]
    var committedAt: Instant
    var position: UInt64
    var signature: [UInt8]

    init(_ row: Row) throws {
        seq = try row.get(0)
        incarnation = try row.get(1)
        heads = pieces(try row.get(2), of: 48).compactMap { ChainHead(stored: $0) }
        committedAt = try row.instant(3)
        position = try row.number(4)
        signature = try row.get(5)
    }
}
