import Casework
import Contract
import Federation
import Testing

@testable import Store

@Suite struct ReadsDocumentTests {
    private static let secret = Texts(
        subject: "پنهان-موضوع", description: "پنهان-شرح", citizenName: "پنهان-نام", citizenNationalID: "0499370899",
        citizenMobile: "09141234567", citizenAddress: "پنهان-نشانی")

    private static let secrets = ["پنهان", "0499370899", "09141234567", "محرمانه"]

    private func rich(_ office: ReadsOffice) throws -> CaseID {
        let id = try office.register(Self.secret)
        try office.run(.note(text: "محرمانه یادداشت"), on: id)
        try office.run(.refer(to: #require(OrganizationCode(rawValue: "IR-03-MUN")), reason: "محرمانه دلیل"), on: id)
        try office.run(.accept, on: id)
        try office.run(.answer(text: "محرمانه پاسخ"), on: id)
        try office.run(.dispute(text: "محرمانه اعتراض"), on: id)
        let head = try #require(office.records[id]?.events.first?.hash)
        for name in ["پنهان-یک", "پنهان-دو"] {
            let edit = Edit(texts: Texts(citizenName: name), seen: [.citizenName: [head]])
            try office.run(.amend(edit), on: id)
        }
        let newEvent = NewEvent(
            .closed(.resolved), texts: Texts(text: "محرمانه پیشنهاد"),
            actor: Actor(name: "maryam", role: .supervisor, organization: OrganizationCode(office.origin)),
            occurredAt: office.now)
        try office.write(newEvent, on: id, epoch: 77)
        return id
    }

    /// Everything that can be read of a case, as the text that would be sent.
    private func everything(_ id: CaseID, _ office: ReadsOffice, for principal: Principal) async throws -> String {
        let record = try #require(try await office.reads.record(id))
        let context = DecisionContext(
            now: office.now, origin: office.origin, actor: principal.actor, tree: .standard, calendar: .standard)
        var texts = ["\(office.reads.document(record, for: principal, in: context))"]
        texts.append("\(office.reads.eventDocuments(record, for: principal))")
        texts.append("\(try await office.reads.cases(CaseQuery(), for: principal, now: office.now))")
        texts.append("\(try await office.reads.conflicts(cursor: nil, limit: 9, for: principal))")
        texts.append("\(try await office.reads.proposals(cursor: nil, limit: 9, for: principal))")
        return texts.joined()
    }

    @Test func `only those who act for the case read its texts`() async throws {
        let office = try await ReadsOffice()
        let id = try rich(office)
        try await office.save()
        for principal in [
            try office.principal(.auditor), try office.principal(.agency, "IR-03-EDU"),
            try office.principal(.ministry, "SAMT"), try office.principal(.operator, "IR-04"),
            try office.principal(.hub), try office.principal(.system),
        ] {
            let text = try await everything(id, office, for: principal)
            for secret in Self.secrets { #expect(!text.contains(secret), "\(principal.role) reads \(secret)") }
        }
        for principal in [
            try office.principal(.operator), try office.principal(.supervisor),
            try office.principal(.agency, "IR-03-MUN"),
        ] {
            let text = try await everything(id, office, for: principal)
            for secret in Self.secrets { #expect(text.contains(secret), "\(principal.role) misses \(secret)") }
        }
        await office.close()
    }

    @Test func `a document and its events say what the case is`() async throws {
        let office = try await ReadsOffice()
        let id = try rich(office)
        try await office.save()
        let record = try #require(try await office.reads.record(id))
        let clerk = try office.principal(.operator)
        let context = DecisionContext(
            now: office.now, origin: office.origin, actor: clerk.actor, tree: .standard, calendar: .standard)
        let document = office.reads.document(record, for: clerk, in: context)
        #expect(document.heldStatus != "disputed")
        #expect(document.status == "disputed" && document.holder == "IR-03-MUN" && document.home == "IR-03")
        #expect(document.revision == record.events.count && document.subject == "پنهان-موضوع")
        #expect(document.citizen.name == "پنهان-دو" && document.conflicts.count == 1 && document.proposals.count == 1)
        #expect(document.disputes.count == 1 && document.heads["citizen.name"]?.count == 2)

        let events = office.reads.eventDocuments(record, for: clerk)
        #expect(events.map(\.hash) == record.state.history.map(\.event.description))
        let byType = Dictionary(events.map { ($0.type, $0) }, uniquingKeysWith: { first, _ in first })
        #expect(byType["referred"]?.content["reason"] == .string("محرمانه دلیل"))
        #expect(byType["referred"]?.content["to"] == .string("IR-03-MUN"))
        #expect(byType["registered"]?.content["citizen.mobile"] == .string("09141234567"))
        #expect(byType["noted"]?.actor.name == "maryam" && byType["noted"]?.actor.role == "supervisor")
        #expect(byType["noted"]?.effect == EffectDocument(.applied))
        #expect(byType["closed"]?.effect == EffectDocument(.proposal(.unknownEpoch)))
        #expect(byType["noted"]?.incarnation == "00000000000000a1")
        #expect(byType["amended"]?.content["fields"] == .list(["citizen.name"]))
        let blind = office.reads.eventDocuments(record, for: try office.principal(.auditor))
        #expect(blind.first { $0.type == "noted" }?.content["text"] == .null)
        await office.close()
    }

    @Test func `a hidden entry says so and keeps its text`() async throws {
        let office = try await ReadsOffice()
        let id = try office.register()
        let note = try #require(try office.run(.note(text: "محرمانه"), on: id).first)
        try office.run(.hide(note.hash, hidden: true), on: id)
        try await office.save()
        let record = try #require(try await office.reads.record(id))
        let events = office.reads.eventDocuments(record, for: try office.principal(.supervisor))
        let hidden = try #require(events.first { $0.type == "noted" })
        #expect(hidden.content["hidden"] == .bool(true) && hidden.content["text"] == .null)
        try office.run(.hide(note.hash, hidden: false), on: id)
        try await office.save()
        let again = try #require(try await office.reads.record(id))
        let shown = office.reads.eventDocuments(again, for: try office.principal(.supervisor))
        #expect(shown.first { $0.type == "noted" }?.content == ["text": .string("محرمانه")])
        await office.close()
    }

    @Test func `tracking tells stages and nothing personal`() async throws {
        let office = try await ReadsOffice()
        let id = try rich(office)
        try await office.save()
        let code = try #require(office.records[id]?.state.trackingCode)
        let track = try #require(try await office.reads.track(code, mobile: nil, now: office.now))
        #expect(track.stages.map(\.type) == ["registered", "referred", "accepted", "answered", "disputed"])
        #expect(track.stages.map(\.office)[1] == "IR-03-MUN" && track.status == "disputed" && !track.ambiguous)
        for secret in Self.secrets + ["maryam"] { #expect(!"\(track)".contains(secret)) }
        let unknown = try #require(TrackingCode(province: 5, random: 1))
        #expect(try await office.reads.track(unknown, mobile: nil, now: office.now) == nil)
        await office.close()
    }

    @Test func `several cases with one code are told apart by the mobile only`() async throws {
        let office = try await ReadsOffice()
        let code = try #require(TrackingCode(province: 3, random: 42))
        for mobile in ["09141234567", "09147654321", "+98 935 000 4321"] {
            try office.register(Texts(subject: "س", citizenMobile: mobile), code: code)
        }
        try await office.save()
        func track(_ mobile: String?) async throws -> TrackDocument? {
            try await office.reads.track(code, mobile: mobile, now: office.now)
        }
        #expect(try await track("4567")?.ambiguous == false)
        #expect(try await track("۴۵۶۷")?.stages.count == 1)
        for mobile in [nil, "", "0000", "4321", "567", "09141234567"] {
            let answer = try #require(try await track(mobile))
            #expect(answer.ambiguous && answer.stages.isEmpty && answer.registeredAt == nil)
        }
        await office.close()
    }
}
