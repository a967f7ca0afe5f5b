import Casework
import Demo
import Program

/// What a further case costs, and how long people wait, as a hub grows from ten thousand cases: what stays flat, and
/// what does not.
struct ScaleBenchmark: Benchmark {
    func run(_ bench: BenchRun) async throws -> [Comparison] {
        let top = ReadsBenchmark.top(bench)
        let sizes = [5_000, 10_000, 20_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000]
            .filter { $0 <= top && (bench.isQuick || ![5_000, 20_000].contains($0)) }
        let hub = try NationalHub(bench, top: top)
        do {
            var results: [Comparison] = []
            for cases in sizes {
                // The curve ends where the disk does.
                let more = cases - (try await hub.size())
                if !results.isEmpty, let shortage = try hub.shortage(for: more) {
                    bench.say("  at \(cases) cases: not measured; \(shortage)")
                    break
                }
                results += try await Self.measure(hub, at: cases, bench)
            }
            await hub.network.closeAll()
            return results
        } catch {
            await hub.network.closeAll()
            throw error
        }
    }

    private static func measure(_ hub: NationalHub, at cases: Int, _ bench: BenchRun) async throws -> [Comparison] {
        guard try await hub.size() < cases else {
            bench.say("  \(cases) cases: more are there already")
            return []
        }
        let growth = try await hub.grow(to: cases)
        let place = "at \(cases) cases"
        bench.say("  \(place): \(growth.summary)")
        let (bytes, events) = try await hub.bytes()
        var results = [
            Comparison(
                "accept \(place)", unit: "µs/event", ours: growth.accepting.seconds * 1e6 / Double(growth.events),
                details: [("events", Double(events))]),
            Comparison(
                "search projection \(place)", unit: "µs/event",
                ours: growth.projecting.seconds * 1e6 / Double(growth.events)),
            Comparison("disk \(place)", unit: "bytes/event", ours: Double(bytes) / Double(max(1, events))),
        ]
        let reads = try await hub.withDatabase { try await HubReads.sample($0, seed: UInt64(cases)) }
        try await hub.network.start(DemoCast.hub)
        let client = try await hub.network.client(DemoCast.hub)
        for result in try await reads.measure(client, times: bench.isQuick ? 50 : 200) {
            bench.say("    \(result.summary)")
            results.append(result.comparison("\(result.kind.name) \(place), p99"))
        }
        await client.close()
        await hub.network.stop(DemoCast.hub)
        return results
    }
}

extension NationalHub.Growth {
    var summary: String {
        let rate = Int(Double(events) / max(accepting.seconds, 1e-9))
        return "\(events) events accepted in \(BenchReport.text(accepting.seconds)) s (\(rate)/s), "
            + "search level after \(BenchReport.text(projecting.seconds)) s more"
    }
}

extension HubReads.Result {
    var summary: String {
        "\(kind.name): p50 \(BenchReport.text(p50)) ms, p99 \(BenchReport.text(p99)) ms"
    }

    func comparison(_ name: String) -> Comparison {
        Comparison(
            name, unit: "ms", ours: p99, goal: kind.goal.map { .atMost($0) },
            details: [("p50", p50), ("p99", p99), ("requests", Double(times.count))])
    }
}
