import Casework
import Federation
import Postgres

/// A notice that is owed, as its case says.
struct OwedNotice: Sendable, Hashable {
    var caseID: CaseID
    var key: NoticeKey
    var at: Instant
    var outcome: NoticeOutcome?
}

/// Keeps the table `outbox`: what citizens are to be told, at the office where their case began.
///
/// A row says what is owed, not that it will be sent: without a gateway nobody reads the table, and what happened before
/// a gateway was configured is never sent.
struct OutboxProjection: CaseProjection {
    static let table = Table<OwedNotice>(
        "outbox",
        [
            .id("case_id", { $0.caseID }, { $0.caseID = $1 }),
            .hash("event", { $0.key.event }, { $0.key.event = $1 }),
            .word("recipient", { $0.key.recipient }, { $0.key.recipient = $1 }),
            .text("template", { $0.key.template }, { $0.key.template = $1 }),
            .time("at", { $0.at }, { if let at = $1 { $0.at = at } }),
            .word(optional: "outcome", { $0.outcome }, { $0.outcome = $1 }),
        ])
    static let blank = OwedNotice(
        caseID: .blank, key: NoticeKey(event: .zero, recipient: .citizen, template: ""), at: Instant(milliseconds: 0))

    let keys = ["case_id", "event", "recipient", "template"]
    let definition = PackageResources.outbox_sql

    /// None before the case has a number to tell: when one is given, what happened shortly before is told too.
    func rows(of record: CaseRecord, at origin: Origin) -> [OwedNotice] {
        let state = record.state
        guard origin == record.id.home, !state.imported, Self.mobile(of: record) != nil else { return [] }
        let applied = Set(state.history.filter { $0.effect == .applied }.map(\.event))
        return record.events.compactMap { event in
            guard applied.contains(event.hash), let kind = event.envelope.change?.kind, kind.rule.isToldToCitizen else {
                return nil
            }
            let key = NoticeKey(event: event.hash, recipient: .citizen, template: kind.rawValue)
            return OwedNotice(
                caseID: record.id, key: key, at: event.envelope.occurredAt.storable, outcome: state.outcome(of: key))
        }
    }

    /// `+98914…`; `nil` when the case shows none, or not at this server.
    static func mobile(of record: CaseRecord) -> String? {
        CaseValues(record)[.citizenMobile].flatMap { MobileNumber(parsing: $0)?.international }
    }

    func caseID(of row: OwedNotice) -> CaseID { row.caseID }
}
