public import CoreMetrics
import Synchronization

/// Keeps what swift-metrics records, and writes it as Prometheus' text.
///
/// The number of labels must be bounded by the caller: what was recorded once is kept for the life of the process.
public final class PrometheusMetrics: MetricsFactory {
    private struct Key: Hashable, Comparable {
        var name: String
        /// `{method="GET",status="200"}`, or empty.
        var labels: String

        static func < (left: Key, right: Key) -> Bool { (left.name, left.labels) < (right.name, right.labels) }
    }

    private let series = Mutex<[Key: any Series]>([:])

    /// Nothing is recorded yet.
    public init() {}

    /// Series by name and labels, in Prometheus' text format 0.0.4; each line ends with a line break.
    public var text: String {
        let all = series.withLock { $0 }.sorted { $0.key < $1.key }
        var lines: [String] = []
        var described: String?
        for (key, series) in all {
            if described != key.name {
                described = key.name
                if let help = Metric(rawValue: key.name)?.help { lines.append("# HELP \(key.name) \(help)") }
                lines.append("# TYPE \(key.name) \(series.type)")
            }
            lines += series.lines(name: key.name, labels: key.labels)
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// `{name="value",…}`, with what Prometheus wants escaped; empty without labels.
    public static func labels(_ labels: [(String, String)]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",") + "}"
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.append(character)
            }
        }
    }

    private func series<S: Series>(_ label: String, _ dimensions: [(String, String)], _ make: () -> S) -> S {
        let key = Key(name: label, labels: Self.labels(dimensions))
        return series.withLock { series in
            // Two kinds under one name are a fault of ours; the second is recorded nowhere.
            if let present = series[key] { return present as? S ?? make() }
            let made = make()
            series[key] = made
            return made
        }
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, CounterSeries.init)
    }

    /// A gauge, or a histogram where values are aggregated.
    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        aggregate ? series(label, dimensions, HistogramSeries.init) : series(label, dimensions, GaugeSeries.init)
    }

    /// A histogram in seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, HistogramSeries.init)
    }

    public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    private func remove(_ handler: AnyObject) {
        series.withLock { $0 = $0.filter { $0.value !== handler } }
    }
}
