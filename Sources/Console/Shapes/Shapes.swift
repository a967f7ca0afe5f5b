import Casework
import Contract

/// The documents that the server sends, by their names in the OpenAPI document. Bodies stand in `Bodies.swift`.
enum Shapes {
    static func named(_ name: String) -> Shape { table[name] ?? .object([], allowed: .any) }

    static let names = all.map(\.0)

    private static let table = Dictionary(all, uniquingKeysWith: { first, _ in first })

    static func page(of name: String) -> Shape {
        .object([
            .init("items", .array(of: .named(name))),
            .init("next", .nullable(.string()), "Opaque cursor of the next page; null on the last."),
        ])
    }

    static func list(of name: String) -> Shape {
        .object([.init("items", .array(of: .named(name))), .init("next", .nullable(.string()))])
    }

    private static let all: [(String, Shape)] =
        [
            ("Case", .object(caseProperties)), ("Intake", Bodies.intake), ("Amendment", Bodies.edit),
            (
                "Action",
                .object([
                    .init(
                        "name", .string(values: Act.allCases.map { ActRoute($0).name }), "The last word of the path."),
                    .init("method", .string(values: ["POST", "PATCH"])),
                    .init(
                        "path", text, "For `restore` and `apply` put the conflict or the proposal in place of `{id}`."),
                    .init("body", .object([], allowed: .any), "Its schema, or a reference into the OpenAPI document."),
                ])
            ),
            (
                "RegisteredCase",
                .object(caseProperties + [.init("receipt", .nullable(.named("Receipt")))])
            ),
            (
                "Receipt",
                .object([
                    .init("origin", text), .init("incarnation", text), .init("seq", count), .init("hash", hash),
                    .init("tracking_code", text), .init("time", time),
                    .init("signature", text, "Ed25519 of the node over the receipt's canonical text, hexadecimal."),
                    .init(
                        "hub", .nullable(.named("Countersignature")),
                        "The hub's word that it has committed this journal up to and beyond this event; null until then."
                    ),
                ])
            ),
            (
                "Countersignature",
                .object([
                    .init("origin", text), .init("heads", .array(of: text), "`incarnation:seq:hash`"),
                    .init("committed_at", time), .init("position", count),
                    .init(
                        "signature", text, "Ed25519 of the hub over the acknowledgement's canonical text, hexadecimal."),
                ])
            ),
            (
                "Event",
                .object([
                    .init("id", text), .init("origin", text), .init("incarnation", text), .init("seq", count),
                    .init("hash", hash), .init("epoch", count), .init("type", text),
                    .init("actor", .named("Principal")), .init("occurred_at", time), .init("effect", .named("Effect")),
                    .init("hideable", .boolean, "Whether its text may be hidden by who may hide entries."),
                    .init("content", .object([], allowed: .any)),
                ])
            ),
            (
                "Effect",
                .object([
                    .init("code", .string(values: EffectDocument.Code.allCases.map(\.rawValue))),
                    .init("reason", .nullable(reason), "Why it did not count."),
                ])
            ),
            (
                "Conflict",
                .object([
                    .init("id", hash), .init("case_id", id), .init("tracking_code", text), .init("field", text),
                    .init("shown", .named("ConflictSide")), .init("other", .named("ConflictSide")),
                ])
            ),
            (
                "ConflictSide",
                .object([
                    .init("event", hash), .init("value", .nullable(text)), .init("actor", .named("Principal")),
                    .init("origin", text), .init("occurred_at", time),
                ])
            ),
            (
                "Proposal",
                .object([
                    .init("id", hash), .init("case_id", id), .init("tracking_code", text), .init("type", text),
                    .init("reason", reason), .init("actor", .named("Principal")), .init("origin", text),
                    .init("occurred_at", time),
                    .init("content", .object([], allowed: .any)),
                ])
            ),
            (
                "Track",
                .object([
                    .init("tracking_code", text), .init("status", status), .init("outcome", .nullable(outcome)),
                    .init("registered_at", .nullable(time)), .init("deadline", .nullable(time)), .init("holder", text),
                    .init("overdue", .boolean),
                    .init(
                        "stages",
                        .array(of: .object([.init("type", text), .init("at", time), .init("office", text)]))),
                    .init("ambiguous", .boolean, "True: several cases carry this code; ask again with `mobile`."),
                ])
            ),
        ] + figures + others

