import TestDoors
import Testing

extension Demo {
    /// The one that the suite's tests share.
    @TaskLocal static var current: Demo?

    /// - Throws: `Fault` outside the suite.
    static func running() throws -> Demo {
        guard let demo = current else { throw Fault("no demonstration runs; this test belongs into EndToEnd") }
        return demo
    }
}

/// Starts the demonstration before the suite's first test and ends it after the last, also after failures.
struct DemonstrationTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        let demo = Demo()
        let outcome: Result<Void, any Error>
        do {
            try await demo.start()
            outcome = .success(
                try await Demo.$current.withValue(demo) {
                    try await Testimony.$logs.withValue({ demo.logTails() }) { try await function() }
                })
        } catch {
            outcome = .failure(error)
        }
        await demo.end()
        Scratch.remove()
        try outcome.get()
    }
}

extension Trait where Self == DemonstrationTrait {
    static var demonstration: Self { Self() }
}

/// Everything that the job's "Done when" promises, through the doors that a stranger would use. The suites share one
/// demonstration and run one after the other.
@Suite("End to end", .serialized, .demonstration, .timeLimit(.minutes(15)))
enum EndToEnd {}
