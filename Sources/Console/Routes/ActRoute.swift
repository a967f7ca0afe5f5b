import Casework
import HTTPTypes
import JSON

/// Where an act is done and what it takes. The router serves these and case documents offer them, so that neither knows
/// one that the other does not.
struct ActRoute: Sendable {
    /// The last word of its path, or `amendment`: how documents and the vocabulary call it.
    var name: String
    var method: HTTPRequest.Method
    /// `{id}` stands for the case; of `restore` and `apply` for the conflict or the proposal.
    var path: String
    /// `nil` where the body is a file.
    var body: Route.Body?

    /// A step with a case, by its word.
    private static func step(_ name: String, _ shape: Shape, optional: Bool = false) -> ActRoute {
        ActRoute(
            name: name, method: .post, path: "/api/v1/cases/{id}/" + name,
            body: Route.Body(shape, optional: optional))
    }

    init(name: String, method: HTTPRequest.Method, path: String, body: Route.Body?) {
        (self.name, self.method, self.path, self.body) = (name, method, path, body)
    }

    init(_ act: Act) {
        self =
            switch act {
            case .register: Self.step("registration", .named("Intake"))
            case .open:
                ActRoute(
                    name: "open", method: .post, path: "/api/v1/cases/open",
                    body: Route.Body(Bodies.empty, optional: true))
            case .importCase:
                ActRoute(
                    name: "import", method: .post, path: "/api/v1/import",
                    body: Route.Body(Bodies.importCases, limit: 8 << 20))
            case .note: Self.step("notes", Bodies.words)
            case .attach:
                ActRoute(name: "attachments", method: .post, path: "/api/v1/cases/{id}/attachments", body: nil)
            case .assess: Self.step("assessment", Bodies.assessment)
            case .refer: Self.step("referral", Bodies.referral)
            case .accept: Self.step("acceptance", Bodies.empty, optional: true)
            case .refuse: Self.step("refusal", Bodies.refusal)
            case .act: Self.step("actions", Bodies.words)
            case .answer: Self.step("answer", Bodies.words)
            case .close: Self.step("closure", Bodies.closure)
            case .dispute: Self.step("dispute", Bodies.words)
            case .review: Self.step("review", Bodies.review)
            case .rate: Self.step("rating", Bodies.rating)
            case .withdraw: Self.step("withdrawal", Bodies.optionalText, optional: true)
            case .hide: Self.step("hiding", Bodies.hiding)
            case .amend:
                ActRoute(
                    name: "amendment", method: .patch, path: "/api/v1/cases/{id}",
                    body: Route.Body(.named("Amendment")))
            case .restore:
                ActRoute(
                    name: "restore", method: .post, path: "/api/v1/conflicts/{id}/restore",
                    body: Route.Body(Bodies.empty, optional: true))
            case .apply:
                ActRoute(
                    name: "apply", method: .post, path: "/api/v1/proposals/{id}/apply",
                    body: Route.Body(Bodies.empty, optional: true))
            case .moveCustody: Self.step("custody", Bodies.custody)
            case .markDuplicate: Self.step("duplicates", Bodies.duplicate)
            }
    }

    /// As a case document offers it.
    /// - Parameter id: of the case.
    func json(for id: String) -> JSON {
        let path = path.hasPrefix("/api/v1/cases/{id}") ? path.replacing("{id}", with: id) : path
        return [
            "name": .string(name), "method": .string(method.rawValue), "path": .string(path), "body": schema,
        ]
    }

    /// A plain body's schema as it is, a large one's by its place in the OpenAPI document.
    private var schema: JSON {
        switch body?.schema {
        case .named(let name): ["$ref": .string(OpenAPI.path + "#/components/schemas/" + name)]
        case let shape?: shape.openAPI
        case nil: ["type": "string", "contentMediaType": "application/octet-stream"]
        }
    }
}
