import Casework
import Federation

/// Where one epoch has held writes on two branches of an origin, those of one branch count at most: walked back from event
/// to event, the dumb way.
enum BranchChecker: Checker {
  static func check(_ replicas: Replicas) throws {
    let disk = replicas.hub.disk
    for origin in replicas.world.origins where disk.tree(origin).isForked {
      let events = disk.written(by: origin)
      let byHash = Dictionary(uniqueKeysWithValues: events.map { ($0.hash, $0) })
      for id in disk.cases {
        guard let state = replicas.hub.cases[id], state.parkedBy == nil else { continue }
        let applied = Set(state.history.filter { $0.effect == .applied }.map(\.event))
        let counting = events.filter {
          $0.caseID == id && applied.contains($0.hash) && $0.envelope.change?.mergeClass == .held
        }
        for (index, one) in counting.enumerated() {
          for other in counting[(index + 1)...] where one.envelope.epoch == other.envelope.epoch {
            guard isBefore(one, other, byHash) || isBefore(other, one, byHash) else {
              throw Violation("two branches of \(origin) count in \(id)")
            }
          }
        }
      }
    }
  }

  private static func isBefore(_ one: Event, _ other: Event, _ byHash: [EventHash: Event]) -> Bool {
    var event: Event? = other
    while let current = event, current.envelope.seq > one.envelope.seq {
      event = byHash[current.envelope.previous]
    }
    return event?.hash == one.hash
  }
}
