/// What a seed may let go wrong. Each seed draws its own mix.
public enum FaultKind: String, CaseIterable, Sendable {
  // A commit.
  case commitRefused = "commit refused"
  case commitUnknownKept = "commit of unknown outcome, kept"
  case commitUnknownLost = "commit of unknown outcome, lost"
  case diesBeforeCommit = "dies before its commit"
  case diesAfterCommit = "dies after its commit, before it tells"
  // Processes.
  case nodeCrash = "node crashes"
  case hubCrash = "hub crashes"
  case memoryDropped = "memory dropped"
  // The network.
  case cut = "connection cut"
  case framesLost = "frames lost with their connection"
  case oneWayCut = "one direction cut"
  case halfOpen = "half-open call"
  case flapping
  case longOffline = "weeks without the hub"
  case allReturn = "all return at once"
  // Disks.
  case nodeRestoredOnline = "node restored, hub up"
  case nodeRestoredOffline = "node restored, hub down"
  case hubRestored = "hub restored"
  case twoCopies = "two copies of a node"
  case flipAtNode = "bit flipped in a node's store"
  case flipAtHub = "bit flipped in the hub's store"
  case flipInPart = "bit flipped in a stored part"
  case flipInFrame = "bit flipped in a sent event"
  // Clocks.
  case clockDrift = "clock drifts"
  case clockAhead = "clock a year ahead"
  case clockBack = "clock jumps back"
  case hubClockBack = "hub's clock jumps back"
  case timePasses = "much time passes"
  // Versions and strangers.
  case versionSkew = "an old version among new ones"
  case hostile = "a hostile node"
}
