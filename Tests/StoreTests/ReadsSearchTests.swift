import Casework
import Contract
import Federation
import Postgres
import Testing

@testable import Store

@Suite struct ReadsSearchTests {
    private func found(
        _ text: String, _ office: ReadsOffice, for principal: Principal
    ) async throws -> Set<String> {
        Set(try await office.allPages(CaseQuery(text: text), for: principal, limit: 3).map(\.id))
    }

    @Test func `words are found however they are typed, and all must match`() async throws {
        let office = try await ReadsOffice()
        let clerk = try office.principal(.operator)
        let water = try office.register(
            Texts(
                subject: "قطعی آب در خرم‌آباد", description: "از ۱۴۰۵/۸/۳۰ قطع است", citizenName: "علی کریمی",
                citizenNationalID: "0499370899", citizenMobile: "۰۹۱۴ ۱۲۳ ۴۵۶۷")
        ).description
        let road = try office.register(
            Texts(subject: "آسفالت خیابان کاشانی", citizenName: "مریم یکتا", citizenMobile: "+989351112233")
        ).description
        for _ in 0..<20 { try office.register(Texts(subject: "بی‌ربط")) }
        try await office.save()
        #expect(try await found("خرم", office, for: clerk).isEmpty, "search must trail until projected")
        try await office.project()

        for text in [
            "خرم آباد", "خرم‌آباد", "كريمي", "کریمی", "علي قطعي", "آب قطعی", "اب", "1405", "١٤٠٥", "09141234567",
            "۰۹۱۴۱۲۳۴۵۶۷", "+98 914 123 4567", "0914 1234567", "4567", "0499370899", "۰۴۹۹۳۷۰۸۹۹",
        ] {
            #expect(try await found(text, office, for: clerk) == [water], "\(text)")
        }
        #expect(try await found("كاشاني آسفالت", office, for: clerk) == [road])
        #expect(try await found("0935 111", office, for: clerk) == [road])
        #expect(try await found("کریمی کاشانی", office, for: clerk).isEmpty)
        #expect(try await found("%", office, for: clerk).count == 22, "no word is no filter")
        #expect(try await found("_ریمی", office, for: clerk) == [water], "wildcards mean nothing")
        await office.close()
    }

    @Test func `a code finds its case in any digits, for everybody and before projection`() async throws {
        let office = try await ReadsOffice()
        let id = try office.register()
        try office.register()
        try await office.save()
        let code = try #require(office.records[id]?.state.trackingCode)
        for role in [Role.operator, .auditor] {
            let principal = try office.principal(role)
            for text in [code.digits, code.grouped, code.groupedPersian] {
                #expect(try await found(text, office, for: principal) == [id.description])
            }
        }
        try await office.project()
        let clerk = try office.principal(.operator)
        #expect(try await found(String(code.digits.dropFirst(3)), office, for: clerk) == [id.description])
        await office.close()
    }

    @Test func `who may not read a text cannot find by it`() async throws {
        let office = try await ReadsOffice()
        let mine = try office.register(Texts(subject: "زباله", citizenName: "رازدار"))
        try office.register(Texts(subject: "برق", citizenName: "رازدار"))
        let council = try #require(OrganizationCode(rawValue: "IR-03-MUN"))
        try office.run(.refer(to: council, reason: "شهرداری"), on: mine)
        try await office.save()
        try await office.project()
        #expect(try await found("رازدار", office, for: office.principal(.operator)).count == 2)
        let agency = try office.principal(.agency, "IR-03-MUN")
        #expect(try await found("رازدار", office, for: agency) == [mine.description])
        for principal in [
            try office.principal(.auditor), try office.principal(.operator, "IR-04"), try office.principal(.hub),
        ] {
            await #expect(throws: Refusal.self) { try await found("رازدار", office, for: principal) }
        }
        await office.close()
    }

    @Test func `a changed case is found by its new words only`() async throws {
        let office = try await ReadsOffice()
        let clerk = try office.principal(.operator)
        let id = try office.register(Texts(subject: "گندم"))
        try await office.save()
        try await office.project()
        try office.run(.amend(Edit(texts: Texts(subject: "برنج"))), on: id)
        try await office.save()
        try await office.project()
        #expect(try await found("گندم", office, for: clerk).isEmpty)
        #expect(try await found("برنج", office, for: clerk) == [id.description])
        // A part that arrives late moves no position on; the words come all the same.
        let projection = office.frame()
        try await office.execute("UPDATE search SET document = ' '")
        #expect(try await projection.advance(limit: 10) == 0)
        #expect(try await found("برنج", office, for: clerk) == [id.description])
        await office.close()
    }

    /// The last cases are looked at several times a second for ever: an idle office's disk must not hear of it.
    @Test func `a document that stands is not written again`() async throws {
        let office = try await ReadsOffice()
        for _ in 0..<3 { try office.register(Texts(subject: "جو")) }
        try await office.save()
        try await office.project()
        func versions() async throws -> [String] {
            try await office.database.readers.run { connection in
                try connection.query(
                    """
                    SELECT concat(ctid, xmin, xmax) FROM search
                    UNION ALL SELECT concat(ctid, xmin, xmax) FROM projections
                    """
                ).map { try $0.get(0) }
            }
        }
        let written = try await versions()
        #expect(written.count >= 4)
        try await office.project()
        #expect(try await versions() == written)
        await office.close()
    }

    @Test func `cases that bear one position hold nothing up`() async throws {
        let office = try await ReadsOffice()
        let clerk = try office.principal(.operator)
        for _ in 0..<5 { try office.register(Texts(subject: "جو")) }
        try await office.save()
        // As when all were folded anew: at the position that was reached, and at a later one.
        let projection = office.frame()
        for position in [5, 9] {
            try await office.execute("UPDATE cases SET position = \(position)")
            try await office.execute("UPDATE search SET document = ' '")
            let moved = try await projection.advance(limit: 2)
            #expect(moved == 5)
            #expect(try await found("جو", office, for: clerk).count == 5)
        }
        try office.register(Texts(subject: "ارزن"))
        try await office.save()
        try await office.execute("UPDATE cases SET position = 10 WHERE position = 6")
        try await office.project()
        #expect(try await found("ارزن", office, for: clerk).count == 1)
        await office.close()
    }
}
