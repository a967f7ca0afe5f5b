import Casework
import Cryptography
import Federation
import Postgres

/// Checks that one origin's events, given in the order of (seq, incarnation), are a tree of chains. Remembers one
/// level of the tree, and the end of each chain.
struct ChainCheck {
    /// One incarnation's events, as far as they were given.
    struct Line {
        /// The incarnation that its first event continues; 0 at the root, and where that is not here.
        var parent: Int64
        var first: Int64
        var last: Int64
        /// What its last event is known as.
        var hashes: [EventHash]
    }

    /// What a hub that was brought back from an older state may have lost for ever: its own events beyond what it had
    /// then, which no node holds. What it writes now has no holes.
    struct Loss {
        let since: Instant
        let floors: [ChainHead]
        let present: Int64

        func allows(_ incarnation: Int64, from seq: Int64) -> Bool {
            let floor = floors.first { $0.incarnation.stored == incarnation }?.seq.stored ?? 0
            return incarnation != present && seq > floor
        }
    }

    let origin: Origin
    /// Whether this server must hold all of it; if not, only neighbours that are here are compared.
    let isComplete: Bool
    let loss: Loss?
    private(set) var lines: [Int64: Line] = [:]
    private var holes = 0
    private var missing: Int64 = 0
    private var seq: Int64 = 0
    /// By incarnation: what the events at `seq` and at the seq before are known as.
    private var level: [Int64: [EventHash]] = [:]
    private var before: [Int64: [EventHash]] = [:]

    init(origin: Origin, isComplete: Bool, loss: Loss?) {
        (self.origin, self.isComplete, self.loss) = (origin, isComplete, loss)
    }

    /// What is missing because of the loss, if anything is.
    func note(on loss: Loss) -> String? {
        guard holes > 0 else { return nil }
        return "journal \(origin.code): at \(holes) places \(missing) events or more are missing, which no node has "
            + "returned since this hub was brought back from an older state on \(loss.since.rfc3339)"
    }

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
        let hashes = stored == computed ? [computed] : [computed] + (stored.map { [$0] } ?? [])
        let line = lines[row.incarnation]
        level[row.incarnation] = hashes
        lines[row.incarnation] = Line(
            parent: line?.parent ?? 0, first: line?.first ?? row.seq, last: row.seq, hashes: hashes)
        func fault(_ reason: String) {
            report.add(fault: "\(row.isHeld ? "held_events" : "journal") \(row.name): \(reason)")
        }
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
        if let reason = brokenLink(envelope.previous, row, line) { fault(reason) }
        checkPart(of: event, row, &report)
    }

    // MARK: Links

    /// - Parameter line: its incarnation's, as it stood before this event.
    private mutating func brokenLink(_ previous: EventHash, _ row: StoredEvent, _ line: Line?) -> String? {
        guard let line else { return brokenBeginning(previous, row) }
        if line.last == row.seq { return "stands in the journal and among the held events" }
        guard line.last == row.seq - 1 else { return hole(row, after: line.last) }
        return line.hashes.contains(previous) ? nil : "does not continue the event before it"
    }

    /// An incarnation's first event continues its parent's event before it.
    private mutating func brokenBeginning(_ previous: EventHash, _ row: StoredEvent) -> String? {
        if row.seq == 1 { return previous == .zero ? nil : "the first event names a predecessor" }
        guard isComplete else { return nil }
        if let parent = before.first(where: { $0.key != row.incarnation && $0.value.contains(previous) })?.key {
            lines[row.incarnation]?.parent = parent
            return nil
        }
        let isLost = loss?.allows(row.incarnation, from: 1) ?? false
        return before.isEmpty || isLost ? hole(row, after: nil) : "does not continue any event before it"
    }

    /// Events before this one are not here.
    private mutating func hole(_ row: StoredEvent, after last: Int64?) -> String? {
        guard isComplete else { return nil }
        guard let loss, loss.allows(row.incarnation, from: (last ?? 0) + 1) else {
            return "the event before it is missing"
        }
        holes += 1
        missing += last.map { row.seq - $0 - 1 } ?? 1
        return nil
    }

    // MARK: Parts

    private func checkPart(of event: Event, _ row: StoredEvent, _ report: inout VerificationReport) {
        func fault(_ reason: String) {
            report.add(fault: "\(row.isHeld ? "held_events" : "parts") \(row.name): \(reason)")
        }
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

extension VerificationRun {
    /// What is kept of each chain is what its events make it. The server may have moved on since they were read.
    func checkChains(_ check: ChainCheck, _ report: inout VerificationReport) async throws {
        let rows = try await query(
            "SELECT incarnation, seq, parent, first FROM chains WHERE origin = $1", [.text(check.origin.code)])
        var kept: [Int64: (last: Int64, parent: Int64, first: Int64)] = [:]
        for row in rows { kept[try row.get(0)] = (try row.get(1), try row.get(2), try row.get(3)) }
        for (incarnation, line) in check.lines.sorted(by: { $0.value.first < $1.value.first }) {
            func fault(_ reason: String) {
                let place = StoredEvent.name(check.origin.code, line.last, incarnation)
                report.add(fault: "chains \(place): \(reason)")
            }
            guard let chain = kept[incarnation] else {
                fault("is missing")
                continue
            }
            if chain.last < line.last { fault("is said to end at seq \(chain.last)") }
            if chain.first > line.first { fault("is said to begin at seq \(chain.first), not \(line.first)") }
            // Where a parent came back after its child, it is not known as such.
            let isUnknown = chain.parent == 0 && check.loss != nil
            if chain.first == line.first, chain.parent != line.parent, !isUnknown {
                fault("is said to continue incarnation \(Receipt.hex(UInt64(stored: chain.parent)))")
            }
        }
    }

    /// What the writer, the chains and the feed continue from must be in the journal or held.
    func checkHeads(_ report: inout VerificationReport) async throws {
        let rows = try await query(
            """
            SELECT DISTINCT place.kind, place.origin, place.seq, place.incarnation, e.hash IS NULL
            FROM (
                SELECT 'head' AS kind, origin, seq, incarnation, hash FROM head WHERE seq > 0
                UNION ALL SELECT 'chains', origin, seq, incarnation, hash FROM chains
                UNION ALL SELECT 'chains', origin, first, incarnation, NULL FROM chains
            ) place LEFT JOIN LATERAL (
                SELECT hash FROM journal j
                WHERE j.origin = place.origin AND j.seq = place.seq AND j.incarnation = place.incarnation
                UNION ALL SELECT hash FROM held_events h
                WHERE h.origin = place.origin AND h.seq = place.seq AND h.incarnation = place.incarnation
            ) e ON true
            WHERE e.hash IS NULL OR e.hash <> place.hash
            ORDER BY 1, 2, 3, 4
            """)
        for row in rows {
            let place = StoredEvent.name(try row.get(1), try row.get(2), try row.get(3))
            let reason = try row.get(4) ? "the journal has no such event" : "the journal has another event there"
            report.add(fault: "\(try row.get(0, as: String.self)) \(place): \(reason)")
        }
        let cursors = try await query(
            """
            SELECT hub_incarnation, seq FROM feed_cursors c
            WHERE NOT EXISTS (SELECT 1 FROM journal j WHERE j.hash = c.hash) ORDER BY ordinal
            """)
        for row in cursors {
            let incarnation = Receipt.hex(try row.number(0))
            report.add(
                fault: "feed_cursors seq \(try row.number(1)) (hub incarnation \(incarnation)): "
                    + "its event is not in the journal")
        }
    }
}
