import Casework
import Contract
import JSON
import Synchronization
import Testing

@testable import Console

/// What a case document offers is what the router serves; that it is what `decide` takes, CaseworkTests show.
@Suite struct ActionTests {
    @Test(arguments: [true, false]) func everyActIsServedWhereItIsOffered(isHub: Bool) throws {
        let client = isHub ? Client.hub() : Client.node()
        for act in Act.allCases {
            let offered = ActRoute(act)
            let route = client.console.routes.first { $0.method == offered.method && $0.path == offered.path }
            let isServed = act.isServed(at: client.fixture.origin)
            #expect((route != nil) == isServed, "\(act)")
            guard let route else { continue }
            #expect(route.body?.schema.openAPI == offered.body?.schema.openAPI, "\(act)")
            #expect(route.takesFile == (offered.body == nil) && route.access == .writers, "\(act)")
        }
    }

    /// What is sent to an action's path reaches the service as that act.
    @Test(arguments: [true, false]) func anActionsPathLeadsToItsAct(isHub: Bool) async throws {
        let client = isHub ? Client.hub(Fixture(origin: .hub, messages: [])) : Client.node()
        for act in Act.allCases where act != .attach && act.isServed(at: client.fixture.origin) {
            let offered = ActRoute(act)
            let route = try #require(
                client.console.routes.first { $0.method == offered.method && $0.path == offered.path })
            let (path, body) = RouteTests.request(route, client)
            let answer = await client.send(route.method, path, body)
            #expect((200...201).contains(answer.status), "\(act): \(answer.text)")
            #expect(client.fixture.state.withLock { $0.commands.last?.command.act } == act)
        }
    }

    @Test func aDocumentOffersWhatItsReaderMayDo() throws {
        let id = Client.node().fixture.caseID
        var document = Fixture.document(id)
        document.acts = [.note, .amend, .restore, .moveCustody, .attach]
        let actions = try #require(document.json(at: Origin.provinces[3])["actions"]?.array)
        #expect(actions.map { $0["name"]?.string } == ["notes", "amendment", "restore", "attachments"])
        #expect(
            actions.map { $0["path"]?.string } == [
                "/api/v1/cases/\(id)/notes", "/api/v1/cases/\(id)", "/api/v1/conflicts/{id}/restore",
                "/api/v1/cases/\(id)/attachments",
            ])
        #expect(actions[0]["method"] == "POST" && actions[1]["method"] == "PATCH")
        #expect(actions[0]["body"]?["properties"]?["text"]?["maxLength"] == 60_000)
        #expect(actions[1]["body"]?["$ref"] == "/api/v1/openapi.json#/components/schemas/Amendment")
        #expect(Fixture.document(id).json["actions"] == nil, "lists leave it out")
    }
}
