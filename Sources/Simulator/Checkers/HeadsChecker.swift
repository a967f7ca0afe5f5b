import Casework
import Federation

/// The shown value of each shared field by a dumb rule: of the values that no other is based on, the last by (bounded
/// stamp, origin, incarnation, seq). The first, for a national identity.
enum HeadsChecker: Checker {
  static func check(_ replicas: Replicas) throws {
    for id in replicas.hub.disk.cases {
      guard let state = replicas.hub.cases[id], let registered = state.registeredBy else {
        continue
      }
      let events = replicas.hub.disk.events(of: id)
      let standing = Set(state.history.filter { $0.effect == .applied }.map(\.event))
      let stamps = effectiveStamps(events, reader: replicas.world.hub.reader)
      for field in Field.allCases.sorted() {
        let values = events.filter { event in
          if event.hash == registered { return true }
          guard standing.contains(event.hash), case .amended(let amendment) = event.envelope.change
          else {
            return false
          }
          return amendment.fields.contains(field)
        }
        let covered = Set(
          values.flatMap { value in
            value.envelope.base.filter { $0.field == field }.flatMap(\.events).filter {
              $0 != value.hash
            }
          })
        let heads = values.filter { !covered.contains($0.hash) }.sorted { left, right in
          let (a, b) = (
            stamps[left.hash] ?? left.envelope.stamp, stamps[right.hash] ?? right.envelope.stamp
          )
          if a != b { return a < b }
          if left.origin != right.origin { return left.origin < right.origin }
          let (x, y) = (left.envelope, right.envelope)
          return x.incarnation != y.incarnation ? x.incarnation < y.incarnation : x.seq < y.seq
        }
        let shown = field == .citizenNationalID ? heads.first : heads.last
        guard state.values[field]?.shown == shown?.hash else {
          throw Violation("\(field.rawValue) of \(id) shows another value than the rule says")
        }
        guard Set(state.values[field]?.heads ?? []) == Set(heads.map(\.hash)) else {
          throw Violation("\(field.rawValue) of \(id) has other conflicts than the rule says")
        }
      }
    }
  }

  /// Bounded by the hub; never falling along a chain.
  private static func effectiveStamps(_ events: [Event], reader: UInt32) -> [EventHash: Stamp] {
    var stamps: [EventHash: Stamp] = [:]
    for event in events { stamps[event.hash] = event.envelope.stamp }
    var bounds: [EventHash: UInt64] = [:]
    for event in events where event.origin == .hub && event.envelope.minReader <= reader {
      if case .stamped(let hash, let hlc) = event.envelope.change {
        bounds[hash] = min(bounds[hash] ?? .max, hlc)
      }
    }
    for (hash, bound) in bounds where stamps[hash] != nil { stamps[hash] = Stamp(rawValue: bound) }
    for later in events {
      for earlier in events
      where earlier.origin == later.origin
        && earlier.envelope.incarnation == later.envelope.incarnation
        && earlier.envelope.seq < later.envelope.seq
      {
        let floor = bounds[earlier.hash].map { Stamp(rawValue: $0) } ?? earlier.envelope.stamp
        if let own = stamps[later.hash], own < floor { stamps[later.hash] = floor }
      }
    }
    return stamps
  }
}
