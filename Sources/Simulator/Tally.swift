/// How often what happened, by name: a run proves little if the interesting never came.
public struct Tally: Sendable, Equatable {
  public private(set) var counts: [String: Int] = [:]

  public init() {}

  public subscript(name: String) -> Int { counts[name] ?? 0 }

  mutating func add(_ name: String, _ count: Int = 1) {
    if count > 0 { counts[name, default: 0] += count }
  }

  mutating func add(_ fault: FaultKind) { add("fault: \(fault.rawValue)") }
  mutating func show(_ scenario: Scenario) { add(scenario.name) }

  mutating func merge(_ other: Tally) { counts.merge(other.counts, uniquingKeysWith: +) }
}
