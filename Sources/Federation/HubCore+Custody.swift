public import Casework

extension HubCore {
    /// Decides a command of the hub's people or of a ministry.
    public mutating func decide(
        _ wish: Wish, now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) -> Effects {
        var effects = Effects()
        if let record = desk.cases[wish.caseID], let origin = awaited(for: record) { throw .awaiting(origin) }
        let terms = desk.cases[wish.caseID].map { nextGrant(of: $0, now: now) }
        number(try desk.decide(wish, terms: terms, now: now, random: &random), wish.caseID, &effects)
        settle(&effects, now: now, random: &random)
        return effects
    }

    /// The hub's level, of clocks past whose end the seat has reported with nothing unsent. Cases seated here are the hub's
    /// own to tell, at the first level.
    public mutating func escalate(
        _ id: CaseID, now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) -> Effects {
        var effects = Effects()
        guard let record = desk.cases[id], awaited(for: record) == nil else { return effects }
        let seat = record.state.seat
        var (level, end) = (1, now)
        if seat != .hub {
            guard let report = reports[seat], report.backlog == 0 else { return effects }
            (level, end) = (2, min(now, report.heardAt))
        }
        number(try desk.escalate(id, level: level, before: end, now: now, random: &random), id, &effects)
        settle(&effects, now: now, random: &random)
        return effects
    }

    /// Folds what was touched, ranks branches, grants what is pending, and routes all of it in its order.
    mutating func settle(_ effects: inout Effects, now: Instant, random: inout some RandomNumberGenerator) {
        for id in effects.touched { desk.refold(id) }
        let isForked = chains.values.contains { $0.isForked }
        for id in effects.touched {
            // Most cases are at rest with their seat.
            let mayRank = isForked || desk.journal.isForked
            guard mayRank || desk.cases[id]?.concernsHub == true else { continue }
            let isRanked = mayRank && rank(id, &effects, now: now, random: &random)
            grantPending(id, isRanked: isRanked, &effects, now: now, random: &random)
            do {
                number(try desk.settle(id, now: now, random: &random), id, &effects)
            } catch {
                effects.alarms.append((.hub, Alarm(code: .notSettled, detail: "\(id): \(error)")))
            }
        }
        route(&effects)
    }

    /// Why the hub decides nothing about a case now: it was brought back from an older state, and this origin has not yet
    /// said what it knows. What the hub had decided went to home, seats, and to the seat that is asked for.
    private func awaited(for record: CaseRecord) -> Origin? {
        guard restoration != nil else { return nil }
        let asked = record.state.transfer.map { [seat(of: $0)] } ?? []
        return (record.destinations + asked).first { isSilent($0) }
    }

    private func mayDecide(_ record: CaseRecord) -> Bool {
        awaited(for: record) == nil && quarantined[record.state.seat] == nil
    }

    private mutating func grantPending(
        _ id: CaseID, isRanked: Bool, _ effects: inout Effects, now: Instant,
        random: inout some RandomNumberGenerator
    ) {
        guard let record = desk.cases[id], mayDecide(record) else { return }
        var asked: (holder: OrganizationCode, seat: Origin, cause: EventHash?)?
        if let transfer = record.state.transfer {
            // A case that nobody takes comes to the hub's own people, who decide whose it is.
            let isArbitrated = transfer.isReturn && record.state.refusals >= Self.bounces
            asked =
                isArbitrated
                ? (.presidency, .hub, transfer.cause) : (transfer.holder, seat(of: transfer), transfer.cause)
        } else if isRanked {
            // What the seat writes from now on counts again, whichever line it stands on.
            asked = (record.state.holder, record.state.seat, nil)
        }
        guard let asked else { return }
        let grant = nextGrant(of: record, now: now).grant(holder: asked.holder, seat: asked.seat, cause: asked.cause)
        write(
            [NewEvent(.granted(grant), actor: desk.system, occurredAt: now)], on: id, &effects, now: now,
            random: &random)
    }

