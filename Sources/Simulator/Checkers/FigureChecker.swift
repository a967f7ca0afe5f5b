import Casework
import Federation

/// Every figure that was kept up commit by commit equals its recomputation from the journal.
enum FigureChecker: Checker {
  static func check(_ replicas: Replicas) throws {
    for replica in replicas.all {
      var again = Figures()
      for id in replica.disk.cases { again.note(id, replica.cases[id]) }
      let kept = replica.disk.figures
      for id in replica.disk.cases where kept.rows[id] != again.rows[id] {
        throw Violation("\(replica.name): the row of \(id) is not what its events say")
      }
      guard kept.totals == again.totals, kept.conflicts == again.conflicts,
        kept.proposals == again.proposals,
        kept.events == again.events
      else { throw Violation("\(replica.name): figures are not what the journal says") }
    }
  }
}
