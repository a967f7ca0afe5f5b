public import Casework
public import Contract
import Federation
import Postgres

extension CaseReads {
    /// What anybody who knows the code may see: no personal data, no free text. `nil` when there is none.
    /// - Parameter mobile: the last four digits of the citizen's mobile, in any digits; chooses among several cases
    ///   with this code and is not looked at otherwise.
    public func track(_ code: TrackingCode, mobile: String?, now: Instant) async throws -> TrackDocument? {
        let ids = try await database.readers.run { connection in
            try connection.query("SELECT id FROM cases WHERE tracking_code = $1 ORDER BY id", [.text(code.digits)])
                .map { try $0.caseID(0) }
        }
        let records = try await records(ids)
        var candidates = ids.compactMap { records[$0] }
        if candidates.count > 1 {
            let digits = mobile.map { PersianText.latinDigits($0).filter(\.isNumber) } ?? ""
            let chosen = digits.utf8.count == 4 ? candidates.filter { Self.hasMobile($0, endingIn: digits) } : []
            guard chosen.count == 1 else { return Self.ambiguous(code) }
            candidates = chosen
        }
        return candidates.first.map { Self.tracked($0, code, now: now) }
    }

    private static func hasMobile(_ record: CaseRecord, endingIn digits: String) -> Bool {
        guard let mobile = CaseValues(record)[.citizenMobile] else { return false }
        return PersianText.latinDigits(mobile).filter(\.isNumber).hasSuffix(digits)
    }

    private static func tracked(_ record: CaseRecord, _ code: TrackingCode, now: Instant) -> TrackDocument {
        let state = record.state
        let events = Dictionary(record.events.map { ($0.hash, $0) }, uniquingKeysWith: { first, _ in first })
        let stages = state.history.compactMap { entry -> TrackDocument.Stage? in
            guard entry.effect == .applied, let envelope = events[entry.event]?.envelope, let change = envelope.change,
                change.kind.rule.isToldToCitizen
            else { return nil }
            let office =
                switch change {
                case .referred(let to, _): to
                case .granted(let grant): grant.holder
                default: envelope.actor.organization
                }
            return TrackDocument.Stage(
                type: change.kind.rawValue, at: envelope.occurredAt.rfc3339, office: office.rawValue)
        }
        return TrackDocument(
            trackingCode: code.digits, status: state.status.rawValue, outcome: state.outcome?.rawValue,
            registeredAt: state.registeredAt?.rfc3339, deadline: state.deadline?.at.rfc3339,
            holder: state.holder.rawValue, overdue: state.isOverdue(at: now), stages: stages, ambiguous: false)
    }

    /// Tells no more than the code itself does: that it was given, and in which province.
    private static func ambiguous(_ code: TrackingCode) -> TrackDocument {
        TrackDocument(
            trackingCode: code.digits, status: Status.draft.rawValue, outcome: nil, registeredAt: nil, deadline: nil,
            holder: code.province, overdue: false, stages: [], ambiguous: true)
    }
}
