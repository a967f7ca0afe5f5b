import HTTPTypes
import Casework
import Contract
import Hummingbird
import JSON

/// The nation's rules: read everywhere, set at the hub by its own staff.
struct NetworkRoutes: Sendable {
    let service: ConsoleService

    var all: [Route] {
        let cases = service.cases
        var routes = [
            Route(
                .get, "/api/v1/network", "The nation's rules as this server knows them, each with its version",
                .readers, answer: .json(.named("Network"))
            ) { _ in
                .json(cases.network.json(now: cases.now))
            },
            Route(
                .get, "/api/v1/network/dues-touched",
                "Open cases whose deadline lies on the day of a closure, at most 500, oldest deadline first", .readers,
                parameters: [
                    .init(
                        "closure", .string(limit: 16),
                        "The `version` of one of the network's closures; of all when left out.")
                ],
                answer: .json(Shapes.list(of: "TouchedDue"))
            ) { call in
                var closures = cases.network.closures
                if let version = call.query["closure"] {
                    guard let closure = cases.network.closure(version) else {
                        throw Problem.invalid("closure", .notAClosure)
                    }
                    closures = [closure]
                }
                var items: [TouchedDue] = []
                for closure in closures { items += try await cases.duesTouched(by: closure) }
                return .json(["items": .array(items.map(\.json)), "next": .null])
            },
        ]
        if case .hub(let hub) = service { routes += setting(hub) }
        return routes
    }

    private func setting(_ hub: any HubService) -> [Route] {
        [
            set(hub, .put, "policy", "Days and the working week, from a day on", NetworkBodies.policy) {
                [.policySet(try NetworkBodies.policy($0, hub.network, now: hub.now))]
            },
            set(hub, .post, "closures", "Proclaim that offices stay closed on a day", NetworkBodies.closure) {
                [.closureProclaimed(try NetworkBodies.closure($0, hub.network.country))]
            },
            set(hub, .post, "holidays", "Set a holiday, or void one", NetworkBodies.holiday) {
                [.holidaySet(try NetworkBodies.holiday($0, hub.network.country))]
            },
            set(hub, .post, "organizations", "Set up an organisation, or change its names", NetworkBodies.organization)
            {
                [.organizationSet(try NetworkBodies.organization($0))]
            },
            set(hub, .post, "categories", "Set a category", NetworkBodies.category) {
                [.categorySet(try NetworkBodies.category($0))]
            },
            set(
                hub, .post, "import", "A country's CSV files: only what differs from the rules in force is written",
                NetworkBodies.files
            ) { body in
                var files: [String: String] = [:]
                for member in body["files"]?.members ?? [] { files[member.name] = member.value.string }
                do throws(NetworkFiles.Fault) {
                    return try NetworkFiles.changes(in: files, knowing: hub.network)
                } catch {
                    throw Problem.invalid("files", .notCountryFiles, "\(error)")
                }
            },
        ]
    }

    private func set(
        _ hub: any HubService, _ method: HTTPRequest.Method, _ name: String, _ summary: String, _ shape: Shape,
        _ read: @escaping @Sendable (JSON) throws -> [NetworkChange]
    ) -> Route {
        Route(
            method, "/api/v1/network/" + name, summary, .writers, body: Route.Body(shape, limit: 8 << 20),
            answer: .json(.named("RulesSet"))
        ) { call in
            let principal = try call.principal
            guard principal.role == .hub else {
                throw Problem.forbidden("Only the hub's own staff may set rules of the nation.")
            }
            let written = try await hub.set(rules: try read(call.body), by: principal)
            await hub.audit(
                AuditLine(
                    actor: principal.actor.line, action: "network." + name, subject: "network",
                    remote: call.remoteAddress, detail: "\(written) written"))
            return .json(["written": JSON(written), "version": .string(Network.text(hub.network.version))])
        }
    }
}

/// What the routes of the network take.
enum NetworkBodies {
    static let policy = Shape.object([
        .optional("from", date, "The first day on which it holds; today when left out."),
        .optional("case_days", .integer(1...366), "What is left out stays as it is on that day."),
        .optional("kinds", .object([], allowed: .strings(Kind.allCases.map(\.rawValue), of: .integer(1...366)))),
        .optional("complaint_days", .integer(1...366)), .optional("accept_days", .integer(1...60)),
        .optional("rest", .array(of: .string(values: WorkCalendar.weekdays), limit: 6)),
    ])
    static let closure = Shape.object([
        .optional("province", .string(limit: 5), "The whole country when left out."), .init("date", date),
        .init("authority", .string(limit: Limits.name)), .init("reference", .string(limit: Limits.name)),
    ])
    static let holiday = Shape.object([
        .init("date", date, "Or `01-02` for every year."),
        .init("source", .string(values: Holiday.Source.allCases.map(\.rawValue))),
        .init("name_fa", name), .init("name_en", name),
    ])
    static let organization = Shape.object([
        .init("code", .string(form: .organization)),
        .init("kind", .string(values: Organization.Kind.allCases.map(\.rawValue))),
        .init("name_fa", name), .init("name_en", name), .optional("parent", .string(form: .organization)),
        .init("seat", .string(limit: 5), "`hub` or a region's code."),
        .optional("area", .array(of: .string(limit: 5), limit: 100), "Regions; the whole country when left out."),
        .optional("area_is_partial", .boolean),
    ])
    static let category = Shape.object([
        .init("code", .string(limit: 40)), .init("name_fa", name), .init("name_en", name),
        .optional("local_agency", .string(limit: 20)), .optional("ministry", .string(form: .organization)),
        .optional("order", .integer(0...100_000)),
    ])
    static let files = Shape.object([
        .init("files", .object([], allowed: .strings(NetworkFiles.names, of: .string(limit: 2_000_000))))
    ])
    static let due = Shape.object([
        .init("due", .string(form: .dateTime)), .init("reason", .string(limit: Limits.text)),
    ])

