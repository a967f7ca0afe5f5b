import Foundation
import TestDoors
import Testing

/// What breaks, and what must come of it: the rows marked P of the table in `Tests/README.md`, with real processes, a
/// real PostgreSQL and a real network. One after the other: each of them wants the machine for itself.
@Suite("Chaos", .serialized, .scratch, .timeLimit(.minutes(Run.isLong ? 60 : 6)))
enum Chaos {}

/// How this run is made, and on what.
enum Run {
    /// `PEYVAND_CHAOS=long`: a hundred kills of each kind of process, a thousand cases a node.
    static let isLong = ProcessInfo.processInfo.environment["PEYVAND_CHAOS"] == "long"

    static func size(short: Int, long: Int) -> Int { isLong ? long : short }

    /// All other randomness of a test comes from here. `PEYVAND_CHAOS_SEED` repeats the draws of an earlier run; what
    /// the kernel's scheduler adds to them nobody can repeat.
    static let seed: UInt64 = {
        let given = ProcessInfo.processInfo.environment["PEYVAND_CHAOS_SEED"].flatMap { UInt64($0) }
        let seed = given ?? UInt64.random(in: 1...999_999)
        print("chaos: PEYVAND_CHAOS_SEED=\(seed)\(isLong ? ", long form" : "")")
        return seed
    }()

    /// A line in the run's output: the numbers that a report wants.
    static func note(_ text: String) { print("chaos: \(text)") }
}

/// SplitMix64.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(_ number: Int) { state = Run.seed &+ UInt64(number) &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Leaves no files of the run behind, whatever came of it.
struct ScratchTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        defer { Scratch.remove() }
        try await function()
    }
}

extension Trait where Self == ScratchTrait {
    static var scratch: Self { Self() }
}

extension Trait where Self == ConditionTrait {
    /// Namespaces and mounts are root's, and not every container's root may make them.
    static var asRoot: Self {
        .enabled("needs a root that may make network namespaces and mounts") {
            await Self.succeeds("unshare", ["--net", "--mount", "/usr/sbin/ip", "link"])
        }
    }

    /// Looks into, and spoils, another user's system calls.
    static var withStrace: Self {
        .enabled("needs root and strace") { await Self.succeeds("strace", ["-o", "/dev/null", "true"]) }
    }

    private static func succeeds(_ program: String, _ arguments: [String]) async -> Bool {
        guard geteuid() == 0 else { return false }
        // What cannot be started, or takes too long, cannot be used either.
        return (try? await Program.run(program, arguments))?.code == 0
    }
}
