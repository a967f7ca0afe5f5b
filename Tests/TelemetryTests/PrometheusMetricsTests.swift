import CoreMetrics
import Telemetry
import Testing

struct PrometheusMetricsTests {
    private let backend = PrometheusMetrics()

    @Test func countersAddUpByTheirLabels() {
        let labels = [("code", "un\"known\\")]
        for _ in 0..<3 { Counter(label: Metric.refusals.rawValue, dimensions: labels, factory: backend).increment() }
        Counter(label: Metric.refusals.rawValue, dimensions: [("code", "tls")], factory: backend).increment(by: 2)
        #expect(
            backend.text == """
                # HELP http2_refusals_total \(Metric.refusals.help)
                # TYPE http2_refusals_total counter
                http2_refusals_total{code="tls"} 2
                http2_refusals_total{code="un\\"known\\\\"} 3

                """)
    }

    @Test func gaugesShowTheLastValue() {
        let gauge = Gauge(label: "open", factory: backend)
        gauge.record(3)
        gauge.record(2)
        #expect(backend.text == "# TYPE open gauge\nopen 2.0\n")
    }

    @Test func timesAreAHistogramInSeconds() {
        let timer = CoreMetrics.Timer(label: "took", dimensions: [("route", "/x")], factory: backend)
        timer.recordNanoseconds(2_000_000)
        timer.recordNanoseconds(20_000_000_000)
        let lines = backend.text.split(separator: "\n")
        #expect(lines.contains(#"took_bucket{route="/x",le="0.001"} 0"#))
        #expect(lines.contains(#"took_bucket{route="/x",le="0.0025"} 1"#))
        #expect(lines.contains(#"took_bucket{route="/x",le="+Inf"} 2"#))
        #expect(lines.contains(#"took_sum{route="/x"} 20.002"#) && lines.contains(#"took_count{route="/x"} 2"#))
    }

    @Test func theSameKindTwiceIsOneSeriesAndWhatIsDestroyedIsGone() {
        let counter = Counter(label: "a", factory: backend)
        counter.increment()
        counter.destroy()
        #expect(backend.text.isEmpty)
    }
}