    private static let figures: [(String, Shape)] = [
        (
            "Status",
            .object([
                .init("code", text), .init("link", text),
                .init("head", .object([.init("incarnation", text), .init("seq", count), .init("hash", hash)])),
                .init("acknowledged", count), .init("acknowledged_at", .nullable(time)), .init("backlog", count),
                .init("feed", count), .init("incarnation", text), .init("clock_offset_ms", .integer()),
                .init("conflicts", count), .init("proposals", count), .init("cases", count),
                .init("hub_seen_at", .nullable(time)),
                .init(
                    "oldest_unacknowledged_at", .nullable(time),
                    "When the oldest of its events that the hub has not acknowledged was written."),
                .init("parked", count, "Cases that wait for an upgrade of this node."),
                .init("pending", count, "Referrals that wait for the hub."),
                .init("chains", count, "Incarnations of its own journal."),
                .init("branches", .array(of: .named("Chain")), "Those of them that forked."),
                .init("restored_at", .nullable(time), "When its database was last put back from a backup."),
                .init("alarms", .array(of: .named("Alarm")), "The newest, at most five; all at `/alarms`."),
            ])
        ),
        (
            "Overview",
            .object(
                [.init("as_of", time), .init("position", count)] + counts
                    + [.init("provinces", .array(of: .named("Province")))])
        ),
        ("Province", .object(provinceProperties)),
        ("ProvinceStatus", .object(provinceProperties + standingProperties)),
        (
            "Quarantine",
            .object([
                .init("since", .nullable(time)), .init("reason", .nullable(.named("Alarm"))),
                .init("held", count, "Its events that wait."),
                .init(
                    "candidates", .array(of: .named("Chain")),
                    "Where its journal forked: the incarnations of which one may be chosen to go on."),
            ])
        ),
        (
            "Chain",
            .object([
                .init("incarnation", text), .init("parent", .nullable(text), "The incarnation that it continues."),
                .init("first", count), .init("last", count),
                .init("acknowledged", .nullable(count), "By the hub; null where that is not kept."),
                .init("branch", .boolean, "It goes on from a place from which another goes on as well."),
            ])
        ),
        (
            "Alarm",
            .object([
                .init("id", count), .init("at", time), .init("origin", text, "Whom it concerns."),
                .init("code", text, "`tampering`, `gap`, `clock_ahead`, `foreign_origin`, `undecodable`, …"),
                .init("detail", text), .init("event", .nullable(hash)),
            ])
        ),
        (
            "TrendPoint",
            .object([.init("day", text, "Jalali, in Tehran."), .init("registered", count), .init("answered", count)])
        ),
        (
            "Report",
            .object([
                .init("period", text), .init("from", time), .init("to", time), .init("as_of", time),
                .init("position", count), .init("total", .named("ReportRow")),
                .init("by_organization", .array(of: .named("ReportRow"))),
                .init("by_category", .array(of: .named("ReportRow"))),
            ])
        ),
        (
            "ReportRow",
            .object([
                .init("key", text), .init("registered", count), .init("answered", count), .init("closed", count),
                .init("disputed", count), .init("overdue", count), .init("median_days", .nullable(.number)),
            ])
        ),
    ]

    private static let others: [(String, Shape)] = [
        (
            "Organization",
            .object([
                .init("code", text), .init("kind", .string(values: Organization.Kind.allCases.map(\.rawValue))),
                .init("name_fa", text), .init("name_en", text), .init("parent", .nullable(text)), .init("seat", text),
                .init("area", .array(of: text), "ISO codes of provinces; empty: the whole country."),
                .init("area_is_partial", .boolean),
            ])
        ),
        (
            "Category",
            .object([
                .init("code", text), .init("name_fa", text), .init("name_en", text),
                .init("local_agency", .nullable(text)), .init("ministry", .nullable(text)),
                .init("usual_organization", text, "Where a case of this category is usually referred first."),
            ])
        ),
        (
            "Principal",
            .object([
                .init("name", text), .init("role", .string(values: Role.allCases.map(\.rawValue))),
                .init("organization", text),
            ])
        ),
        (
            "Me",
            .object([
                .init("principal", .named("Principal")),
                .init("server", .object([.init("kind", .string(values: ["node", "hub"])), .init("code", text)])),
                .init(
                    "doors", .array(of: .string(values: Door.allCases.map(\.rawValue))),
                    "The pages and rights that are open to him, the first page first."),
                .init("csrf_token", .nullable(text), "For `X-CSRF-Token`; null without a console session."),
                .init("expires", .nullable(time), "Of the session."),
            ])
        ),
        (
            "ImportResults",
            .object([
                .init(
                    "results",
                    .array(
                        of: .object([
                            .init("key", text), .init("status", .string(values: ["created", "exists", "rejected"])),
                            .init("id", .nullable(id)), .init("tracking_code", .nullable(text)),
                            .init("reason", .nullable(text)),
                        ])))
            ])
        ),
        (
            "Attachment",
            .object([
                .init("event", hash, "The entry that attached it."), .init("sha256", hash), .init("size", count),
                .init("present", count, "Bytes of it that are on this server; it is given when all are."),
                .init("media_type", text), .init("name", .nullable(text)), .init("actor", .named("Principal")),
                .init("origin", text),
                .init("occurred_at", time), .init("hidden", .boolean),
            ])
        ),
        ("Ready", .object([.init("ready", .boolean), .init("reason", .nullable(text))])),
        (
            "Problem",
            .object([
                .init("type", text), .init("title", text), .init("status", .integer(400...599)),
                .init("detail", text, "What to do."), .init("instance", text, required: false),
                .init(
                    "errors",
                    .array(
                        of: .object([
                            .init("field", text), .init("code", .string(values: FaultCode.allCases.map(\.rawValue))),
                            .init("limit", .integer(), required: false, "The bound that was passed."),
                            .init("reason", text, "The code in English."),
                        ])), required: false),
                .init("reason", reason, required: false, "Of `illegal`: why the life cycle refused."),
                .init("present", count, required: false, "Of a file on its way: the bytes that are here."),
                .init("size", count, required: false, "Of a file on its way: all its bytes."),
                .init("revision", count, required: false, "Of a stale edit: the case's present revision."),
            ])
        ),
    ]

