import Casework
import Federation

/// Whoever is entitled to a case holds the same events and sees the same state; nobody else holds any of it. The state is
/// a function of the set: any order of arrival gives it.
enum DigestChecker: Checker {
  static func check(_ replicas: Replicas) throws {
    for (place, id) in replicas.hub.disk.cases.enumerated() {
      let events = replicas.hub.disk.events(of: id)
      let set = Set(events.map(\.hash))
      let entitled = replicas.entitled(id)
      for node in replicas.nodes {
        guard entitled.contains(node.origin) else {
          // What it wrote itself as an outsider stays where it was written.
          if node.disk.events(of: id).allSatisfy({ $0.origin == node.origin }) { continue }
          throw Violation("\(node.name) holds a case that is not its own")
        }
        let held = node.disk.events(of: id)
        guard Set(held.map(\.hash)) == set else {
          throw Violation("\(node.name) has \(held.count) events of \(id), the hub \(events.count)")
        }
        guard node.cases[id] == replicas.hub.cases[id] else {
          throw Violation("\(node.name) sees another state of \(id) than the hub")
        }
      }
      if place < 2 {
        guard
          Fold.fold(id, events.reversed(), reader: replicas.world.hub.reader)
            == replicas.hub.cases[id]
        else {
          throw Violation("\(id) depends on the order of arrival")
        }
      }
    }
    for node in replicas.nodes {
      for id in node.disk.cases where !replicas.hub.disk.cases.contains(id) {
        throw Violation("the hub does not know \(id) of \(node.name)")
      }
    }
  }
}
