/// One fact as the fold sees it: which event, when, by whom.
public struct Fact: Sendable {
    public var event: EventHash
    public var change: CaseChange
    public var actor: Actor
    public var at: Instant

    public init(event: EventHash, change: CaseChange, actor: Actor, at: Instant) {
        (self.event, self.change, self.actor, self.at) = (event, change, actor, at)
    }
}

extension Case {
    /// Why a held change does not fit the case as it stands; `nil` when it does. The one table of the life cycle, asked
    /// by `decide` before a command becomes an event, and by the fold for every event that custody lets count.
    public func objection(to change: CaseChange, by actor: Actor) -> EffectReason? {
        switch change {
        case .opened:
            return registration == nil && trackingCode == nil ? nil : .repeated
        case .registered:
            return registration == nil ? nil : .alreadyRegistered
        default:
            if registration == nil { return .notRegistered }
        }
        switch change {
        case .received(let grant, _, _):
            return grant == self.grant ? nil : .custodyMoved
        case .reviewed(let dispute, _):
            guard openDisputes.contains(where: { $0.event == dispute }) else { return .disputeUnknown }
            return actor.isSamePerson(as: firstDecider) ? .reviewerDecided : nil
        case .dueMoved:
            return heldStatus == .closed ? .statusDoesNotAllow : nil
        default:
            if transfer != nil { return .transferPending }
        }
        switch change {
        case .assessed, .answered: return objection(unless: .registered, .inProgress)
        case .referred(let to, _):
            let isItself = to == holder || to == registration?.about
            return objection(unless: .registered, .inProgress) ?? (isItself ? .referredToItself : nil)
        case .accepted, .refused: return objection(unless: .referred)
        case .closed: return objection(unless: .registered, .inProgress, .answered)
        // Judged above.
        case .opened, .registered, .received, .reviewed, .dueMoved: return .statusDoesNotAllow
        // Not held: custody and status do not bear on them.
        case .acted, .noted, .attached, .amended, .hidden, .unhidden, .disputed, .rated, .withdrawn, .escalated,
            .duplicateMarked, .notified, .granted, .stamped, .branchRanked:
            return .statusDoesNotAllow
        }
    }

    private func objection(unless allowed: Status...) -> EffectReason? {
        allowed.contains(heldStatus) ? nil : .statusDoesNotAllow
    }

    /// Applies a held change that custody lets count and to which there is no objection.
    public mutating func applyHeld(_ fact: Fact) {
        switch fact.change {
        case .opened(let code):
            trackingCode = code
        case .registered(let registration):
            self.registration = registration
            registeredBy = fact.event
            registeredAt = fact.at
            trackingCode = registration.trackingCode
            deadline = registration.due
            heldStatus = .registered
        case .assessed(let assessment):
            self.assessment = assessment
        case .referred(let to, let seat):
            refer(to: to, seat: seat, cause: fact.event)
        case .received(_, let due, let acceptBy):
            holderDeadline = due
            seatClocks[seat] = seatClocks[seat] ?? fact.event
            if heldStatus == .referred { self.acceptBy = acceptBy }
        case .accepted:
            heldStatus = .inProgress
            acceptBy = nil
        case .refused:
            refuse(cause: fact.event)
        case .answered:
            heldStatus = .answered
            answeredAt = fact.at
            firstDecider = firstDecider ?? fact.actor
        case .closed(let outcome):
            heldStatus = .closed
            heldOutcome = outcome
            firstDecider = firstDecider ?? fact.actor
        case .reviewed(let dispute, let upheld):
            review(dispute: dispute, upheld: upheld, by: fact.event)
        case .dueMoved(let due):
            deadline = due
        // Not held.
        case .acted, .noted, .attached, .amended, .hidden, .unhidden, .disputed, .rated, .withdrawn, .escalated,
            .duplicateMarked, .notified, .granted, .stamped, .branchRanked:
            break
        }
    }

    /// Applies a grant: custody moves, whatever the status. One that leaves it where it is, after branches were ranked,
    /// begins an epoch and nothing else.
    public mutating func apply(_ grant: Grant, event: EventHash, cause: CaseChange?) {
        guard grant.cause != nil || grant.seat != seat || grant.holder != holder else {
            (epoch, self.grant) = (grant.epoch, event)
            return
        }
        // A person's grant overtakes a pending return: only the grant that a refusal asked for goes back.
        let isReturn = transfer?.isReturn == true && transfer?.cause == grant.cause
        if isReturn {
            referrers.removeLast(referrers.isEmpty ? 0 : 1)
        } else if grant.seat != seat {
            referrers.append(Referrer(holder: holder, seat: seat))
        }
        holder = grant.holder
        seat = grant.seat
        epoch = grant.epoch
        self.grant = event
        transfer = nil
        acceptBy = nil
        holderDeadline = nil
        switch cause {
        case .referred: heldStatus = .referred
        case .refused: heldStatus = .registered
        default: if heldStatus == .referred { heldStatus = .registered }
        }
    }

    private mutating func refer(to organization: OrganizationCode, seat: Origin, cause: EventHash) {
        heldStatus = .referred
        if seat == self.seat {
            referrers.append(Referrer(holder: holder, seat: self.seat))
            holder = organization
        } else {
            transfer = Transfer(cause: cause, holder: organization, seat: seat, isReturn: false)
        }
    }

    private mutating func refuse(cause: EventHash) {
        heldStatus = .registered
        acceptBy = nil
        refusals += 1
        guard let back = referrers.last else { return }
        if back.seat == seat {
            holder = back.holder
            referrers.removeLast()
        } else {
            transfer = Transfer(cause: cause, holder: back.holder, seat: back.seat, isReturn: true)
        }
    }

    private mutating func review(dispute: EventHash, upheld: Bool, by event: EventHash) {
        guard let index = disputes.firstIndex(where: { $0.event == dispute }) else { return }
        disputes[index].review = event
        disputes[index].upheld = upheld
        if upheld, heldStatus == .answered || heldStatus == .closed {
            heldStatus = .inProgress
            heldOutcome = nil
            answeredAt = nil
        }
    }
}

extension Actor {
    /// One person may act in several roles.
    fileprivate func isSamePerson(as other: Actor?) -> Bool {
        name == other?.name && organization == other?.organization
    }
}
