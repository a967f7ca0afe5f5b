import HTTPTypes
import Hummingbird
import Testing

@testable import Console

@Suite struct RouteTableTests {
    private static func route(_ method: HTTPRequest.Method, _ path: String) -> Route {
        Route(method, path, "", .everyone, answer: .nothing) { _ in Response(status: .noContent) }
    }

    private let table = RouteTable([
        route(.get, "/"), route(.get, "/cases"), route(.post, "/cases"), route(.get, "/cases/{id}"),
        route(.get, "/cases/overdue"), route(.post, "/cases/{id}/notes"), route(.put, "/cases/{case}/files/{name}"),
    ])

    private func text(_ method: HTTPRequest.Method, _ path: String) -> String {
        switch table.match(method, path) {
        case .route(let route, let parameters):
            let values = ["id", "case", "name"].compactMap { parameters.get($0) }
            return ([route.path] + values.map { String($0) }).joined(separator: " ")
        case .head(let route, _): return "head of " + route.path
        case .otherMethods(let methods): return methods.joined(separator: ",")
        case .nothing: return "nothing"
        }
    }

    @Test func pathsLeadToTheirRoutes() {
        #expect(text(.get, "/") == "/" && text(.get, "") == "/")
        #expect(text(.post, "/cases/") == "/cases")
        #expect(text(.get, "//cases//a%2Fb") == "/cases/{id} a%2Fb")
        #expect(text(.post, "/cases/x/notes") == "/cases/{id}/notes x")
        #expect(text(.put, "/cases/x/files/y") == "/cases/{case}/files/{name} x y")
    }

    @Test func aNameBeatsAParameterUnlessItLeadsNowhere() {
        #expect(text(.get, "/cases/overdue") == "/cases/overdue")
        #expect(text(.post, "/cases/overdue/notes") == "/cases/{id}/notes overdue")
    }

    @Test func otherMethodsAreNamed() {
        #expect(text(.head, "/cases") == "head of /cases")
        #expect(text(.delete, "/cases") == "GET,HEAD,POST")
        #expect(text(.get, "/cases/x/notes") == "POST")
        #expect(text(.head, "/cases/x/notes") == "POST")
    }

    @Test func otherPathsAreNothing() {
        for path in ["/case", "/cases/x/y", "/cases/x/notes/z", "/" + String(repeating: "a/", count: 4_000)] {
            #expect(text(.get, path) == "nothing")
        }
    }
}
