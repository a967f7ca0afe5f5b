import CoreMetrics
import Metrics
import Telemetry

/// What the doors record.
enum DoorMetrics {
    private static let connections = Counter(label: Metric.connections.rawValue)
    private static let openConnections = Gauge(label: Metric.openConnections.rawValue)
    private static let requests = Counter(label: Metric.doorRequests.rawValue)
    private static let fastRequests = Counter(label: Metric.fastRequests.rawValue)

    static func accepted() { connections.increment() }
    static func open(_ count: Int) { openConnections.record(count) }
    static func handled() { requests.increment() }
    static func answeredFast() { fastRequests.increment() }

    static func refused(_ code: HTTP2Error.Code) {
        Counter(label: Metric.refusals.rawValue, dimensions: [("code", code.rawValue)]).increment()
    }
}
