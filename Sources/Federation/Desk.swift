public import Casework

/// One case in memory: its events in the order in which this server applied them, and the state they fold to.
public struct CaseRecord: Sendable, Equatable {
    public enum Insertion: Sendable, Equatable {
        case new
        /// Known, but its part was missing here and came now.
        case completed
        case duplicate
    }

    public let id: CaseID
    public private(set) var events: [Event]
    /// `nil` until its first event comes: most cases that are asked for before are new.
    @usableFromInline private(set) var folded: Folded?
    /// What this server's code can read.
    public let reader: UInt32
    /// Bytes of its events and their parts.
    public private(set) var size: Int

    /// - Parameter events: in the order of their positions at this server.
    public init(id: CaseID, events: [Event] = [], reader: UInt32 = Schema.reader) {
        self.id = id
        self.events = events
        self.reader = reader
        size = events.reduce(0) { $0 + $1.size }
        if !events.isEmpty { refold() }
    }

    /// Shared by the copies of a record.
    @usableFromInline
    final class Folded: Sendable, Equatable {
        @usableFromInline let state: Case

        init(_ state: Case) { self.state = state }

        @usableFromInline
        static func == (left: Folded, right: Folded) -> Bool { left === right || left.state == right.state }
    }

    @inlinable public var state: Case { folded?.state ?? Case(id: id) }

    /// Whether the hub may have something to say in it: a transfer waits, or the hub is its seat. Asked of every case, so
    /// without a copy of its state.
    var concernsHub: Bool { folded.map { $0.state.transfer != nil || $0.state.seat == .hub } ?? false }

    public subscript(hash: EventHash) -> Event? { events.first { $0.hash == hash } }

    /// What an event said, with its texts where this server holds them; `nil` for one that is unknown or unreadable here.
    public func written(_ hash: EventHash) -> (change: CaseChange, texts: Texts)? {
        guard let event = self[hash], let change = event.envelope.change else { return nil }
        return (change, event.texts ?? Texts())
    }

    public func holds(_ hash: EventHash) -> Bool { events.contains { $0.hash == hash } }

    /// Adds an event without folding: `refold` comes after the last.
    public mutating func insert(_ event: Event) -> Insertion {
        guard let index = events.firstIndex(where: { $0.hash == event.hash }) else {
            events.append(event)
            size += event.size
            return .new
        }
        guard event.part.bytes != nil, events[index].part == .withheld else { return .duplicate }
        size += event.size - events[index].size
        events[index].part = event.part
        return .completed
    }

    public mutating func refold() { folded = Folded(Fold.fold(id, events, reader: reader)) }

    /// The set of its events as one hash.
    public func digest(_ hashing: Hashing) -> EventHash {
        let hashes = events.map(\.hash).sorted()
        return hashing(
            [UInt8](unsafeUninitializedCapacity: hashes.count * 32) { buffer, count in
                let buffer = UnsafeMutableRawBufferPointer(buffer)
                for (index, hash) in hashes.enumerated() {
                    hash.write(to: UnsafeMutableRawBufferPointer(rebasing: buffer[(index * 32)...]))
                }
                count = hashes.count * 32
            })
    }

    /// The origins that receive this case's events: home and every seat that a grant names; the hub has all.
    public var destinations: [Origin] { Self.destinations(home: id.home, events) }

    /// Whether nobody but its home has written in it.
    var isOnlyItsHomes: Bool { events.allSatisfy { $0.origin == id.home } }

    /// Whether an origin may say anything in this case.
    func takesPart(_ origin: Origin) -> Bool { origin == .hub || origin == id.home || destinations.contains(origin) }

    static func destinations(home: Origin, _ events: [Event]) -> [Origin] {
        var destinations = [home]
        for event in events where event.origin == .hub {
            if case .granted(let grant) = event.envelope.change, !destinations.contains(grant.seat) {
                destinations.append(grant.seat)
            }
        }
        return destinations.filter { $0 != .hub }
    }
}

/// What node and hub do alike: decide commands on cases that were loaded before, and write the events.
///
/// Nothing here is durable. What a call returns is saved before anybody hears of it; if the commit fails, the desk is
/// dropped and made anew from the database.
public struct Desk: Sendable {
    public var writer: JournalWriter
    /// All chains of this server's own journal.
    public internal(set) var journal: ChainTree
    public var tree: OrganizationTree
    public var calendar: WorkCalendar
    let hashing: Hashing
    /// What this server's code can read.
    public let reader: UInt32
    /// The schemas that other servers said they read: at a node the hub's, at the hub each node's. One of which nothing is
    /// known reads the first.
    public var reads: [Origin: UInt32]
    public private(set) var cases: [CaseID: CaseRecord] = [:]

    public init(
        writer: JournalWriter, journal: ChainTree, tree: OrganizationTree, calendar: WorkCalendar,
        reader: UInt32 = Schema.reader, reads: [Origin: UInt32] = [:], hashing: @escaping Hashing
    ) {
        self.reads = reads
        self.journal = journal
        self.reader = reader
        self.writer = writer
        self.tree = tree
        self.calendar = calendar
        self.hashing = hashing
    }

    public var origin: Origin { writer.origin }

    public func isLoaded(_ id: CaseID) -> Bool { cases[id] != nil }

