import CoreMetrics
import Metrics

/// This module's metrics, in one list.
enum DoorMetrics {
    private static let connections = Counter(label: "http2_connections_total")
    private static let openConnections = Gauge(label: "http2_connections_open")
    private static let requests = Counter(label: "http2_requests_total")
    private static let fastRequests = Counter(label: "http2_fast_path_requests_total")

    static func accepted() { connections.increment() }
    static func open(_ count: Int) { openConnections.record(count) }
    static func handled() { requests.increment() }
    static func answeredFast() { fastRequests.increment() }

    static func refused(_ code: HTTP2Error.Code) {
        Counter(label: "http2_refusals_total", dimensions: [("code", code.rawValue)]).increment()
    }
}
