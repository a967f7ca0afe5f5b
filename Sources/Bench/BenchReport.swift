import Casework
import Contract
import Glibc
import JSON
import POSIX
import Program

/// What a run measured, where, and when.
struct BenchReport: Sendable {
    /// The machine that the figures are of.
    struct Machine: Sendable {
        var processor: String
        var cores: Int
        var memoryGiB: Int
        var kernel: String

        static var this: Machine {
            let model = (try? Files.text("/proc/cpuinfo"))?.split(separator: "\n").first { $0.hasPrefix("model name") }
            let memory = (try? Files.text("/proc/meminfo"))?.split(separator: "\n").first { $0.hasPrefix("MemTotal") }
            let kilobytes = memory.flatMap { Int($0.filter(\.isNumber)) } ?? 0
            return Machine(
                processor: model?.split(separator: ":").last.map { String($0.drop { $0 == " " }) } ?? "unknown",
                cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)), memoryGiB: (kilobytes + (1 << 19)) >> 20,
                kernel: ((try? Files.text("/proc/sys/kernel/osrelease")) ?? "unknown").filter { !$0.isNewline })
        }
    }

    var machine: Machine
    var at = Instant.now
    var comparisons: [Comparison] = []

    init(machine: Machine) { self.machine = machine }

    // MARK: For people

    func show() {
        Terminal.line()
        TextTable(
            ["", "ours", "", "peer", "", "ratio", "goal", "floor", "rounds"],
            comparisons.map { line in
                [
                    line.name, Self.text(line.ours), line.unit, line.peer.map { Self.text($0.value) } ?? "",
                    line.peer?.name ?? "", line.ratio.map { Self.text($0) + " x" } ?? "", Self.text(line.goal, line),
                    Self.text(line.floor, line), String(line.rounds),
                ]
            }
        ).show()
        Terminal.line()
        Terminal.line(
            "\(at.rfc3339.prefix(10)), \(machine.cores) cores (\(machine.processor)), \(machine.memoryGiB) GiB, "
                + "Linux \(machine.kernel)")
    }

    private static func text(_ bound: Comparison.Bound?, _ line: Comparison) -> String {
        guard let bound else { return "" }
        let words =
            switch bound {
            case .ratio(let least): "\(text(least)) x"
            case .atLeast(let least): ">= \(text(least))"
            case .atMost(let most): "<= \(text(most))"
            }
        return words + (line.meets(bound) ? " met" : " missed")
    }

    /// Three significant digits; whole numbers from 100.
    static func text(_ value: Double) -> String {
        if value.magnitude >= 100 { return String(Int(value.rounded())) }
        let digits = value.magnitude >= 10 ? 1 : value.magnitude >= 1 ? 2 : 3
        let scale = [1, 10, 100, 1000][digits]
        let scaled = Int((value * Double(scale)).rounded())
        let fraction = String(scaled.magnitude % UInt(scale))
        return (scaled < 0 ? "-" : "") + "\(scaled.magnitude / UInt(scale))."
            + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    // MARK: For machines

    var json: JSON {
        [
            "at": .string(at.rfc3339),
            "machine": [
                "processor": .string(machine.processor), "cores": JSON(machine.cores),
                "memory_gib": JSON(machine.memoryGiB), "kernel": .string(machine.kernel),
            ],
            "results": .array(comparisons.map { Self.json($0) }),
        ]
    }

    private static func json(_ line: Comparison) -> JSON {
        var members: [JSON.Member] = [
            .init("name", .string(line.name)), .init("unit", .string(line.unit)), .init("ours", .double(line.ours)),
            .init("rounds", JSON(line.rounds)),
        ]
        if let peer = line.peer {
            members += [.init("peer", .string(peer.name)), .init("theirs", .double(peer.value))]
        }
        if let ratio = line.ratio { members.append(.init("ratio", .double(ratio))) }
        for (name, bound) in [("goal", line.goal), ("floor", line.floor)] {
            guard let bound else { continue }
            let (kind, value) =
                switch bound {
                case .ratio(let least): ("ratio", least)
                case .atLeast(let least): ("at_least", least)
                case .atMost(let most): ("at_most", most)
                }
            members.append(.init(name, [kind: .double(value), "met": .bool(line.meets(bound))]))
        }
        if !line.details.isEmpty {
            members.append(.init("details", .object(line.details.map { .init($0.name, .double($0.value)) })))
        }
        return .object(members)
    }
}
