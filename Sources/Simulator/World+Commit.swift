import Casework
import Federation

extension World {
    /// What becomes of a commit.
    enum Fate {
        case commits
        case refuses, keepsUnknown, losesUnknown
        case diesBefore, diesAfter
    }

    func fate() -> Fate {
        guard !isCalm, random.below(1000) < options.commitFaultRate else { return .commits }
        let drawn: [(FaultKind, Fate)] = [
            (.commitRefused, .refuses), (.commitUnknownKept, .keepsUnknown), (.commitUnknownLost, .losesUnknown),
            (.diesBeforeCommit, .diesBefore), (.diesAfterCommit, .diesAfter),
        ].filter { options.has($0.0) }
        guard let (kind, fate) = random.pick(drawn) else { return .commits }
        tally.add(kind)
        trace.note("fault: \(kind.rawValue)")
        if fate == .diesBefore || fate == .diesAfter { tally.show(.killed) }
        return fate
    }

    // MARK: The wire

    /// A frame as it comes out at the other end.
    func crossed(_ frame: NodeFrame) throws(FrameFault) -> NodeFrame {
        options.onTheWire ? try NodeFrame(wire: frame.wire) : frame
    }

    func crossed(_ frame: HubFrame) throws(FrameFault) -> HubFrame {
        options.onTheWire ? try HubFrame(wire: frame.wire) : frame
    }

    // MARK: Words for the trace

    func short(_ hash: EventHash) -> String { Hex.encode(hash.bytes.prefix(4)) }

    func label(_ event: Event) -> String {
        let envelope = event.envelope
        let start = Hex.encode([UInt8(envelope.incarnation >> 56), UInt8(envelope.incarnation >> 48 & 0xFF)])
        return "\(event.origin).\(start)"
            + ".\(envelope.seq) \(envelope.type) epoch \(envelope.epoch) \(short(event.hash))"
            + (event.part == .withheld ? " without part" : "")
    }
}

extension Event {
    var isGrant: Bool {
        if origin == .hub, case .granted = envelope.change { true } else { false }
    }
}

extension NodeFrame {
    var name: String {
        switch self {
        case .hello: "Hello"
        case .events(let events): "\(events.count) Events"
        case .history(let history): "History \(history.purpose) of \(history.events.count)"
        case .digests(let digests): "\(digests.count) Digests"
        case .fetch(let cases): "Fetch of \(cases.count)"
        case .feedAck(let cursor, _, _): "FeedAck \(cursor?.seq ?? 0)"
        case .alarm(let alarm): "Alarm \(alarm.code)"
        case .goodbye(let goodbye): "Goodbye \(goodbye.reason)"
        }
    }
}

extension HubFrame {
    var name: String {
        switch self {
        case .welcome(let welcome):
            "Welcome\(welcome.quarantined ? " quarantined" : "")\(welcome.lost.isEmpty ? "" : " that lacks events")"
        case .ack(let ack): "Ack \(ack.heads.map { String($0.seq) }.joined(separator: ","))"
        case .feed(let rows): "Feed of \(rows.count) to \(rows.last?.cursor.seq ?? 0)"
        case .history(let history): "History \(history.purpose) of \(history.events.count)"
        case .fetch(let cases): "Fetch of \(cases.count)"
        case .alarm(let alarm): "Alarm \(alarm.code)"
        case .goodbye(let goodbye): "Goodbye \(goodbye.reason)"
        }
    }
}

extension Command {
    /// The wish by one word.
    var name: String {
        switch self {
        case .register: "register"
        case .open: "open"
        case .note: "note"
        case .attach: "attach"
        case .assess: "assess"
        case .refer: "refer"
        case .accept: "accept"
        case .refuse: "refuse"
        case .act: "act"
        case .answer: "answer"
        case .close: "close"
        case .dispute: "dispute"
        case .review: "review"
        case .rate: "rate"
        case .withdraw: "withdraw"
        case .hide(_, let hidden): hidden ? "hide" : "show again"
        case .amend: "amend"
        case .restore: "restore"
        case .apply: "apply"
        case .moveCustody: "move custody"
        case .markDuplicate: "mark duplicate"
        case .notify: "notify"
        case .importCase: "import"
        }
    }
}
