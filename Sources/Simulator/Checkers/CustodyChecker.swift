import Casework
import Federation

/// Which held writes count, by a dumb rule; and no case waits for a grant that nobody will give.
enum CustodyChecker: Checker {
  static func check(_ replicas: Replicas) throws {
    for id in replicas.hub.disk.cases {
      guard let state = replicas.hub.cases[id], state.parkedBy == nil else { continue }
      if let transfer = state.transfer {
        throw Violation("\(id) still waits for its grant to \(transfer.seat)")
      }
      let events = replicas.hub.disk.events(of: id)
      let grants = events.compactMap { event -> Grant? in
        guard event.origin == .hub, case .granted(let grant) = event.envelope.change,
          state.history.first(where: { $0.event == event.hash })?.effect == .applied
        else { return nil }
        return grant
      }.sorted { $0.epoch < $1.epoch }
      let effects = Dictionary(state.history.map { ($0.event, $0.effect) }) { first, _ in first }
      for event in events where event.envelope.change?.mergeClass == .held {
        let epoch = event.envelope.epoch
        let seat = epoch == 0 ? id.home : grants.first { $0.epoch == epoch }?.seat
        let next = grants.first { $0.epoch > epoch }
        let isWithin = next?.cut.contains {
          $0.incarnation == event.envelope.incarnation && event.envelope.seq <= $0.seq
        }
        let counts = seat == event.origin && isWithin ?? true
        if !counts, effects[event.hash] == .applied {
          throw Violation(
            "\(event.envelope.type) of \(event.origin) counts in \(id), and custody lay elsewhere")
        }
        if counts, case .proposal(let reason) = effects[event.hash], reason != .otherBranch {
          throw Violation(
            "\(event.envelope.type) of \(event.origin) had custody of \(id): \(reason.rawValue)")
        }
      }
      try checkReceived(id, state, events, replicas)
      // A restored hub takes events back in another order than that in which it gave its grants.
      if !replicas.world.causes.hubRestored { try checkCuts(id, events) }
    }
  }

  /// What the outgoing seat had written and the hub had accepted when it gave a grant lies within the grant's cut.
  private static func checkCuts(_ id: CaseID, _ events: [Event]) throws {
    var seat = id.home
    for (index, event) in events.enumerated() where event.origin == .hub {
      guard case .granted(let grant) = event.envelope.change else { continue }
      for earlier in events[..<index] where earlier.origin == seat {
        let isWithin = grant.cut.contains {
          $0.incarnation == earlier.envelope.incarnation && earlier.envelope.seq <= $0.seq
        }
        guard isWithin else {
          throw Violation("a grant of \(id) cuts off what \(seat) had written before it")
        }
      }
      seat = grant.seat
    }
  }

  /// The present seat has said that the grant arrived: from then its own clocks run.
  private static func checkReceived(
    _ id: CaseID, _ state: Case, _ events: [Event], _ replicas: Replicas
  ) throws {
    guard let grant = state.grant,
      state.seat == .hub || replicas.nodes.contains(where: { $0.origin == state.seat })
    else { return }
    let count = events.count { event in
      if case .received(grant, _, _) = event.envelope.change {
        event.origin == state.seat
      } else {
        false
      }
    }
    guard count >= 1 else {
      throw Violation("\(state.seat) holds \(id) and has not said that it received it")
    }
  }
}
