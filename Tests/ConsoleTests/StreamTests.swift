import Casework
import Contract
import HTTPTypes
import NIOCore
import Synchronization
import Testing

@testable import Console

@Suite struct FeedTests {
    @Test func framesAreThoseOfServerSentEvents() async {
        let messages = [
            FeedMessage(id: "ab-1", event: "snapshot", data: #"{"a":1}"#),
            FeedMessage(id: "ab-2", event: "change", data: "one\ntwo\r\nthree"),
            FeedMessage(id: "ab\n3", event: "link\r\nid: x", data: ""),
        ]
        let client = Client.hub(Fixture(origin: .hub, messages: messages))
        let answer = await client.get("/api/v1/feed")
        #expect(answer.headers[.contentType] == "text/event-stream" && answer.isStreamed)
        #expect(answer.headers[.contentLength] == nil)
        #expect(
            answer.text == """
                retry: 3000

                id: ab-1
                event: snapshot
                data: {"a":1}

                id: ab-2
                event: change
                data: one
                data: two
                data: three

                id: ab3
                event: linkid: x
                data:\u{20}


                """)
    }

    @Test func theLastIDIsPassedOn() async {
        let client = Client.hub(Fixture(origin: .hub, messages: [FeedMessage(id: "1-1", event: "link", data: "{}")]))
        _ = await client.get("/api/v1/feed?last_event_id=1-7")
        #expect(client.fixture.state.withLock { $0.lastEventID } == "1-7")
        _ = await client.get("/api/v1/feed?last_event_id=1-7", headers: [HTTPField.Name("Last-Event-ID")!: "1-8"])
        #expect(client.fixture.state.withLock { $0.lastEventID } == "1-8")
        _ = await client.get("/api/v1/feed")
        #expect(client.fixture.state.withLock { $0.lastEventID } == nil)
    }

    @Test func anIdleFeedBeatsAndEndsAfterItsLifetime() async {
        var configuration = ConsoleConfiguration()
        (configuration.heartbeat, configuration.feedLifetime) = (.milliseconds(10), .milliseconds(200))
        let answer = await Client.hub(nil, configuration).get("/api/v1/feed")
        #expect(answer.status == 200)
        #expect(answer.text.split(separator: "\n").filter { $0 == ": still here" }.count >= 2)
    }

    @Test(.timeLimit(.minutes(1))) func aReaderWhoLeavesEndsTheFeed() async {
        var configuration = ConsoleConfiguration()
        configuration.heartbeat = .milliseconds(5)
        let writer = Recorder(patience: 40)
        _ = await Client.hub(nil, configuration).send(.get, "/api/v1/feed", writer: writer)
    }

    @Test(.timeLimit(.minutes(1))) func aSlowReaderIsCutOffInBoundedMemory() async {
        var configuration = ConsoleConfiguration()
        configuration.feedBacklog = 10
        let messages = (0..<10_000).map { FeedMessage(id: "1-\($0)", event: "change", data: "{}") }
        let client = Client.hub(Fixture(origin: .hub, messages: messages), configuration)
        let writer = SlowWriter()
        await client.console.handle(
            ConsoleRequest(
                head: HTTPRequest(
                    method: .get, scheme: "http", authority: "x", path: "/api/v1/feed",
                    headerFields: [.authorization: "Bearer hub"]),
                body: Chunks(bytes: []), certificateURI: nil, remoteAddress: "192.0.2.1", isTLS: false), writer)
        #expect(writer.count.withLock { $0 } < 1_000)
        #expect(writer.isFinished.withLock { $0 })
    }
}

/// Takes each chunk after a rest.
final class SlowWriter: ConsoleResponseWriter {
    let count = Mutex(0)
    let isFinished = Mutex(false)

    func head(_ response: HTTPResponse) async throws {}
    func write(_ buffer: ByteBuffer) async throws {
        count.withLock { $0 += 1 }
        try await Task.sleep(for: .milliseconds(2))
    }
    func finish(_ trailers: HTTPFields?) async throws { isFinished.withLock { $0 = true } }
    func respond(_ response: HTTPResponse, body: ByteBuffer) async throws {}
}

@Suite struct CaseTableTests {
    @Test func allPagesInOneStream() async {
        let id = CaseID(home: Origin("IR-03")!, at: Instant(seconds: 1), random: (1, 2))
        let cases = (0..<450).map { Fixture.document(id, subject: $0 == 0 ? "=HYPERLINK(\"x\")" : "s\($0)") }
        let client = Client.node(Fixture(origin: Origin("IR-03")!, cases: cases))
        let answer = await client.get("/api/v1/cases.csv?status=registered")
        #expect(answer.status == 200 && answer.isStreamed)
        #expect(answer.headers[.contentType]?.hasPrefix("text/csv; charset=utf-8") == true)
        #expect(answer.body.starts(with: [0xEF, 0xBB, 0xBF]))
        let lines = answer.text.split(separator: "\r\n")
        #expect(lines.count == 451)
        #expect(lines[1].contains(#""'=HYPERLINK(""x"")""#))
        #expect(lines.last?.contains("s449") == true)
        #expect(client.fixture.state.withLock { $0.queries.map(\.status) } == [.registered, .registered, .registered])
        #expect(client.fixture.state.withLock { $0.audit.map(\.action) } == ["export"])
    }

    @Test func aRefusalIsStillAProblem() async {
        let client = Client.node()
        client.fixture.failing(with: Refusal.forbidden(reason: "no"))
        #expect(await client.get("/api/v1/cases.csv").problem == "forbidden")
    }
}
