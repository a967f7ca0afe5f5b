import Casework
import Federation
import Postgres

/// The tables of a `MemoryStore`.
struct MemoryState: Sendable {
    struct Writer: Sendable {
        var head = StoredHead.empty
        var token: UInt64 = 0
    }

    struct Place: Sendable, Hashable {
        var origin: Origin
        var place: ChainPlace
    }

    var failures: [MemoryStore.Failure] = []
    var commits = 0

    var writers: [Origin: Writer] = [:]
    var journal: [Place: Commit.Numbered] = [:]
    /// The places of each origin and of each case, in the order of arrival.
    var lines: [Origin: [Place]] = [:]
    var places: [CaseID: [Place]] = [:]
    var cases: [CaseID: CaseRow] = [:]
    var codes: Set<String> = []
    /// Of each origin, the one extended last at the end.
    var chains: [Origin: [Chain]] = [:]
    var feeds: [Origin: [UInt64: Commit.Routed]] = [:]
    /// The newest at the end.
    var cursors: [FeedCursor] = []
    var reads: [Origin: UInt32] = [:]
    var replies: [IdempotencyKey: IdempotentReply] = [:]
    var acks: [ChainPlace: Ack] = [:]
    var alarms: [(origin: Origin, alarm: Alarm)] = []
    var quarantined: Set<Origin> = []
    /// In order of acceptance.
    var held: [Event] = []
    var fenced: [Origin: Set<UInt64>] = [:]
    var restoration: Restoration?
    var restoredAt: Instant?
    var reports: [Origin: NodeReport] = [:]
    /// Places whose bytes a test has damaged.
    var damaged: Set<Place> = []

    /// What PostgreSQL would refuse, refused before anything has changed.
    func check(_ batch: Commit) throws {
        guard let writer = writers[batch.origin], writer.token == batch.token,
            writer.head.head == batch.expected.head, writer.head.position == batch.expected.position
        else { throw StoreError.fenced }
        var newPlaces: Set<Place> = []
        for numbered in batch.effects.numbered {
            let place = Place(numbered.event)
            guard journal[place] == nil, newPlaces.insert(place).inserted else {
                throw PostgresError(.uniqueViolation, "another event has its place in the journal")
            }
        }
        newPlaces = []
        for event in batch.effects.held {
            let place = Place(event)
            guard !held.contains(where: { Place($0) == place }), newPlaces.insert(place).inserted else {
                throw PostgresError(.uniqueViolation, "another event has its place among those held")
            }
        }
        var newRows: Set<[String]> = []
        for routed in batch.effects.routed {
            guard feeds[routed.destination]?[routed.seq] == nil,
                newRows.insert([routed.destination.code, String(routed.seq)]).inserted
            else { throw PostgresError(.uniqueViolation, "another event has its place in the feed") }
        }
        var newKeys: Set<IdempotencyKey> = []
        for (key, _) in batch.replies {
            guard replies[key] == nil, newKeys.insert(key).inserted else { throw StoreError.duplicateKey }
        }
    }

    mutating func apply(_ batch: Commit) {
        commits += 1
        writers[batch.origin]?.head = batch.becomes
        for numbered in batch.effects.numbered {
            let place = Place(numbered.event)
            journal[place] = numbered
            lines[place.origin, default: []].append(place)
            if let id = numbered.event.caseID { places[id, default: []].append(place) }
        }
        for event in batch.effects.completed {
            let place = Place(event)
            guard event.part.bytes != nil, journal[place]?.event.part == .withheld else { continue }
            journal[place]?.event.part = event.part
        }
        for row in batch.cases {
            cases[row.id] = row
            codes.insert(row.trackingCode)
        }
        for (origin, chain) in batch.effects.chains {
            chains[origin, default: []].removeAll { $0.incarnation == chain.incarnation }
            chains[origin, default: []].append(chain)
        }
        for routed in batch.effects.routed { feeds[routed.destination, default: [:]][routed.seq] = routed }
        if let seq = batch.effects.rewound { cursors.removeAll { $0.seq > seq } }
        if let cursor = batch.effects.cursor {
            cursors.removeAll { $0.hubIncarnation == cursor.hubIncarnation }
            cursors.append(cursor)
        }
        for (key, reply) in batch.replies { replies[key] = reply }
        alarms += batch.effects.alarms
        applyChoices(batch)
    }

    /// Quarantine, restoration, and what the hub lets this node write.
    private mutating func applyChoices(_ batch: Commit) {
        held += batch.effects.held
        if !batch.effects.released.isEmpty {
            let released = Set(batch.effects.released)
            held.removeAll { released.contains($0.hash) }
        }
        quarantined.subtract(batch.effects.lifted)
        quarantined.formUnion(batch.effects.quarantined)
        for (origin, incarnation) in batch.effects.fenced { fenced[origin, default: []].insert(incarnation) }
        if let restoration = batch.effects.restoration {
            self.restoration = restoration
            restoredAt = nil
        }
        for (origin, schema) in batch.effects.reads { reads[origin] = schema }
    }

    /// An event of the journal, as it is read.
    func event(at place: Place) throws -> Event? {
        guard let event = journal[place]?.event else { return nil }
        guard !damaged.contains(place) else {
            throw StoreError.corrupt(event.caseID, "\(place.origin.code) \(place.place.seq)")
        }
        return event
    }

    func feedRow(_ routed: Commit.Routed) throws -> FeedRow? {
        guard let event = try event(at: Place(origin: routed.origin, place: routed.place)) else { return nil }
        var part = event.part
        if !routed.withPart, part != .none { part = .withheld }
        return FeedRow(
            cursor: FeedCursor(hubIncarnation: routed.hubIncarnation, seq: routed.seq, hash: event.hash),
            event: WireEvent(bytes: event.bytes, part: part, hash: event.hash))
    }
}

extension MemoryState.Place {
    init(_ event: Event) { self.init(origin: event.origin, place: event.envelope.place) }
}
