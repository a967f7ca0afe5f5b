import Casework
import Contract
import Hummingbird
import JSON

/// Who and what there is: organisations, categories, and the caller himself.
struct DirectoryRoutes: Sendable {
    let service: ConsoleService

    var all: [Route] {
        [
            Route(
                .get, "/api/v1/organizations", "All organisations, by code", .readers,
                answer: .json(Shapes.list(of: "Organization"))
            ) { _ in
                .json(["items": .array(service.cases.tree.all.map(Self.json)), "next": .null])
            },
            Route(
                .get, "/api/v1/categories", "What cases are about, in the order of forms", .readers,
                answer: .json(Shapes.list(of: "Category"))
            ) { _ in
                let province = service.cases.origin
                let items = Category.all.map { Self.json($0, in: province) }
                return .json(["items": .array(items), "next": .null])
            },
            Route(.get, "/api/v1/me", "Who is signed in, and where", .readers, answer: .json(.named("Me"))) { call in
                guard let caller = call.caller else { throw Problem.unauthorized }
                let session: ConsoleSession? = if case .session(let session) = caller.proof { session } else { nil }
                return .json(Self.me(caller.principal, session, service))
            },
        ]
    }

    static func me(_ principal: Principal, _ session: ConsoleSession?, _ service: ConsoleService) -> JSON {
        let kind: JSON = if case .hub = service { "hub" } else { "node" }
        return [
            "principal": [
                "name": .string(principal.name), "role": .string(principal.role.rawValue),
                "organization": .string(principal.organization.rawValue),
            ],
            "server": ["kind": kind, "code": .string(service.cases.origin.code)],
            "doors": JSON(Door.offered(to: principal.role, at: service.cases.origin).map(\.rawValue)),
            "csrf_token": JSON(session?.csrfToken), "expires": JSON(session?.expires.rfc3339),
        ]
    }

    private static func json(_ organization: Organization) -> JSON {
        [
            "code": .string(organization.code.rawValue), "kind": .string(organization.kind.rawValue),
            "name_fa": .string(organization.nameFA), "name_en": .string(organization.nameEN),
            "parent": JSON(organization.parent?.rawValue), "seat": .string(organization.seat.code),
            "area": JSON(organization.area), "area_is_partial": .bool(organization.areaIsPartial),
        ]
    }

    private static func json(_ category: Category, in province: Origin) -> JSON {
        [
            "code": .string(category.code), "name_fa": .string(category.nameFA), "name_en": .string(category.nameEN),
            "local_agency": JSON(category.localAgency), "ministry": JSON(category.ministry?.rawValue),
            "usual_organization": .string(category.usualOrganization(in: province).rawValue),
        ]
    }
}
