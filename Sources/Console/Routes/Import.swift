import Casework
import Contract
import Cryptography
import Hummingbird
import JSON

/// One call of `POST /import`: each case stands for itself, and its key makes a second run of it add nothing.
struct Import: Sendable {
    let service: any NodeService
    let call: APICall

    /// All cases are handed over at once, so that the writer commits them in groups; results keep the body's order.
    /// - Throws: `ServiceError`, so that the importer tries the whole call again, and `Refusal.forbidden`, which no
    ///   single case is to blame for.
    func run() async throws -> Response {
        let principal = try call.principal
        let cases = call.body["cases"]?.array ?? []
        let results = try await withThrowingTaskGroup(of: (Int, JSON).self) { group in
            for (index, body) in cases.enumerated() {
                group.addTask { (index, try await take(body, principal)) }
            }
            var results = [JSON](repeating: .null, count: cases.count)
            for try await (index, result) in group { results[index] = result }
            return results
        }
        return .json(["results": .array(results)])
    }

    private func take(_ body: JSON, _ principal: Principal) async throws -> JSON {
        let key = text(body, "key")
        do {
            guard !key.isEmpty else { throw Problem.invalid("key", .empty) }
            let result = try await service.execute(
                CommandRequest(
                    principal: principal, command: .importCase(try Self.importedCase(body)), caseID: nil,
                    idempotencyKey: "import:" + key,
                    bodyHash: Digest.sha256(Array("POST /api/v1/import\n".utf8) + body.bytes)))
            return Self.result(
                key, result.isReplay ? "exists" : "created", id: result.document.id,
                code: result.document.trackingCode, reason: nil)
        } catch let error as ServiceError {
            throw error
        } catch Refusal.forbidden(let reason) {
            throw Refusal.forbidden(reason: reason)
        } catch {
            guard let problem = Problem(error) else { throw error }
            return Self.result(key, "rejected", id: nil, code: nil, reason: problem.detail)
        }
    }

    private static func result(_ key: String, _ status: String, id: String?, code: String?, reason: String?) -> JSON {
        [
            "key": .string(key), "status": .string(status), "id": JSON(id), "tracking_code": JSON(code),
            "reason": JSON(reason),
        ]
    }

    static func importedCase(_ body: JSON) throws -> ImportedCase {
        let history = try (body["history"]?.array ?? []).enumerated().map { index, event in
            ImportedCase.Event(
                at: try instant(event, "at", in: "history[\(index)]."),
                step: try step(event, in: "history[\(index)]."))
        }
        return ImportedCase(
            intake: try NodeRoutes.intake(body["intake"] ?? [:]),
            registeredAt: try instant(body, "registered_at", in: ""),
            history: history)
    }

    private static func instant(_ body: JSON, _ name: String, in path: String) throws(Problem) -> Instant {
        guard let instant = body[name]?.string.flatMap({ Instant(rfc3339: $0) }) else {
            throw .invalid(path + name, .notATime)
        }
        return instant
    }

    private static func step(_ event: JSON, in path: String) throws(Problem) -> ImportedCase.Step {
        switch text(event, "step") {
        case "referred": return .referred(to: try organization(event, "to"))
        case "accepted": return .accepted
        case "acted": return .acted(text(event, "text"))
        case "answered": return .answered(text(event, "text"))
        case "closed": return .closed(try value(event, "outcome"), text(event, "text"))
        case "noted": return .noted(text(event, "text"))
        default: throw .invalid(path + "step", .notOneOf, Bodies.importSteps.joined(separator: ", "))
        }
    }
}
