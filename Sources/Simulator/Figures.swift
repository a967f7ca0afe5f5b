import Casework

/// Counts that are kept up with every commit, from the rows of the cases that it touched.
struct Figures: Equatable {
  /// What one case adds.
  struct Row: Equatable {
    var status: Status
    var conflicts: Int
    var proposals: Int
    var revision: Int

    init(_ state: Case) {
      status = state.status
      conflicts = state.conflicts.count
      proposals = state.proposals.count
      revision = state.revision
    }
  }

  private(set) var rows: [CaseID: Row] = [:]
  private(set) var byStatus: [Status: Int] = [:]
  private(set) var conflicts = 0
  private(set) var proposals = 0
  private(set) var events = 0

  mutating func note(_ id: CaseID, _ state: Case?) {
    if let old = rows.removeValue(forKey: id) { add(old, -1) }
    guard let state else { return }
    let row = Row(state)
    rows[id] = row
    add(row, 1)
  }

  private mutating func add(_ row: Row, _ sign: Int) {
    byStatus[row.status, default: 0] += sign
    conflicts += sign * row.conflicts
    proposals += sign * row.proposals
    events += sign * row.revision
  }

  /// Without the statuses that no case has.
  var totals: [Status: Int] { byStatus.filter { $0.value != 0 } }
}
