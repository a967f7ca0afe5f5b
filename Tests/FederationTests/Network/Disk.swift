import Casework
import Testing

@testable import Federation

/// What went wrong in a run, for the test that prints its seed.
struct Fault: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// What a server keeps when its process dies. A commit takes all of a batch, and refuses what a database would.
struct Disk {
    struct Place: Hashable {
        var origin: Origin
        var position: Position
    }

    let origin: Origin
    private(set) var events: [Event] = []
    private(set) var places: [Place: EventHash] = [:]
    /// Every case in the order of its first event here, and where its events stand in `events`.
    private(set) var cases: [CaseID] = []
    private var indices: [CaseID: [Int]] = [:]
    private var index: [EventHash: Int] = [:]
    private(set) var head = ChainHead.empty
    private(set) var stamp = Stamp(rawValue: 0)
    private(set) var chains: [Origin: ChainTree] = [:]
    private(set) var feeds: [Origin: [Effects.Routed]] = [:]
    private(set) var cursor: FeedCursor?
    var acks: [Ack] = []

    init(origin: Origin) { self.origin = origin }

    var position: UInt64 { UInt64(events.count) }
    var acknowledged: UInt64 { acks.last?.heads.first?.seq ?? 0 }

    func events(of id: CaseID) -> [Event] { (indices[id] ?? []).map { events[$0] } }
    func holds(_ hash: EventHash) -> Bool { index[hash] != nil }
    func holds(_ head: ChainHead, of origin: Origin) -> Bool {
        places[Place(origin: origin, position: Position(incarnation: head.incarnation, seq: head.seq))] == head.hash
    }

    /// The journal of one origin in order of seq.
    func journal(of origin: Origin) -> [Event] {
        events.filter { $0.origin == origin }.sorted { $0.envelope.seq < $1.envelope.seq }
    }

    /// Rows of a feed with a greater seq, parts as each row allows.
    func feed(of destination: Origin, after seq: UInt64, generation: UInt64, limit: Int) -> [FeedRow] {
        (feeds[destination] ?? []).filter { $0.seq > seq }.prefix(limit).compactMap { row in
            guard let event = index[row.event].map({ events[$0] }) else { return nil }
            return FeedRow(
                cursor: FeedCursor(hubIncarnation: generation, seq: row.seq, hash: row.event),
                event: WireEvent(row.withPart ? event : event.withheld))
        }
    }

    mutating func commit(_ effects: Effects, of core: some ServerCore) throws(Fault) {
        for placed in effects.placed { try append(placed) }
        for row in effects.routed {
            guard row.seq == UInt64(feeds[row.destination]?.count ?? 0) + 1 else {
                throw Fault("the feed of \(row.destination) is not dense at \(row.seq)")
            }
            guard holds(row.event) else { throw Fault("a row of \(row.destination) refers to nothing") }
            feeds[row.destination, default: []].append(row)
        }
        for event in effects.completed {
            guard let place = index[event.hash] else { throw Fault("a part without its event") }
            events[place].part = event.part
        }
        cursor = effects.cursor ?? cursor
        head = core.desk.writer.head
        stamp = core.desk.writer.clock.last
        guard core.position == position else { throw Fault("\(origin): position \(core.position), not \(position)") }
    }

    private mutating func append(_ placed: Effects.Placed) throws(Fault) {
        let event = placed.event
        let place = Place(origin: event.origin, position: event.envelope.position)
        guard placed.position == position + 1 else {
            throw Fault("\(origin): position \(placed.position) is not dense")
        }
        guard places[place] == nil, index[event.hash] == nil else {
            throw Fault("\(origin): \(event.origin) seq \(event.envelope.seq) is stored twice")
        }
        places[place] = event.hash
        index[event.hash] = events.count
        if let id = event.caseID {
            if indices[id] == nil { cases.append(id) }
            indices[id, default: []].append(events.count)
        }
        events.append(event)
        if event.origin != origin { chains[event.origin, default: ChainTree()].accept(event) }
    }
}
