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

    private let state: Mutex<MemoryState>

    /// - Parameter generation: the hub's feed generation.
    public init(generation: UInt64 = 1) {
        state = Mutex(MemoryState(generation: generation))
    }

    /// Later failures stand behind earlier ones.
    public func failNextCommit(_ failure: Failure) { state.withLock { $0.failures.append(failure) } }

    // MARK: - What a test may look at

    public var alarms: [(origin: Origin, alarm: Alarm)] { state.withLock { $0.alarms } }
    public var reports: [Origin: NodeReport] { state.withLock { $0.reports } }
    public var cases: [CaseID: CaseRow] { state.withLock { $0.cases } }
    public var commits: Int { state.withLock { $0.commits } }

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

    public func commit(_ batch: Commit) async throws {
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
        state.withLock { state in
            var events: [CaseID: [Event]] = [:]
            for id in cases {
                guard let places = state.places[id] else { continue }
                events[id] = places.compactMap { state.journal[$0] }.sorted { $0.position < $1.position }
                    .map(\.event)
            }
            return events
        }
    }

    public func journal(of origin: Origin, after seq: UInt64) async throws -> [Event] {
        let later = state.withLock { state in
            (state.lines[origin] ?? []).filter { $0.place.seq > seq }.compactMap { state.journal[$0] }
        }
        let line = later.sorted {
            ($0.event.envelope.seq, $0.position) < ($1.event.envelope.seq, $1.position)
        }.map(\.event)
        var batch = Self.bounded(line) { $0.bytes.count + ($0.part.bytes?.count ?? 0) }
        // A batch does not end between two branches' events of one seq.
        if batch.count < line.count, let last = batch.last?.envelope.seq, line[batch.count].envelope.seq == last,
            batch.first?.envelope.seq != last
        {
            batch.removeAll { $0.envelope.seq == last }
        }
        return batch
    }

    public func hashes(
        of origin: Origin, from seq: UInt64, through last: UInt64
    ) async throws -> [Position: EventHash] {
        state.withLock { state in
            var hashes: [Position: EventHash] = [:]
            for key in state.lines[origin] ?? [] where seq <= key.place.seq && key.place.seq <= last {
                hashes[key.place] = state.journal[key]?.event.hash
            }
            return hashes
        }
    }

    public func chains() async throws -> [Origin: ChainTree] {
        state.withLock { $0.chains.mapValues { ChainTree(heads: $0) } }
    }

    // MARK: - Feeds

    public func feedEnds() async throws -> [Origin: UInt64] {
        state.withLock { $0.feeds.compactMapValues { $0.keys.max() } }
    }

    public func feed(of destination: Origin, after seq: UInt64) async throws -> [FeedRow] {
        let rows = state.withLock { state -> [FeedRow] in
            let routed = (state.feeds[destination] ?? [:]).values.filter { $0.seq > seq }
            return routed.sorted { $0.seq < $1.seq }.compactMap { state.feedRow($0) }
        }
        return Self.bounded(rows) { $0.event.bytes.count + ($0.event.part.bytes?.count ?? 0) }
    }

    public func feedHash(of destination: Origin, at seq: UInt64) async throws -> EventHash? {
        state.withLock { $0.feeds[destination]?[seq]?.event }
    }

    public func feedGeneration() async throws -> UInt64 { state.withLock { $0.generation } }

    public func feedCursor() async throws -> FeedCursor? { state.withLock { $0.cursor } }

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

    public func record(_ ack: Ack) async throws {
        guard let last = ack.heads.max(by: { $0.seq < $1.seq }) else { return }
        let place = Position(incarnation: last.incarnation, seq: last.seq)
        state.withLock { state in
            if state.acks[place] == nil { state.acks[place] = ack }
        }
    }

    public func acknowledged() async throws -> Ack? {
        state.withLock { state in
            state.acks.max { ($0.key.seq, $0.value.position) < ($1.key.seq, $1.value.position) }?.value
        }
    }

    public func acknowledgement(covering seq: UInt64) async throws -> Ack? {
        state.withLock { state in
            state.acks.filter { $0.key.seq >= seq }
                .min { ($0.key.seq, $0.value.position) < ($1.key.seq, $1.value.position) }?.value
        }
    }

    public func overdue(before now: Instant, below level: Int, seat: Origin?, limit: Int) async throws -> [CaseID] {
        state.withLock { state in
            let due = state.cases.values.compactMap { row -> (deadline: Instant, id: CaseID)? in
                guard row.countsDue, let deadline = row.deadline, deadline < now, row.escalated < level,
                    seat == nil || row.seat == seat
                else { return nil }
                return (deadline, row.id)
            }
            return due.sorted { ($0.deadline, $0.id) < ($1.deadline, $1.id) }.prefix(max(0, limit)).map(\.id)
        }
    }

    public func origins(quarantined: Bool) async throws -> Set<Origin> {
        state.withLock { state in
            quarantined ? state.quarantined : Set(state.reports.keys).subtracting(state.quarantined)
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
