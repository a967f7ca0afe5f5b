import Testing

@testable import peyvand

struct BenchTests {
    private static let answer = """
        starting benchmark...
        finished in 123.45ms, 85411.11 req/s, 52.10MB/s
        requests: 2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout
        status codes: 2000 2xx, 0 3xx, 0 4xx, 0 5xx
        traffic: 1.25MB (1319032) total, 7.63KB (8000) headers (space savings 69.70%), 1.14MB (1200000) data
        """

    @Test func whatLoadSaysIsRead() throws {
        let outcome = try Load.Outcome(parsing: Self.answer, requests: 2_000)
        #expect(outcome.rate == 85_411.11 && outcome.bytesPerAnswer == 600)
    }

    @Test func whatWasNotAnsweredIsNoMeasurement() {
        #expect(throws: Failure.self) { try Load.Outcome(parsing: Self.answer, requests: 2_001) }
        #expect(throws: Failure.self) { try Load.Outcome(parsing: "could not connect", requests: 1) }
        let refused = Self.answer.replacing("2000 2xx, 0 3xx, 0 4xx", with: "1999 2xx, 0 3xx, 1 4xx")
        #expect(throws: Failure.self) { try Load.Outcome(parsing: refused, requests: 2_000) }
    }
}
