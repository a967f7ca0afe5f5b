/// Every metric that is recorded while requests are served. What is asked of the database at each look (`Gauge` of the
/// contract) comes on top.
public enum Metric: String, CaseIterable, Sendable {
    /// By `method`, `route` and `status`.
    case requests = "peyvand_http_requests_total"
    /// By `route`.
    case requestDuration = "peyvand_http_request_duration_seconds"
    case connections = "http2_connections_total"
    case openConnections = "http2_connections_open"
    case doorRequests = "http2_requests_total"
    case fastRequests = "http2_fast_path_requests_total"
    /// By `code`, one of `HTTP2Error.Code`.
    case refusals = "http2_refusals_total"

    /// What an operator reads of it.
    public var help: String {
        switch self {
        case .requests: "Requests answered."
        case .requestDuration: "Time from head to answer; of streams, to their head."
        case .connections: "Connections accepted at all doors of the process."
        case .openConnections: "Connections open at the door that changed last."
        case .doorRequests: "Requests given to a handler."
        case .fastRequests: "Requests answered from memory."
        case .refusals: "Connections turned away: failed handshakes, unknown or revoked certificates, too many at once."
        }
    }
}
