import Casework

/// Who may write held fields, from the set of a case's grants.
struct Custody: Sendable {
    let home: Origin
    /// By epoch; one for each.
    let grants: [(grant: Grant, event: Event)]
    /// Grants whose epoch another grant had taken.
    let rejected: [Event]
    /// Every origin that may write in this case. A seat whose grant was rejected wrote in good faith.
    private let participants: [Origin]
    private let ranks: [BranchRank]

    /// - Parameter events: in history order; those that this reader does not understand say nothing.
    init(home: Origin, events: [Event], reader: UInt32) {
        self.home = home
        var first: [Epoch: (grant: Grant, event: Event)] = [:]
        var rejected = [Event]()
        var participants = [Origin]()
        var ranks = [BranchRank]()
        for event in events where event.origin == .hub && event.isReadable(by: reader) {
            switch event.envelope.change {
            case .granted(let grant):
                if !participants.contains(grant.seat) { participants.append(grant.seat) }
                if first[grant.epoch] == nil, grant.epoch > 0 {
                    first[grant.epoch] = (grant, event)
                } else {
                    rejected.append(event)
                }
            case .branchRanked(let rank): ranks.append(rank)
            default: break
            }
        }
        grants = first.values.sorted { $0.grant.epoch < $1.grant.epoch }
        self.rejected = rejected
        self.participants = participants
        self.ranks = ranks
    }

    /// The home, the hub, and every seat that a grant of this case names.
    func takesPart(_ origin: Origin) -> Bool { origin == home || origin == .hub || participants.contains(origin) }

    /// Why a held write is only a proposal; `nil` when custody lets it count: its epoch's grant names its origin as
    /// seat, and no later grant is in the set or the write lies within the next grant's cut.
    func reasonNotToCount(_ envelope: Envelope) -> EffectReason? {
        let index = grants.firstIndex { $0.grant.epoch == envelope.epoch }
        if envelope.epoch != 0, index == nil { return .unknownEpoch }
        guard envelope.origin == (index.map { grants[$0].grant.seat } ?? home) else { return .notTheSeat }
        let next = index.map { $0 + 1 } ?? 0
        if next < grants.count {
            let isWithin = grants[next].grant.cut.contains {
                $0.incarnation == envelope.incarnation && envelope.seq <= $0.seq
            }
            guard isWithin else { return .custodyMoved }
        }
        let lost = ranks.contains { rank in
            rank.origin == envelope.origin && rank.epoch == envelope.epoch
                && rank.losers.contains { $0.incarnation == envelope.incarnation && envelope.seq >= $0.seq }
        }
        return lost ? .otherBranch : nil
    }
}
