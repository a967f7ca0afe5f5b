import Casework
import CSV
import POSIX
import Testing

@testable import Program
@testable import peyvand

struct MappingTests {
    private let heading = ["id", "what", "state", "opened", "closed", "place"]

    private func mapping(_ change: (String) -> String = { $0 }) throws -> ImportMapping {
        let text = """
            {"name": "test", "key": {"column": "id", "prefix": "t:"},
             "time": {"format": "yyyy-MM-dd HH:mm", "zone": "+03:30"}, "registered_at": "opened",
             "province": {"columns": ["place"], "values": {"T": "IR-03"}},
             "kind": "complaint", "channel": "phone",
             "category": {"column": "what", "values": {"water": "water"}, "default": null}, "agency": "WATER",
             "subject": "{what}", "description": "{what} at {place}",
             "history": {"column": "state", "values": {
                "open": [{"step": "referred", "at": "opened"}],
                "done": [{"step": "referred", "at": "opened"}, {"step": "accepted", "at": "opened"},
                         {"step": "answered", "at": ["closed", "opened"], "text": "done"},
                         {"step": "closed", "at": ["closed", "opened"], "outcome": "resolved"}]}}}
            """
        return try ImportMapping(json: Array(change(text).utf8), from: "test.json")
    }

    private func read(
        _ fields: [String], into target: Origin? = nil
    ) throws -> Result<ImportRow, RowReader.RejectedRow> {
        let row = CSVReader.Row(line: 2, fields: fields, fault: nil, end: 0)
        return try RowReader(mapping(), heading: heading).read(row, into: target)
    }

    private func reason(_ fields: [String]) throws -> String? {
        guard case .failure(let rejected) = try read(fields) else { return nil }
        return rejected.reject.reason
    }

    @Test func aRowBecomesACaseWithItsHistory() throws {
        let row = try read(["7", "water", "done", "2020-01-01 10:00", "2020-01-02 10:00", "T"]).get()
        #expect(row.key == "t:7")
        #expect(row.province == Origin("IR-03"))
        #expect(row.imported.registeredAt.rfc3339 == "2020-01-01T06:30:00Z")
        #expect(row.imported.intake.texts.subject == "water")
        #expect(row.imported.intake.texts.description == "water at T")
        let to = try #require(OrganizationCode(rawValue: "IR-03-WATER"))
        #expect(
            row.imported.history.map(\.step)
                == [.referred(to: to), .accepted, .answered("done"), .closed(.resolved, "")])
        #expect(row.imported.history.last?.at.rfc3339 == "2020-01-02T06:30:00Z")
        #expect(row.objection(now: .now) == nil)
    }

    @Test func oneNodeTakesEveryRow() throws {
        let row = try read(["7", "water", "open", "2020-01-01 10:00", "", "?"], into: Origin("IR-23")).get()
        #expect(row.province.code == "IR-23")
        let to = try #require(OrganizationCode(rawValue: "IR-23-WATER"))
        #expect(row.imported.history.map(\.step) == [.referred(to: to)])
    }

    @Test func anEmptyTimeFallsBackToTheNextColumn() throws {
        let row = try read(["7", "water", "done", "2020-01-01 10:00", "", "T"]).get()
        #expect(row.imported.history.last?.at == row.imported.registeredAt)
    }

    @Test func whatCannotBeACaseSaysWhy() throws {
        let good = ["7", "water", "done", "2020-01-01 10:00", "2020-01-02 10:00", "T"]
        #expect(try reason(good) == nil)
        var row = good
        row[0] = ""
        #expect(try reason(row) == "id is empty")
        row = good
        row[1] = "fire"
        #expect(try reason(row) == "what is 'fire', for which the mapping has no category")
        row = good
        row[3] = "yesterday"
        #expect(try reason(row) == "opened is 'yesterday', which is no time in the mapping's format")
        row = good
        row[3] = ""
        #expect(try reason(row) == "opened is empty")
        row = good
        row[4] = "2019-12-31 10:00"
        #expect(try reason(row)?.contains("lies before") == true)
        row = good
        row[5] = ""
        #expect(try reason(row) == "place name no province")
        #expect(try reason(Array(good.dropLast())) == "has 5 fields, the heading has 6")
    }

    @Test func theFutureIsRefusedByTheCasework() throws {
        let row = try read(["7", "water", "open", "2120-01-01 10:00", "", "T"]).get()
        #expect(row.objection(now: .now)?.contains("future") == true)
    }

    @Test func aMappingThatIsWrongNamesItsMember() throws {
        for (part, replacement, member) in [
            ("\"complaint\"", "\"grumble\"", "kind"), ("\"IR-03\"", "\"IR-99\"", "province.values.T"),
            ("\"referred\"", "\"sent\"", "history.values.open[0].step"), ("\"resolved\"", "\"fine\"", "outcome"),
            ("{what} at", "{what at", "description"),
            ("\"water\": \"water\"", "\"water\": \"wet\"", "category.values.water"),
        ] {
            let failure = #expect(throws: Failure.self) {
                try mapping { text in text.replacing(part, with: replacement) }
            }
            #expect(failure?.message.contains(member) == true)
            #expect(failure?.code == 2)
        }
    }

    @Test func aColumnThatTheFileLacksIsNamed() throws {
        let failure = try #require(throws: Failure.self) {
            try RowReader(mapping(), heading: Array(heading.dropLast()))
        }
        #expect(failure.message.contains("'place'"))
    }

    @Test func spreadingIsStableAndReachesEveryProvince() {
        #expect(RowReader.spread("SYLMAR NC") == RowReader.spread("SYLMAR NC"))
        var counts: [String: Int] = [:]
        for number in 0..<20_000 { counts[RowReader.spread("value \(number)").code, default: 0] += 1 }
        #expect(counts.count == 31)
        // Tehran has a sixth of the people.
        #expect((2_900...3_800).contains(counts["IR-23"] ?? 0), "\(counts["IR-23"] ?? 0)")
    }

    /// Real rows: each is a case that the casework takes.
    @Test(.enabled(if: Files.exists(MappingTests.realData)))
    func everyRowOfTheRealFileIsACase() throws {
        var csv = CSVReader(try Files.read(Self.realData))
        let heading = csv.next()?.fields ?? []
        let reader = try RowReader(ImportMapping("la311-2020"), heading: heading)
        var provinces: [String: Int] = [:]
        var ends: [String: Int] = [:]
        while let row = csv.next() {
            let imported = try reader.read(row).get()
            if let objection = imported.objection(now: .now) { Issue.record("line \(row.line): \(objection)") }
            provinces[imported.province.code, default: 0] += 1
            if case .closed(let outcome, _) = imported.imported.history.last?.step {
                ends[outcome.rawValue, default: 0] += 1
            }
        }
        #expect(provinces.values.reduce(0, +) == 10_000)
        #expect(provinces.count == 31)
        #expect(ends == ["resolved": 9722, "unconfirmed": 244, "advised": 1])
    }

    /// Third-party data that the project does not carry: named by the environment, else the test is skipped.
    static let realData: String = {
        let places = [Environment["PEYVAND_LA311"], "shared/data/la311-2020.csv", "../shared/data/la311-2020.csv"]
        return places.compactMap { $0 }.first { Files.exists($0) } ?? ""
    }()
}
