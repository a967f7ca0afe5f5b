import Console
import CoreMetrics
import Telemetry

/// The one metrics backend of a serving process.
enum ServeMetrics {
    /// Once in a process, before anything is recorded.
    /// - Returns: a console's configuration that serves what every room records.
    static func start() -> ConsoleConfiguration {
        let configuration = ConsoleConfiguration()
        MetricsSystem.bootstrap(configuration.metrics)
        return configuration
    }
}
