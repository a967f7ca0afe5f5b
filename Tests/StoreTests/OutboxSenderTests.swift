import Casework
import Contract
import Federation
import Testing

@testable import Postgres
@testable import Store

/// What every gateway may count on, and what none can break.
@Suite struct OutboxSenderTests {
    @Test func aCitizenIsToldOnceAndTheJournalSaysSo() async throws {
        try await OutboxOffice.with { office in
            let id = try await office.register()
            try await office.send()
            let message = try #require(office.gateway.messages.first)
            #expect(office.gateway.messages.count == 1 && message.mobile == "+989141234567")
            #expect(message.id.notice.template == "registered" && message.id.number == 1)
            #expect(try await office.outcomes(of: id) == [.sent])
            #expect(try await office.sender().report(.delivered, "", of: message.id))
            try await office.send()
            #expect(try await office.outcomes(of: id) == [.delivered])
            office.pass(40 * Instant.day)
            try await office.send()
            #expect(office.gateway.messages.count == 1)
            #expect(try await office.attempts() == ["1 delivered"])
        }
    }

    // MARK: Crashes

    @Test func aCrashBeforeTheCallIsWaitedFor() async throws {
        try await OutboxOffice.with { office in
            let id = try await office.register()
            let owed = try await AttemptTable(office.database).owed(after: nil, since: office.now, limit: 9)
            let first = AttemptID(notice: try #require(owed.first).key, number: 1)
            #expect(try await AttemptTable(office.database).begin(first, of: id, by: "test", at: office.now))
            try await office.send()
            #expect(office.gateway.messages.isEmpty)
            office.pass(120 * Instant.second)
            try await office.send()
            #expect(office.gateway.messages.map(\.id.number) == [2])
            #expect(try await office.outcomes(of: id) == [.sent])
        }
    }

    @Test(arguments: [true, false]) func aCrashDuringTheCall(isReported: Bool) async throws {
        try await OutboxOffice.with { office in
            let id = try await office.register()
            try await office.dieDuringTheCall()
            #expect(try await office.attempts() == ["1 under_way"])
            try await office.send()
            #expect(office.gateway.messages.count == 1)
            if isReported {
                #expect(try await office.sender().report(.delivered, "", of: office.gateway.messages[0].id))
            }
            office.pass(120 * Instant.second)
            try await office.send()
            // Where no report comes, a second message is possible: nobody can know.
            #expect(office.gateway.messages.count == (isReported ? 1 : 2))
            #expect(try await office.outcomes(of: id) == [isReported ? .delivered : .sent])
        }
    }

    /// The gateway has taken the message, and the process dies before it has noted that.
    @Test func aCrashAfterTheCallIsHealedByTheReport() async throws {
        try await OutboxOffice.with { office in
            let id = try await office.register()
            office.gateway.will { _ in
                withUnsafeCurrentTask { $0?.cancel() }
                return .sent
            }
            let process = Task { try await office.sender().step() }
            await #expect(throws: (any Error).self) { try await process.value }
            #expect(try await office.attempts() == ["1 under_way"])
            #expect(try await office.sender().report(.sent, "", of: office.gateway.messages[0].id))
            office.pass(Instant.hour)
            try await office.send()
            #expect(office.gateway.messages.count == 1)
            #expect(try await office.outcomes(of: id) == [.sent])
        }
    }

    /// The journal says so, and the process dies before it has noted that it does.
    @Test func aCrashAfterTheJournalWroteIsOneEvent() async throws {
        try await OutboxOffice.with { office in
            let id = try await office.register()
            try await office.send()
            try await office.database.readers.run { try $0.execute("UPDATE attempts SET is_told = false") }
            try await office.send()
            let events = try await office.store.events(of: [id])[id] ?? []
            #expect(events.map(\.envelope.type) == ["registered", "notified"])
        }
    }

    // MARK: Duplicates and reports

    @Test func twoProcessesSendOneMessage() async throws {
        try await OutboxOffice.with { office in
            let id = try await office.register()
            let (one, two) = (office.sender(), office.sender())
            async let first = one.step()
            async let second = two.step()
            let count = try await first + second
            #expect(count >= 1 && office.gateway.messages.count == 1)
            try await office.send()
            #expect(try await office.outcomes(of: id) == [.sent])
        }
    }

    @Test func theSameReportTwiceIsOneEvent() async throws {
        try await OutboxOffice.with { office in
            let id = try await office.register()
            try await office.send()
            for result in [AttemptResult.delivered, .delivered, .sent, .failed] {
                #expect(try await office.sender().report(result, "", of: office.gateway.messages[0].id))
                try await office.send()
            }
            let events = try await office.store.events(of: [id])[id] ?? []
            #expect(events.map(\.envelope.type) == ["registered", "notified", "notified"])
            let unknown = AttemptID(notice: office.gateway.messages[0].id.notice, number: 7)
            #expect(try await office.sender().report(.delivered, "", of: unknown) == false)
        }
    }

    @Test func aReportBeforeTheAnswerStands() async throws {
        try await OutboxOffice.with { office in
            let id = try await office.register()
            office.gateway.will { message in
                do {
                    _ = try await office.sender().report(.delivered, "", of: message.id)
                } catch {
                    Issue.record(error)
                }
                return .sent
            }
            try await office.send()
            #expect(try await office.outcomes(of: id) == [.delivered])
            #expect(office.gateway.messages.count == 1)
        }
    }

    // MARK: Trying again

    @Test func whatWasNotSentIsTriedAgainAndGivenUp() async throws {
        try await OutboxOffice.with { office in
            let id = try await office.register()
            office.gateway.will { _ in .notSent("connection refused") }
            for _ in 0..<20 {
                try await office.send()
                office.pass(25 * Instant.hour)
            }
            #expect(office.gateway.messages.count == OutboxPolicy().pauses.count + 1)
            #expect(try await office.outcomes(of: id) == [.failed])
        }
    }

    @Test func aGatewayThatRefusesForGoodIsAskedOnce() async throws {
        try await OutboxOffice.with { office in
            let id = try await office.register()
            office.gateway.will { _ in .failed("blacklisted") }
            try await office.send()
            office.pass(Instant.day)
            try await office.send()
            #expect(office.gateway.messages.count == 1)
            #expect(try await office.outcomes(of: id) == [.failed])
        }
    }

    // MARK: Rebuilding

    @Test func aRebuildSendsNothingTwice() async throws {
        try await OutboxOffice.with { office in
            let told = try await office.register()
            try await office.send()
            let underWay = try await office.register()
            try await office.dieDuringTheCall()
            #expect(office.gateway.messages.count == 2)
            let report = try await Rebuild.run(
                database: office.database, store: office.store, origin: WriterOffice.tabriz)
            #expect(report.differences == [] && report.projected["outbox"] == 2)
            try await office.send()
            #expect(office.gateway.messages.count == 2)
            // Of a restored server not even the attempts are left: the journal knows.
            try await office.database.readers.run { try $0.execute("DELETE FROM attempts WHERE is_told") }
            office.pass(119 * Instant.second)
            try await office.send()
            #expect(office.gateway.messages.count == 2)
            office.pass(Instant.second)
            try await office.send()
            #expect(office.gateway.messages.count == 3)
            #expect(try await office.outcomes(of: told) == [.sent])
            #expect(try await office.outcomes(of: underWay) == [.sent])
        }
    }

    // MARK: What is owed

    @Test func whatHappenedBeforeThereWasAGatewayIsNotSent() async throws {
        try await OutboxOffice.with { office in
            _ = try await office.register()
            try await AttemptTable(office.database).forgetSince()
            office.pass(Instant.second)
            try await office.send()
            #expect(office.gateway.messages.isEmpty)
        }
    }

    @Test func aNumberThatIsGivenLaterIsTold() async throws {
        try await OutboxOffice.with { office in
            let id = try await office.register(mobile: nil)
            try await office.send()
            #expect(office.gateway.messages.isEmpty)
            let edit = Edit(texts: Texts(citizenMobile: "09149999999"))
            _ = try await office.writer.submit(
                CommandRequest(
                    principal: WriterOffice.maryam, command: .amend(edit), caseID: id, idempotencyKey: nil, bodyHash: []
                ))
            try await office.send()
            #expect(office.gateway.messages.map(\.mobile) == ["+989149999999"])
        }
    }
}
