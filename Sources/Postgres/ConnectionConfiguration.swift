/// How to reach a server and how long to wait for it.
public struct ConnectionConfiguration: Sendable {
    /// A libpq URL or conninfo string; several hosts are tried in turn
    /// (`postgresql://a,b/peyvand?target_session_attrs=read-write`).
    public var url: String
    /// Shown in `pg_stat_activity`.
    public var applicationName: String
    /// For each host; libpq counts whole seconds and at least two.
    public var connectTimeout: Duration
    /// The server ends a statement that takes longer (`statement_timeout`). A server that stays silent for
    /// ``silenceGrace`` beyond it counts as dead. Nil: no limit, and a frozen server is waited for.
    public var statementTimeout: Duration?
    /// How long after the server should have answered the connection is given up.
    public var silenceGrace: Duration
    /// Session settings, applied by `set_config` after connecting, in order of their names.
    public var settings: [String: String]

    public init(
        url: String, applicationName: String = "peyvand", connectTimeout: Duration = .seconds(5),
        statementTimeout: Duration? = .seconds(60), silenceGrace: Duration = .seconds(5),
        settings: [String: String] = [:]
    ) {
        self.url = url
        self.applicationName = applicationName
        self.connectTimeout = connectTimeout
        self.statementTimeout = statementTimeout
        self.silenceGrace = silenceGrace
        self.settings = settings
    }
}

extension Duration {
    /// Whole milliseconds, rounded up, at least one.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        return overflow ? .max : max(1, product + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
