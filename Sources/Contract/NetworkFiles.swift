import CSV
public import Casework

/// A country as a folder of CSV files: `deploy/countries/README.md` says what each column means.
public enum NetworkFiles {
    /// The files that are read, in this order; all but the first may be missing once the country is known.
    public static let names = [
        "country.csv", "regions.csv", "organizations.csv", "categories.csv", "policy.csv", "holidays.csv",
        "closures.csv",
    ]

    /// What is wrong with a file, and where.
    public struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
        public let file: String
        /// From 1; 0 for the file as a whole.
        public let line: Int
        public let reason: String

        public var description: String { line == 0 ? "\(file): \(reason)" : "\(file), line \(line): \(reason)" }
    }

    /// Reads the rules that files hold. Judged by themselves only; whether they stand together, `Network.decide` says.
    /// - Parameters:
    ///   - files: contents by name, as in `names`; others are a fault.
    ///   - network: what holds already, for the country where `country.csv` is missing.
    public static func changes(
        in files: [String: String], knowing network: Network = .empty
    ) throws(Fault) -> [NetworkChange] {
        for name in files.keys.sorted() where !names.contains(name) {
            throw Fault(file: name, line: 0, reason: "is no file of a country")
        }
        var country = network.country
        var changes: [NetworkChange] = []
        if let text = files["country.csv"] {
            let rows = try CountryTable(
                "country.csv", text, ["code", "name_fa", "name_en", "calendar", "zone", "language"])
            guard let row = rows.rows.first, rows.rows.count == 1 else {
                throw Fault(file: "country.csv", line: 0, reason: "holds not exactly one country")
            }
            country = try self.country(row)
            changes.append(.countrySet(country))
        }
        guard !country.code.isEmpty else { throw Fault(file: "country.csv", line: 0, reason: "is missing") }
        for (name, columns, read) in readers(country) {
            guard let text = files[name] else { continue }
            for row in try CountryTable(name, text, columns).rows { changes.append(try read(row)) }
        }
        if let text = files["policy.csv"] {
            let rows = try CountryTable("policy.csv", text, ["from", "rule", "value"]).rows
            changes += try policies(rows, country).map { .policySet($0) }
        }
        return changes
    }

    private typealias Reader = (CountryTable.Row) throws(Fault) -> NetworkChange

    private static func readers(_ country: Country) -> [(name: String, columns: [String], read: Reader)] {
        [
            (
                "regions.csv",
                [
                    "code", "slug", "name_fa", "name_en", "short_fa", "short_en", "capital_fa", "capital_en",
                    "population", "column", "row",
                ], { (row) throws(Fault) in .regionSet(try region(row)) }
            ),
            (
                "organizations.csv",
                ["code", "kind", "name_fa", "name_en", "parent", "seat", "area", "area_is_partial"],
                { (row) throws(Fault) in .organizationSet(try organization(row)) }
            ),
            (
                "categories.csv", ["code", "name_fa", "name_en", "local_agency", "ministry"],
                { (row) throws(Fault) in .categorySet(try category(row)) }
            ),
            (
                "holidays.csv", ["date", "source", "name_fa", "name_en"],
                { (row) throws(Fault) in .holidaySet(try holiday(row, country)) }
            ),
            (
                "closures.csv", ["region", "date", "authority", "reference"],
                { (row) throws(Fault) in .closureProclaimed(try closure(row, country)) }
            ),
        ]
    }

    private static func country(_ row: CountryTable.Row) throws(Fault) -> Country {
        Country(
            code: try row.text("code"), nameFA: try row.text("name_fa"), nameEN: try row.text("name_en"),
            calendar: try row.read("calendar", "is jalali or gregorian") { CivilCalendar(rawValue: $0) },
            zone: try row.read("zone", "is asia_tehran, UTC or such as UTC+05:30") { Zone(code: $0) },
            language: try row.read("language", "is fa or en") { Language(rawValue: $0) })
    }

    private static func region(_ row: CountryTable.Row) throws(Fault) -> Region {
        Region(
            origin: try row.read("code", "is a region's code such as IR-03") {
                Origin($0).flatMap { $0.isHub ? nil : $0 }
            },
            slug: try row.text("slug"), nameFA: try row.text("name_fa"), nameEN: try row.text("name_en"),
            shortFA: try row.text("short_fa"), shortEN: try row.text("short_en"),
            capitalFA: try row.text("capital_fa"), capitalEN: try row.text("capital_en"),
            population: try row.number("population"),
            tile: Region.Tile(column: try row.number("column"), row: try row.number("row")))
    }

    private static func organization(_ row: CountryTable.Row) throws(Fault) -> Organization {
        Organization(
            code: try row.read("code", "is 2 to 32 of A–Z, 0–9 and -") { OrganizationCode(rawValue: $0) },
            kind: try row.read("kind", "is presidency, province, ministry or agency") {
                Organization.Kind(rawValue: $0)
            },
            nameFA: try row.text("name_fa"), nameEN: try row.text("name_en"),
            parent: try row.optional("parent", "is an organisation's code") { OrganizationCode(rawValue: $0) },
            seat: try row.read("seat", "is hub or a region's code") { Origin($0) },
            area: row["area"].split(separator: " ").map { String($0) },
            areaIsPartial: try row.read("area_is_partial", "is yes or no") { ["yes": true, "no": false][$0] })
    }

    /// Forms show categories in the order of their lines.
    private static func category(_ row: CountryTable.Row) throws(Fault) -> Category {
        Category(
            code: try row.text("code"), nameFA: try row.text("name_fa"), nameEN: try row.text("name_en"),
            localAgency: row["local_agency"].isEmpty ? nil : row["local_agency"],
            ministry: try row.optional("ministry", "is an organisation's code") { OrganizationCode(rawValue: $0) },
            order: row.line * 10)
    }

    private static func holiday(_ row: CountryTable.Row, _ country: Country) throws(Fault) -> Holiday {
        let day: Holiday.Day = try row.read("date", "is a date such as 1405-01-02, or 01-02 for every year") { text in
            if let yearly = WorkCalendar.MonthDay(code: text) { return .yearly(yearly) }
            return CivilDate(country.calendar, parsing: text).map { .single($0.dayNumber) }
        }
        return Holiday(
            day: day,
            source: try row.read("source", "is fixed, lunar, ad_hoc, estimated or void") {
                Holiday.Source(rawValue: $0)
            },
            nameFA: try row.text("name_fa"), nameEN: try row.text("name_en"))
    }

    private static func closure(_ row: CountryTable.Row, _ country: Country) throws(Fault) -> Closure {
        Closure(
            region: try row.optional("region", "is a region's code or empty") { Origin($0) },
            day: try row.day("date", country), authority: try row.text("authority"),
            reference: try row.text("reference"))
    }

    /// Each first day has a policy: what its rows leave out goes on as before.
    private static func policies(_ rows: [CountryTable.Row], _ country: Country) throws(Fault) -> [Policy] {
        var dated: [(day: Int, row: CountryTable.Row)] = []
        for row in rows { dated.append((try row.day("from", country), row)) }
        let days = Set(dated.map(\.day)).sorted()
        var values: [String: String] = [:]
        var policies: [Policy] = []
        for day in days {
            for (_, row) in dated.filter({ $0.day == day }) {
                values[try row.text("rule")] = try row.text("value")
            }
            guard let row = dated.first(where: { $0.day == day })?.row else { continue }
            policies.append(try policy(values, from: day, row))
        }
        return policies
    }

    private static func policy(
        _ values: [String: String], from day: Int, _ row: CountryTable.Row
    ) throws(Fault) -> Policy {
        func days(_ rule: String) throws(Fault) -> Int {
            guard let number = values[rule].flatMap({ Int($0) }) else {
                throw row.fault("the rule \(rule) is missing or no number")
            }
            return number
        }
        var kinds: [Kind: Int] = [:]
        for rule in values.keys.sorted() where !["case_days", "complaint_days", "accept_days", "rest"].contains(rule) {
            guard rule.hasPrefix("case_days:"), let kind = Kind(rawValue: String(rule.dropFirst(10))) else {
                throw row.fault("the rule \(rule) is not known")
            }
            kinds[kind] = try days(rule)
        }
        var rest: Set<Int> = []
        for code in (values["rest"] ?? "").split(separator: " ") {
            guard let weekday = WorkCalendar.weekdays.firstIndex(of: String(code)) else {
                throw row.fault("rest is a list of sat sun mon tue wed thu fri")
            }
            rest.insert(weekday)
        }
        return Policy(
            from: day, caseDays: try days("case_days"), kindDays: kinds, complaintDays: try days("complaint_days"),
            acceptDays: try days("accept_days"), rest: rest)
    }
}

