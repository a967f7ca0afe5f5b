import Casework
import Hummingbird
import Service

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
                .get, "/api/v1/provinces", "Each province's counts and link", .readers,
                answer: .json(Shapes.list(of: "Province"))
            ) { _ in
                .json(["items": .array(try await service.provinces().map(\.json)), "next": .null])
            },
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
    private func feed(_ call: Call) async throws -> Response {
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
