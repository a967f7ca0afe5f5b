public import Casework

/// What one call of a gateway came to, as far as it is known.
public enum AttemptResult: String, Sendable, Hashable {
    /// The call has begun; what became of it is not known. Stays so when the process dies during the call.
    /// Can go to: any other.
    case underWay = "under_way"
    /// The gateway certainly has not taken it. Can go to: sent, delivered, failed, should a report prove it wrong.
    case notSent = "not_sent"
    /// The call ended without an answer. Can go to: sent, delivered, failed.
    case unknown
    /// The gateway has taken it. Can go to: delivered, failed.
    case sent
    /// It has reached its recipient.
    case delivered
    /// It never will. Can go to: delivered, should a report prove it wrong.
    case failed

    /// What is known after hearing `later`: reports and answers come in any order, and more than once.
    public func merged(with later: AttemptResult) -> AttemptResult { later.rank > rank ? later : self }

    private var rank: Int {
        switch self {
        case .underWay: 0
        case .notSent, .unknown: 1
        case .sent: 2
        case .failed: 3
        case .delivered: 4
        }
    }

    /// What the journal is to say of it.
    var outcome: NoticeOutcome? {
        switch self {
        case .underWay, .notSent, .unknown: nil
        case .sent: .sent
        case .delivered: .delivered
        case .failed: .failed
        }
    }
}

/// One call of a gateway for a notice. It was written down before the call.
struct Attempt: Sendable, Hashable {
    /// From 1.
    var number: Int
    var begunAt: Instant
    var result: AttemptResult
}

/// What is to be done about a notice now.
enum OutboxDecision: Sendable, Hashable {
    /// Write down the attempt of this number, then call the gateway.
    case send(attempt: Int)
    /// Nothing before this instant.
    case wait(until: Instant)
    /// The journal is to say what came of it.
    case tell(NoticeOutcome)
    /// It is done, or too old to be begun.
    case nothing
}

/// When a notice is sent, sent again, or given up.
public struct OutboxPolicy: Sendable, Hashable {
    /// How long a report is waited for when nobody knows whether a call was carried out. A gateway call ends sooner.
    public var reportWait: Int64
    /// How long after each attempt that was certainly not sent the next may follow; after the last none does.
    public var pauses: [Int64]
    /// Older notices are not begun or tried again: weeks without a link to the acting office are normal.
    public var lifetime: Int64

    /// All in milliseconds.
    public init(
        reportWait: Int64 = 120 * Instant.second,
        pauses: [Int64] = [
            5 * Instant.second, 1 * Instant.minute, 5 * Instant.minute, 30 * Instant.minute, 2 * Instant.hour,
            6 * Instant.hour, 12 * Instant.hour, 24 * Instant.hour,
        ], lifetime: Int64 = 30 * Instant.day
    ) {
        (self.reportWait, self.pauses, self.lifetime) = (reportWait, pauses, lifetime)
    }

    /// How long after it was owed a notice may still be tried again.
    var longestWait: Int64 { reportWait + (pauses.max() ?? 0) }

    /// - Parameters:
    ///   - attempts: all that were made for this notice.
    ///   - since: when a gateway was first configured; what happened before is nobody's to send.
    func decide(_ notice: OwedNotice, _ attempts: [Attempt], since: Instant, now: Instant) -> OutboxDecision {
        if let outcome = Self.outcome(of: attempts) {
            return outcome.supersedes(notice.outcome) ? .tell(outcome) : .nothing
        }
        // Sent by this server before it was restored: its attempts are lost, the journal is not.
        guard notice.outcome == nil else { return .nothing }
        let isTooOld = now - notice.at > lifetime
        guard let last = attempts.max(by: { $0.number < $1.number }) else {
            return isTooOld || notice.at < since ? .nothing : .send(attempt: 1)
        }
        let isKnownNotSent = last.result == .notSent
        let pause = isKnownNotSent ? pauses.dropFirst(last.number - 1).first ?? 0 : reportWait
        let next = last.begunAt + pause
        if now < next { return .wait(until: next) }
        if isTooOld || last.number > pauses.count { return .tell(.failed) }
        return .send(attempt: last.number + 1)
    }

    /// One delivery makes up for all failures, and one that was taken may still be delivered.
    private static func outcome(of attempts: [Attempt]) -> NoticeOutcome? {
        let outcomes = attempts.compactMap(\.result.outcome)
        return [.delivered, .sent, .failed].first { outcomes.contains($0) }
    }
}
