import CoreMetrics
import Synchronization

/// The values of one metric under one set of labels.
protocol Series: AnyObject, Sendable {
    /// Prometheus' word for its kind.
    var type: String { get }
    /// Its lines, without line breaks.
    func lines(name: String, labels: String) -> [String]
}

/// Only grows, until the process ends.
final class CounterSeries: Series, CounterHandler {
    private let value = Atomic<Int64>(0)

    var type: String { "counter" }
    func lines(name: String, labels: String) -> [String] { ["\(name)\(labels) \(value.load(ordering: .relaxed))"] }
    func increment(by amount: Int64) { value.add(amount, ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }
}

/// The last value.
final class GaugeSeries: Series, RecorderHandler {
    private let value = Mutex(0.0)

    var type: String { "gauge" }
    func lines(name: String, labels: String) -> [String] { ["\(name)\(labels) \(value.withLock { $0 })"] }
    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { self.value.withLock { $0 = value } }
}

/// How many values lay below each bound, how many in all, and their sum. Times are in seconds.
final class HistogramSeries: Series, RecorderHandler, TimerHandler {
    private struct State {
        var buckets = [UInt64](repeating: 0, count: HistogramSeries.bounds.count)
        var count: UInt64 = 0
        var sum = 0.0
    }

    /// Upper bounds, in seconds.
    static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private let state = Mutex(State())

    var type: String { "histogram" }

    func lines(name: String, labels: String) -> [String] {
        let state = state.withLock { $0 }
        let begun = labels.isEmpty ? "{" : labels.dropLast() + ","
        var lines = zip(Self.bounds, state.buckets).map { "\(name)_bucket\(begun)le=\"\($0)\"} \($1)" }
        lines.append("\(name)_bucket\(begun)le=\"+Inf\"} \(state.count)")
        lines.append("\(name)_sum\(labels) \(state.sum)")
        lines.append("\(name)_count\(labels) \(state.count)")
        return lines
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        state.withLock { state in
            state.count += 1
            state.sum += value
            for (index, bound) in Self.bounds.enumerated() where value <= bound { state.buckets[index] += 1 }
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}
