import Contract
import HTTPTypes
import Synchronization

/// Counts of requests and how long they took, by route: bounded by the number of routes, methods and statuses.
final class RequestMetrics: Sendable {
    private struct Key: Hashable, Comparable {
        var method, route: String
        var status: Int

        static func < (left: Key, right: Key) -> Bool {
            (left.route, left.method, left.status) < (right.route, right.method, right.status)
        }
    }

    private struct Histogram {
        var buckets = [UInt64](repeating: 0, count: RequestMetrics.bounds.count)
        var count: UInt64 = 0
        var sum: Double = 0

        mutating func add(_ seconds: Double) {
            count += 1
            sum += seconds
            for (index, bound) in RequestMetrics.bounds.enumerated() where seconds <= bound { buckets[index] += 1 }
        }
    }

    private struct State {
        var requests: [Key: UInt64] = [:]
        var latencies: [String: Histogram] = [:]
    }

    /// Upper bounds in seconds.
    static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private let state = Mutex(State())

    /// `route` is a template such as `/api/v1/cases/{id}`, never a path that somebody made up.
    func record(_ method: HTTPRequest.Method, route: String, status: Int, took: Duration) {
        let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
        let key = Key(method: known.contains(method) ? method.rawValue : "other", route: route, status: status)
        let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
        state.withLock { state in
            state.requests[key, default: 0] += 1
            // In place: a copy would be a new array for each request.
            state.latencies[route, default: Histogram()].add(seconds)
        }
    }

    /// Prometheus' text format, with the service's gauges before it.
    func text(_ gauges: [Gauge]) -> String {
        let (requests, latencies) = state.withLock { ($0.requests, $0.latencies) }
        var lines = RequestMetrics.lines(of: gauges)
        lines.append("# HELP peyvand_http_requests_total Requests answered.")
        lines.append("# TYPE peyvand_http_requests_total counter")
        for (key, value) in requests.sorted(by: { $0.key < $1.key }) {
            let labels = "method=\"\(key.method)\",route=\"\(key.route)\",status=\"\(key.status)\""
            lines.append("peyvand_http_requests_total{\(labels)} \(value)")
        }
        let name = "peyvand_http_request_duration_seconds"
        lines.append("# HELP \(name) Time from head to answer; of streams, to their head.")
        lines.append("# TYPE \(name) histogram")
        for (route, histogram) in latencies.sorted(by: { $0.key < $1.key }) {
            for (bound, value) in zip(RequestMetrics.bounds, histogram.buckets) {
                lines.append("\(name)_bucket{route=\"\(route)\",le=\"\(bound)\"} \(value)")
            }
            lines.append("\(name)_bucket{route=\"\(route)\",le=\"+Inf\"} \(histogram.count)")
            lines.append("\(name)_sum{route=\"\(route)\"} \(histogram.sum)")
            lines.append("\(name)_count{route=\"\(route)\"} \(histogram.count)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(of gauges: [Gauge]) -> [String] {
        var lines = [String]()
        var described = Set<String>()
        for gauge in gauges.sorted(by: { $0.name < $1.name }) {
            if described.insert(gauge.name).inserted {
                let help = gauge.help.split(whereSeparator: \.isNewline).joined(separator: " ")
                lines.append("# HELP \(gauge.name) \(help)")
                lines.append("# TYPE \(gauge.name) \(gauge.name.hasSuffix("_total") ? "counter" : "gauge")")
            }
            let labels = gauge.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(escaped($0.value))\"" }
            lines.append(
                gauge.name + (labels.isEmpty ? "" : "{" + labels.joined(separator: ",") + "}") + " \(gauge.value)")
        }
        return lines
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.append(character)
            }
        }
        return result
    }
}
