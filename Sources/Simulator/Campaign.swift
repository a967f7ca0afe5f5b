public import Casework

/// Many seeds, several at a time.
public struct Campaign: Sendable {
    public var tally = Tally()
    /// Seeds that did not end clean, in order.
    public var failures: [(seed: UInt64, outcome: Outcome)] = []
    /// SHA-256 over the hashes of all seeds in their order.
    public var hash = EventHash.zero
    public var count = 0

    /// - Parameters:
    ///   - began: told each seed when its run begins.
    ///   - progress: told after each seed how many are done and how many failed.
    public static func run(
        _ seeds: ClosedRange<UInt64>, workers: Int, stopsAtFirst: Bool = false,
        began: @escaping @Sendable (_ seed: UInt64) -> Void = { _ in },
        progress: (_ seed: UInt64, _ done: Int, _ failed: Int) -> Void = { _, _, _ in }
    ) async -> Campaign {
        var campaign = Campaign()
        var hashes: [UInt64: EventHash] = [:]
        await withTaskGroup(of: Report.self) { group in
            var next = seeds.lowerBound
            var isOver = false
            func start() {
                guard !isOver, next <= seeds.upperBound, next >= seeds.lowerBound else { return }
                let seed = next
                next &+= 1
                group.addTask {
                    began(seed)
                    return Simulation.run(seed: seed)
                }
            }
            for _ in 0..<max(1, workers) { start() }
            while let report = await group.next() {
                campaign.count += 1
                hashes[report.options.seed] = report.hash
                campaign.tally.merge(report.tally)
                if report.outcome != .clean {
                    campaign.failures.append((report.options.seed, report.outcome))
                    isOver = stopsAtFirst
                }
                progress(report.options.seed, campaign.count, campaign.failures.count)
                start()
            }
        }
        campaign.failures.sort { $0.seed < $1.seed }
        campaign.hash = sha256(hashes.sorted { $0.key < $1.key }.flatMap(\.value.bytes))
        return campaign
    }

    /// Kinds of fault, and scenarios, that never came.
    public var missing: [String] {
        FaultKind.allCases.map { "fault: \($0.rawValue)" }.filter { tally[$0] == 0 }
            + Scenario.allCases.map(\.name).filter { tally[$0] == 0 }
    }
}
