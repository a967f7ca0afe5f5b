struct RegisterBenchmark: Benchmark {
    func run(_ bench: Bench) async throws -> [Comparison] { throw Failure("not measured yet.") }
}
