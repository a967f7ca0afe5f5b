/// The rows of the list of scenarios that a simulator can show, and what in a run shows each.
public enum Scenario: Int, CaseIterable, Sendable {
  /// Commands of several people in one transaction.
  case together = 1
  /// A process dies around its commit.
  case killed = 2
  /// A call breaks with frames under way, one way, often, for weeks.
  case cut = 4
  /// All nodes come back at once, each with something to say.
  case allReturn = 5
  /// A restored node takes its own events back before it writes.
  case restoredOnline = 6
  /// A restored node wrote a branch, and both branches came to the hub.
  case restoredOffline = 7
  /// A restored hub took its own events back.
  case hubRestored = 8
  /// Two copies were told apart.
  case twoCopies = 9
  /// A stamp was bounded.
  case clock = 10
  /// A held write became a proposal because custody had moved.
  case custodyMoved = 11
  /// A field with three conflicts or more.
  case concurrent = 12
  /// An entry was hidden by one office and shown again by another; a node came back after a year.
  case hidden = 13
  /// Undecodable events and those of an outsider had no effect.
  case undecodable = 14
  /// A case was parked by a newer version, and freed by an upgrade.
  case versionSkew = 16
  /// A damaged event was found and fetched again.
  case flipped = 17
  /// A destination got a history late, or went on with envelopes only.
  case entitled = 18
  /// A dispute met a closure; the hub arbitrated after the third refusal.
  case disputed = 20

  var name: String { "S\(rawValue < 10 ? " " : "")\(rawValue) \(self)" }
}
