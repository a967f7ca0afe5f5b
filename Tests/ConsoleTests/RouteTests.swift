import Casework
import Contract
import HTTPTypes
import JSON
import Synchronization
import Testing

@testable import Console

/// Every route's success, checked against the shape that the OpenAPI document gives for it.
@Suite struct RouteTests {
    /// A request that must succeed, for each route that answers JSON, by method and path template.
    static let bodies: [String: String] = [
        "POST /api/v1/cases": intake, "POST /api/v1/cases/open": "{}",
        "POST /api/v1/session": #"{"token":"operator"}"#,
        "POST /api/v1/import": #"{"cases":[{"key":"1","intake":\#(intake),"registered_at":"2020-01-01T00:00:00Z"}]}"#,
        "PATCH /api/v1/cases/{id}": #"{"revision":1,"subject":"نو","heads":{"subject":["\#(Fixture.hash)"]}}"#,
        "assessment": #"{"lawful":true,"within_means":true,"done":false}"#, "acceptance": "{}",
        "referral": #"{"to":"IR-23","reason":"آنجاست"}"#, "refusal": #"{"reason":"نه"}"#,
        "actions": #"{"text":"رفتیم"}"#, "answer": #"{"text":"شد"}"#, "notes": #"{"text":"یادداشت"}"#,
        "closure": #"{"outcome":"resolved","text":"شد"}"#, "dispute": #"{"text":"نشد"}"#,
        "review": #"{"dispute":"\#(Fixture.hash)","upheld":true,"text":"حق با اوست"}"#,
        "rating": #"{"score":5}"#, "withdrawal": "{}", "hiding": #"{"event":"\#(Fixture.hash)","hidden":true}"#,
        "custody": #"{"to":"IR-23","reason":"بس است"}"#, "registration": intake,
        "release": #"{"keep":"00000000000000a1"}"#,
    ]

    static func request(_ route: Route, _ client: Client) -> (path: String, body: String?) {
        let id =
            route.path.contains("conflicts") || route.path.contains("proposals")
            ? Fixture.hash : client.fixture.caseID.description
        let code = route.path.contains("provinces") ? "IR-03" : Fixture.code.digits
        let values = ["{id}": id, "{code}": code, "{period}": "1405-08", "{name}": "api.js", "{sha256}": Fixture.hash]
        let path = route.path.split(separator: "/").map { values[String($0)] ?? String($0) }.joined(separator: "/")
        if route.takesFile { return ("/" + path + "?name=a.jpg", "bytes") }
        guard let body = route.body else { return ("/" + path, nil) }
        let name = String(route.path.split(separator: "/").last ?? "")
        let other = #"{"of":"\#(client.fixture.caseID)"}"#
        let known = bodies[route.method.rawValue + " " + route.path] ?? bodies[name]
        return ("/" + path, known ?? (name == "duplicates" ? other : body.isOptional ? "{}" : nil))
    }

