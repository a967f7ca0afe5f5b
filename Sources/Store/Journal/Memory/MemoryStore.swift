public import Casework
public import Federation
import Synchronization

/// A `CaseStore` in memory, for tests of what stands on it: the same answers as PostgreSQL's, and failures on demand.
/// It outlives whoever writes to it, as a database does.
public final class MemoryStore: CaseStore {
    /// How the next commit fails.
    public enum Failure: Sendable {
        /// Nothing is saved.
        case before(any Error)
        /// All is saved, and the caller does not learn it.
        case after(any Error)
    }

    let state = Mutex(MemoryState())

    public init() {}

    /// Later failures stand behind earlier ones.
    public func failNextCommit(_ failure: Failure) { state.withLock { $0.failures.append(failure) } }

    // MARK: - What a test may look at

    public var alarms: [(origin: Origin, alarm: Alarm)] { state.withLock { $0.alarms } }
    public var reports: [Origin: NodeReport] { state.withLock { $0.reports } }
    public var cases: [CaseID: CaseRow] { state.withLock { $0.cases } }
    public var commits: Int { state.withLock { $0.commits } }

    /// As a flipped bit in the stored bytes of an event.
    public func damage(_ event: Event) { state.withLock { _ = $0.damaged.insert(MemoryState.Place(event)) } }

    /// As `peyvand restore` leaves it.
    public func noteRestored(at now: Instant) { state.withLock { $0.restoredAt = now } }

    // MARK: - The writer

    public func takeOver(_ origin: Origin, token: UInt64) async throws -> StoredHead {
        state.withLock { state in
            state.writers[origin, default: MemoryState.Writer()].token = token
            return state.writers[origin]?.head ?? .empty
        }
    }

    public func resume(_ origin: Origin, token: UInt64) async throws -> StoredHead {
        let writer = state.withLock { $0.writers[origin] }
        guard let writer, writer.token == token else { throw StoreError.fenced }
        return writer.head
    }

    public func commit(_ batch: Commit, after earlier: Task<Void, any Error>?) async throws {
        try await earlier.standing()
        try state.withLock { state in
            let failure = state.failures.isEmpty ? nil : state.failures.removeFirst()
            if case .before(let error) = failure { throw error }
            try state.check(batch)
            state.apply(batch)
            if case .after(let error) = failure { throw error }
        }
    }

    // MARK: - Events

    public func events(of cases: [CaseID]) async throws -> [CaseID: [Event]] {
        try state.withLock { state in
            var events: [CaseID: [Event]] = [:]
            for id in cases {
                guard let places = state.places[id] else { continue }
                let ordered = places.sorted { state.journal[$0]?.position ?? 0 < state.journal[$1]?.position ?? 0 }
                events[id] = try ordered.compactMap { try state.event(at: $0) }
            }
            return events
        }
    }

    public func journal(of origin: Origin, in stretches: [Stretch]) async throws -> [JournalRow] {
        var after: [UInt64: UInt64] = [:]
        for stretch in stretches { after[stretch.incarnation] = min(after[stretch.incarnation] ?? .max, stretch.after) }
        func isAsked(_ place: ChainPlace) -> Bool { after[place.incarnation].map { place.seq > $0 } ?? false }
        return try state.withLock { state in
            let line = (state.lines[origin] ?? []).filter { isAsked($0.place) }
            let held = state.held.filter { $0.origin == origin && isAsked($0.envelope.place) }
            let places = (line + held.map { MemoryState.Place($0) }).sorted {
                ($0.place.seq, $0.place.incarnation.stored) < ($1.place.seq, $1.place.incarnation.stored)
            }
            let events = try places.prefix(Batch.maximumEvents).compactMap { place in
                try state.event(at: place) ?? held.first { MemoryState.Place($0) == place }
            }
            return Self.bounded(events) { $0.size }.map { JournalRow($0) }
        }
    }

