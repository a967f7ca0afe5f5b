import Casework
import CSV
import Contract
import JSON
import Program

/// A row that has become a case.
struct ImportRow: Sendable {
    var line: Int
    /// The row's own key: a second import of it adds nothing.
    var key: String
    var province: Origin
    var imported: ImportedCase
}

/// A row that became none, and why.
struct Reject: Sendable, Equatable {
    var line: Int
    var key: String
    var reason: String
}

/// The heading of a file, and a mapping: what turns its rows into cases.
struct RowReader: Sendable {
    let mapping: ImportMapping
    private let columns: [String: Int]
    private let width: Int

    /// - Throws: `Failure` when the mapping names a column that the file does not have.
    init(_ mapping: ImportMapping, heading: [String]) throws(Failure) {
        self.mapping = mapping
        width = heading.count
        var columns: [String: Int] = [:]
        for (index, name) in heading.enumerated() {
            guard columns.updateValue(index, forKey: name) == nil else {
                throw Failure("the file has two columns '\(name)'; remove one.")
            }
        }
        let missing = mapping.columns.subtracting(columns.keys).sorted()
        guard missing.isEmpty else {
            throw Failure(
                "the file has no column '\(missing.joined(separator: "', '"))', which mapping \(mapping.name) reads; "
                    + "its columns are: \(heading.joined(separator: ", ")).")
        }
        self.columns = columns
    }

    private struct Wrong: Error { var reason: String }

    /// - Parameter into: the one province that takes all rows; nil: the mapping decides.
    func read(_ row: CSVReader.Row, into target: Origin? = nil) -> Result<ImportRow, RejectedRow> {
        let key = columns[mapping.keyColumn].flatMap { $0 < row.fields.count ? row.fields[$0] : nil } ?? ""
        do {
            if let fault = row.fault { throw Wrong(reason: fault) }
            guard row.fields.count == width else {
                throw Wrong(reason: "has \(row.fields.count) fields, the heading has \(width)")
            }
            return .success(try convert(row, key: key, target))
        } catch let wrong as Wrong {
            return .failure(RejectedRow(reject: Reject(line: row.line, key: key, reason: wrong.reason)))
        } catch {
            return .failure(RejectedRow(reject: Reject(line: row.line, key: key, reason: "\(error)")))
        }
    }

    /// As an error, for `Result`.
    struct RejectedRow: Error { var reject: Reject }

    private func convert(_ row: CSVReader.Row, key: String, _ target: Origin?) throws -> ImportRow {
        guard !key.isEmpty else { throw Wrong(reason: "\(mapping.keyColumn) is empty") }
        guard (mapping.keyPrefix + key).utf8.count <= 190 else {
            throw Wrong(reason: "its key is longer than 190 bytes")
        }
        let province = try target ?? province(of: row)
        let registeredAt = try time(mapping.registeredAt, row)
        var texts = Texts()
        texts.subject = try filled(mapping.subject, row)
        texts.description = try filled(mapping.description, row)
        texts.citizenName = try filled(mapping.citizenName, row)
        texts.citizenMobile = try filled(mapping.citizenMobile, row)
        texts.citizenAddress = try filled(mapping.citizenAddress, row)
        let intake = Intake(
            kind: try choose(mapping.kind, "kind", row), channel: try choose(mapping.channel, "channel", row),
            category: try choose(mapping.category, "category", row),
            priority: try choose(mapping.priority, "priority", row),
            tags: try mapping.tags.compactMap { try filled($0, row) }, texts: texts)
        let history = try history(of: row, province: province, registeredAt: registeredAt)
        return ImportRow(
            line: row.line, key: mapping.keyPrefix + key, province: province,
            imported: ImportedCase(intake: intake, registeredAt: registeredAt, history: history))
    }

    private func history(
        of row: CSVReader.Row, province: Origin, registeredAt: Instant
    ) throws -> [ImportedCase.Event] {
        var events: [ImportedCase.Event] = []
        var last = registeredAt
        for step in try choose(mapping.history, "history", row) {
            let at = try time(step.at, row)
            guard at >= last else {
                throw Wrong(reason: "\(step.what.rawValue) at \(at.rfc3339) lies before the step at \(last.rfc3339)")
            }
            last = at
            let text = try filled(step.text, row) ?? ""
            events.append(ImportedCase.Event(at: at, step: try self.step(step, text: text, row, province)))
        }
        return events
    }

    private func step(
        _ step: ImportMapping.Step, text: String, _ row: CSVReader.Row, _ province: Origin
    ) throws -> ImportedCase.Step {
        switch step.what {
        case .referred:
            let agency = try choose(mapping.agency, "agency", row)
            guard let code = OrganizationCode(rawValue: "\(province.code)-\(agency)") else {
                throw Wrong(reason: "\(province.code)-\(agency) is no organisation's code")
            }
            return .referred(to: code)
        case .accepted: return .accepted
        case .acted: return .acted(text)
        case .answered: return .answered(text)
        case .noted: return .noted(text)
        case .closed:
            guard let outcome = step.outcome else { throw Wrong(reason: "its end has no outcome") }
            return .closed(try choose(outcome, "outcome", row), text)
        }
    }

