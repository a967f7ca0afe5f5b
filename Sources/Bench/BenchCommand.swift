public import ArgumentParser
import Contract
import Glibc
import JSON
import POSIX
import Program

/// `peyvand bench`: this program beside what an office would otherwise run, on this machine, in one run.
public struct BenchCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures this program beside its peers, on this machine, in one run.",
        discussion: """
            Without names: all of them but `scale`. The peers are Debian packages: deploy/bench installs them.
            Exit codes: 0 measured, whatever the figures; 1 could not measure, or the two sides differ; 2 used wrongly.
            """)

    @Argument(help: "\(BenchmarkName.allCases.map(\.rawValue).joined(separator: ", ")).")
    var names: [BenchmarkName] = []
    @Flag(help: "Smaller data and fewer rounds: all in two minutes.") var quick = false
    @Flag(help: "One JSON document instead of a table.") var json = false
    @Flag(help: "With scale: up to 10,000,000 cases and 60,000,000 events, where the disk allows.") var full = false
    @Option(help: "Rounds of ours and the peer in turn; without it, as many as each benchmark deserves.")
    var rounds: Int?
    @Option(help: "Where the servers keep their data; without it, a folder below /var/tmp that is removed at the end.")
    var directory: String?

    public init() {}

    public func run() async throws {
        if let rounds, !(1...99).contains(rounds) { throw Failure.usedWrongly("--rounds is a number from 1 to 99.") }
        let place = try BenchFolder(directory)
        let bench = BenchRun(
            folder: place.path, isQuick: quick, isFull: full, givenRounds: rounds, isQuiet: json)
        // `scale` begins with an empty hub and leaves it full, as `reads` wants it.
        let given = names.isEmpty ? BenchmarkName.standard : names
        let chosen = given.filter { $0 == .scale } + given.filter { $0 != .scale }
        try await untilSignalled { [json] in
            do {
                var report = BenchReport(machine: .this)
                for name in chosen {
                    bench.say(name.rawValue)
                    report.comparisons += try await name.benchmark.run(bench)
                }
                if json { Terminal.write(report.json.text + "\n") } else { report.show() }
            } catch {
                // Servers may still be ending in it; what went wrong before is what a person needs to know.
                do { try place.remove() } catch let left { Terminal.complain("\(left)") }
                throw error
            }
            try place.remove()
        }
    }
}

enum BenchmarkName: String, CaseIterable, Sendable, ExpressibleByArgument {
    case catchUp = "catch-up"
    case latency, register, http, reads, storm, size, functions, scale

    /// `scale` alone takes longer than all the others together.
    static let standard = allCases.filter { $0 != .scale }

    var benchmark: any Benchmark {
        switch self {
        case .catchUp: CatchUpBenchmark()
        case .latency: LatencyBenchmark()
        case .register: RegisterBenchmark()
        case .http: HTTPBenchmark()
        case .reads: ReadsBenchmark()
        case .storm: StormBenchmark()
        case .size: SizeBenchmark()
        case .functions: FunctionsBenchmark()
        case .scale: ScaleBenchmark()
        }
    }
}

/// A folder of this run's own, removed at its end unless the person named it.
struct BenchFolder: Sendable {
    let path: String
    private let isTemporary: Bool

    init(_ given: String?) throws {
        isTemporary = given == nil
        if let given {
            path = Files.absolute(given)
            try Files.makeFolder(path)
            return
        }
        // Not /tmp, which may be memory: a benchmark of durability needs a disk.
        // mkdtemp puts letters of its own in place of the X.
        var template = Array("/var/tmp/peyvand-bench-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError("make a folder in", "/var/tmp") }
        path = String(cString: made)
        // PostgreSQL's user must pass through.
        chmod(path, 0o755)
    }

    func remove() throws { if isTemporary { try Files.removeTree(path) } }
}
