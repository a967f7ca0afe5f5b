/// What a seed draws before its run: how large the world is, what goes wrong there, how often, and what people do.
public struct Options: Sendable, CustomStringConvertible {
    public let seed: UInt64
    /// Provinces with a node.
    public let nodes: Int
    /// Steps of the safety phase.
    public let steps: Int
    /// The greatest time between two steps, milliseconds.
    public let pace: Int
    /// In the order of their declaration.
    public let faults: [FaultKind]
    /// Faults per thousand steps.
    public let faultRate: Int
    /// Commits that fail per thousand, while such faults are drawn.
    public let commitFaultRate: Int
    /// Steps per hundred in which a person acts.
    public let work: Int
    /// Cases at most: few cases are edited by many.
    public let cases: Int
    /// Frames cross as their bytes.
    public let onTheWire: Bool

    public init(seed: UInt64) {
        var random = Generator(seed: seed &* 0x9E37_79B9 &+ 0x5EED)
        for _ in 0..<4 { _ = random.next() }
        self.seed = seed
        nodes = random.below(40) == 0 ? 31 : 2 + random.below(random.chance(30) ? 5 : 3)
        steps = nodes == 31 ? 700 : 150 + random.below(350)
        pace = [300, 1_500, 1_500, 20_000, 3_600_000][random.below(5)]
        faultRate = [0, 10, 25, 50, 80][random.below(5)]
        commitFaultRate = [0, 10, 30, 60][random.below(4)]
        work = 15 + random.below(25)
        cases = nodes == 31 ? 25 : 2 + random.below(9)
        onTheWire = random.chance(25)
        let share = [20, 35, 50][random.below(3)]
        var drawn = FaultKind.allCases.filter { _ in random.chance(share) }
        if nodes == 31, !drawn.contains(.allReturn) { drawn.append(.allReturn) }
        // A restored hub never issues an epoch twice because its clock goes on; both at once is more than is promised.
        if drawn.contains(.hubRestored) { drawn.removeAll { $0 == .hubClockBack } }
        faults = drawn
    }

    func has(_ fault: FaultKind) -> Bool { faults.contains(fault) }

    public var description: String {
        "nodes \(nodes), steps \(steps), pace \(pace) ms, faults \(faultRate)‰, "
            + "failing commits \(commitFaultRate)‰, "
            + "work \(work)%, cases \(cases), bytes on the wire \(onTheWire ? "yes" : "no")\n"
            + "may go wrong: \(faults.map(\.rawValue).joined(separator: "; "))"
    }
}
