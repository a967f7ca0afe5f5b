import Contract
import CoreMetrics
import HTTPTypes
import Synchronization
import Telemetry

/// Counts of requests and how long they took, by route: bounded by the number of routes, methods and statuses.
final class RequestMetrics: Sendable {
    private struct Key: Hashable {
        var method, route: String
        var status: Int
    }

    private struct State {
        var requests: [Key: Counter] = [:]
        var durations: [String: CoreMetrics.Timer] = [:]
    }

    private let backend: PrometheusMetrics
    private let state = Mutex(State())

    init(_ backend: PrometheusMetrics) { self.backend = backend }

    /// `route` is a template such as `/api/v1/cases/{id}`, never a path that somebody made up.
    func record(_ method: HTTPRequest.Method, route: String, status: Int, took: Duration) {
        let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
        let key = Key(method: known.contains(method) ? method.rawValue : "other", route: route, status: status)
        let (requests, durations) = state.withLock { state in (counter(key, &state), timer(route, &state)) }
        requests.increment()
        durations.recordNanoseconds(
            took.components.seconds * 1_000_000_000 + took.components.attoseconds / 1_000_000_000)
    }

    private func counter(_ key: Key, _ state: inout State) -> Counter {
        if let counter = state.requests[key] { return counter }
        let labels = [("method", key.method), ("route", key.route), ("status", String(key.status))]
        let counter = Counter(label: Metric.requests.rawValue, dimensions: labels, factory: backend)
        state.requests[key] = counter
        return counter
    }

    private func timer(_ route: String, _ state: inout State) -> CoreMetrics.Timer {
        if let timer = state.durations[route] { return timer }
        let labels = [("route", route)]
        let timer = CoreMetrics.Timer(label: Metric.requestDuration.rawValue, dimensions: labels, factory: backend)
        state.durations[route] = timer
        return timer
    }

    /// Prometheus' text format: the service's gauges, then all that the process recorded.
    func text(_ gauges: [Contract.Gauge]) -> String {
        var text = ""
        var described = Set<String>()
        for gauge in gauges.sorted(by: { $0.name < $1.name }) {
            if described.insert(gauge.name).inserted {
                let help = gauge.help.split(whereSeparator: \.isNewline).joined(separator: " ")
                text += "# HELP \(gauge.name) \(help)\n"
                text += "# TYPE \(gauge.name) \(gauge.name.hasSuffix("_total") ? "counter" : "gauge")\n"
            }
            let labels = PrometheusMetrics.labels(gauge.labels.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
            text += "\(gauge.name)\(labels) \(gauge.value)\n"
        }
        return text + backend.text
    }
}
