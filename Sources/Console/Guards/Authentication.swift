import Casework
import Contract
import Cryptography
import HTTPTypes
import Hummingbird

/// Who asks: a bearer token, else a client certificate, else a console session. A wrong proof is never overlooked in
/// favour of a later one.
struct Authentication: Sendable {
    let service: ConsoleService

    /// Nil when nothing was shown, or what was shown is not valid any more.
    func caller(of request: Request, _ context: ConsoleContext) async throws -> Caller? {
        if let header = request.headers[.authorization] {
            guard let token = Authentication.bearer(header) else { return nil }
            return try await service.cases.principal(token: token).map { Caller(principal: $0, proof: .token) }
        }
        if let uri = context.source.request.certificateURI {
            return try await service.cases.principal(certificate: uri)
                .map { Caller(principal: $0, proof: .certificate) }
        }
        guard let id = sessionID(of: request, isTLS: context.source.request.isTLS) else { return nil }
        return try await service.cases.session(id: id)
            .map { Caller(principal: $0.principal, proof: .session($0)) }
    }

    private static func bearer(_ header: String) -> String? {
        let parts = header.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer", parts[1].utf8.count <= 1_000 else { return nil }
        return String(parts[1])
    }

    // MARK: Cookie

    /// The prefix binds the cookie to this host over TLS; plain HTTP on loopback cannot set it. The server's code keeps
    /// the consoles of one machine apart: a browser sends a cookie to every port of its host.
    static func cookieName(isTLS: Bool, at origin: Origin) -> String {
        (isTLS ? "__Host-peyvand-" : "peyvand-") + origin.code
    }

    /// The session's id as the cookie gives it: hexadecimal, else nil.
    private func sessionID(of request: Request, isTLS: Bool) -> String? {
        let name = Authentication.cookieName(isTLS: isTLS, at: service.cases.origin) + "="
        for field in request.headers[values: .cookie] {
            for pair in field.split(separator: ";") {
                let pair = pair.drop { $0 == " " }
                guard pair.hasPrefix(name) else { continue }
                let value = pair.dropFirst(name.count)
                let isPlausible = (16...128).contains(value.utf8.count) && Hex.decode(value) != nil
                return isPlausible ? String(value) : nil
            }
        }
        return nil
    }

    /// `Set-Cookie` for a session; nil takes the cookie away.
    static func cookie(_ session: ConsoleSession?, isTLS: Bool, at origin: Origin) -> String {
        let end = "; Path=/; HttpOnly; SameSite=Strict" + (isTLS ? "; Secure" : "")
        return cookieName(isTLS: isTLS, at: origin) + "=" + (session.map { $0.id + end } ?? end + "; Max-Age=0")
    }

    // MARK: Cross-site requests

    /// What a browser sends by itself (a cookie, a certificate) proves nobody's will: the page must add the session's
    /// token, and its origin must be this server.
    static func checkSameSite(_ caller: Caller, _ request: Request) throws(Problem) {
        if case .token = caller.proof { return }
        try checkOrigin(request)
        guard case .session(let session) = caller.proof else { return }
        let token = request.headers[.csrfToken] ?? ""
        guard constantTimeEqual(Array(token.utf8), Array(session.csrfToken.utf8)) else {
            throw .forbidden("Send the session's csrf_token, from GET /api/v1/me, as X-CSRF-Token.")
        }
    }

    static func checkOrigin(_ request: Request) throws(Problem) {
        let refusal = Problem.forbidden("The request comes from another site's page.")
        if let site = request.headers[.secFetchSite], site != "same-origin", site != "none" { throw refusal }
        guard let origin = request.headers[.origin] else { return }
        // A proxy may end TLS: the scheme is not compared, the host and port are.
        guard let scheme = origin.firstRange(of: "://"), let authority = request.head.authority,
            origin[scheme.upperBound...].lowercased() == authority.lowercased()
        else { throw refusal }
    }
}