    private static let name = Shape.string(limit: Limits.name)
    private static let date = Shape.string(limit: 10)

    static func policy(_ body: JSON, _ network: Network, now: Instant) throws(Problem) -> Policy {
        let country = network.country
        var from = country.date(at: now).dayNumber
        if let text = body["from"]?.string { from = try day(text, country) }
        let before = network.policies.last { $0.from <= from } ?? network.policies.first
        func days(_ name: String, _ present: Int?) throws(Problem) -> Int {
            guard let days = body[name]?.int.map({ Int($0) }) ?? present else {
                throw .invalid(name, .missing)
            }
            return days
        }
        var kinds = before?.kindDays ?? [:]
        for member in body["kinds"]?.members ?? [] {
            if let kind = Kind(rawValue: member.name) { kinds[kind] = member.value.int.map { Int($0) } }
        }
        let rest = body["rest"]?.array.map { Set($0.compactMap(\.string).compactMap(WorkCalendar.weekdays.firstIndex)) }
        return Policy(
            from: from, caseDays: try days("case_days", before?.caseDays), kindDays: kinds,
            complaintDays: try days("complaint_days", before?.complaintDays),
            acceptDays: try days("accept_days", before?.acceptDays), rest: rest ?? before?.rest ?? [])
    }

    static func closure(_ body: JSON, _ country: Country) throws(Problem) -> Closure {
        var region: Origin?
        if let code = body["province"]?.string {
            region = Origin(code)
            guard let region, !region.isHub else { throw .invalid("province", .notARegion) }
        }
        return Closure(
            region: region, day: try day(body["date"]?.string ?? "", country),
            authority: body["authority"]?.string ?? "", reference: body["reference"]?.string ?? "")
    }

    static func holiday(_ body: JSON, _ country: Country) throws(Problem) -> Holiday {
        let text = body["date"]?.string ?? ""
        let day: Holiday.Day =
            if let yearly = WorkCalendar.MonthDay(code: text) { .yearly(yearly) } else {
                .single(try day(text, country))
            }
        return Holiday(
            day: day,
            source: body["source"]?.string.flatMap { Holiday.Source(rawValue: $0) } ?? .adHoc,
            nameFA: body["name_fa"]?.string ?? "", nameEN: body["name_en"]?.string ?? "")
    }

    static func organization(_ body: JSON) throws(Problem) -> Organization {
        guard let code = body["code"]?.string.flatMap({ OrganizationCode(rawValue: $0) }) else {
            throw .invalid("code", .notAnOrganization)
        }
        guard let seat = body["seat"]?.string.flatMap({ Origin($0) }) else {
            throw .invalid("seat", .notARegion)
        }
        return Organization(
            code: code, kind: body["kind"]?.string.flatMap { Organization.Kind(rawValue: $0) } ?? .agency,
            nameFA: body["name_fa"]?.string ?? "", nameEN: body["name_en"]?.string ?? "",
            parent: body["parent"]?.string.flatMap { OrganizationCode(rawValue: $0) }, seat: seat,
            area: body["area"]?.array?.compactMap(\.string) ?? [],
            areaIsPartial: body["area_is_partial"]?.bool ?? false)
    }

    static func category(_ body: JSON) throws(Problem) -> Casework.Category {
        Casework.Category(
            code: body["code"]?.string ?? "", nameFA: body["name_fa"]?.string ?? "",
            nameEN: body["name_en"]?.string ?? "", localAgency: body["local_agency"]?.string,
            ministry: body["ministry"]?.string.flatMap { OrganizationCode(rawValue: $0) },
            order: body["order"]?.int.map { Int($0) } ?? 100_000)
    }

    private static func day(_ text: String, _ country: Country) throws(Problem) -> Int {
        guard let date = CivilDate(country.calendar, parsing: text) else {
            throw .invalid("date", .notADate)
        }
        return date.dayNumber
    }
}

extension Problem {
    init(_ refusal: NetworkRefusal) {
        self = Problem(
            .conflict, .rulesRefused, "These rules cannot be set (\(refusal.code))", Problem.explanation(of: refusal))
    }

    private static func explanation(of refusal: NetworkRefusal) -> String {
        switch refusal {
        case .awaiting(let origin):
            "The hub was brought back from an older state: wait until \(origin) has said what it knows, or release it."
        case .noCountry: "Set the country first: import country.csv."
        case .countryIsFixed: "Code, calendar and time zone of a country cannot change: cases are dated by them."
        case .foreignRegion(let origin): "\(origin) does not begin with the country's letters."
        case .unknownRegion(let code, let by): "\(by) names \(code), which is no region: set the region first."
        case .tree(.duplicate(let code)): "\(code) stands twice."
        case .tree(.unknownParent(let code, let parent)):
            "\(code) stands below \(parent), which does not exist: set that one up first, or name another."
        case .tree(.cycle(let code)): "\(code) would stand above itself."
        case .tree(.badSeat(let code, let seat)):
            "\(code) cannot work at \(seat): ministries sit at the hub, a region's office at its own node."
        case .tree(.badArea(let code, let area)): "\(code) serves \(area), which is no region."
        case .seatIsFixed(let code, let seat):
            "\(code) works at \(seat) and may hold cases there: set up another organisation at the new seat."
        case .unknownMinistry(let code, let category): "\(category) names \(code), which does not exist."
        case .invalid(let field, let reason): "\(field) \(reason)."
        }
    }
}
