/// Where a server's REST interface is.
public struct Endpoint: Sendable, Equatable {
    /// A name or an address, without brackets.
    public var host: String
    /// 1 to 65535.
    public var port: Int

    /// Reads `https://host[:port]`.
    /// - Throws: `Failure` for anything else.
    public init(url: String) throws(Failure) {
        let wrong = Failure.usedWrongly("'\(url)' is no address of a server; write it as https://HOST:PORT.")
        guard url.hasPrefix("https://") else { throw wrong }
        var rest = url.dropFirst("https://".count)
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard !rest.isEmpty, !rest.contains("/") else { throw wrong }
        var (host, port) = (rest, Substring("443"))
        if let colon = rest.lastIndex(of: ":"), rest.last != "]" {
            (host, port) = (rest[..<colon], rest[rest.index(after: colon)...])
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, let number = Int(port), (1...65535).contains(number) else { throw wrong }
        self.host = String(host)
        self.port = number
    }

    /// `host:port`, as it stands in a request.
    public var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}
