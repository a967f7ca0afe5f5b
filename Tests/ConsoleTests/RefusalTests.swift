import Casework
import Contract
import HTTPTypes
import JSON
import Synchronization
import Testing

@testable import Console

/// What a caller did wrong gets a problem document of the right status, and changes nothing.
@Suite struct RefusalTests {
    let client = Client.node()

    private func commands() -> Int { client.fixture.state.withLock { $0.commands.count } }

    @Test func strangersAreToldToSignIn() async {
        let stranger = client.with(token: nil)
        for route in client.console.routes where route.access != .everyone {
            let (path, _) = RouteTests.request(route, client)
            let answer = await stranger.send(route.method, path, "{}")
            #expect(answer.status == 401 && answer.problem == "unauthorized", "\(route.path)")
            #expect(answer.headers[.wwwAuthenticate] == "Bearer")
        }
        #expect(await client.with(token: "wrong").get("/api/v1/cases").status == 401)
        for header in ["Basic abc", "Bearer", "Bearer a b", "bearer  "] {
            let answer = await stranger.get("/api/v1/cases", headers: [.authorization: header])
            #expect(answer.status == 401, "\(header)")
        }
        #expect(await stranger.get("/api/v1/cases", headers: [.authorization: "bearer operator"]).status == 200)
        #expect(commands() == 0)
    }

    @Test func auditorsOnlyRead() async {
        let auditor = client.with(token: "auditor")
        for route in client.console.routes where route.access != .everyone {
            let (path, body) = RouteTests.request(route, client)
            let answer = await auditor.send(route.method, path, body)
            #expect((answer.problem == "forbidden") == (route.access == .writers), "\(route.method) \(route.path)")
        }
        #expect(commands() == 0)
        let lines = client.fixture.state.withLock { $0.audit.filter { $0.action == "refused" } }
        #expect(lines.first?.actor == "aud" && lines.first?.remote == "192.0.2.1")
    }

    @Test func ministriesShowTheirCertificate() async {
        let stranger = client.with(token: nil)
        let uri = "spiffe://peyvand/ministry/SAMT"
        let me = await stranger.send(.get, "/api/v1/me", certificate: uri)
        #expect((try? me.json)?["principal"]?["organization"] == "SAMT")
        #expect(await stranger.send(.get, "/api/v1/me", certificate: "spiffe://peyvand/ministry/X").status == 401)
        // A browser would send the certificate for a foreign page too.
        let foreign = await stranger.send(
            .post, client.casePath("/acceptance"), headers: [.origin: "https://evil.example"], certificate: uri)
        #expect(foreign.status == 403)
        #expect(await stranger.send(.post, client.casePath("/acceptance"), certificate: uri).status == 200)
    }

