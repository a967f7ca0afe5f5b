import Casework
import Contract
import HTTPTypes
import Hummingbird
import JSON
import NIOCore

/// An answer that says what is wrong and what to do: a problem document after RFC 9457.
struct Problem: Error, Sendable, Equatable {
    var status: HTTPResponse.Status
    /// The last part of `type`, a stable name that programs may compare.
    var name: Name
    var title: String
    var detail: String
    var faults: [FieldFault] = []
    /// Why the life cycle refused.
    var reason: EffectReason?
    /// Of a stale edit: the case's present revision.
    var revision: Int?
    /// Of a file that is on its way: the bytes that are here, and all its bytes.
    var present: UInt64?
    var size: UInt64?
    var headers: HTTPFields = [:]

    init(_ status: HTTPResponse.Status, _ name: Name, _ title: String, _ detail: String) {
        (self.status, self.name, self.title, self.detail) = (status, name, title, detail)
    }

    var json: JSON {
        var members: [JSON.Member] = [
            .init("type", .string("urn:peyvand:problem:" + name.rawValue)), .init("title", .string(title)),
            .init("status", JSON(status.code)), .init("detail", .string(detail)),
        ]
        if !faults.isEmpty {
            members.append(.init("errors", .array(faults.map(\.json))))
        }
        if let reason { members.append(.init("reason", .string(reason.rawValue))) }
        if let revision { members.append(.init("revision", JSON(revision))) }
        if let present { members.append(.init("present", JSON(present))) }
        if let size { members.append(.init("size", JSON(size))) }
        return .object(members)
    }

    var response: Response {
        var headers = headers
        headers[.contentType] = "application/problem+json"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json.bytes)))
    }
}

extension Problem {
    /// What went wrong; each has a word in the vocabulary.
    enum Name: String, Sendable, CaseIterable {
        case attachmentNotHere = "attachment-not-here"
        case awaiting
        case badCode = "bad-code"
        case badRequest = "bad-request"
        case diskFull = "disk-full"
        case forbidden
        case halted
        case illegal
        case invalid
        case keyReused = "key-reused"
        case methodNotAllowed = "method-not-allowed"
        case notFound = "not-found"
        case notQuarantined = "not-quarantined"
        case notYet = "not-yet"
        case notTheSeat = "not-the-seat"
        case parked
        case rateLimited = "rate-limited"
        case server
        case stale
        case tooLarge = "too-large"
        case unauthorized
        case unavailable
        case unknownAttachment = "unknown-attachment"
        case unknownCase = "unknown-case"
        case unknownCategory = "unknown-category"
        case unknownCode = "unknown-code"
        case unknownEvent = "unknown-event"
        case unknownOrganization = "unknown-organization"
        case unknownProvince = "unknown-province"
        case unsupportedMediaType = "unsupported-media-type"
    }
}

extension Problem {
    static func badRequest(_ detail: String) -> Problem {
        Problem(.badRequest, .badRequest, "The request cannot be read", detail)
    }

    static func invalid(_ faults: [FieldFault]) -> Problem {
        let list = faults.prefix(3).map { $0.field.isEmpty ? $0.reason : "\($0.field): \($0.reason)" }
        var problem = Problem(
            .unprocessableContent, .invalid, "A field is missing or wrong",
            "Mend and send again: " + list.joined(separator: "; ") + ".")
        problem.faults = faults
        return problem
    }

    static func invalid(
        _ field: String, _ code: FaultCode, limit: Int64? = nil, _ detail: String? = nil
    ) -> Problem {
        invalid([FieldFault(field, code, limit: limit, detail)])
    }

    static let unauthorized: Problem = {
        var problem = Problem(
            .unauthorized, .unauthorized, "Nobody is signed in",
            "Send a bearer token, a client certificate or a console session that is still valid.")
        problem.headers[.wwwAuthenticate] = "Bearer"
        return problem
    }()

    static func forbidden(_ detail: String) -> Problem {
        Problem(.forbidden, .forbidden, "This is not permitted", detail)
    }

    static let notFound = Problem(
        .notFound, .notFound, "There is no such page", "Look up the routes in /api/v1/openapi.json.")

    static let unknownCase = Problem(
        .notFound, .unknownCase, "There is no such case", "Check the identifier; this server may not hold the case.")

    static func methodNotAllowed(_ allowed: [String]) -> Problem {
        let list = allowed.joined(separator: ", ")
        var problem = Problem(
            .methodNotAllowed, .methodNotAllowed, "This page does not take that method", "Use \(list).")
        problem.headers[.allow] = list
        return problem
    }

    static let unsupportedType = Problem(
        .unsupportedMediaType, .unsupportedMediaType, "The body is not JSON",
        "Send Content-Type: application/json in UTF-8, without Content-Encoding.")

    static func tooLarge(limit: Int) -> Problem {
        Problem(
            .contentTooLarge, .tooLarge, "The body is too large", "Send at most \(limit) bytes in one request.")
    }

    static func tooMany(retryAfter seconds: Int) -> Problem {
        var problem = Problem(
            .tooManyRequests, .rateLimited, "Too many requests came from this address",
            "Wait \(seconds) s and try again.")
        problem.headers[.retryAfter] = String(seconds)
        return problem
    }

    static func unavailable(_ detail: String, name: Name = .unavailable, retryAfter seconds: Int) -> Problem {
        var problem = Problem(
            .serviceUnavailable, name, "The server cannot take this now",
            detail + " Try again with the same Idempotency-Key.")
        problem.headers[.retryAfter] = String(seconds)
        return problem
    }

    static let failure = Problem(
        .internalServerError, .server, "The server failed",
        "Nothing was changed that this answer would hide; "
            + "try again with the same Idempotency-Key, and tell the operator if it fails again.")
}
