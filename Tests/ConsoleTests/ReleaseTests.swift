import Casework
import Contract
import HTTPTypes
import JSON
import Synchronization
import Testing

@testable import Console

/// The end of a quarantine is a person's decision at the hub, and leaves a line that says whose.
@Suite struct ReleaseTests {
    private let path = "/api/v1/provinces/IR-03/release"

    @Test func theHubsStaffEndsAQuarantineAndTheLineSaysWho() async throws {
        let client = Client.hub()
        let answer = await client.post(path, #"{"keep":"00000000000000A1"}"#)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(try answer.json["quarantine"] == .null)
        let released = client.fixture.state.withLock { $0.released }
        #expect(released.count == 1 && released.first?.0.code == "IR-03" && released.first?.1 == 0xA1)
        let line = client.fixture.state.withLock { $0.audit.last }
        #expect(line?.action == "quarantine.released" && line?.subject == "IR-03")
        #expect(line?.actor.contains("hub (hub)") == true && line?.detail.contains("A1") == true)
    }

    @Test func withoutAChoiceAllGoOn() async {
        let client = Client.hub()
        #expect(await client.post(path, nil).status == 200)
        #expect(client.fixture.state.withLock { $0.released.first?.1 } == .some(nil))
    }

    @Test(arguments: ["operator", "supervisor", "auditor"]) func othersAreRefused(token: String) async {
        let client = Client.hub().with(token: token)
        #expect(await client.post(path, "{}").problem == "forbidden")
        #expect(client.fixture.state.withLock { $0.released.isEmpty && $0.audit.last?.action == "refused" })
    }

    @Test func aMinistrysCertificateIsRefused() async {
        let client = Client.hub().with(token: nil)
        let answer = await client.send(.post, path, "{}", certificate: "spiffe://peyvand/ministry/SAMT", isTLS: true)
        #expect(answer.problem == "forbidden")
    }

    @Test(arguments: ["IR-99", "hub", "x"]) func anUnknownProvinceIsNotFound(code: String) async {
        let answer = await Client.hub().post("/api/v1/provinces/\(code)/release", "{}")
        #expect(answer.problem == "unknown-province")
    }

    @Test func onlyAQuarantineCanBeEnded() async {
        let answer = await Client.hub().post("/api/v1/provinces/IR-04/release", "{}")
        #expect(answer.status == 409 && answer.problem == "not-quarantined")
    }

    @Test(arguments: ["xyz", "0", "", "-1", "00000000000000000a1"])
    func aWrongIncarnationIsRefused(keep: String) async {
        let client = Client.hub()
        let answer = await client.post(path, #"{"keep":"\#(keep)"}"#)
        #expect(answer.faultyFields == ["keep"], "\(answer.text)")
        #expect(client.fixture.state.withLock { $0.released.isEmpty })
    }

    @Test func aReleaseThatFailsSaysSoAndLeavesALine() async {
        let client = Client.hub()
        client.fixture.failing(with: ServiceError.unavailable("the database does not answer"))
        #expect(await client.post(path, "{}").status == 503)
        let line = client.fixture.state.withLock { $0.audit.last }
        #expect(line?.action == "quarantine.release.failed")
    }

    @Test func alarmsArePagedAndNotForAgencies() async throws {
        for client in [Client.hub(), Client.node()] {
            let first = await client.get("/api/v1/alarms")
            #expect(try first.json["items"]?.array?.first?["code"] == "tampering")
            let cursor = try #require(try first.json["next"]?.string)
            #expect(try await client.get("/api/v1/alarms?cursor=\(cursor)").json["next"] == .null)
        }
        let ministry = Client.hub().with(token: nil)
        let answer = await ministry.send(
            .get, "/api/v1/alarms", certificate: "spiffe://peyvand/ministry/SAMT", isTLS: true)
        #expect(answer.problem == "forbidden")
    }
}
