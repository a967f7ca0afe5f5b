import Casework
import Federation

/// What a server keeps when its process dies. A commit takes all of a batch, and refuses what a database would.
struct Disk {
    let origin: Origin
    private(set) var events: [Event] = []
    private var index: [EventHash: Int] = [:]
    /// Every case in the order of its first event here, and where its events stand in `events`.
    private(set) var cases: [CaseID] = []
    private var indices: [CaseID: [Int]] = [:]
    /// The hash at each place of each origin's journal, held ones too.
    private(set) var places: [Origin: [ChainPlace: EventHash]] = [:]
    private var byOrigin: [Origin: [Int]] = [:]
    private(set) var head = ChainHead.empty
    private(set) var stamp = Stamp(rawValue: 0)
    private(set) var chains: [Origin: [Chain]] = [:]
    private(set) var feeds: [Origin: [Effects.Routed]] = [:]
    /// The last row committed of each hub incarnation, the newest first.
    private(set) var cursors: [FeedCursor] = []
    private(set) var acknowledged: [UInt64: UInt64] = [:]
    private(set) var acks: [Ack] = []
    /// Events of quarantined origins, in order of acceptance.
    private(set) var held: [Origin: [Event]] = [:]
    private(set) var quarantined: Set<Origin> = []
    private(set) var fenced: [Origin: Set<UInt64>] = [:]
    private(set) var restoration: Restoration?
    private(set) var reads: [Origin: UInt32] = [:]
    private var replies: [IdempotencyKey: IdempotentReply] = [:]
    /// Bytes that are not what was written, by the hash of the event.
    private(set) var damage: [EventHash: WireEvent] = [:]
    /// One row for each case, written with the events: what figures are counted from.
    private(set) var figures = Figures()

    init(origin: Origin) { self.origin = origin }

    var position: UInt64 { UInt64(events.count) }
    var stored: StoredHead { StoredHead(head: head, stamp: stamp, position: position) }

    func replies(_ keys: [IdempotencyKey]) -> [IdempotencyKey: IdempotentReply] {
        keys.reduce(into: [:]) { $0[$1] = replies[$1] }
    }

    var isForgotten: Bool { events.isEmpty }

    /// Who has ever spoken or been spoken to.
    var known: Set<Origin> { Set(chains.keys).union(feeds.keys) }

    func tree(_ origin: Origin) -> ChainTree { ChainTree(chains: chains[origin] ?? []) }
    func events(of id: CaseID) -> [Event] { (indices[id] ?? []).map { events[$0] } }
    func count(of id: CaseID) -> Int { indices[id]?.count ?? 0 }
    func holds(_ hash: EventHash) -> Bool { index[hash] != nil }
    func event(_ hash: EventHash) -> Event? { index[hash].map { events[$0] } }
    func written(by origin: Origin) -> [Event] { (byOrigin[origin] ?? []).map { events[$0] } }
    func hash(at place: ChainPlace, of origin: Origin) -> EventHash? { places[origin]?[place] }

    /// Numbered or held.
    func accepted(_ hash: EventHash, of origin: Origin) -> Bool {
        holds(hash) || held[origin]?.contains { $0.hash == hash } == true
    }

    /// Events of one origin beyond some places, by seq.
    func journal(of origin: Origin, _ stretches: [Stretch], limit: Int) -> [Event] {
        var found = [Event]()
        func take(_ event: Event) {
            let envelope = event.envelope
            for stretch in stretches
            where stretch.incarnation == envelope.incarnation && envelope.seq > stretch.after { found.append(event) }
        }
        for place in byOrigin[origin] ?? [] { take(events[place]) }
        for event in held[origin] ?? [] { take(event) }
        found.sort { ($0.envelope.seq, $0.envelope.incarnation) < ($1.envelope.seq, $1.envelope.incarnation) }
        return Array(found.prefix(limit))
    }

    /// Rows of a feed with a greater seq, parts as each row allows.
    func feed(of destination: Origin, after seq: UInt64, limit: Int) -> [FeedRow] {
        guard let rows = feeds[destination], seq < UInt64(rows.count) else { return [] }
        return rows[Int(seq)...].prefix(limit).compactMap { row in
            guard let event = event(row.event) else { return nil }
            return FeedRow(
                cursor: FeedCursor(hubIncarnation: row.hubIncarnation, seq: row.seq, hash: row.event),
                event: WireEvent(row.withPart ? event : event.withheld))
        }
    }

    func fact(_ cursor: FeedCursor, of destination: Origin) -> FeedFact {
        let rows = feeds[destination] ?? []
        let row = cursor.seq >= 1 && cursor.seq <= UInt64(rows.count) ? rows[Int(cursor.seq) - 1] : nil
        return FeedFact(
            hash: row?.hubIncarnation == cursor.hubIncarnation ? row?.event : nil,
            end: rows.last { $0.hubIncarnation == cursor.hubIncarnation }.map {
                FeedCursor(hubIncarnation: $0.hubIncarnation, seq: $0.seq, hash: $0.event)
            })
    }

