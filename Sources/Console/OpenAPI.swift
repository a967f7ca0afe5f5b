import Contract
import HTTPTypes
import Hummingbird
import JSON
import NIOCore

/// The OpenAPI 3.1 document, made from the very routes that the router serves.
enum OpenAPI {
    /// Its own door, which the document names too.
    static func route(_ document: JSON) -> Route {
        let body = ByteBuffer(bytes: document.bytes)
        return Route(
            .get, path, summary, .everyone, answer: .other("application/json")
        ) { _ in
            Response(
                status: .ok, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: body))
        }
    }

    static let path = "/api/v1/openapi.json"
    private static let summary = "This document"

    static func document(_ routes: [Route], of service: ConsoleService) -> JSON {
        let own = Route(.get, path, summary, .everyone, answer: .other("application/json")) { _ in
            throw Problem.notFound
        }
        let byPath = Dictionary(grouping: routes + [own], by: \.path)
        let paths = byPath.keys.sorted().map { path in
            JSON.Member(
                path,
                .object((byPath[path] ?? []).map { .init($0.method.rawValue.lowercased(), operation($0)) }))
        }
        let title: JSON = if case .hub = service { "Peyvand, the hub" } else { "Peyvand, a province's node" }
        let cookie = Authentication.cookieName(isTLS: true, at: service.cases.origin)
        return [
            "openapi": "3.1.0",
            "info": [
                "title": title, "version": "1",
                "description": .string(
                    "Cases of people's complaints and requests. Every answer outside 2xx is a problem document after "
                        + "RFC 9457 whose detail says what to do. Members that are not described are refused; null is "
                        + "the same as leaving a member out. Times are RFC 3339 in UTC."),
            ],
            "servers": [["url": "/"]],
            "paths": .object(paths),
            "components": [
                "securitySchemes": [
                    "token": ["type": "http", "scheme": "bearer"],
                    "session": ["type": "apiKey", "in": "cookie", "name": .string(cookie)],
                    "certificate": ["type": "mutualTLS"],
                ],
                "schemas": .object(Shapes.names.map { .init($0, Shapes.named($0).openAPI) }),
            ],
        ]
    }

    private static func operation(_ route: Route) -> JSON {
        var members: [JSON.Member] = [.init("summary", .string(route.summary))]
        let parameters = parameters(of: route)
        if !parameters.isEmpty { members.append(.init("parameters", .array(parameters))) }
        if let body = route.body {
            members.append(
                .init(
                    "requestBody",
                    [
                        "required": .bool(!body.isOptional),
                        "content": ["application/json": ["schema": body.schema.openAPI]],
                    ]))
        }
        if route.takesFile {
            let file: JSON = ["schema": ["type": "string", "contentMediaType": "application/octet-stream"]]
            members.append(.init("requestBody", ["required": true, "content": ["*/*": file]]))
        }
        members.append(.init("responses", responses(of: route)))
        let security: JSON =
            route.access == .everyone
            ? [] : [["token": []], ["session": []], ["certificate": []]]
        members.append(.init("security", security))
        return .object(members)
    }

    private static func parameters(of route: Route) -> [JSON] {
        let inPath = route.path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
            parameter(String($0.dropFirst().dropLast()), in: "path", .string(), nil, required: true)
        }
        let inQuery = route.parameters.map { parameter($0.name, in: "query", $0.schema, $0.note) }
        guard route.method == .post, route.access == .writers else { return inPath + inQuery }
        return inPath + inQuery + [
            parameter(
                "Idempotency-Key", in: "header", .string(limit: 200),
                "The same request under the same key counts once, and answers as at first.")
        ]
    }

    private static func parameter(
        _ name: String, in place: String, _ schema: Shape, _ note: String?, required: Bool = false
    ) -> JSON {
        var members: [JSON.Member] = [.init("name", .string(name)), .init("in", .string(place))]
        if required { members.append(.init("required", true)) }
        if let note { members.append(.init("description", .string(note))) }
        members.append(.init("schema", schema.openAPI))
        return .object(members)
    }

    private static func responses(of route: Route) -> JSON {
        var members = [JSON.Member]()
        switch route.answer {
        case .json(let schema, let status):
            members.append(
                .init(
                    String(status.code),
                    [
                        "description": .string(status.reasonPhrase),
                        "content": ["application/json": ["schema": schema.openAPI]],
                    ]))
        case .other(let type):
            members.append(.init("200", ["description": "OK", "content": .object([.init(type, [:])])]))
        case .nothing: members.append(.init("204", ["description": "Done"]))
        }
        members.append(
            .init(
                "default",
                [
                    "description": "A problem document.",
                    "content": ["application/problem+json": ["schema": Shape.named("Problem").openAPI]],
                ]))
        return .object(members)
    }
}
