import Casework
import Contract
import HTTPTypes
import Hummingbird
import JSON

/// What people do with a case. The casework decides; here bodies become commands.
struct CommandRoutes: Sendable {
    let service: any CaseService

    var all: [Route] { held + beside + voice + [edit, restore, apply] }

    // MARK: Steps of the life cycle

    private var held: [Route] {
        [
            command(.assess, "Weigh it: lawful, within the agency's means, already done?") {
                let flag = { (body: JSON, name: String) in body[name]?.bool ?? false }
                return .assess(
                    Assessment(
                        lawful: flag($0, "lawful"), withinMeans: flag($0, "within_means"), done: flag($0, "done")))
            },
            command(.refer, "Refer it to an organisation") {
                .refer(to: try organization($0, "to"), reason: text($0, "reason"))
            },
            command(.accept, "Accept a referral") { _ in .accept },
            command(.refuse, "Refuse a referral: it goes back") {
                .refuse(reason: text($0, "reason"))
            },
            command(.act, "Tell what was done") { .act(text: text($0, "text")) },
            command(.answer, "Answer the citizen") { .answer(text: text($0, "text")) },
            command(.close, "Close it with an outcome") {
                .close(try value($0, "outcome"), text: text($0, "text"))
            },
            command(.review, "Review an open dispute", unknownEvent: "dispute") {
                .review(
                    dispute: try hash($0, "dispute"), upheld: $0["upheld"]?.bool ?? false, text: text($0, "text"))
            },
        ]
    }

    private var beside: [Route] {
        [
            command(.note, "Add a note") { .note(text: text($0, "text")) },
            command(.hide, "Hide an entry, or show it again", unknownEvent: "event") {
                .hide(try hash($0, "event"), hidden: $0["hidden"]?.bool ?? true)
            },
            command(.markDuplicate, "Say that another case tells the same") {
                guard let id = $0["of"]?.string.flatMap({ CaseID($0) }) else {
                    throw Problem.invalid("of", .notACase)
                }
                return .markDuplicate(of: id)
            },
        ]
    }

    private var voice: [Route] {
        [
            command(.dispute, "The citizen says: not done") { .dispute(text: text($0, "text")) },
            command(.rate, "The citizen rates the answer, 1 to 5") {
                .rate(score: Int($0["score"]?.int ?? 0))
            },
            command(.withdraw, "The citizen withdraws") {
                .withdraw(text: text($0, "text"))
            },
        ]
    }

    /// The hub's own step.
    static func custody(_ service: any CaseService) -> Route {
        CommandRoutes(service: service).command(.moveCustody, "Move custody, by a person's decision") {
            .moveCustody(to: try organization($0, "to"), reason: text($0, "reason"))
        }
    }

    private func command(
        _ act: Act, _ summary: String, unknownEvent field: String? = nil,
        _ make: @escaping @Sendable (JSON) throws -> Command
    ) -> Route {
        Route(act, summary) { call in
            let command = try make(call.body)
            return try await naming(field) { try await execute(command, call, on: try call.caseID) }
        }
    }

    // MARK: Shared fields

    private var edit: Route {
        Route(.amend, "Amend shared fields; concurrent edits are kept as conflicts") { call in
            let edit = Edit(
                category: call.body["category"]?.string,
                priority: call.body["priority"]?.string.flatMap { Priority(rawValue: $0) },
                tags: call.body["tags"]?.array?.compactMap(\.string), texts: Self.texts(of: call.body),
                seen: Self.heads(of: call.body))
            return try await naming("heads") {
                try await execute(
                    .amend(edit), call, on: try call.caseID, revision: call.body["revision"]?.int.map { Int($0) })
            }
        }
    }

    private var restore: Route {
        Route(.restore, "Settle a conflict: show the value that had lost") { call in
            let conflict = try entry(call)
            return try await execute(.restore(conflict: conflict), call, on: try await service.caseOfConflict(conflict))
        }
    }

    private var apply: Route {
        Route(.apply, "Let a proposal count after all") { call in
            let proposal = try entry(call)
            return try await execute(.apply(proposal: proposal), call, on: try await service.caseOfProposal(proposal))
        }
    }

    private func entry(_ call: APICall) throws -> EventHash {
        guard let hash = EventHash(hex: try call.path("id")) else {
            throw Problem(
                .notFound, .unknownEvent, "There is no such entry", "An entry's id has 64 hexadecimal digits.")
        }
        return hash
    }

    static func texts(of body: JSON) -> Texts {
        Texts(
            subject: body["subject"]?.string, description: body["description"]?.string,
            citizenName: body["citizen"]?["name"]?.string, citizenNationalID: body["citizen"]?["national_id"]?.string,
            citizenMobile: body["citizen"]?["mobile"]?.string, citizenAddress: body["citizen"]?["address"]?.string)
    }

    private static func heads(of body: JSON) -> [Field: [EventHash]]? {
        guard let members = body["heads"]?.members else { return nil }
        var heads: [Field: [EventHash]] = [:]
        for member in members {
            guard let field = Field(rawValue: member.name) else { continue }
            heads[field] = member.value.array?.compactMap { $0.string.flatMap { EventHash(hex: $0) } } ?? []
        }
        return heads
    }

    // MARK: Carrying out

    private func execute(
        _ command: Command, _ call: APICall, on id: CaseID, revision: Int? = nil
    ) async throws -> Response {
        let result = try await service.execute(
            CommandRequest(
                principal: try call.principal, command: command, caseID: id, revision: revision,
                idempotencyKey: call.idempotencyKey, bodyHash: call.bodyHash))
        return .json(result.document.json(at: service.origin))
    }

    /// An unknown entry that the body named is the fault of that field; one that the path named is 404.
    private func naming(_ field: String?, _ body: () async throws -> Response) async throws -> Response {
        do {
            return try await body()
        } catch Refusal.unknownEvent(let hash) {
            guard let field else { throw Refusal.unknownEvent(hash) }
            throw Problem.invalid(field, .unknownEvent, "\(hash)")
        }
    }
}

// The schema has checked these; the errors stand for the case that it and the reading below should part ways.

func text(_ body: JSON, _ name: String) -> String { body[name]?.string ?? "" }

func organization(_ body: JSON, _ name: String) throws(Problem) -> OrganizationCode {
    guard let code = body[name]?.string.flatMap({ OrganizationCode(rawValue: $0) }) else {
        throw .invalid(name, .notAnOrganization)
    }
    return code
}

func hash(_ body: JSON, _ name: String) throws(Problem) -> EventHash {
    guard let hash = body[name]?.string.flatMap({ EventHash(hex: $0) }) else {
        throw .invalid(name, .notAHash)
    }
    return hash
}

func value<Value: RawRepresentable<String> & CaseIterable>(_ body: JSON, _ name: String) throws(Problem) -> Value {
    guard let value = body[name]?.string.flatMap({ Value(rawValue: $0) }) else {
        throw .invalid(name, .notOneOf, Value.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return value
}
