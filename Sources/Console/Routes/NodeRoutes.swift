import Casework
import Contract
import Hummingbird
import JSON

/// What only a node does: cases begin there.
struct NodeRoutes: Sendable {
    let service: any NodeService

    var all: [Route] {
        [
            Route(
                .post, "/api/v1/cases", "Register a case", .writers, body: Route.Body(.named("Intake")),
                answer: .json(.named("RegisteredCase"), .created)
            ) { call in
                try await begin(.register(try Self.intake(call.body)), call)
            },
            Route(
                .open, "Give a tracking code before registration", answer: .json(.named("RegisteredCase"), .created)
            ) { call in
                try await begin(.open, call)
            },
            Route(
                .register, "Register the case of a code that was given before",
                answer: .json(.named("RegisteredCase"), .created)
            ) { call in
                try await begin(.register(try Self.intake(call.body)), call, on: try call.caseID)
            },
            Route(
                .get, "/api/v1/cases/{id}/receipt", "The receipt, countersigned once the hub has the case", .readers,
                answer: .json(.named("Receipt"))
            ) { call in
                .json(try await service.receipt(of: try call.caseID, for: try call.principal).json)
            },
            Route(
                .importCase, "Cases of an older system with their history, at most 500",
                answer: .json(.named("ImportResults"))
            ) { call in
                try await Import(service: service, call: call).run()
            },
            Route(
                .get, "/api/v1/status", "This node's link and journal", .readers, answer: .json(.named("Status"))
            ) { _ in
                .json(try await service.status().json)
            },
        ]
    }

    private func begin(_ command: Command, _ call: APICall, on id: CaseID? = nil) async throws -> Response {
        let request = CommandRequest(
            principal: try call.principal, command: command, caseID: id, idempotencyKey: call.idempotencyKey,
            bodyHash: call.bodyHash)
        let result: CommandResult
        do {
            result = try await service.execute(request)
        } catch Refusal.unknownOrganization(let code) {
            throw Problem.invalid("about", .unknownOrganization, code)
        }
        let receipt = result.receipt?.json ?? .null
        return .json(
            .object(result.document.members(at: service.origin) + [.init("receipt", receipt)]), status: .created,
            headers: [.location: "/api/v1/cases/" + result.document.id])
    }

    /// What is left out has a plain default, so that a short form loses no report.
    static func intake(_ body: JSON) throws -> Intake {
        let channel = body["channel"]?.string.flatMap { Casework.Channel(rawValue: $0) }
        return Intake(
            kind: try value(body, "kind"), channel: channel ?? .api,
            category: body["category"]?.string ?? Category.other.code,
            priority: body["priority"]?.string.flatMap { Priority(rawValue: $0) } ?? .normal,
            tags: body["tags"]?.array?.compactMap(\.string) ?? [],
            about: body["about"]?.string.flatMap { OrganizationCode(rawValue: $0) },
            texts: CommandRoutes.texts(of: body))
    }
}
