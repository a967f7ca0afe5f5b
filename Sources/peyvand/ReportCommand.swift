import ArgumentParser
import Casework
import CSV
import Contract
import JSON
import Program

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "The figures of a Jalali month or quarter, from a node or the hub.")

    @Argument(help: "A month such as 1405-08, or a quarter such as 1405-Q3; without it, this month.")
    var period: String?
    @OptionGroup var remote: RemoteOptions
    @Option(help: "A running demonstration's folder.") var directory: String?
    @Option(help: "In a demonstration, whose report: hub, or a province such as IR-03.") var code = Origin.hub.code
    @Flag(help: "As CSV.") var csv = false

    func run() async throws {
        let period = try chosenPeriod()
        let client = try client()
        let report = try await client.document("/api/v1/reports/\(period.code)")
        await client.close()
        if csv { showCSV(report) } else { showTable(report, period) }
    }

    private func chosenPeriod() throws(Failure) -> JalaliPeriod {
        guard let period else {
            let today = JalaliDate(instant: .now)
            return .month(year: today.year, month: today.month)
        }
        guard let chosen = JalaliPeriod(code: period) else {
            throw .usedWrongly("'\(period)' is no period; write a month as 1405-08, a quarter as 1405-Q3.")
        }
        return chosen
    }

    private func client() throws -> APIClient {
        guard let directory else { return try remote.client() }
        let document = try DemoDocument(reading: DemoFolder(directory))
        guard let server = document.server(code) else {
            throw Failure.usedWrongly("'\(code)' takes no part in this demonstration; use hub, or a province.")
        }
        return try document.client(server)
    }

    private static let columns = ["registered", "answered", "closed", "disputed", "overdue", "median_days"]

    private func cells(_ row: JSON?) -> [String] {
        Self.columns.map { name in
            switch row?[name] {
            case .int(let value): String(value)
            case .double(let value): String((value * 10).rounded() / 10)
            default: ""
            }
        }
    }

    private func sections(_ report: JSON) -> [(name: String, rows: [[String]])] {
        [("organization", "by_organization"), ("category", "by_category")].map { name, member in
            (name, (report[member]?.array ?? []).map { [$0["key"]?.string ?? ""] + cells($0) })
        }
    }

    private func showTable(_ report: JSON, _ period: JalaliPeriod) {
        Terminal.line("\(period.nameEN) (\(report["from"]?.string ?? "") to \(report["to"]?.string ?? ""))")
        let position = report["position"]?.int.map { String($0) } ?? ""
        Terminal.line("as of \(report["as_of"]?.string ?? ""), position \(position)")
        for (name, rows) in sections(report) {
            Terminal.line()
            TextTable([name] + Self.columns, rows + [["total"] + cells(report["total"])]).show()
        }
    }

    private func showCSV(_ report: JSON) {
        var text = CSVWriter.line(["section", "key"] + Self.columns)
        text += CSVWriter.line(["total", ""] + cells(report["total"]))
        for (name, rows) in sections(report) { for row in rows { text += CSVWriter.line([name] + row) } }
        Terminal.write(text)
    }
}
