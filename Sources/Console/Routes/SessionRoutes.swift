import Casework
import Contract
import HTTPTypes
import Hummingbird
import JSON

/// Signing in and out of the console.
struct SessionRoutes: Sendable {
    let service: ConsoleService
    private let attempts: TokenBuckets

    init(service: ConsoleService, _ configuration: ConsoleConfiguration) {
        self.service = service
        attempts = TokenBuckets(
            capacity: configuration.loginsPerMinute, perMinute: configuration.loginsPerMinute)
    }

    var all: [Route] {
        [
            Route(
                .post, "/api/v1/session", "Sign in with name and password, or with a token; sets the session's cookie",
                .everyone, body: Route.Body(Bodies.login, limit: 16_384), answer: .json(.named("Me")), handle: signIn),
            Route(.delete, "/api/v1/session", "Sign out", .readers, answer: .nothing, handle: signOut),
        ]
    }

    @Sendable
    private func signIn(_ call: APICall) async throws -> Response {
        // A foreign page must not sign its visitor in under somebody else's name either.
        try Authentication.checkOrigin(call.request)
        if let seconds = attempts.take(call.remoteAddress) { throw Problem.tooMany(retryAfter: seconds) }
        guard let session = try await session(for: call.body, call.remoteAddress) else {
            await service.cases.audit(
                AuditLine(
                    actor: call.body["name"]?.string ?? "token", action: "sign-in refused", subject: "session",
                    remote: call.remoteAddress, detail: "wrong name, password or token, or too many attempts"))
            var problem = Problem.unauthorized
            problem.detail = "Name and password, or the token, are wrong; after several attempts, wait a while."
            throw problem
        }
        await service.cases.audit(
            AuditLine(
                actor: session.principal.name, action: "signed in", subject: "session", remote: call.remoteAddress,
                detail: session.principal.role.rawValue))
        return .json(
            DirectoryRoutes.me(session.principal, session, service),
            headers: [.setCookie: Authentication.cookie(session, isTLS: call.isTLS, at: service.cases.origin)])
    }

    private func session(for body: JSON, _ remote: String) async throws -> ConsoleSession? {
        switch (body["name"]?.string, body["password"]?.string, body["token"]?.string) {
        case (nil, nil, let token?):
            guard let principal = try await service.cases.principal(token: token) else { return nil }
            return try await service.cases.openSession(for: principal)
        case (let name?, let password?, nil):
            return try await service.cases.login(name: name, password: password, remote: remote)
        default:
            throw Problem.invalid("name", .notOneProof)
        }
    }

    @Sendable
    private func signOut(_ call: APICall) async throws -> Response {
        if case .session(let session)? = call.caller?.proof { try await service.cases.logout(id: session.id) }
        return Response(
            status: .noContent,
            headers: [.setCookie: Authentication.cookie(nil, isTLS: call.isTLS, at: service.cases.origin)])
    }
}