    /// The hashes at the places that events claim and at those before them.
    func known(around events: [Event], of origin: Origin) -> [ChainPlace: EventHash] {
        guard let all = places[origin] else { return [:] }
        var known: [ChainPlace: EventHash] = [:]
        let incarnations = (chains[origin] ?? []).map(\.incarnation)
        for event in events {
            let place = event.envelope.place
            known[place] = all[place]
            for incarnation in incarnations {
                let before = ChainPlace(incarnation: incarnation, seq: place.seq - 1)
                known[before] = all[before]
            }
        }
        return known
    }

    // MARK: Damage

    /// A case whose bytes are read and do not have their hash.
    func isDamaged(_ id: CaseID) -> Bool {
        damage.isEmpty ? false : (indices[id] ?? []).contains { isDamaged(events[$0]) }
    }

    func isDamaged(_ event: Event) -> Bool {
        guard let bytes = damage[event.hash] else { return false }
        guard let read = try? Event(bytes: bytes.bytes, part: bytes.part, hashing: sha256) else { return true }
        return read.hash != event.hash
    }

    mutating func damage(_ hash: EventHash, _ bytes: WireEvent) { damage[hash] = bytes }

    /// Whole bytes came for a damaged row. Returns whether there was one.
    mutating func mend(_ event: Event) -> Bool {
        guard let damaged = damage[event.hash], let known = self.event(event.hash) else { return false }
        // A part that was damaged is mended only by a part.
        if known.part.bytes != nil, event.part.bytes == nil, damaged.part != known.part { return false }
        damage[event.hash] = nil
        return true
    }

    // MARK: Commits

    mutating func record(_ ack: Ack) {
        acks.append(ack)
        for head in ack.heads { acknowledged[head.incarnation] = max(acknowledged[head.incarnation] ?? 0, head.seq) }
    }

    /// Saves a batch, all of it or nothing.
    /// - Parameter rows: what the cases that it touches are then.
    mutating func commit<Core: DecidingCore>(
        _ batch: WriterBatch<Core, Int>, _ rows: [(id: CaseID, state: Case?)]
    ) throws {
        guard batch.expected == stored else { throw Violation("\(origin): a batch goes on from what is not stored") }
        let effects = batch.effects
        for (key, reply) in batch.replies { replies[key] = reply }
        for numbered in effects.numbered { try append(numbered) }
        for event in effects.held { try keep(event) }
        for hash in effects.released {
            for origin in held.keys.sorted() { held[origin]?.removeAll { $0.hash == hash } }
        }
        for row in effects.routed { try append(row) }
        for event in effects.completed {
            guard let place = index[event.hash] else { throw Violation("\(origin): a part without its event") }
            events[place].part = event.part
        }
        for (origin, chain) in effects.chains {
            chains[origin, default: []].removeAll { $0.incarnation == chain.incarnation }
            chains[origin, default: []].append(chain)
        }
        quarantined.formUnion(effects.quarantined)
        for origin in effects.lifted {
            quarantined.remove(origin)
            guard held[origin]?.isEmpty ?? true else { throw Violation("\(origin) is let in, and some of it is held") }
        }
        for (origin, incarnation) in effects.fenced { fenced[origin, default: []].insert(incarnation) }
        if let restoration = effects.restoration { self.restoration = restoration }
        for (origin, schema) in effects.reads { reads[origin] = schema }
        if let seq = effects.rewound { cursors.removeAll { $0.seq > seq } }
        if let cursor = effects.cursor {
            cursors.removeAll { $0.hubIncarnation == cursor.hubIncarnation }
            cursors.insert(cursor, at: 0)
        }
        (head, stamp) = (batch.becomes.head, batch.becomes.stamp)
        for (id, state) in rows { figures.note(id, state) }
        guard batch.becomes.position == position else {
            throw Violation("\(origin): position \(batch.becomes.position), and \(position) events are stored")
        }
    }

    private mutating func claim(_ event: Event) throws {
        let place = event.envelope.place
        if let other = places[event.origin]?[place], other != event.hash {
            throw Violation("\(origin): \(event.origin) \(place.seq) is stored twice with other contents")
        }
        places[event.origin, default: [:]][place] = event.hash
    }

    private mutating func append(_ numbered: Effects.Numbered) throws {
        let event = numbered.event
        guard numbered.position == position + 1 else {
            throw Violation("\(origin): position \(numbered.position) follows \(position)")
        }
        guard index[event.hash] == nil else {
            throw Violation("\(origin): \(event.origin) seq \(event.envelope.seq) is stored twice")
        }
        try claim(event)
        index[event.hash] = events.count
        if let id = event.caseID {
            if indices[id] == nil { cases.append(id) }
            indices[id, default: []].append(events.count)
        }
        byOrigin[event.origin, default: []].append(events.count)
        events.append(event)
    }

    private mutating func keep(_ event: Event) throws {
        guard index[event.hash] == nil else { throw Violation("\(event.origin): held, and placed before") }
        try claim(event)
        held[event.origin, default: []].append(event)
    }

    private mutating func append(_ row: Effects.Routed) throws {
        guard row.seq == UInt64(feeds[row.destination]?.count ?? 0) + 1 else {
            throw Violation("the feed of \(row.destination) is not dense at \(row.seq)")
        }
        guard holds(row.event) else { throw Violation("a row of \(row.destination) refers to nothing") }
        guard row.origin != row.destination else { throw Violation("\(row.destination) is sent what it wrote") }
        feeds[row.destination, default: []].append(row)
    }
}
