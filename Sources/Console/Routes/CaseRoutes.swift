import Casework
import Contract
import CSV
import Hummingbird
import JSON
import NIOCore

/// Reading cases, and what is written beside them; the same at node and hub.
struct CaseRoutes: Sendable {
    let service: any CaseService

    var all: [Route] {
        [
            Route(
                .get, "/api/v1/cases", "Cases, those that must be acted on first at the top", .readers,
                parameters: Self.filters + [Self.cursor, Self.limit], answer: .json(Shapes.page(of: "Case"))
            ) { call in
                .json(try await service.cases(try Self.query(call), for: try call.principal).json)
            },
            Route(
                .get, "/api/v1/cases.csv", "The same cases as a table, all pages in one stream", .readers,
                parameters: Self.filters, answer: .other("text/csv"), handle: export),
            Route(.get, "/api/v1/cases/{id}", "One case", .readers, answer: .json(.named("Case"))) { call in
                let document = try await service.caseDocument(try call.caseID, for: try call.principal)
                return .json(document.json(at: service.origin))
            },
            Route(
                .get, "/api/v1/cases/{id}/events", "All its events in history order", .readers,
                answer: .json(Shapes.list(of: "Event"))
            ) { call in
                let events = try await service.events(of: try call.caseID, for: try call.principal)
                return .json(["items": .array(events.map(\.json)), "next": .null])
            },
            Route(
                .get, "/api/v1/conflicts", "Values that lost against a concurrent one", .readers,
                parameters: [Self.cursor, Self.limit], answer: .json(Shapes.page(of: "Conflict"))
            ) { call in
                let page = try await service.conflicts(
                    cursor: call.query["cursor"], limit: Self.limit(of: call), for: try call.principal)
                return .json(page.json)
            },
            Route(
                .get, "/api/v1/proposals", "Held writes that did not count; a person may apply them", .readers,
                parameters: [Self.cursor, Self.limit], answer: .json(Shapes.page(of: "Proposal"))
            ) { call in
                let page = try await service.proposals(
                    cursor: call.query["cursor"], limit: Self.limit(of: call), for: try call.principal)
                return .json(page.json)
            },
            Route(
                .get, "/api/v1/alarms", "What a person must look at, the newest first; for offices' staff", .readers,
                parameters: [Self.cursor, Self.limit], answer: .json(Shapes.page(of: "Alarm")), handle: alarms),
            Route(
                .get, "/api/v1/reports/{period}", "Figures of a Jalali month (1405-08) or quarter (1405-Q3)", .readers,
                answer: .json(.named("Report"))
            ) { call in
                .json(try await service.report(try Self.period(call.path("period"))).json)
            },
        ]
    }

    @Sendable
    private func alarms(_ call: APICall) async throws -> Response {
        guard Door.alarms.isOpen(to: try call.principal.role, at: service.origin) else {
            throw Problem.forbidden("Alarms are for those who look after this server.")
        }
        return .json(try await service.alarms(cursor: call.query["cursor"], limit: Self.limit(of: call)).json)
    }

    // MARK: Queries

    static let filters: [Route.Parameter] = [
        .init("status", .string(values: Status.allCases.map(\.rawValue))),
        .init("q", .string(limit: 200), "Words of subject, description, code or citizen; any digits and letter forms."),
        .init("overdue", .string(values: ["true", "false", "1", "0"])),
        .init("holder", .string(form: .organization), "Only what this organisation holds."),
        .init("province", .string(values: Origin.provinces.map(\.code)), "Only cases whose home this is."),
    ]
    static let cursor = Route.Parameter("cursor", .string(limit: 500), "`next` of the page before.")
    static let limit = Route.Parameter("limit", .integer(1...500), "50 when left out.")

    static func limit(of call: APICall) -> Int { call.query["limit"].flatMap { Int($0) } ?? 50 }

    /// The gate has checked the values.
    static func query(_ call: APICall) throws -> CaseQuery {
        let text = call.query["q"]?.filter { !$0.isNewline } ?? ""
        return CaseQuery(
            status: call.query["status"].flatMap { Status(rawValue: $0) }, text: text.isEmpty ? nil : text,
            overdue: ["true", "1"].contains(call.query["overdue"]),
            holder: call.query["holder"].flatMap { OrganizationCode(rawValue: $0) },
            province: call.query["province"].flatMap { Origin($0) }, cursor: call.query["cursor"],
            limit: limit(of: call))
    }

    private static func period(_ text: String) throws(Problem) -> ReportPeriod {
        switch JalaliPeriod(code: text) {
        case .month(let year, let month): return .month(year: year, month: month)
        case .quarter(let year, let quarter): return .quarter(year: year, quarter: quarter)
        case nil: throw .invalid("period", .notAPeriod)
        }
    }

    // MARK: Export

    /// The first page is read before the head goes out, so that a refusal is still a problem document. A fault in the
    /// middle breaks the stream off: a table that is not whole must not look whole.
    @Sendable
    private func export(_ call: APICall) async throws -> Response {
        let principal = try call.principal
        var query = try Self.query(call)
        query.limit = 200
        let first = try await service.cases(query, for: principal)
        await service.audit(
            AuditLine(
                actor: principal.name, action: "export", subject: "cases.csv", remote: call.remoteAddress,
                detail: call.request.uri.query ?? "all"))
        let (service, start) = (service, query)
        let body = ResponseBody { writer in
            var (page, query) = (first, start)
            try await writer.write(ByteBuffer(string: "\u{FEFF}" + CSVWriter.line(CaseTable.columns)))
            while true {
                let lines = page.items.map { CSVWriter.line(CaseTable.cells(of: $0)) }.joined()
                if !lines.isEmpty { try await writer.write(ByteBuffer(string: lines)) }
                guard let next = page.next else { break }
                query.cursor = next
                page = try await service.cases(query, for: principal)
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/csv; charset=utf-8; header=present",
                .contentDisposition: "attachment; filename=\"cases.csv\"",
            ], body: body)
    }
}