    // MARK: Values

    private func value(_ column: String, _ row: CSVReader.Row) throws -> String {
        guard let index = columns[column] else { throw Wrong(reason: "there is no column \(column)") }
        return row.fields[index]
    }

    private func choose<Value>(
        _ choice: ImportMapping.Choice<Value>, _ name: String, _ row: CSVReader.Row
    ) throws -> Value {
        if let column = choice.column, let value = choice.values[try value(column, row)] { return value }
        if let otherwise = choice.otherwise { return otherwise }
        let column = choice.column ?? ""
        let value = try value(column, row).prefix(100)
        throw Wrong(reason: "\(column) is '\(value)', for which the mapping has no \(name)")
    }

    /// Nil when nothing but the template's own text would be left.
    private func filled(_ template: ImportMapping.Template, _ row: CSVReader.Row) throws -> String? {
        var text = ""
        var hasValue = false
        for part in template.parts {
            switch part {
            case .text(let fixed): text += fixed
            case .column(let name):
                let value = try value(name, row)
                hasValue = hasValue || !value.isEmpty
                text += value
            }
        }
        let isFixed = template.parts.allSatisfy { if case .text = $0 { true } else { false } }
        return text.isEmpty || !(hasValue || isFixed) ? nil : text
    }

    private func time(_ names: [String], _ row: CSVReader.Row) throws -> Instant {
        for name in names {
            let text = try value(name, row)
            if text.isEmpty { continue }
            guard let local = mapping.timeFormat.parse(text) else {
                throw Wrong(reason: "\(name) is '\(text.prefix(50))', which is no time in the mapping's format")
            }
            return mapping.zone.instant(of: local)
        }
        throw Wrong(reason: "\(names.joined(separator: " and ")) \(names.count > 1 ? "are" : "is") empty")
    }

    private func province(of row: CSVReader.Row) throws -> Origin {
        for column in mapping.place.columns {
            let value = try value(column, row)
            if let province = mapping.place.values[value] { return province }
            if value.isEmpty { continue }
            if mapping.place.spreads { return Self.spread(value) }
            throw Wrong(reason: "\(column) is '\(value.prefix(100))', for which the mapping has no province")
        }
        throw Wrong(reason: "\(mapping.place.columns.joined(separator: " and ")) name no province")
    }

    /// The same value gets the same province on every machine, in proportion to population: FNV-1a over its bytes.
    static func spread(_ value: String) -> Origin {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in value.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let people = Province.all.reduce(0) { $0 + $1.population }
        // The high bits of FNV are its better ones.
        var number = Int((hash >> 16) % UInt64(people))
        for province in Province.all {
            number -= province.population
            if number < 0 { return province.origin }
        }
        return Origin.provinces[0]
    }
}

extension ImportRow {
    /// One element of `POST /import`.
    var json: JSON {
        let intake = imported.intake
        var members: [JSON.Member] = [
            .init("kind", .string(intake.kind.rawValue)), .init("channel", .string(intake.channel.rawValue)),
            .init("category", .string(intake.category)), .init("subject", .string(intake.texts.subject ?? "")),
            .init("priority", .string(intake.priority.rawValue)), .init("tags", JSON(intake.tags)),
        ]
        if let description = intake.texts.description { members.append(.init("description", .string(description))) }
        let citizen = [
            ("name", intake.texts.citizenName), ("mobile", intake.texts.citizenMobile),
            ("address", intake.texts.citizenAddress),
        ].compactMap { name, value in value.map { JSON.Member(name, .string($0)) } }
        if !citizen.isEmpty { members.append(.init("citizen", .object(citizen))) }
        return [
            "key": .string(key), "intake": .object(members), "registered_at": .string(imported.registeredAt.rfc3339),
            "history": .array(imported.history.map(\.json)),
        ]
    }
}

extension ImportedCase.Event {
    fileprivate var json: JSON {
        let (name, further): (String, [JSON.Member]) =
            switch step {
            case .referred(let to): ("referred", [.init("to", .string(to.rawValue))])
            case .accepted: ("accepted", [])
            case .acted(let text): ("acted", [.init("text", .string(text))])
            case .answered(let text): ("answered", [.init("text", .string(text))])
            case .noted(let text): ("noted", [.init("text", .string(text))])
            case .closed(let outcome, let text):
                ("closed", [.init("outcome", .string(outcome.rawValue)), .init("text", .string(text))])
            }
        return .object([.init("at", .string(at.rfc3339)), .init("step", .string(name))] + further)
    }
}
