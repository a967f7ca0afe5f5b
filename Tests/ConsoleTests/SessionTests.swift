import Casework
import Contract
import HTTPTypes
import JSON
import Synchronization
import Testing

@testable import Console

@Suite struct SessionTests {
    let client = Client.node().with(token: nil)

    private func signIn(isTLS: Bool = true) async throws -> (cookie: String, csrf: String) {
        let answer = await client.send(
            .post, "/api/v1/session", #"{"name":"op","password":"گذرواژه"}"#, isTLS: isTLS)
        let cookie = try #require(answer.headers[.setCookie])
        let csrf = try #require(try answer.json["csrf_token"]?.string)
        return (cookie, csrf)
    }

    private func value(of cookie: String) -> String { String(cookie.prefix { $0 != ";" }) }

    @Test func theCookieIsBoundToThisHost() async throws {
        let secure = try await signIn().cookie
        #expect(secure.hasPrefix("__Host-peyvand-IR-03="))
        for attribute in ["; Path=/", "; HttpOnly", "; SameSite=Strict", "; Secure"] {
            #expect(secure.contains(attribute), "\(attribute)")
        }
        #expect(!secure.contains("Domain"))
        let plain = try await signIn(isTLS: false).cookie
        #expect(plain.hasPrefix("peyvand-IR-03=") && !plain.contains("Secure"))
    }

    @Test func aSessionReadsAndWritesWithItsToken() async throws {
        let (cookie, csrf) = try await signIn()
        let mine: HTTPFields = [.cookie: "a=b; " + value(of: cookie)]
        let me = await client.send(.get, "/api/v1/me", headers: mine, isTLS: true)
        #expect(try me.json["csrf_token"]?.string == csrf)
        #expect(try me.json["server"] == ["kind": "node", "code": "IR-03"])
        let note = (client.casePath("/notes"), #"{"text":"x"}"#)
        var headers = mine
        #expect(await client.send(.post, note.0, note.1, headers: headers, isTLS: true).status == 403)
        headers[.csrfToken] = csrf + "0"
        #expect(await client.send(.post, note.0, note.1, headers: headers, isTLS: true).status == 403)
        headers[.csrfToken] = csrf
        #expect(await client.send(.post, note.0, note.1, headers: headers, isTLS: true).status == 200)
        headers[.origin] = "https://peyvand.example:8443"
        headers[.secFetchSite] = "same-origin"
        #expect(await client.send(.post, note.0, note.1, headers: headers, isTLS: true).status == 200)
        for origin in ["https://evil.example", "null", "https://peyvand.example", "peyvand.example:8443"] {
            headers[.origin] = origin
            #expect(await client.send(.post, note.0, note.1, headers: headers, isTLS: true).status == 403, "\(origin)")
        }
        headers[.origin] = nil
        headers[.secFetchSite] = "cross-site"
        #expect(await client.send(.post, note.0, note.1, headers: headers, isTLS: true).status == 403)
        // Over plain HTTP the secure cookie's name is not looked at.
        #expect(await client.send(.get, "/api/v1/me", headers: mine).status == 401)
    }

    @Test func signingOutEndsIt() async throws {
        let (cookie, csrf) = try await signIn()
        let headers: HTTPFields = [.cookie: value(of: cookie), .csrfToken: csrf]
        let out = await client.send(.delete, "/api/v1/session", headers: headers, isTLS: true)
        #expect(out.status == 204 && out.headers[.contentLength] == nil)
        #expect(out.headers[.setCookie]?.contains("Max-Age=0") == true)
        #expect(await client.send(.get, "/api/v1/me", headers: headers, isTLS: true).status == 401)
    }

    @Test func aTokenOpensASession() async throws {
        let answer = await client.post("/api/v1/session", #"{"token":"hub"}"#)
        #expect(try answer.json["principal"]?["role"] == "hub")
        #expect(await client.post("/api/v1/session", #"{"token":"wrong"}"#).status == 401)
        #expect(client.fixture.state.withLock { $0.audit.map(\.action) } == ["signed in", "sign-in refused"])
    }

    @Test func wrongSignIns() async {
        for body in [#"{"name":"op","password":"x"}"#, #"{"name":"nobody","password":"گذرواژه"}"#] {
            let answer = await client.post("/api/v1/session", body)
            #expect(answer.status == 401 && answer.headers[.setCookie] == nil)
        }
        for body in ["{}", #"{"name":"op"}"#, #"{"name":"op","password":"x","token":"y"}"#] {
            #expect(await client.post("/api/v1/session", body).status == 422, "\(body)")
        }
        let foreign = await client.send(
            .post, "/api/v1/session", #"{"token":"hub"}"#, headers: [.origin: "https://evil.example"])
        #expect(foreign.status == 403)
    }

    @Test func cookiesThatAreNone() async {
        for cookie in [
            "peyvand-IR-03=", "peyvand-IR-03=xyz", "peyvand-IR-03=" + String(repeating: "0", count: 200), "=;=;;",
            "peyvand-IR-03", "peyvand-IR-03=" + String(repeating: "00", count: 32),
        ] {
            #expect(await client.get("/api/v1/me", headers: [.cookie: cookie]).status == 401, "\(cookie)")
        }
    }

    @Test func attemptsAreLimitedByAddress() async {
        var configuration = ConsoleConfiguration()
        configuration.loginsPerMinute = 3
        let client = Client.node(nil, configuration)
        var statuses = [Int]()
        for _ in 0..<4 { statuses.append(await client.post("/api/v1/session", #"{"token":"wrong"}"#).status) }
        #expect(statuses == [401, 401, 401, 429])
    }

    @Test func transportSecurityOnTLSOnly() async {
        let secure = await client.send(.get, "/api/v1/me", isTLS: true)
        #expect(secure.headers[.strictTransportSecurity]?.hasPrefix("max-age=") == true)
        #expect(await client.send(.get, "/livez", isTLS: true).headers[.strictTransportSecurity] != nil)
        #expect(await client.send(.get, "/livez").headers[.strictTransportSecurity] == nil)
    }
}
