import Casework
import Contract
import HTTPTypes
import JSON
import Synchronization
import Testing

@testable import Console

/// Files go in and out as they are; what is refused says why.
@Suite struct AttachmentTests {
    private let client = Client.node()

    private func attach(
        _ query: String, bytes: [UInt8] = [1, 2, 3], headers: HTTPFields = [:], breaksOff: Bool = false
    ) async -> Answer {
        await client.send(
            .post, client.casePath("/attachments") + query, headers: headers, bytes: bytes, breaksOff: breaksOff)
    }

    @Test func aFileIsTakenAsItIs() async throws {
        let bytes = (0..<5_000).map { UInt8(truncatingIfNeeded: $0) }
        let answer = await attach(
            "?name=%D8%B9%DA%A9%D8%B3.jpg", bytes: bytes,
            headers: [.contentType: "image/jpeg", .contentLength: "5000", .idempotencyKey: "k"])
        #expect(answer.status == 200)
        #expect(try answer.json["id"]?.string == client.fixture.caseID.description)
        let taken = try #require(client.fixture.state.withLock { $0.uploads.first })
        #expect(taken.bytes == bytes)
        #expect(taken.upload.name == "عکس.jpg" && taken.upload.mediaType == "image/jpeg")
        #expect(taken.upload.announced == 5_000 && taken.upload.idempotencyKey == "k")
        #expect(taken.upload.request == "POST " + client.casePath("/attachments") + "?name=%D8%B9%DA%A9%D8%B3.jpg")
    }

    @Test func whatIsWrongWithAnUploadIsNamed() async {
        #expect(await attach("").faultyFields == ["name"])
        #expect(await attach("?name=a&nam=b").faultyFields == ["nam"])
        #expect(await attach("?name=a", bytes: []).faultyFields == ["file"])
        #expect(await attach("?name=a", headers: [.contentEncoding: "gzip"]).problem == "bad-request")
        #expect(await attach("?name=a", breaksOff: true).problem == "bad-request")
        let auditor = client.with(token: "auditor")
        #expect(await auditor.send(.post, client.casePath("/attachments?name=a"), bytes: [1]).status == 403)
        #expect(client.fixture.state.withLock { $0.uploads.isEmpty })
    }

    @Test(arguments: [
        (FileRefusal.tooLarge(limit: 9), 413, "too-large"), (.diskFull, 507, "disk-full"),
        (.unknown, 404, "unknown-attachment"), (.brokenOff, 400, "bad-request"),
    ]) func refusalsAreProblems(_ refusal: FileRefusal, _ status: Int, _ name: String) async {
        client.fixture.failing(with: refusal)
        let answer = await attach("?name=a")
        #expect(answer.status == status && answer.problem == name)
    }

    @Test func aFileIsGivenToBeSavedAndNotShown() async {
        let answer = await client.get(client.casePath("/attachments/" + Fixture.hash))
        #expect(answer.status == 200 && answer.text == "hello")
        #expect(answer.headers[.contentType] == "image/jpeg" && answer.headers[.contentLength] == "5")
        #expect(
            answer.headers[.contentDisposition]
                == "attachment; filename=\"___ _1_.jpg\"; filename*=UTF-8''%D8%B9%DA%A9%D8%B3%20%221%22.jpg")
        #expect(answer.headers[.xContentTypeOptions] == "nosniff")
        #expect(answer.headers[.cacheControl] == "no-store")
    }

    @Test func aMediaTypeThatIsNoneIsNotSent() async {
        client.fixture.state.withLock { state in
            state.file = FileContent(name: nil, mediaType: "text/html\r\nX-Evil: 1", size: 0) { _ in [] }
        }
        let answer = await client.get(client.casePath("/attachments/" + Fixture.hash))
        #expect(answer.headers[.contentType] == "application/octet-stream")
        #expect(answer.headers[.contentDisposition]?.contains(Fixture.hash) == true)
    }

    @Test func aFileThatIsOnItsWaySaysHowMuchIsHere() async throws {
        client.fixture.failing(with: FileRefusal.notHere(present: 3, of: 5))
        let answer = await client.get(client.casePath("/attachments/" + Fixture.hash))
        #expect(answer.status == 409 && answer.problem == "attachment-not-here")
        #expect(try answer.json["present"] == 3 && answer.json["size"] == 5)
        #expect(answer.headers[.retryAfter] == "10")
        #expect(Shapes.named("Problem").faults(of: try answer.json) == [])
    }

    @Test(arguments: ["x", String(repeating: "z", count: 64), String(repeating: "0", count: 64)])
    func aFileThatIsNotThereIsNotFound(_ name: String) async {
        let answer = await client.get(client.casePath("/attachments/" + name))
        #expect(answer.status == 404 && answer.problem == "unknown-attachment")
    }

    @Test func aFileThatEndsEarlyDoesNotLookWhole() async {
        client.fixture.state.withLock { state in
            state.file = FileContent(name: nil, mediaType: "a/b", size: 9) { offset in offset == 0 ? [1, 2] : [] }
        }
        let answer = await client.get(client.casePath("/attachments/" + Fixture.hash))
        #expect(answer.body == [1, 2] && answer.headers[.contentLength] == "9")
    }
}
