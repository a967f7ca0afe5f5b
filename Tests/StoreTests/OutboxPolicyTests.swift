import Casework
import Testing

@testable import Store

@Suite struct OutboxPolicyTests {
    private static let noon = Instant(milliseconds: 1_800_000_000_000)
    private let policy = OutboxPolicy(pauses: [Instant.minute, Instant.hour])

    private func notice(_ outcome: NoticeOutcome? = nil, ago: Int64 = 0) -> OwedNotice {
        var notice = OutboxProjection.blank
        (notice.at, notice.outcome) = (Self.noon + -ago, outcome)
        return notice
    }

    private func attempts(_ results: AttemptResult...) -> [Attempt] {
        results.enumerated().map { Attempt(number: $0 + 1, begunAt: Self.noon, result: $1) }
    }

    private func decide(
        _ notice: OwedNotice, _ attempts: [Attempt], after seconds: Int64 = 0, since: Instant? = nil
    ) -> OutboxDecision {
        policy.decide(
            notice, attempts, since: since ?? Self.noon + -90 * Instant.day, now: Self.noon + seconds * Instant.second)
    }

    @Test func whatIsOwedIsBegunUnlessItIsTooOld() {
        #expect(decide(notice(), []) == .send(attempt: 1))
        #expect(decide(notice(ago: 29 * Instant.day), []) == .send(attempt: 1))
        #expect(decide(notice(ago: 31 * Instant.day), []) == .nothing)
        #expect(decide(notice(ago: Instant.minute), [], since: Self.noon) == .nothing)
    }

    /// A call that nobody knows the end of is waited for; then a second message is the lesser evil.
    @Test(arguments: [AttemptResult.underWay, .unknown]) func theUnknownIsWaitedFor(_ result: AttemptResult) {
        #expect(decide(notice(), attempts(result)) == .wait(until: Self.noon + 120 * Instant.second))
        #expect(decide(notice(), attempts(result), after: 119) == .wait(until: Self.noon + 120 * Instant.second))
        #expect(decide(notice(), attempts(result), after: 120) == .send(attempt: 2))
    }

    @Test func whatWasNotSentIsTriedAfterItsPauseAndGivenUp() {
        #expect(decide(notice(), attempts(.notSent)) == .wait(until: Self.noon + Instant.minute))
        #expect(decide(notice(), attempts(.notSent), after: 60) == .send(attempt: 2))
        #expect(decide(notice(), attempts(.notSent, .notSent)) == .wait(until: Self.noon + Instant.hour))
        #expect(decide(notice(), attempts(.notSent, .notSent), after: 3_600) == .send(attempt: 3))
        #expect(decide(notice(), attempts(.notSent, .notSent, .notSent)) == .tell(.failed))
        #expect(decide(notice(ago: 31 * Instant.day), attempts(.notSent), after: 60) == .tell(.failed))
    }

    @Test func whatIsKnownIsToldOnce() {
        for (result, outcome) in [
            (AttemptResult.sent, NoticeOutcome.sent), (.delivered, .delivered), (.failed, .failed),
        ] {
            #expect(decide(notice(), attempts(result)) == .tell(outcome))
            #expect(decide(notice(outcome), attempts(result)) == .nothing)
        }
        #expect(decide(notice(.sent), attempts(.delivered)) == .tell(.delivered))
        #expect(decide(notice(.sent), attempts(.failed)) == .tell(.failed))
        #expect(decide(notice(.failed), attempts(.delivered)) == .tell(.delivered))
        #expect(decide(notice(.delivered), attempts(.failed)) == .nothing)
        // Of two messages the one that arrived counts.
        #expect(decide(notice(), attempts(.delivered, .failed)) == .tell(.delivered))
        #expect(decide(notice(), attempts(.failed, .sent)) == .tell(.sent))
    }

    /// A server that was restored has lost its attempts; the journal came back from the hub.
    @Test(arguments: [NoticeOutcome.sent, .delivered, .failed])
    func whatTheJournalSaysIsNotSentAgain(_ outcome: NoticeOutcome) {
        #expect(decide(notice(outcome), []) == .nothing)
        #expect(decide(notice(outcome), attempts(.underWay), after: 999) == .nothing)
    }

    /// Reports and answers come in any order and more than once.
    @Test func anyOrderOfNewsGivesTheSame() {
        let all: [AttemptResult] = [.underWay, .notSent, .unknown, .sent, .delivered, .failed]
        for one in all {
            #expect(one.merged(with: one) == one)
            for two in all {
                for three in all {
                    let left = one.merged(with: two).merged(with: three).outcome
                    #expect(left == three.merged(with: one).merged(with: two).outcome)
                }
            }
        }
    }

    @Test func attemptsHaveNamesThatReportsBringBack() throws {
        for template in ["registered", "due.moved"] {
            let key = NoticeKey(event: sha256([7]), recipient: .citizen, template: template)
            let id = AttemptID(notice: key, number: 12)
            #expect(AttemptID("\(id)") == id)
        }
        for text in ["", "x", "\(sha256([7])).citizen.registered", "\(sha256([7])).citizen.registered.0", "a.b.c.1"] {
            #expect(AttemptID(text) == nil)
        }
    }
}
