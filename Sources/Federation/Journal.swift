import Casework

/// The last event of one chain.
public struct ChainHead: Sendable, Hashable {
    public var incarnation: UInt64
    public var seq: UInt64
    public var hash: EventHash

    public init(incarnation: UInt64, seq: UInt64, hash: EventHash) {
        (self.incarnation, self.seq, self.hash) = (incarnation, seq, hash)
    }

    /// Before an origin's first event.
    public static let empty = ChainHead(incarnation: 0, seq: 0, hash: .zero)
}

/// Writes one origin's journal: gives each draft its place, its stamp and its bytes. What it returns is saved before
/// anybody hears of it; on a failed commit the writer is dropped and read anew.
public struct JournalWriter: Sendable {
    public let origin: Origin
    /// This start's incarnation; the next event carries it.
    public let incarnation: UInt64
    public private(set) var head: ChainHead
    public var clock: HybridClock

    /// - Parameter head: the last event of the chain to continue, of an earlier incarnation or of this one.
    public init(origin: Origin, incarnation: UInt64, continuing head: ChainHead, clock: HybridClock) {
        (self.origin, self.incarnation, self.head, self.clock) = (origin, incarnation, head, clock)
    }

    public mutating func append(
        _ draft: Draft, caseID: CaseID?, epoch: Epoch, now: Instant, hashing: Hashing,
        random: inout some RandomNumberGenerator
    ) throws(Refusal) -> Event {
        let part = draft.texts.isEmpty ? Part.none : .present(Self.salt(&random) + draft.texts.wire)
        var next = clock
        let envelope = Envelope(
            id: Self.label(at: now, &random), origin: origin, incarnation: incarnation, seq: head.seq + 1,
            previous: head.hash, caseID: caseID, base: draft.base, epoch: epoch, stamp: next.tick(now: now),
            occurredAt: draft.occurredAt, actor: draft.actor, type: draft.change.type, schema: Schema.current,
            minReader: Schema.current, content: .change(draft.change), partHash: part.bytes.map(hashing),
            applies: draft.applies)
        let bytes = envelope.wire
        let size = bytes.count + (part.bytes?.count ?? 0)
        guard size <= Schema.maximumEventSize else { throw .tooLarge(bytes: size) }
        let event = Event(envelope: envelope, bytes: bytes, hash: hashing(bytes), part: part)
        clock = next
        head = ChainHead(incarnation: incarnation, seq: envelope.seq, hash: event.hash)
        return event
    }

    private static func salt(_ random: inout some RandomNumberGenerator) -> [UInt8] {
        var bytes = [UInt8]()
        for _ in 0..<2 {
            let word = random.next()
            for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(word >> shift & 0xFF)) }
        }
        return bytes
    }

    private static func label(at now: Instant, _ random: inout some RandomNumberGenerator) -> [UInt8] {
        CaseID(home: .hub, at: now, random: (random.next(), random.next())).bytes
    }
}

/// What one origin's tree of chains has accepted so far, and whether an event continues it.
public struct ChainTree: Sendable, Equatable {
    public enum Verdict: Sendable, Equatable {
        /// Continues an accepted chain, or begins a new incarnation on one.
        case next
        /// Already here.
        case duplicate
        /// Events before it are missing.
        case gap(after: ChainHead)
        /// Another event has this place: tampering.
        case forged
        /// Its parent is not the event that it names.
        case brokenLink
    }

    /// The last accepted event of each incarnation, in the order in which they were first accepted.
    public private(set) var heads: [ChainHead]

    public init(heads: [ChainHead] = []) { self.heads = heads }

    public func head(of incarnation: UInt64) -> ChainHead? { heads.first { $0.incarnation == incarnation } }

    /// The chain that was extended last: where a well-behaved origin stands.
    public var latest: ChainHead { heads.last ?? .empty }

    /// - Parameter known: looks up the hash at a place that was accepted earlier.
    public func verdict(on event: Event, known: (Position) -> EventHash?) -> Verdict {
        let envelope = event.envelope
        if let head = head(of: envelope.incarnation) {
            if envelope.seq == head.seq + 1 { return envelope.previous == head.hash ? .next : .brokenLink }
            if envelope.seq > head.seq + 1 { return .gap(after: head) }
            return known(envelope.position) == event.hash ? .duplicate : .forged
        }
        if envelope.seq == 1 { return envelope.previous == .zero ? .next : .brokenLink }
        for head in heads.reversed() where head.seq >= envelope.seq - 1 {
            let parent = Position(incarnation: head.incarnation, seq: envelope.seq - 1)
            if (parent.seq == head.seq ? head.hash : known(parent)) == envelope.previous { return .next }
        }
        return heads.contains { $0.seq >= envelope.seq - 1 } ? .brokenLink : .gap(after: latest)
    }

    public mutating func accept(_ event: Event) {
        let head = ChainHead(incarnation: event.envelope.incarnation, seq: event.envelope.seq, hash: event.hash)
        heads.removeAll { $0.incarnation == head.incarnation }
        heads.append(head)
    }
}
