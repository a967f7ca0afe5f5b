import Casework
import Contract
import Foundation
import HTTPTypes
import JSON
import Testing

@testable import Console

/// The document is true: it names every door and no other, and says of bodies what the server checks.
@Suite struct OpenAPITests {
    private func document(_ client: Client) async throws -> JSON {
        let answer = await client.with(token: nil).get("/api/v1/openapi.json")
        #expect(answer.status == 200 && answer.headers[.contentType] == "application/json")
        return try JSON(parsing: answer.body, bounds: .init(depth: 64))
    }

    @Test(arguments: [true, false]) func itNamesEveryDoorAndNoOther(isHub: Bool) async throws {
        let client = isHub ? Client.hub() : Client.node()
        let document = try await document(client)
        #expect(document["openapi"] == "3.1.0")
        var named = Set<String>()
        for path in document["paths"]?.members ?? [] {
            for method in path.value.members ?? [] { named.insert(method.name.uppercased() + " " + path.name) }
        }
        #expect(named == Set(client.console.routes.map { "\($0.method) \($0.path)" }))
        // Each is really there: without a sign-in it answers, or asks for one.
        for route in client.console.routes {
            let (path, _) = RouteTests.request(route, client)
            let answer = await client.with(token: nil).send(route.method, path)
            #expect(answer.problem != "not-found" && answer.status != 405, "\(route.method) \(route.path)")
            let asks = document["paths"]?[route.path]?[route.method.rawValue.lowercased()]?["security"] != []
            #expect(asks == (route.access != .everyone), "\(route.path)")
        }
    }

    @Test func everyReferenceLeadsSomewhere() async throws {
        let document = try await document(Client.hub())
        let schemas = Set(document["components"]?["schemas"]?.members?.map(\.name) ?? [])
        var references = Set<String>()
        func walk(_ value: JSON) {
            for member in value.members ?? [] {
                if member.name == "$ref", let target = member.value.string { references.insert(target) }
                walk(member.value)
            }
            for element in value.array ?? [] { walk(element) }
        }
        walk(document)
        #expect(references.count > 10)
        for reference in references {
            #expect(schemas.contains(String(reference.dropFirst("#/components/schemas/".count))), "\(reference)")
        }
    }

    /// Every member that a body's schema names is taken, and one more is refused.
    @Test func bodiesAreTakenAsDescribed() async throws {
        let client = Client.node()
        let document = try await document(client)
        for route in client.console.routes where route.body != nil {
            let operation = document["paths"]?[route.path]?[route.method.rawValue.lowercased()]
            var schema = operation?["requestBody"]?["content"]?["application/json"]?["schema"]
            if let name = schema?["$ref"]?.string?.split(separator: "/").last {
                schema = document["components"]?["schemas"]?[String(name)]
            }
            #expect(schema?["additionalProperties"] == false, "\(route.path)")
            let (path, body) = RouteTests.request(route, client)
            let members = try JSON(parsing: Array((body ?? "{}").utf8)).members ?? []
            for name in members.map(\.name) { #expect(schema?["properties"]?[name] != nil, "\(route.path) \(name)") }
            let extra = JSON.object(members + [.init("unheard_of", 1)])
            let answer = await client.send(route.method, path, extra.text)
            #expect(answer.faultyFields == ["unheard_of"], "\(route.path): \(answer.text)")
            for name in schema?["required"]?.array ?? [] {
                let fewer = JSON.object(members.filter { $0.name != name.string })
                let answer = await client.send(route.method, path, fewer.text)
                #expect(answer.faultyFields == [name.string ?? ""], "\(route.path) without \(name)")
            }
        }
    }

    @Test func problemsHaveTheirDescribedShape() async throws {
        let client = Client.node()
        for (path, body) in [("/api/v1/cases", "{}"), ("/api/v1/cases", "{"), ("/nothing", "")] {
            #expect(Shapes.named("Problem").faults(of: try await client.post(path, body).json) == [])
        }
    }

    /// The documents' own encoding, for programs that use Codable, is the same JSON.
    @Test func documentsEncodeAsTheyAreSent() async throws {
        let document = Fixture.document(Fixture(origin: .hub).caseID)
        let encoded = try JSONEncoder().encode(document)
        let sorted = { (value: JSON) in value.members?.sorted { $0.name < $1.name }.map(\.name) }
        let json = try JSON(parsing: Array(encoded))
        #expect(sorted(json) == sorted(document.json))
        #expect(json["outcome"] == .null && json["heads"]?["subject"] == [.string(Fixture.hash)])
    }

    @Test func everyAssetIsEmbedded() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/Console/Assets")
        let there = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { !$0.hasSuffix(".mustache") && $0 != "README.md" }
        #expect(Set(there) == Set(Assets.files.map(\.0)))
    }
}