    public func hashes(
        of origin: Origin, from seq: UInt64, through last: UInt64
    ) async throws -> [ChainPlace: EventHash] {
        state.withLock { state in
            var hashes: [ChainPlace: EventHash] = [:]
            for key in state.lines[origin] ?? [] where seq <= key.place.seq && key.place.seq <= last {
                hashes[key.place] = state.journal[key]?.event.hash
            }
            for event in state.held where event.origin == origin {
                let place = event.envelope.place
                if seq <= place.seq, place.seq <= last { hashes[place] = event.hash }
            }
            return hashes
        }
    }

    public func repair(_ events: [Event]) async throws -> Int {
        state.withLock { state in
            var mended: Set<MemoryState.Place> = []
            for event in events {
                let place = MemoryState.Place(event)
                guard state.damaged.contains(place), state.journal[place]?.event.hash == event.hash else { continue }
                state.damaged.remove(place)
                mended.insert(place)
            }
            return mended.count
        }
    }

    public func chains() async throws -> [Origin: ChainTree] {
        state.withLock { $0.chains.mapValues { ChainTree(chains: $0) } }
    }

    // MARK: - Feeds

    public func feedEnds() async throws -> [Origin: UInt64] {
        state.withLock { $0.feeds.compactMapValues { $0.keys.max() } }
    }

    public func feed(of destination: Origin, after seq: UInt64) async throws -> [FeedRow] {
        let rows = try state.withLock { state -> [FeedRow] in
            let routed = (state.feeds[destination] ?? [:]).values.filter { $0.seq > seq }
            return try routed.sorted { $0.seq < $1.seq }.compactMap { try state.feedRow($0) }
        }
        return Self.bounded(rows) { $0.event.bytes.count + ($0.event.part.bytes?.count ?? 0) }
    }

    public func feedFacts(of destination: Origin, _ cursors: [FeedCursor]) async throws -> [FeedFact] {
        state.withLock { state in
            let feed = state.feeds[destination] ?? [:]
            return cursors.map { cursor in
                let ofIncarnation = feed.values.filter { $0.hubIncarnation == cursor.hubIncarnation }
                return FeedFact(
                    hash: ofIncarnation.first { $0.seq == cursor.seq }?.event,
                    end: ofIncarnation.max { $0.seq < $1.seq }.map {
                        FeedCursor(hubIncarnation: $0.hubIncarnation, seq: $0.seq, hash: $0.event)
                    })
            }
        }
    }

    public func feedCursors() async throws -> [FeedCursor] {
        state.withLock { Array($0.cursors.reversed().prefix(64)) }
    }

    public func reads() async throws -> [Origin: UInt32] { state.withLock { $0.reads } }

    // MARK: - Lookups

    public func used(_ codes: [TrackingCode]) async throws -> Set<TrackingCode> {
        state.withLock { state in Set(codes.filter { state.codes.contains($0.digits) }) }
    }

    public func replies(_ keys: [IdempotencyKey]) async throws -> [IdempotencyKey: IdempotentReply] {
        state.withLock { state in
            var replies: [IdempotencyKey: IdempotentReply] = [:]
            for key in keys { replies[key] = state.replies[key] }
            return replies
        }
    }

    public func note(_ report: NodeReport) async throws {
        state.withLock { state in
            var next = report
            let last = state.reports[report.origin]
            next.clockOffset = report.clockOffset ?? last?.clockOffset
            next.backlog = report.backlog ?? last?.backlog
            next.feed = report.feed ?? last?.feed
            state.reports[report.origin] = next
        }
    }

    /// As many as one batch holds, at least one if there is any.
    private static func bounded<T>(_ values: [T], size: (T) -> Int) -> [T] {
        var bytes = 0
        let batch = values.prefix(Batch.maximumEvents).prefix { value in
            bytes += size(value)
            return bytes <= Batch.maximumBytes
        }
        return batch.isEmpty ? Array(values.prefix(1)) : Array(batch)
    }
}
