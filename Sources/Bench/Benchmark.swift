import Glibc
import Logging
import Program

/// One subject of `peyvand bench`.
protocol Benchmark: Sendable {
    /// Measures ours and its peer in turn, and checks that both hold the same data at the end.
    /// - Throws: when it could not be measured, or when the two sides differ.
    func run(_ bench: BenchRun) async throws -> [Comparison]
}

/// What all benchmarks of a run share.
struct BenchRun: Sendable {
    let folder: String
    let isQuick: Bool
    let isFull: Bool
    let givenRounds: Int?
    /// Nothing but the document goes to standard output; progress goes to standard error.
    let isQuiet: Bool

    /// - Parameters: rounds of a whole run, and of a quick one.
    func rounds(_ standard: Int, quick: Int) -> Int { givenRounds ?? (isQuick ? quick : standard) }

    func say(_ text: String) { if isQuiet { Terminal.complain(text) } else { Terminal.line(text) } }

    var logger: Logger {
        var logger = Logger(label: "peyvand.bench")
        logger.logLevel = .warning
        return logger
    }
}

/// One line of the result: our figure, the peer's, and how they stand to each other.
struct Comparison: Sendable {
    enum Bound: Sendable {
        /// Of the ratio: at least so many times the peer.
        case ratio(Double)
        case atLeast(Double)
        case atMost(Double)
    }

    /// `catch-up`, `latency p99`
    var name: String
    var unit: String
    /// Median over the rounds.
    var ours: Double
    /// What it is compared with, and its median.
    var peer: (name: String, value: Double)?
    /// Median of each round's ratio; above 1 we are ahead, whether more or less is better.
    var ratio: Double?
    var rounds = 1
    var goal: Bound?
    var floor: Bound?
    /// Further figures by name, for those who look closer.
    var details: [(name: String, value: Double)] = []

    init(
        _ name: String, unit: String, ours: Double, peer: (name: String, value: Double)? = nil, ratio: Double? = nil,
        rounds: Int = 1, goal: Bound? = nil, floor: Bound? = nil, details: [(name: String, value: Double)] = []
    ) {
        (self.name, self.unit, self.ours, self.peer, self.ratio) = (name, unit, ours, peer, ratio)
        (self.rounds, self.goal, self.floor, self.details) = (rounds, goal, floor, details)
    }

    /// Of rounds in which ours and the peer took turns; each figure is a rate: more is better.
    static func rates(
        _ name: String, unit: String, ours: [Double], peer: (name: String, values: [Double]), goal: Bound? = nil,
        floor: Bound? = nil, details: [(name: String, value: Double)] = []
    ) -> Comparison {
        let ratios = zip(ours, peer.values).map { $0 / $1 }
        return Comparison(
            name, unit: unit, ours: ours.median, peer: (peer.name, peer.values.median), ratio: ratios.median,
            rounds: ours.count, goal: goal, floor: floor, details: details)
    }

    func meets(_ bound: Bound) -> Bool {
        switch bound {
        case .ratio(let least): ratio.map { $0 >= least } ?? false
        case .atLeast(let least): ours >= least
        case .atMost(let most): ours <= most
        }
    }
}

extension [Double] {
    var median: Double { quantile(0.5) }

    /// The least value that so many of all are not above; 0 for none.
    func quantile(_ share: Double) -> Double {
        guard !isEmpty else { return 0 }
        let sorted = sorted()
        if share == 0.5, count.isMultiple(of: 2) { return (sorted[count / 2 - 1] + sorted[count / 2]) / 2 }
        return sorted[Swift.min(count - 1, Swift.max(0, Int((Double(count) * share).rounded(.up)) - 1))]
    }
}

extension Duration {
    var seconds: Double { self / .seconds(1) }
}
