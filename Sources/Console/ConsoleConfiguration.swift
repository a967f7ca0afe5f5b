/// How a console behaves; every value has a default that suits an office.
public struct ConsoleConfiguration: Sendable {
    /// Public tracking per remote address: so many at once, then so many a minute.
    public var trackingPerMinute = 30
    /// Attempts to sign in per remote address; the service adds its own back-off per name.
    public var loginsPerMinute = 30
    /// A comment goes down an idle feed this often, so that proxies keep it open and a lost reader is found.
    public var heartbeat: Duration = .seconds(15)
    /// A feed ends after this time and its reader resumes, so that a revoked sign-in does not go on reading.
    public var feedLifetime: Duration = .seconds(600)
    /// Messages that a slow reader of the feed may lag behind; more ends the stream, and he resumes by its last id.
    public var feedBacklog = 1_024
    /// Behind a proxy of the office: take the last address of `X-Forwarded-For` instead of the peer's.
    public var trustsForwardedFor = false

    public init() {}
}
