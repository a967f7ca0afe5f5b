import HTTPTypes

/// Headers of every answer.
enum SecurityHeaders {
    static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

    /// `no-store` unless the answer says something else about caching.
    static func add(to headers: inout HTTPFields, isTLS: Bool) {
        headers[.contentSecurityPolicy] = policy
        headers[.xContentTypeOptions] = "nosniff"
        headers[.referrerPolicy] = "no-referrer"
        if isTLS { headers[.strictTransportSecurity] = "max-age=31536000; includeSubDomains" }
        if !headers.contains(.cacheControl) { headers[.cacheControl] = "no-store" }
    }
}