    @Test(arguments: [true, false]) func everyRouteAnswersAsDescribed(isHub: Bool) async throws {
        let messages = [FeedMessage(id: "1-1", event: "snapshot", data: "{}")]
        let client = isHub ? Client.hub(Fixture(origin: .hub, messages: messages)) : Client.node()
        #expect(client.console.routes.count > 30)
        for route in client.console.routes {
            let (path, body) = Self.request(route, client)
            let answer = await client.send(route.method, path, body, headers: [.accept: "application/json"])
            let name = "\(route.method) \(route.path)"
            switch route.answer {
            case .json(let schema, let status):
                #expect(answer.status == status.code, "\(name): \(answer.text)")
                #expect(schema.faults(of: try answer.json) == [], "\(name): \(answer.text)")
                #expect(answer.headers[.contentType] == "application/json")
            case .nothing: #expect(answer.status == 204)
            case .other(let type):
                #expect(answer.status == 200, "\(name)")
                #expect(type == "*/*" || answer.headers[.contentType]?.hasPrefix(type) == true, "\(name)")
            }
            #expect(answer.headers[.contentSecurityPolicy] == SecurityHeaders.policy, "\(name)")
            #expect(answer.headers[.xContentTypeOptions] == "nosniff", "\(name)")
            #expect(answer.headers[.referrerPolicy] == "no-referrer", "\(name)")
            #expect(answer.headers[.strictTransportSecurity] == nil)
            if route.path.hasPrefix("/api") { #expect(answer.headers[.cacheControl] == "no-store", "\(name)") }
        }
    }

    @Test func doorsThatWerePromisedExist() {
        let common =
            [
                "GET /cases", "GET /cases/{id}", "PATCH /cases/{id}", "GET /cases/{id}/events",
                "GET /cases/{id}/attachments", "POST /cases/{id}/attachments", "GET /cases/{id}/attachments/{sha256}",
                "GET /conflicts",
                "POST /conflicts/{id}/restore", "GET /proposals", "POST /proposals/{id}/apply", "GET /reports/{period}",
                "GET /organizations", "GET /categories", "GET /me", "POST /session", "DELETE /session",
                "GET /cases.csv",
                "GET /openapi.json", "GET /alarms",
            ]
            + [
                "notes", "assessment", "referral", "acceptance", "refusal", "actions", "answer", "closure", "dispute",
                "review", "rating", "withdrawal", "hiding",
            ].map { "POST /cases/{id}/" + $0 }
        let node =
            common + [
                "POST /cases", "POST /cases/open", "POST /cases/{id}/registration", "GET /cases/{id}/receipt",
                "POST /import", "GET /status",
            ]
        let hub =
            common + [
                "GET /overview", "GET /provinces", "GET /feed", "GET /trend", "GET /overdue",
                "POST /cases/{id}/custody",
                "POST /provinces/{code}/release",
            ]
        for (client, promised) in [(Client.node(), node), (Client.hub(), hub)] {
            let there = Set(client.console.routes.map { "\($0.method) \($0.path)" })
            for door in promised {
                #expect(there.contains(door.replacing(" /", with: " /api/v1/")), "\(door)")
            }
            for door in ["GET /track", "GET /track/{code}", "GET /livez", "GET /readyz", "GET /metrics", "GET /"] {
                #expect(there.contains(door), "\(door)")
            }
        }
    }

    @Test func registrationAnswersWithCaseAndReceipt() async throws {
        let client = Client.node()
        let answer = await client.post("/api/v1/cases", intake)
        #expect(answer.status == 201)
        #expect(try answer.json["id"]?.string == client.fixture.caseID.description)
        #expect(try answer.json["receipt"]?["hash"]?.string == Fixture.hash)
        #expect(answer.headers[.location] == client.casePath())
        #expect(!answer.isStreamed)
        guard case .register(let taken)? = client.fixture.state.withLock({ $0.commands.first?.command }) else {
            Issue.record("no command arrived")
            return
        }
        #expect(taken.kind == .complaint && taken.channel == .phone && taken.priority == .high)
        #expect(taken.about?.rawValue == "IR-03-SAMT" && taken.texts.citizenMobile == "09141234567")
        #expect(taken.texts.citizenNationalID == nil)
    }

    @Test func bodiesBecomeTheirCommands() async throws {
        let client = Client.node()
        let hash = EventHash(hex: Fixture.hash)!
        let expected: [(String, Command)] = [
            ("referral", .refer(to: OrganizationCode(rawValue: "IR-23")!, reason: "آنجاست")), ("acceptance", .accept),
            ("refusal", .refuse(reason: "نه")), ("actions", .act(text: "رفتیم")), ("answer", .answer(text: "شد")),
            ("closure", .close(.resolved, text: "شد")), ("notes", .note(text: "یادداشت")),
            ("dispute", .dispute(text: "نشد")),
            ("review", .review(dispute: hash, upheld: true, text: "حق با اوست")), ("rating", .rate(score: 5)),
            ("withdrawal", .withdraw(text: "")), ("hiding", .hide(hash, hidden: true)),
            ("assessment", .assess(Assessment(lawful: true, withinMeans: true, done: false))),
        ]
        for (name, command) in expected {
            _ = await client.post(client.casePath("/" + name), Self.bodies[name])
            #expect(client.fixture.state.withLock { $0.commands.last?.command } == command, "\(name)")
        }
        _ = await client.send(.patch, client.casePath(), Self.bodies["PATCH /api/v1/cases/{id}"])
        let last = client.fixture.state.withLock { $0.commands.last }
        #expect(last?.revision == 1)
        #expect(last?.command == .amend(Edit(texts: Texts(subject: "نو"), seen: [.subject: [hash]])))
    }

    @Test func filtersReachTheService() async {
        let client = Client.node()
        let path = "/api/v1/cases?status=closed&q=%D9%86%D8%A7%D9%86+x&overdue=true&holder=IR-23&province=IR-05&limit=7"
        #expect(await client.get(path).status == 200)
        let query = client.fixture.state.withLock { $0.queries.last }
        #expect(
            query
                == CaseQuery(
                    status: .closed, text: "نان x", overdue: true, holder: OrganizationCode(rawValue: "IR-23"),
                    province: Origin("IR-05"), limit: 7))
    }

