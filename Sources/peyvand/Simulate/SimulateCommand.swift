import ArgumentParser
import Glibc
import Program
import Simulator

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "The real machines of nodes and hub in a simulated world: one seed gives one history.",
        discussion: """
            Exit codes: 0 all clean, 10 a run crashed, 11 a run got stuck, 12 an invariant did not hold, 2 used wrongly.
            """)

    @Option(help: "Show one history, line by line.") var seed: UInt64?
    @Option(help: "Run many, such as 1..10000.") var seeds: String?
    @Option(help: "Runs at a time; without it, one for each core.") var workers: Int?
    @Flag(help: "End at the first run that is not clean.") var failFast = false

    func run() async throws {
        if let seed {
            guard seeds == nil else { throw Failure.usedWrongly("give --seed or --seeds, not both.") }
            return try show(seed)
        }
        guard let range = Self.range(seeds ?? "1..1000") else {
            throw Failure.usedWrongly("'\(seeds ?? "")' is no range of seeds; write it as 1..10000.")
        }
        guard (workers ?? 1) > 0, (workers ?? 1) <= 256 else { throw Failure.usedWrongly("--workers is 1 to 256.") }
        try await runAll(range)
    }

    /// `A..B` with A ≤ B.
    static func range(_ text: String) -> ClosedRange<UInt64>? {
        let ends = text.split(separator: "..", omittingEmptySubsequences: false).map { UInt64($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last, last - first < 1 << 32 else {
            return nil
        }
        return first...last
    }

    private func show(_ seed: UInt64) throws {
        TrapNotice.install()
        Terminal.line("seed \(seed): \(Options(seed: seed))")
        TrapNotice.begins(seed)
        let report = Simulation.run(seed: seed) { Terminal.line($0) }
        TrapNotice.ends(seed)
        for (name, count) in report.tally.counts.sorted(by: { $0.key < $1.key }) { Terminal.line("\(count)  \(name)") }
        Terminal.line("history \(report.hash)")
        if let message = report.outcome.message { throw Failure("seed \(seed) \(message)", code: report.outcome.code) }
        Terminal.line("seed \(seed) clean")
    }

    private func runAll(_ range: ClosedRange<UInt64>) async throws {
        TrapNotice.install()
        let workers = workers ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let total = range.upperBound - range.lowerBound + 1
        let campaign = await Campaign.run(
            range, workers: workers, stopsAtFirst: failFast, began: { TrapNotice.begins($0) }
        ) { seed, done, failed in
            TrapNotice.ends(seed)
            let isWorthALine = Terminal.isInteractive ? done % 10 == 0 : done % 1000 == 0
            guard isWorthALine else { return }
            let line = "\(done) of \(total) seeds, \(failed) failed"
            if Terminal.isInteractive { Terminal.progress(line) } else { Terminal.line(line) }
        }
        Terminal.flush()
        try sumUp(campaign)
    }

    private func sumUp(_ campaign: Campaign) throws {
        for (name, count) in campaign.tally.counts.sorted(by: { $0.key < $1.key }) {
            Terminal.line("\(count)  \(name)")
        }
        for name in campaign.missing { Terminal.line("never happened: \(name)") }
        for failure in campaign.failures {
            Terminal.line("seed \(failure.seed) \(failure.outcome.message ?? "")")
            Terminal.line("  peyvand simulate --seed \(failure.seed)")
        }
        Terminal.line("\(campaign.count) seeds, \(campaign.failures.count) failed, histories \(campaign.hash)")
        guard let worst = campaign.failures.map(\.outcome.code).min() else { return }
        throw Failure("\(campaign.failures.count) of \(campaign.count) seeds failed.", code: worst)
    }
}

extension Outcome {
    /// What the process ends with.
    var code: Int32 {
        switch self {
        case .clean: 0
        case .crashed: 10
        case .stuck: 11
        case .wrong: 12
        }
    }
}
