/// What must have happened when a clock ends.
public enum ClockKind: String, Sendable, Hashable, CaseIterable {
    /// The case is answered. From its registration, whoever holds it.
    case `case`
    /// The present holder has answered, where it is not the case's home: there the case's own clock runs.
    case holder
    /// The organisation to which the case was referred has accepted or refused it.
    case accept
}

/// A clock that runs. An escalation names it by the case and by the event that started it.
public struct Clock: Sendable, Hashable {
    public var kind: ClockKind
    public var startedBy: EventHash
    public var due: Due

    public init(kind: ClockKind, startedBy: EventHash, due: Due) {
        (self.kind, self.startedBy, self.due) = (kind, startedBy, due)
    }
}

extension Case {
    /// The clocks that run now: those that stopped, as an answer stops them, are left out. Imported cases have none.
    public var clocks: [Clock] {
        guard isDueToBeAnswered else { return [] }
        var clocks: [Clock] = []
        if let registeredBy, let deadline {
            clocks.append(Clock(kind: .case, startedBy: registeredBy, due: deadline))
        }
        if seat != home, let started = seatClocks[seat], let holderDeadline {
            clocks.append(Clock(kind: .holder, startedBy: started, due: holderDeadline))
        }
        if heldStatus == .referred, let grant, let acceptBy {
            clocks.append(Clock(kind: .accept, startedBy: grant, due: acceptBy))
        }
        return clocks
    }

    /// The greatest level to which the clock that an event started was escalated; 0 before.
    public func escalatedLevel(of clock: EventHash) -> Int {
        escalations.reduce(0) { $1.clock == clock ? max($0, $1.level) : $0 }
    }

    /// Whether somebody still owes the citizen an answer, so that time counts.
    public var isDueToBeAnswered: Bool {
        !imported && isOpen && (heldStatus != .answered || !openDisputes.isEmpty)
    }

    /// Past its deadline without an answer. Imported cases are never overdue.
    public func isOverdue(at now: Instant) -> Bool {
        guard isDueToBeAnswered, let deadline else { return false }
        return now > deadline.at
    }
}