/// One file: rows by the names in its first line.
private struct CountryTable {
    struct Row {
        let file: String
        let line: Int
        let fields: [String: String]

        subscript(_ column: String) -> String { fields[column] ?? "" }

        func fault(_ reason: String) -> NetworkFiles.Fault {
            NetworkFiles.Fault(file: file, line: line, reason: reason)
        }

        func text(_ column: String) throws(NetworkFiles.Fault) -> String {
            let text = self[column]
            guard !text.isEmpty else { throw fault("\(column) is empty") }
            return text
        }

        func number(_ column: String) throws(NetworkFiles.Fault) -> Int {
            try read(column, "is a whole number") { Int($0) }
        }

        func day(_ column: String, _ country: Country) throws(NetworkFiles.Fault) -> Int {
            try read(column, "is a date such as 1405-01-02") { text in
                CivilDate(country.calendar, parsing: text)?.dayNumber
            }
        }

        func read<T>(
            _ column: String, _ rule: String, _ parse: (String) -> T?
        ) throws(NetworkFiles.Fault) -> T {
            guard let value = parse(self[column]) else { throw fault("\(column) “\(self[column])” \(rule)") }
            return value
        }

        func optional<T>(
            _ column: String, _ rule: String, _ parse: (String) -> T?
        ) throws(NetworkFiles.Fault) -> T? {
            self[column].isEmpty ? nil : try read(column, rule, parse)
        }
    }

    private(set) var rows: [Row] = []

    init(_ file: String, _ text: String, _ columns: [String]) throws(NetworkFiles.Fault) {
        var reader = CSVReader(Array(text.utf8))
        var header: [String]?
        while let row = reader.next() {
            if let fault = row.fault { throw NetworkFiles.Fault(file: file, line: row.line, reason: fault) }
            let fields = row.fields.map { PersianText.trimmed($0[...]) }.map { String($0) }
            guard let names = header else {
                guard fields == columns else {
                    let wanted = columns.joined(separator: ",")
                    throw NetworkFiles.Fault(file: file, line: row.line, reason: "does not begin with \(wanted)")
                }
                header = fields
                continue
            }
            guard fields.count == names.count else {
                throw NetworkFiles.Fault(file: file, line: row.line, reason: "has not \(names.count) fields")
            }
            let byName = Dictionary(zip(names, fields), uniquingKeysWith: { first, _ in first })
            rows.append(Row(file: file, line: row.line, fields: byName))
        }
        guard header != nil else { throw NetworkFiles.Fault(file: file, line: 0, reason: "is empty") }
    }
}
