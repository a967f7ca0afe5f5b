import Casework
import Contract
import Hummingbird
import JSON

/// The nation's figures and their feed, and custody by a person's hand.
struct HubRoutes: Sendable {
    let service: any HubService
    let configuration: ConsoleConfiguration

    init(service: any HubService, _ configuration: ConsoleConfiguration) {
        (self.service, self.configuration) = (service, configuration)
    }

    var all: [Route] {
        [
            CommandRoutes.custody(service),
            Route(
                .get, "/api/v1/overview", "The nation's counts, and each province's", .readers,
                answer: .json(.named("Overview"))
            ) { _ in
                .json(try await service.overview().json)
            },
            Route(
                .get, "/api/v1/provinces", "Each province's counts and link, and how it stands with the hub", .readers,
                answer: .json(Shapes.list(of: "ProvinceStatus"))
            ) { _ in
                .json(["items": .array(try await service.provinces().map(\.json)), "next": .null])
            },
            Route(
                .post, "/api/v1/provinces/{code}/release",
                "End a province's quarantine; for the hub's own staff, and audited", .writers,
                body: Route.Body(Bodies.release, optional: true), answer: .json(.named("ProvinceStatus")),
                handle: release),
            Route(
                .get, "/api/v1/trend", "New cases and answers per Tehran day, oldest first", .readers,
                parameters: [.init("days", .integer(1...366), "30 when left out.")],
                answer: .json(Shapes.list(of: "TrendPoint"))
            ) { call in
                let points = try await service.trend(days: call.query["days"].flatMap { Int($0) } ?? 30)
                return .json(["items": .array(points.map(\.json)), "next": .null])
            },
            Route(
                .get, "/api/v1/overdue", "The cases that are overdue longest", .readers,
                parameters: [CaseRoutes.limit], answer: .json(Shapes.list(of: "Case"))
            ) { call in
                let cases = try await service.overdueRanking(limit: CaseRoutes.limit(of: call))
                return .json(["items": .array(cases.map(\.json)), "next": .null])
            },
            Route(
                .get, "/api/v1/feed",
                "Server-sent events: `snapshot` (an overview), then `change` and `link`; ids resume without a gap",
                .readers, parameters: [.init("last_event_id", .string(limit: 100), "As the header Last-Event-ID.")],
                answer: .other("text/event-stream"), handle: feed),
        ]
    }

    @Sendable
    private func release(_ call: APICall) async throws -> Response {
        let principal = try call.principal
        guard Door.release.isOpen(to: principal.role, at: service.origin) else {
            throw Problem.forbidden("Only the hub's own staff may end a quarantine.")
        }
        let code = try call.path("code")
        guard let origin = Origin(code), !origin.isHub else {
            throw Problem(
                .notFound, .unknownProvince, "There is no such province", "Give a code from IR-00 to IR-30.")
        }
        let keep = call.body["keep"]?.string
        let incarnation = keep.flatMap { UInt64($0, radix: 16) }
        if keep != nil, incarnation == nil || incarnation == 0 {
            throw Problem.invalid("keep", .notAnIncarnation)
        }
        guard try await status(of: origin)?.quarantine != nil else {
            throw Problem(
                .conflict, .notQuarantined, "The province is not quarantined",
                "There is nothing to end; load the page again.")
        }
        let line = { (action: String, detail: String) in
            AuditLine(
                actor: principal.actor.line, action: action, subject: origin.code, remote: call.remoteAddress,
                detail: detail)
        }
        let choice = keep.map { "keep \($0)" } ?? "keep all"
        do {
            try await service.release(origin, keep: incarnation)
        } catch {
            await service.audit(line("quarantine.release.failed", "\(choice): \(error)"))
            throw error
        }
        await service.audit(line("quarantine.released", choice))
        guard let status = try await status(of: origin) else { throw Problem.notFound }
        return .json(status.json)
    }

    private func status(of origin: Origin) async throws -> ProvinceStatusDocument? {
        try await service.provinces().first { $0.province.code == origin.code }
    }

    @Sendable
    private func feed(_ call: APICall) async throws -> Response {
        let id = call.request.headers[.lastEventID] ?? call.query["last_event_id"]
        let messages = try await service.feed(after: id.flatMap { $0.isEmpty || $0.utf8.count > 100 ? nil : $0 })
        let stream = EventStream(
            messages: messages, heartbeat: configuration.heartbeat, lifetime: configuration.feedLifetime,
            backlog: configuration.feedBacklog)
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                try await stream.run(&writer)
                try await writer.finish(nil)
            })
    }
}
