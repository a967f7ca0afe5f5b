public import Casework

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

/// Writes one origin's journal: gives each new event its place, its stamp and its bytes. What it returns is saved before
/// anybody hears of it; on a failed commit the writer is dropped and read anew.
public struct JournalWriter: Sendable {
    public let origin: Origin
    /// This start's incarnation; the next event carries it.
    public let incarnation: UInt64
    public private(set) var head: ChainHead
    /// The incarnation that this one continues, once it has written; 0 at the root.
    public private(set) var parent: UInt64 = 0
    public var clock: HybridClock
    /// Kinds that count as introduced later than the table of kinds says: only a simulated world has any, to try what a
    /// later version will bring.
    let later: [EventKind: UInt32]
    /// The hub's mark on its events; nodes have none.
    let seal: Seal?

    /// - Parameter head: the last event of the chain to continue, of an earlier incarnation or of this one.
    public init(
        origin: Origin, incarnation: UInt64, continuing head: ChainHead, clock: HybridClock,
        seal: Seal? = nil, later: [EventKind: UInt32] = [:]
    ) {
        self.seal = seal
        (self.origin, self.incarnation, self.head, self.clock) = (origin, incarnation, head, clock)
        self.later = later
    }

    /// Whether this start has written anything.
    public var hasWritten: Bool { head.incarnation == incarnation }

    /// Goes on from an event of this origin that came back from the hub. Only before the first event of this start:
    /// afterwards its line is what it is.
    mutating func continueFrom(_ head: ChainHead) {
        if !hasWritten { self.head = head }
    }

    public mutating func append(
        _ newEvent: NewEvent, caseID: CaseID?, epoch: Epoch, now: Instant, hashing: Hashing,
        random: inout some RandomNumberGenerator
    ) throws(Refusal) -> Event {
        let part = newEvent.texts.isEmpty ? Part.none : .present(Self.salt(&random) + newEvent.texts.wire)
        var next = clock
        let schema = since(newEvent.change.kind)
        let envelope = Envelope(
            id: Self.label(at: now, &random), origin: origin, incarnation: incarnation, seq: head.seq + 1,
            previous: head.hash, caseID: caseID, base: newEvent.base, epoch: epoch, stamp: next.tick(now: now),
            occurredAt: newEvent.occurredAt, actor: newEvent.actor, type: newEvent.change.kind.rawValue, schema: schema,
            minReader: schema, declaredClass: newEvent.change.mergeClass, content: .change(newEvent.change),
            partHash: part.bytes.map(hashing),
            applies: newEvent.applies)
        let bytes = seal?.seal(envelope.wire) ?? envelope.wire
        let size = bytes.count + (part.bytes?.count ?? 0)
        guard size <= Schema.maximumEventSize else { throw .tooLarge(bytes: size) }
        let event = Event(envelope: envelope, bytes: bytes, hash: hashing(bytes), part: part)
        clock = next
        if !hasWritten { parent = head.incarnation }
        head = ChainHead(incarnation: incarnation, seq: envelope.seq, hash: event.hash)
        return event
    }

    /// The first schema that knows a kind.
    func since(_ kind: EventKind) -> UInt32 { later.isEmpty ? kind.rule.since : later[kind] ?? kind.rule.since }

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

/// One incarnation's part of an origin's journal.
public struct Chain: Sendable, Hashable {
    /// The incarnation that this one continues; 0 at the root, and where its parent is not known here.
    public var parent: UInt64
    /// The seq of its first event here.
    public var first: UInt64
    public var head: ChainHead

    public init(parent: UInt64, first: UInt64, head: ChainHead) {
        (self.parent, self.first, self.head) = (parent, first, head)
    }

    public var incarnation: UInt64 { head.incarnation }
}

/// Events of one incarnation with a greater seq.
public struct Stretch: Sendable, Hashable {
    public var incarnation: UInt64
    public var after: UInt64

    public init(incarnation: UInt64, after: UInt64) { (self.incarnation, self.after) = (incarnation, after) }
}

/// What one origin's tree of chains has accepted so far, and whether an event continues it.
public struct ChainTree: Sendable, Equatable {
    public enum Verdict: Sendable, Equatable {
        /// Continues an accepted chain, or begins a new incarnation on the one named.
        case next(parent: UInt64)
        /// Already here.
        case duplicate
        /// Events before it are missing.
        case gap(after: ChainHead)
        /// Another event has this place: tampering.
        case forged
        /// Its parent is not the event that it names.
        case brokenLink
        /// One incarnation more than an origin may have.
        case tooMany
    }

    /// One for each incarnation; the one extended last at the end.
    public private(set) var chains: [Chain]
    /// Whether two of its chains go on from one place: an older state was brought back, or two copies write.
    public private(set) var isForked: Bool

    /// A writer mints one at each start: so many are years of daily restarts, or an attack.
    public static let maximumChains = 8_192

    public init(chains: [Chain] = []) {
        self.chains = chains
        isForked = Self.isForked(chains)
    }

    public var heads: [ChainHead] { chains.map(\.head) }

    public func chain(of incarnation: UInt64) -> Chain? { chains.last { $0.incarnation == incarnation } }
    public func head(of incarnation: UInt64) -> ChainHead? { chain(of: incarnation)?.head }