    @Test func importTellsOfEachCaseAndRepeatsNothing() async throws {
        let client = Client.node().with(token: "supervisor")
        let bad = intake.replacing("نان گران است", with: "bad")
        let body = """
            {"cases":[{"key":"a","intake":\(intake),"registered_at":"2020-01-01T00:00:00Z","history":[
            {"at":"2020-01-02T00:00:00Z","step":"referred","to":"IR-03-MUN"},
            {"at":"2020-01-03T00:00:00Z","step":"closed","outcome":"resolved","text":"شد"}]},
            {"key":"b","intake":\(bad),"registered_at":"2020-01-01T00:00:00Z"}]}
            """
        let first = try await client.post("/api/v1/import", body).json["results"]?.array ?? []
        #expect(first.map { $0["key"] } == ["a", "b"])
        #expect(first.map { $0["status"] } == ["created", "rejected"])
        #expect(first.last?["reason"]?.string?.contains("history[0].step") == true)
        let second = try await client.post("/api/v1/import", body).json["results"]?.array ?? []
        #expect(second.first?["status"] == "exists")
        let keys = client.fixture.state.withLock { $0.commands.compactMap(\.idempotencyKey) }
        #expect(keys.contains("import:a"))
        guard
            case .importCase(let imported)? = client.fixture.state.withLock({ state in
                state.commands.first { $0.idempotencyKey == "import:a" }?.command
            })
        else {
            Issue.record("no import arrived")
            return
        }
        #expect(
            imported.history.map(\.step) == [
                .referred(to: OrganizationCode(rawValue: "IR-03-MUN")!), .closed(.resolved, "شد"),
            ])
    }

    @Test func figuresKeepTheirPromisedNames() async throws {
        let status = try await Client.node().get("/api/v1/status").json
        #expect(status.members?.map(\.name).prefix(4) == ["code", "link", "head", "acknowledged"])
        #expect(status["clock_offset_ms"] == -4)
        #expect(status["head"]?["seq"] == 9)
        let overview = try await Client.hub().get("/api/v1/overview").json
        #expect(overview["new_today"] == 1)
        #expect(overview["provinces"]?.array?.first?["registered"] == 3)
        #expect(overview["provinces"]?.array?.first?["last_heard"] == .null)
    }

    @Test func metricsCountRequestsByRoute() async {
        let client = Client.node()
        _ = await client.get(client.casePath())
        _ = await client.get("/made/up/path")
        let text = await client.get("/metrics").text
        #expect(text.contains(#"peyvand_backlog{code="IR\"03"} 4.0"#))
        #expect(text.contains("# HELP peyvand_backlog Events not yet acknowledged."))
        #expect(text.contains(#"peyvand_http_requests_total{method="GET",route="/api/v1/cases/{id}",status="200"} 1"#))
        #expect(text.contains(#"le="+Inf"} 1"#))
        #expect(!text.contains("made/up"))
    }

    @Test func readinessSaysWhyNot() async {
        let client = Client.node()
        client.fixture.state.withLock { $0.readiness = "the database is starting" }
        let answer = await client.get("/readyz")
        #expect(answer.status == 503 && answer.problem == "unavailable" && answer.headers[.retryAfter] != nil)
        #expect(await client.get("/livez").status == 200)
    }
}
