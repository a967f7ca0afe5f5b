public import Casework
public import Federation
import Synchronization

// Receipts, what is kept apart, what is waited for, and cases by what they need.
extension MemoryStore {
    // MARK: - Receipts

    public func record(_ ack: Ack) async throws {
        state.withLock { state in
            for head in ack.heads {
                let place = ChainPlace(incarnation: head.incarnation, seq: head.seq)
                if state.acks[place] == nil { state.acks[place] = ack }
            }
        }
    }

    public func acknowledged() async throws -> [UInt64: UInt64] {
        state.withLock { state in
            state.acks.keys.reduce(into: [:]) { $0[$1.incarnation] = max($0[$1.incarnation] ?? 0, $1.seq) }
        }
    }

    public func acknowledgement(covering place: ChainPlace) async throws -> Ack? {
        state.withLock { state in
            state.acks.filter { $0.key.incarnation == place.incarnation && $0.key.seq >= place.seq }
                .min { $0.key.seq < $1.key.seq }?.value
        }
    }

    // MARK: - Quarantine and restoration

    public func quarantines() async throws -> [Origin: Int] {
        state.withLock { state in
            var counts: [Origin: Int] = [:]
            for origin in state.quarantined { counts[origin] = state.held.count { $0.origin == origin } }
            return counts
        }
    }

    public func held(of origin: Origin, preferring incarnations: [UInt64], limit: Int) async throws -> [Event] {
        state.withLock { state in
            let all = state.held.filter { $0.origin == origin }
            let preferred = all.filter { incarnations.contains($0.envelope.incarnation) }
            let rest = all.filter { !incarnations.contains($0.envelope.incarnation) }
            return Array((preferred + rest).prefix(max(0, limit)))
        }
    }

    public func fenced() async throws -> [Origin: Set<UInt64>] { state.withLock { $0.fenced } }

    public func restoration() async throws -> Restoration? { state.withLock { $0.restoration } }

    public func restoredAt() async throws -> Instant? { state.withLock { $0.restoredAt } }

    // MARK: - Cases

    public func digests(
        after position: UInt64, limit: Int
    ) async throws -> [(digest: CaseDigest, position: UInt64)] {
        let later = state.withLock { state in
            state.cases.values.filter { $0.position > position }
                .sorted { ($0.position, $0.id) < ($1.position, $1.id) }
                .map { (digest: CaseDigest(caseID: $0.id, digest: $0.digest), position: $0.position) }
        }
        guard limit > 0, later.count > limit else { return limit > 0 ? later : [] }
        // Cases of one position come together.
        let next = later[limit].position
        guard next == later[limit - 1].position else { return Array(later.prefix(limit)) }
        let whole = later.prefix { $0.position < next }
        return whole.isEmpty ? Array(later.prefix { $0.position == next }) : Array(whole)
    }

    public func digests(of cases: [CaseID]) async throws -> [CaseDigest] {
        state.withLock { state in
            Set(cases).sorted().compactMap { id in
                state.cases[id].map { CaseDigest(caseID: id, digest: $0.digest) }
            }
        }
    }

    public func pending(after last: CaseID?, limit: Int) async throws -> [CaseID] {
        state.withLock { state in
            let ids = state.cases.values.filter(\.pending).map(\.id).filter { id in last.map { $0 < id } ?? true }
            return Array(ids.sorted().prefix(max(0, limit)))
        }
    }
}