    private static let caseProperties: [Shape.Property] = [
        .init("id", id), .init("tracking_code", text), .init("kind", .string(values: Kind.allCases.map(\.rawValue))),
        .init("channel", .string(values: Casework.Channel.allCases.map(\.rawValue))), .init("category", text),
        .init("subject", .nullable(text)), .init("description", .nullable(text)), .init("about", .nullable(text)),
        .init("priority", .string(values: Priority.allCases.map(\.rawValue))), .init("tags", .array(of: text)),
        .init(
            "citizen",
            .object([
                .init("name", .nullable(text)), .init("national_id", .nullable(text)),
                .init("mobile", .nullable(text)), .init("address", .nullable(text)),
            ])),
        .init("status", status, "`disputed` while a dispute is open."),
        .init("held_status", status, "What the offices wrote, below an open dispute."),
        .init("outcome", .nullable(outcome)), .init("home", text), .init("holder", text),
        .init("seat", text), .init("epoch", count), .init("revision", count, "Events that this server has applied."),
        .init("registered_at", .nullable(time)), .init("deadline", .nullable(time)), .init("overdue", .boolean),
        .init("clock_runs", .boolean, "Whether the deadline still counts."),
        .init("conflicts", .array(of: hash)), .init("proposals", .array(of: hash)),
        .init("disputes", .array(of: hash), "Open ones."), .init("pending_transfer", .nullable(text)),
        .init("holder_deadline", .nullable(time)), .init("imported", .boolean), .init("parked", .boolean),
        .init("heads", .object([], allowed: .any), "Per field the value events shown; PATCH sends them back."),
        .init(
            "actions", .array(of: .named("Action")), required: false,
            "What its reader may do with it now: what a POST would take. Left out in lists."),
    ]

    private static let counts: [Shape.Property] = [
        .init("registered", count), .init("open", count), .init("overdue", count), .init("answered", count),
        .init("closed", count), .init("disputed", count), .init("conflicts", count), .init("new_today", count),
    ]

    private static let provinceProperties: [Shape.Property] =
        [.init("code", text)] + counts
        + [
            .init("last_heard", .nullable(time)), .init("backlog", .nullable(count)),
            .init("state", text, "`connected`, `silent`, `never` or `quarantined`."),
        ]

    private static let standingProperties: [Shape.Property] = [
        .init("proposals", count, "Held writes of its cases that did not count."),
        .init("parked", count, "Its cases that wait for an upgrade."),
        .init("clock_offset_ms", .integer(), "The node's clock less the hub's, when it was last heard."),
        .init("undelivered", count, "Rows of its feed that it has not committed."),
        .init("oldest_undelivered_at", .nullable(time), "When the oldest of those events was written."),
        .init("chains", count, "Incarnations of its journal."),
        .init("branches", .array(of: .named("Chain")), "Those of them that forked."),
        .init("quarantine", .nullable(.named("Quarantine"))),
        .init("awaited", .boolean, "The hub was restored and still waits to hear from this node."),
        .init("newest_alarm", .nullable(.named("Alarm"))),
    ]

    private static let text = Shape.string()
    private static let time = Shape.string(form: .dateTime)
    private static let hash = Shape.string(form: .hash)
    private static let id = Shape.string(form: .uuid)
    private static let count = Shape.integer(0...Int64.max)
    private static let reason = Shape.string(values: EffectReason.allCases.map(\.rawValue))
    private static let status = Shape.string(values: Status.allCases.map(\.rawValue))
    private static let outcome = Shape.string(values: Outcome.allCases.map(\.rawValue))
}
