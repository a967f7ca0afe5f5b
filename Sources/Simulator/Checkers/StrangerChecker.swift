import Casework
import Federation

/// What a hostile node wrote in others' cases changed nothing: every event of its own stands without effect.
enum StrangerChecker: Checker {
  static func check(_ replicas: Replicas) throws {
    guard replicas.world.stranger != nil else { return }
    for id in replicas.hub.disk.cases where id.home != Stranger.origin {
      guard let state = replicas.hub.cases[id] else { continue }
      let events = replicas.hub.disk.events(of: id)
      let foreign = Set(events.filter { $0.origin == Stranger.origin }.map(\.hash))
      for entry in state.history where foreign.contains(entry.event) {
        guard entry.effect == .withoutEffect(.foreignOrigin) else {
          throw Violation("a stranger's event has an effect in \(id): \(entry.effect)")
        }
      }
      if let parked = state.parkedBy, foreign.contains(parked) {
        throw Violation("a stranger parked \(id)")
      }
      let clean = Fold.fold(
        id, events.filter { $0.origin != Stranger.origin }, reader: replicas.world.hub.reader)
      guard clean.values == state.values, clean.status == state.status,
        clean.holder == state.holder,
        clean.deadline == state.deadline
      else { throw Violation("a stranger changed \(id)") }
    }
  }
}
