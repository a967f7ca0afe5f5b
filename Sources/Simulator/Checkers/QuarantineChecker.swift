import Casework
import Federation

/// At the end nobody is kept out, nothing is held back, and the hub waits for nobody.
enum QuarantineChecker: Checker {
  static func check(_ replicas: Replicas) throws {
    let disk = replicas.hub.disk
    if let origin = disk.quarantined.sorted().first {
      throw Violation("\(origin) is still quarantined")
    }
    for origin in disk.held.keys.sorted() where disk.held[origin]?.isEmpty == false {
      throw Violation("events of \(origin) are still held")
    }
    if let restoration = disk.restoration {
      throw Violation(
        "the hub still waits for \(restoration.awaited.sorted().map(\.code).joined(separator: ", "))"
      )
    }
    guard replicas.world.hub.core.quarantined.isEmpty else {
      throw Violation("the hub remembers a quarantine")
    }
  }
}
