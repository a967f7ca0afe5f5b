import HTTPTypes

/// Headers of every answer.
enum SecurityHeaders {
    static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

    private static let plain = [
        HTTPField(name: .contentSecurityPolicy, value: policy),
        HTTPField(name: .xContentTypeOptions, value: "nosniff"),
        HTTPField(name: .referrerPolicy, value: "no-referrer"),
        HTTPField(name: .cacheControl, value: "no-store"),
    ]
    private static let overTLS =
        plain + [HTTPField(name: .strictTransportSecurity, value: "max-age=31536000; includeSubDomains")]

    /// Adds those that the answer does not have yet: pages and assets bring their own `Cache-Control`.
    static func add(to headers: inout HTTPFields, isTLS: Bool) {
        headers.append(contentsOf: (isTLS ? overTLS : plain).filter { !headers.contains($0.name) })
    }
}