    /// The tree says where an organisation works, not the origin that refers to it.
    private func seat(of transfer: Transfer) -> Origin { desk.tree.seat(of: transfer.holder) ?? transfer.seat }

    /// The epoch and the cut of the next grant: what every grant of this hub is made from.
    private func nextGrant(of record: CaseRecord, now: Instant) -> GrantTerms {
        let next = record.state.epoch == .max ? .max : record.state.epoch + 1
        return GrantTerms(epoch: max(next, UInt64(clamping: now.milliseconds / 1000)), cut: cut(record))
    }

    /// The outgoing seat's accepted positions, one for each incarnation that wrote this case.
    private func cut(_ record: CaseRecord) -> [ChainPlace] {
        let seat = record.state.seat
        var last: [UInt64: UInt64] = [:]
        for event in record.events where event.origin == seat {
            let incarnation = event.envelope.incarnation
            let accepted = tree(of: seat).head(of: incarnation)?.seq ?? 0
            last[incarnation] = max(last[incarnation] ?? 0, accepted, event.envelope.seq)
        }
        return last.sorted { $0.key < $1.key }.map { ChainPlace(incarnation: $0.key, seq: $0.value) }
    }

    private func tree(of origin: Origin) -> ChainTree {
        origin == .hub ? desk.journal : chains[origin, default: ChainTree()]
    }

    /// Where one epoch has held writes on two branches of its seat, the one accepted first counts. Returns whether
    /// anything was ranked.
    private mutating func rank(
        _ id: CaseID, _ effects: inout Effects, now: Instant, random: inout some RandomNumberGenerator
    ) -> Bool {
        guard let record = desk.cases[id], mayDecide(record) else { return false }
        let forked = Set(record.events.map(\.origin)).filter { tree(of: $0).isForked }.sorted()
        let newEvents = forked.flatMap { origin in
            Branches.losers(record.events, of: origin, in: tree(of: origin)).map { rank in
                NewEvent(.branchRanked(rank), actor: desk.system, occurredAt: now)
            }
        }
        guard !newEvents.isEmpty else { return false }
        write(newEvents, on: id, &effects, now: now, random: &random)
        return true
    }
}

/// Which of two lines of one origin counts in a case.
enum Branches {
    /// What is still to be said: for each epoch with held writes off the line that was accepted first, where the others
    /// begin.
    /// - Parameter events: of one case, in the order in which the hub accepted them.
    static func losers(_ events: [Event], of origin: Origin, in tree: ChainTree) -> [BranchRank] {
        var lines: [Epoch: ChainPlace] = [:]
        var losers: [Epoch: [UInt64: UInt64]] = [:]
        var ranked: [Epoch: [UInt64: UInt64]] = [:]
        for event in events {
            if event.origin == .hub, case .branchRanked(let rank) = event.envelope.change, rank.origin == origin {
                for loser in rank.losers {
                    let known = ranked[rank.epoch]?[loser.incarnation] ?? .max
                    ranked[rank.epoch, default: [:]][loser.incarnation] = min(known, loser.seq)
                }
            }
            guard event.origin == origin, event.mergeClass == .held else { continue }
            let (epoch, place) = (event.envelope.epoch, event.envelope.place)
            guard let line = lines[epoch] else {
                lines[epoch] = place
                continue
            }
            if tree.isOnLine(line, to: place) {
                lines[epoch] = place
            } else if !tree.isOnLine(place, to: line) {
                let first = losers[epoch]?[place.incarnation] ?? .max
                losers[epoch, default: [:]][place.incarnation] = min(first, place.seq)
            }
        }
        return losers.keys.sorted().compactMap { epoch in
            let new = (losers[epoch] ?? [:]).filter { $0.value < ranked[epoch]?[$0.key] ?? .max }
            guard !new.isEmpty else { return nil }
            let places = new.map { ChainPlace(incarnation: $0.key, seq: $0.value) }
            return BranchRank(origin: origin, epoch: epoch, losers: places.sorted { $0.incarnation < $1.incarnation })
        }
    }
}