    /// Puts a case at the desk; with no events it is a case that nobody has heard of.
    public mutating func load(_ id: CaseID, events: [Event]) {
        let record = CaseRecord(id: id, events: events, reader: reader)
        if let known = cases.updateValue(record, forKey: id) { cases[id] = known }
    }

    /// Forgets cases, to bound memory: they are loaded again when needed.
    public mutating func unload(allBut kept: [CaseID]) {
        let all = cases
        cases = Dictionary(minimumCapacity: kept.count)
        for id in kept { cases[id] = all[id] }
    }

    public mutating func unload(_ id: CaseID) { cases[id] = nil }

    /// Decides a wish on a loaded case and writes its events. An amendment is refused if the case has changed since its
    /// author's page was loaded, unless it says which values it saw.
    /// - Parameter terms: what a grant of this case must say, at the hub.
    mutating func decide(
        _ wish: Wish, terms: GrantTerms? = nil, now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) -> [Event] {
        let record = cases[wish.caseID] ?? CaseRecord(id: wish.caseID, reader: reader)
        switch wish.command {
        case .register, .importCase, .open: break
        default: if record.events.isEmpty { throw .unknownCase }
        }
        if case .amend(let edit) = wish.command, edit.seen == nil, let revision = wish.revision,
            revision != record.state.revision
        {
            throw .stale(revision: record.state.revision)
        }
        var context = context(of: wish.actor, on: record, now: now)
        if let terms { context.terms = terms }
        let newEvents = try record.state.decide(
            wish.command, in: context, trackingCode: wish.trackingCode, written: record.written)
        return try write(newEvents, on: wish.caseID, now: now, random: &random)
    }

    /// What a decision about a case needs to know besides it.
    public func context(of actor: Actor, on record: CaseRecord, now: Instant) -> DecisionContext {
        DecisionContext(
            now: now, origin: origin, actor: actor, tree: tree, calendar: calendar, notYet: notYet(on: record))
    }

    /// Kinds that may not be written into a case yet. At a node the hub must read them; at the hub the case's home and seat,
    /// where an event that they do not know would park the case.
    private func notYet(on record: CaseRecord) -> [EventKind: Origin] {
        var notYet: [EventKind: Origin] = [:]
        let peers = origin == .hub ? [record.id.home, record.state.seat].filter { $0 != .hub } : [.hub]
        for kind in EventKind.allCases where writer.since(kind) > 1 {
            // A version that does not know a kind has no command for it; the simulator's old versions do.
            if writer.since(kind) > reader { notYet[kind] = origin }
            if origin == .hub, kind.mergeClass == .appendOnly { continue }
            notYet[kind] = notYet[kind] ?? peers.first { reads[$0] ?? 1 < writer.since(kind) }
        }
        return notYet
    }

    /// Writes new events into the journal and the case. All or none.
    mutating func write(
        _ newEvents: [NewEvent], on id: CaseID, now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) -> [Event] {
        let before = writer
        var record = cases[id] ?? CaseRecord(id: id, reader: reader)
        let epoch = record.state.epoch
        var events = [Event]()
        do {
            for newEvent in newEvents {
                let event = try writer.append(
                    newEvent, caseID: id, epoch: epoch, now: now, hashing: hashing, random: &random)
                _ = record.insert(event)
                events.append(event)
            }
        } catch {
            writer = before
            throw error
        }
        for event in events { journal.accept(event, parent: writer.parent) }
        record.refold()
        cases[id] = record
        return events
    }

    mutating func insert(_ event: Event, into id: CaseID) -> CaseRecord.Insertion {
        cases[id, default: CaseRecord(id: id, reader: reader)].insert(event)
    }

    mutating func refold(_ id: CaseID) { cases[id]?.refold() }

    /// What this server owes to a case after new events: as its seat, to say that the grant has arrived and which
    /// clocks run from now. A return resumes the clock that this holder had.
    mutating func settle(
        _ id: CaseID, now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) -> [Event] {
        guard let record = cases[id], record.state.seat == origin, let grant = record.state.grant else { return [] }
        var resumed: Due?
        for event in record.events where event.origin == origin {
            guard case .received(let answered, let due, _) = event.envelope.change else { continue }
            if answered == grant { return [] }
            resumed = due
        }
        if origin == id.home { resumed = record.state.deadline }
        let due = resumed ?? Due(at: calendar.due(from: now, days: 15), calendar: calendar.version)
        let acceptBy = Due(at: calendar.due(from: now, workingDays: 2), calendar: calendar.version)
        let newEvent = NewEvent(
            .received(grant: grant, due: due, acceptBy: acceptBy), actor: system, occurredAt: now)
        return try write([newEvent], on: id, now: now, random: &random)
    }

    /// Escalates each clock of the case that has ended and was not escalated to this level before.
    /// - Parameter end: only clocks that ended before.
    mutating func escalate(
        _ id: CaseID, level: Int, before end: Instant, now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) -> [Event] {
        guard let state = cases[id]?.state else { return [] }
        let passed = state.clocks.filter { $0.due.at < end && state.escalatedLevel(of: $0.startedBy) < level }
        guard !passed.isEmpty else { return [] }
        let newEvents = passed.map { clock in
            NewEvent(.escalated(clock: clock.startedBy, level: level), actor: system, occurredAt: now)
        }
        return try write(newEvents, on: id, now: now, random: &random)
    }

    var system: Actor { Actor(name: "peyvand", role: .system, organization: OrganizationCode(origin)) }
}
