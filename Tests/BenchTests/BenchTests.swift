import Testing

@testable import Bench
@testable import Program

struct BenchTests {
    private static let answer = """
        starting benchmark...
        finished in 123.45ms, 85411.11 req/s, 52.10MB/s
        requests: 2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout
        status codes: 2000 2xx, 0 3xx, 0 4xx, 0 5xx
        traffic: 1.25MB (1319032) total, 7.63KB (8000) headers (space savings 69.70%), 1.14MB (1200000) data
        """

    @Test func whatLoadSaysIsRead() throws {
        let outcome = try Load.Measurement(parsing: Self.answer, requests: 2_000)
        #expect(outcome.rate == 85_411.11 && outcome.bytesPerAnswer == 600)
    }

    @Test func whatWasNotAnsweredIsNoMeasurement() {
        #expect(throws: Failure.self) { try Load.Measurement(parsing: Self.answer, requests: 2_001) }
        #expect(throws: Failure.self) { try Load.Measurement(parsing: "could not connect", requests: 1) }
        let refused = Self.answer.replacing("2000 2xx, 0 3xx, 0 4xx", with: "1999 2xx, 0 3xx, 1 4xx")
        #expect(throws: Failure.self) { try Load.Measurement(parsing: refused, requests: 2_000) }
    }

    @Test func memoryIsReadInBytes() throws {
        let text = """
            55d0c0a00000-7ffd3a7f6000 ---p 00000000 00:00 0                          [rollup]
            Rss:               43012 kB
            Pss:               20480 kB
            Pss_Dirty:         18000 kB
            """
        let memory = try Memory(parsing: text)
        #expect(memory.resident == 43_012 * 1_024 && memory.proportional == 20_480 * 1_024)
        #expect(throws: Failure.self) { try Memory(parsing: "Rss: 1 kB\n") }
        #expect(throws: Failure.self) { try Memory(parsing: "") }
    }

    @Test func aProcessNameMayHoldAnything() {
        #expect(Processes.parent(parsing: "4711 (a) S 99) R 17 4711 0") == 17)
        #expect(Processes.parent(parsing: "4711 (postgres) S 1 4711 0") == 1)
        #expect(Processes.parent(parsing: "") == nil && Processes.parent(parsing: "1 (x)") == nil)
    }
}
