import Casework
import Federation

extension World {
    /// What came of it, counted at the hub: which scenarios this run has shown.
    func count(_ replicas: Replicas) {
        for id in replicas.hub.disk.cases {
            guard let state = replicas.hub.cases[id] else { continue }
            count(replicas.hub.disk.events(of: id), state)
        }
        for origin in origins where replicas.hub.disk.tree(origin).isForked { tally.add("forks") }
        let codes = alarms.filter { $0.at == .hub }.map(\.alarm.code)
        for code in codes { tally.add("alarm \(code)") }
        if codes.contains("two_copies") { tally.show(.twoCopies) }
        if tally["a year passes"] > 0, tally["fault: \(FaultKind.longOffline.rawValue)"] > 0 {
            tally.add("a year away")
        }
    }

    private func count(_ events: [Event], _ state: Case) {
        tally.add("conflicts", state.conflicts.count)
        tally.add("proposals", state.proposals.count)
        if state.values.contains(where: { $0.value.conflicts.count >= 3 }) { tally.show(.concurrent) }
        for entry in state.history {
            switch entry.effect {
            case .proposal(.custodyMoved): tally.show(.custodyMoved)
            case .proposal(.otherBranch): tally.show(.restoredOffline)
            case .withoutEffect(.foreignOrigin): tally.show(.undecodable)
            default: break
            }
        }
        var seats = [state.home]
        for event in events {
            switch event.envelope.change {
            case .granted(let grant) where event.origin == .hub:
                tally.add("grants")
                if !seats.contains(grant.seat) { tally.show(.entitled) }
                if grant.seat == .hub, grant.holder == .presidency, grant.cause != nil { tally.show(.disputed) }
                seats.append(grant.seat)
            case .stamped where event.origin == .hub: tally.show(.clock)
            case .branchRanked where event.origin == .hub: tally.add("ranks")
            case .unhidden(let entry):
                let hiders = events.filter { $0.envelope.change == .hidden(entry) }.map(\.origin)
                if hiders.contains(where: { $0 != event.origin }) { tally.show(.hidden) }
            default: break
            }
        }
    }
}
