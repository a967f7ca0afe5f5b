public import Casework
public import Federation

/// The durable half of a server: journal, parts, cases, feeds, cursors. One contract, kept in PostgreSQL and, for
/// tests, in memory. All calls of the writer come from one place, one after the other.
public protocol CaseStore: Sendable {
    /// Makes this process the writer of `origin`: its token fences any other. Returns where the journal stands.
    func takeOver(_ origin: Origin, token: UInt64) async throws -> StoredHead
    /// Reads the head anew after a lost connection. Throws `StoreError.fenced` if the token is no longer this one.
    func resume(_ origin: Origin, token: UInt64) async throws -> StoredHead
    /// Saves all of a batch or nothing. Throws `StoreError.fenced`, `.duplicateKey` or `.outcomeUnknown`, or a
    /// `PostgresError`.
    /// - Parameter earlier: the commit that this batch goes on from, where it is still under way: what can be prepared is
    ///   prepared beside it. When it fails this batch is not saved, and throws `StoreError.earlierFailed`.
    func commit(_ batch: Commit, after earlier: Task<Void, any Error>?) async throws
    /// The events of each case in the order of their positions, with their parts. A case without events is left out.
    func events(of cases: [CaseID]) async throws -> [CaseID: [Event]]
    /// Accepted and held events of some incarnations of an origin, in order of seq and, at one seq, of incarnation as a
    /// signed number; at most `Batch.maximumEvents` of them and `Batch.maximumBytes`, but at least one if there is any.
    /// As they are stored: their hashes are checked, what they say is not read.
    func journal(of origin: Origin, in stretches: [Stretch]) async throws -> [JournalRow]
    /// The hashes stored at places of an origin, of accepted and held events.
    func hashes(of origin: Origin, from seq: UInt64, through last: UInt64) async throws -> [ChainPlace: EventHash]
    /// Writes the bytes of damaged rows anew: those that do not have their row's hash, or parts that do not have the
    /// hash that their event names. Only from an event that has the row's hash, or whose very bytes stand there under a
    /// damaged hash. Nothing else ever changes a journal row.
    /// - Returns: how many events were mended.
    func repair(_ events: [Event]) async throws -> Int
    /// Which of these codes are in use here.
    func used(_ codes: [TrackingCode]) async throws -> Set<TrackingCode>
    /// What was answered under these keys.
    func replies(_ keys: [IdempotencyKey]) async throws -> [IdempotencyKey: IdempotentReply]
    /// The accepted chains of each origin, this server's own among them; the one extended last at the end. At a node,
    /// only its own and the hub's.
    func chains() async throws -> [Origin: ChainTree]

    // MARK: Feeds

    /// The last seq of each destination's feed.
    func feedEnds() async throws -> [Origin: UInt64]
    /// Rows of a destination's feed with a greater seq, bounded as events are. Parts as the row allows.
    func feed(of destination: Origin, after seq: UInt64) async throws -> [FeedRow]
    /// What is known here of places in a destination's feed, in their order.
    func feedFacts(of destination: Origin, _ cursors: [FeedCursor]) async throws -> [FeedFact]
    /// At a node, the last row that it has committed of each hub incarnation's feed, the newest first, at most 64: the
    /// first is where its feed stands.
    func feedCursors() async throws -> [FeedCursor]
    /// The greatest schema that each other server said it reads.
    func reads() async throws -> [Origin: UInt32]

    // MARK: Receipts

    /// Keeps a receipt; the first that names a head stands.
    func record(_ ack: Ack) async throws
    /// The greatest acknowledged seq of each own incarnation.
    func acknowledged() async throws -> [UInt64: UInt64]
    /// The first receipt with a head of the place's incarnation that is not before it.
    func acknowledgement(covering place: ChainPlace) async throws -> Ack?

    // MARK: Quarantine and restoration

    /// Quarantined origins, and how many of their events are held.
    func quarantines() async throws -> [Origin: Int]
    /// Held events of an origin: those of some incarnations first, then the rest, each in order of acceptance.
    func held(of origin: Origin, preferring incarnations: [UInt64], limit: Int) async throws -> [Event]
    /// Starts of writers that a person has shut out.
    func fenced() async throws -> [Origin: Set<UInt64>]
    /// What a restored hub still waits for.
    func restoration() async throws -> Restoration?
    /// When a backup was put back that no process has served since.
    func restoredAt() async throws -> Instant?

    // MARK: Cases

    /// The digests of cases that changed after a position, in the order of their positions. The next call names the
    /// last one's position, so cases of one position come together, also past the limit if need be.
    func digests(after position: UInt64, limit: Int) async throws -> [(digest: CaseDigest, position: UInt64)]
    /// Of those of these cases that have a row, by case.
    func digests(of cases: [CaseID]) async throws -> [CaseDigest]
    /// Cases that wait for a decision of the hub, by id, after the one named.
    func pending(after last: CaseID?, limit: Int) async throws -> [CaseID]
    /// What the hub heard from a node.
    func note(_ report: NodeReport) async throws
}

extension CaseStore {
    public func commit(_ batch: Commit) async throws { try await commit(batch, after: nil) }
}

extension Task<Void, any Error>? {
    /// Returns once the earlier commit is durable, or at once where there is none.
    func standing() async throws(StoreError) {
        guard let commit = self else { return }
        do { try await commit.value } catch { throw .earlierFailed }
    }
}

public struct NodeReport: Sendable, Equatable {
    public var origin: Origin
    public var heardAt: Instant
    /// Node less hub, milliseconds; `nil` leaves what was known, as for the other values.
    public var clockOffset: Int64?
    public var backlog: UInt64?
    /// The feed's last row that the node has committed.
    public var feed: UInt64?

    public init(origin: Origin, heardAt: Instant, clockOffset: Int64?, backlog: UInt64?, feed: UInt64?) {
        self.origin = origin
        self.heardAt = heardAt
        self.clockOffset = clockOffset
        self.backlog = backlog
        self.feed = feed
    }
}

/// One transaction of the writer. Journal, parts, cases, figures, feeds, cursors and replies move together.
public struct Commit: Sendable {
    public typealias Numbered = Effects.Numbered
    public typealias Routed = Effects.Routed

    public var origin: Origin
    public var token: UInt64
    /// What the head must be now, and what it becomes.
    public var expected: StoredHead
    public var becomes: StoredHead
    /// What the core decided. An origin that it both lifts and quarantines stays quarantined: the safe order of the two.
    public var effects: Effects
    public var cases: [CaseRow] = []
    /// So many of `cases`, from the first, are each there once, in their order, and nothing of them was here before:
    /// neither events nor a row.
    public var begun = 0
    public var replies: [(key: IdempotencyKey, reply: IdempotentReply)] = []
    public var now: Instant

    public init(
        origin: Origin, token: UInt64, expected: StoredHead, becomes: StoredHead, effects: Effects = Effects(),
        now: Instant
    ) {
        self.origin = origin
        self.token = token
        self.expected = expected
        self.becomes = becomes
        self.effects = effects
        self.now = now
    }
}

public enum StoreError: Error, Sendable, Equatable {
    /// Another process has become this origin's writer: stop.
    case fenced
    /// A key of this batch was answered meanwhile.
    case duplicateKey
    /// The connection was lost during COMMIT: read the head, then decide anew through the keys.
    case outcomeUnknown
    /// The batch that this one goes on from was not saved.
    case earlierFailed
    /// Stored bytes that are no event, or do not have their hash: the case that cannot be read, where it is one, and
    /// `origin seq`.
    case corrupt(CaseID?, String)
    /// With several hosts, no synchronous standby is there.
    case noStandby
}
