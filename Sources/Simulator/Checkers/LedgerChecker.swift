import Casework
import Federation

/// Every event is, exactly once, at its origin, at the hub and wherever its case is entitled; nothing vanished.
enum LedgerChecker: Checker {
  static func check(_ replicas: Replicas) throws {
    let ledger = replicas.world.ledger
    for hash in ledger.order {
      guard let event = ledger.written[hash] else { continue }
      let isAnywhere = replicas.all.contains { $0.disk.holds(hash) }
      if !isAnywhere {
        if ledger.mayBeLost.contains(hash) { continue }
        throw Violation("\(name(event)) is nowhere any more")
      }
      guard replicas.hub.disk.holds(hash) else { throw Violation("the hub lacks \(name(event))") }
      if let origin = replicas.nodes.first(where: { $0.origin == event.origin }),
        !origin.disk.holds(hash)
      {
        throw Violation("\(event.origin) lacks its own \(name(event))")
      }
      guard let id = event.caseID else { continue }
      let entitled = replicas.entitled(id)
      for node in replicas.nodes where entitled.contains(node.origin) && !node.disk.holds(hash) {
        throw Violation("\(node.name) is entitled to \(name(event)) and lacks it")
      }
    }
    for replica in replicas.all {
      for event in replica.disk.events
      where ledger.written[event.hash] == nil && event.origin != Stranger.origin {
        throw Violation("\(replica.name) holds \(name(event)) that nobody wrote")
      }
    }
  }

  private static func name(_ event: Event) -> String {
    "\(event.envelope.type) of \(event.origin) seq \(event.envelope.seq)"
  }
}