    /// The chain that was extended last: where a well-behaved origin stands.
    public var latest: ChainHead { chains.last?.head ?? .empty }

    /// Whether the tree holds the event at a head, as far as heads tell: the same hash at a chain's end, or an earlier seq.
    public func reaches(_ head: ChainHead) -> Bool {
        guard let own = self.head(of: head.incarnation) else { return false }
        return own.seq > head.seq || own == head
    }

    /// What this tree has and a peer with those heads lacks, in order of incarnation.
    public func stretches(beyond heads: [ChainHead]) -> [Stretch] {
        var known: [UInt64: UInt64] = [:]
        for head in heads { known[head.incarnation] = max(known[head.incarnation] ?? 0, head.seq) }
        return chains.compactMap { chain in
            let after = known[chain.incarnation] ?? chain.first - 1
            return chain.head.seq > after ? Stretch(incarnation: chain.incarnation, after: after) : nil
        }.sorted { $0.incarnation < $1.incarnation }
    }

    /// How many events no receipt covers.
    /// - Parameter acknowledged: the greatest seq of each incarnation that one does.
    public func backlog(_ acknowledged: [UInt64: UInt64]) -> UInt64 {
        chains.reduce(0) { sum, chain in
            let covered = max(acknowledged[chain.incarnation] ?? 0, chain.first - 1)
            return sum + (chain.head.seq - min(covered, chain.head.seq))
        }
    }

    /// The last seq on the line that ends at `head` up to which receipts cover it.
    public func covered(_ acknowledged: [UInt64: UInt64], to head: ChainHead) -> UInt64 {
        var (incarnation, end) = (head.incarnation, head.seq)
        for _ in 0...chains.count {
            if let covered = acknowledged[incarnation], covered > 0 { return min(covered, end) }
            guard let chain = chain(of: incarnation) else { return 0 }
            (incarnation, end) = (chain.parent, chain.first - 1)
        }
        return 0
    }

    private static func isForked(_ chains: [Chain]) -> Bool {
        var ends: [UInt64: UInt64] = [:]
        for chain in chains { ends[chain.incarnation] = chain.head.seq }
        var children = Set<ChainPlace>()
        return chains.contains { chain in
            !children.insert(ChainPlace(incarnation: chain.parent, seq: chain.first)).inserted
                || ends[chain.parent] ?? 0 >= chain.first
        }
    }

    /// Whether the event at `place` lies on the line that ends at `end`.
    public func isOnLine(_ place: ChainPlace, to end: ChainPlace) -> Bool {
        var (incarnation, seq) = (end.incarnation, end.seq)
        // Each step goes to an incarnation that began earlier, so there are at most as many as chains.
        for _ in 0...chains.count {
            if incarnation == place.incarnation { return place.seq <= seq }
            guard let chain = chain(of: incarnation), chain.parent != 0 else { return false }
            (incarnation, seq) = (chain.parent, min(seq, chain.first - 1))
        }
        return false
    }

    /// - Parameter known: looks up the hash at a place that was accepted earlier.
    public func verdict(on event: Event, known: (ChainPlace) -> EventHash?) -> Verdict {
        let envelope = event.envelope
        if let chain = chain(of: envelope.incarnation) {
            let head = chain.head
            if envelope.seq == head.seq + 1 {
                return envelope.previous == head.hash ? .next(parent: chain.parent) : .brokenLink
            }
            if envelope.seq > head.seq + 1 { return .gap(after: head) }
            // A place that was not looked up, or that was taken since: the sender is asked to begin again.
            guard let hash = known(envelope.place) else { return .gap(after: head) }
            return hash == event.hash ? .duplicate : .forged
        }
        guard chains.count < Self.maximumChains else { return .tooMany }
        if envelope.seq == 1 { return envelope.previous == .zero ? .next(parent: 0) : .brokenLink }
        // Where no parent is known, those of its own incarnation may have been lost on the way: no proof of anything.
        let before = envelope.seq - 1
        let parent = chains.last { chain in
            guard chain.first <= before && before <= chain.head.seq else { return false }
            let place = ChainPlace(incarnation: chain.incarnation, seq: before)
            return (before == chain.head.seq ? chain.head.hash : known(place)) == envelope.previous
        }
        return parent.map { .next(parent: $0.incarnation) } ?? .gap(after: latest)
    }

    /// Takes an event that continues it. Returns its chain as it stands then.
    @discardableResult
    public mutating func accept(_ event: Event, parent: UInt64) -> Chain {
        let envelope = event.envelope
        let head = ChainHead(incarnation: envelope.incarnation, seq: envelope.seq, hash: event.hash)
        var chain = Chain(parent: parent, first: envelope.seq, head: head)
        if let index = chains.lastIndex(where: { $0.incarnation == head.incarnation }) {
            chain = chains.remove(at: index)
            chain.first = min(chain.first, envelope.seq)
            if head.seq > chain.head.seq { chain.head = head }
        }
        if !isForked {
            isForked = chains.contains {
                $0.parent == chain.incarnation && $0.first <= chain.head.seq
                    || $0.incarnation == chain.parent && $0.head.seq >= chain.first
                    || $0.parent == chain.parent && $0.first == chain.first
            }
        }
        chains.append(chain)
        return chain
    }
}