    @Test(
        arguments: [
            (Refusal.invalid(field: "subject", .empty), 422, "invalid"),
            (.unknownCase, 404, "unknown-case"),
            (.unknownOrganization("X"), 422, "unknown-organization"), (.unknownCategory("X"), 422, "unknown-category"),
            (.unknownEvent(.zero), 404, "unknown-event"),
            (.illegal(.statusDoesNotAllow, status: .closed), 409, "illegal"), (.notTheSeat(.hub), 409, "not-the-seat"),
            (.parked(.zero), 409, "parked"), (.forbidden(reason: "role agency may not do this"), 403, "forbidden"),
            (.stale(revision: 7), 409, "stale"), (.tooLarge(bytes: 300_000), 413, "too-large"),
            (.keyReused, 422, "key-reused"),
        ] as [(Refusal, Int, String)])
    func everyRefusalHasItsStatus(refusal: Refusal, status: Int, name: String) async {
        client.fixture.failing(with: refusal)
        let answer = await client.post(client.casePath("/notes"), #"{"text":"x"}"#)
        #expect(answer.status == status && answer.problem == name, "\(answer.text)")
        if case .stale = refusal { #expect((try? answer.json)?["revision"] == 7) }
        if case .forbidden = refusal {
            #expect(client.fixture.state.withLock { $0.audit.last?.action } == "refused")
        }
    }

    @Test func anAbsentServiceSaysWhenToComeBack() async {
        client.fixture.failing(with: ServiceError.unavailable("the database is away"))
        let away = await client.get("/api/v1/cases")
        #expect(away.status == 503 && away.problem == "unavailable" && away.headers[.retryAfter] == "5")
        client.fixture.failing(with: ServiceError.halted("fenced"))
        #expect(await client.get("/api/v1/cases").problem == "halted")
        struct Unforeseen: Error {}
        client.fixture.failing(with: Unforeseen())
        let failed = await client.get("/api/v1/cases")
        #expect(failed.status == 500 && failed.problem == "server" && !failed.text.contains("Unforeseen"))
    }

    @Test func unknownPathsAndMethods() async {
        for path in ["/nothing", "/api/v1", "/api/v1/cases/\(client.fixture.caseID)/nothing", "/assets/none.js"] {
            let answer = await client.get(path)
            #expect(answer.status == 404 && answer.problem == "not-found", "\(path)")
        }
        let wrong = await client.send(.delete, "/api/v1/cases")
        #expect(wrong.status == 405 && wrong.problem == "method-not-allowed")
        #expect(wrong.headers[.allow] == "GET, HEAD, POST")
        #expect(await client.send(.post, "/livez").status == 405)
        #expect(await client.send(.init("BREW")!, client.casePath()).status == 405)
        #expect(await client.get("/api/v1/overview").status == 404)
        #expect(await Client.hub().post("/api/v1/cases", intake).status == 405)
        for path in [nil, "", "*", "http://x/api/v1/cases", "/" + String(repeating: "a", count: 9_000)] {
            #expect(await client.send(.get, path).status == 400, "\(path ?? "nil")")
        }
    }

    @Test func unknownCases() async {
        let other = CaseID(home: .hub, at: Instant(seconds: 1), random: (1, 2))
        for id in [other.description, "x", "%00", "%FF", "....", String(repeating: "9", count: 36)] {
            #expect(await client.get("/api/v1/cases/" + id).status == 404, "\(id)")
            #expect(await client.post("/api/v1/cases/\(id)/notes", #"{"text":"x"}"#).status == 404, "\(id)")
        }
        let conflict = "/api/v1/conflicts/" + String(repeating: "cd", count: 32) + "/restore"
        #expect(await client.post(conflict, nil).problem == "unknown-event")
        #expect(await client.post("/api/v1/conflicts/xyz/restore", nil).problem == "unknown-event")
    }

    @Test func anUnknownOrganizationIsTheFaultOfTheFieldThatNamesIt() async {
        client.fixture.failing(with: Refusal.unknownOrganization("IR-03-X"))
        #expect(await client.post("/api/v1/cases", intake).faultyFields == ["about"])
        #expect(await client.post(client.casePath("/referral"), RouteTests.bodies["referral"]).faultyFields == ["to"])
    }

    @Test func anImportThatIsRefusedAsAWhole() async {
        let body = RouteTests.bodies["POST /api/v1/import"]
        client.fixture.failing(with: Refusal.forbidden(reason: "role operator may not do this"))
        #expect(await client.post("/api/v1/import", body).problem == "forbidden")
        client.fixture.failing(with: ServiceError.unavailable("the database is away"))
        #expect(await client.post("/api/v1/import", body).status == 503)
    }

    @Test func anUnknownEntryInTheBodyIsThatFieldsFault() async {
        client.fixture.failing(with: Refusal.unknownEvent(.zero))
        let answer = await client.post(client.casePath("/review"), RouteTests.bodies["review"])
        #expect(answer.status == 422 && answer.faultyFields == ["dispute"])
    }

    @Test func bodiesThatCannotBeRead() async {
        let path = "/api/v1/cases"
        #expect(await client.post(path, nil).problem == "bad-request")
        for body in [
            "{", "{]", #"{"kind":}"#, #"{"a":1,"a":2}"#, "{} {}", "\u{FEFF}{}", #"{"a":"\ud800"}"#, "nul",
            String(repeating: "[", count: 17) + String(repeating: "]", count: 17), "01", "1e999", "\"\u{1}\"",
        ] {
            let answer = await client.post(path, body)
            #expect(answer.status == 400 && answer.problem == "bad-request", "\(body): \(answer.text)")
        }
        let latin1 = Array("{\"a\":\"".utf8) + [0xC3, 0x28] + Array("\"}".utf8)
        #expect(await client.send(.post, path, bytes: latin1).status == 400)
        #expect(await client.send(.post, path, intake, breaksOff: true).status == 400)
        for type in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"] {
            let answer = await client.send(.post, path, intake, headers: [.contentType: type])
            #expect(answer.status == 415 && answer.problem == "unsupported-media-type", "\(type)")
        }
        #expect(await client.send(.post, path, intake, headers: [.contentEncoding: "gzip"]).status == 415)
        let accepted = await client.send(
            .post, path, intake, headers: [.contentType: "Application/JSON; charset=UTF-8"])
        #expect(accepted.status == 201)
        #expect(commands() == 1)
    }

    @Test func bodiesThatAreTooLarge() async {
        let huge = String(repeating: "ن", count: 5 << 20)
        let answer = await client.post("/api/v1/cases", intake.replacing("…", with: huge))
        #expect(answer.status == 413 && answer.problem == "too-large")
        let announced = await client.send(
            .post, "/api/v1/cases", intake, headers: [.contentLength: "99999999999"])
        #expect(announced.status == 413)
        let limit = String(repeating: "x", count: 60_000)
        let long = await client.post("/api/v1/cases", intake.replacing("…", with: limit + "x"))
        #expect(long.status == 422 && long.faultyFields == ["description"])
        let fits = await client.post("/api/v1/cases", intake.replacing("…", with: limit))
        #expect(fits.status == 201)
    }

    @Test func fieldsThatAreWrong() async {
        let wrong: [(String, String, [String])] = [
            ("/api/v1/cases", "[]", [""]), ("/api/v1/cases", "{}", ["kind", "subject"]),
            ("/api/v1/cases", intake.replacing("complaint", with: "rant"), ["kind"]),
            ("/api/v1/cases", intake.replacing(#""نان گران است""#, with: "7"), ["subject"]),
            ("/api/v1/cases", intake.replacing("مریم", with: #"a\u0000b"#), ["citizen.name"]),
            ("/api/v1/cases", intake.replacing("\"mobile\"", with: "\"mobil\""), ["citizen.mobil"]),
            ("/api/v1/cases", intake.replacing("IR-03-SAMT", with: "ir 3"), ["about"]),
            ("/api/v1/cases", intake.replacing(#"["نان"]"#, with: #"["نان",1]"#), ["tags[1]"]),
            (client.casePath("/rating"), #"{"score":6}"#, ["score"]),
            (client.casePath("/rating"), #"{"score":4.5}"#, ["score"]),
            (client.casePath("/rating"), #"{"score":"5"}"#, ["score"]),
            (client.casePath("/closure"), #"{"outcome":"elsewhere"}"#, ["outcome"]),
            (client.casePath("/referral"), #"{"to":"IR-23"}"#, ["reason"]),
            (client.casePath("/acceptance"), #"{"x":1}"#, ["x"]),
            (client.casePath("/hiding"), #"{"event":"12","hidden":true}"#, ["event"]),
            (
                "/api/v1/import", #"{"cases":[{"key":"1","intake":{},"registered_at":"gestern"}]}"#,
                ["cases[0].intake.kind", "cases[0].intake.subject", "cases[0].registered_at"]
            ),
        ]
        for (path, body, fields) in wrong {
            let answer = await client.post(path, body)
            #expect(answer.status == 422 && answer.problem == "invalid", "\(body): \(answer.text)")
            #expect(answer.faultyFields == fields, "\(body)")
        }
        let patch = await client.send(.patch, client.casePath(), #"{"revision":1,"heads":{"status":[]}}"#)
        #expect(patch.faultyFields == ["heads.status"])
        #expect(await client.send(.patch, client.casePath(), #"{"subject":"x"}"#).faultyFields == ["revision"])
        let many = #"{"cases":["# + Array(repeating: "0", count: 501).joined(separator: ",") + "]}"
        #expect(await client.post("/api/v1/import", many).faultyFields == ["cases"])
        #expect(commands() == 0)
    }

    @Test func queriesThatAreWrong() async {
        let wrong = [
            "?status=open": 422, "?limit=0": 422, "?limit=501": 422, "?limit=x": 422, "?overdue=yes": 422,
            "?province=IR-31": 422, "?holder=a": 422, "?overude=1": 422, "?q=%00": 422, "?q=%zz": 400, "?q=%FF": 400,
            "?q=a&q=b": 400, "?%": 400, "?": 200, "?&&": 200, "?q=": 200, "?limit=500": 200,
        ]
        for (query, status) in wrong {
            let answer = await client.get("/api/v1/cases" + query)
            #expect(answer.status == status, "\(query): \(answer.text)")
        }
        for period in ["1405-13", "1405-Q5", "x", "1405", "%00", "99999999999999999999-01"] {
            #expect(await client.get("/api/v1/reports/" + period).status == 422, "\(period)")
        }
    }

    @Test func idempotencyKeys() async {
        let path = client.casePath("/notes")
        let field = HTTPField.Name("Idempotency-Key")!
        for key in ["", String(repeating: "k", count: 201), "a\u{85}b"] {
            let answer = await client.send(.post, path, #"{"text":"x"}"#, headers: [field: key])
            #expect(answer.status == 400, "\(key)")
        }
        var twice = HTTPFields()
        twice.append(HTTPField(name: field, value: "a"))
        twice.append(HTTPField(name: field, value: "b"))
        #expect(await client.send(.post, path, #"{"text":"x"}"#, headers: twice).status == 400)
        #expect(commands() == 0)
        for _ in 0..<2 {
            #expect(await client.send(.post, path, #"{"text":"x"}"#, headers: [field: "k1"]).status == 200)
        }
        #expect(commands() == 1)
        let other = await client.send(.post, path, #"{"text":"y"}"#, headers: [field: "k1"])
        #expect(other.status == 422 && other.problem == "key-reused")
        // The same body at another door is another request.
        let door = await client.send(.post, client.casePath("/actions"), #"{"text":"x"}"#, headers: [field: "k1"])
        #expect(door.problem == "key-reused")
    }
}
