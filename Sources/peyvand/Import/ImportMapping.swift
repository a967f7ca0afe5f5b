import Casework
import Contract
import JSON
import POSIX
import Program

/// How the rows of a CSV file become cases; read from a JSON file that `Import/README.md` describes.
struct ImportMapping: Sendable {
    /// A text with columns in braces: `{address}, {zipcode}`.
    struct Template: Sendable, Equatable {
        enum Part: Sendable, Equatable {
            case text(String)
            case column(String)
        }

        var parts: [Part]
    }

    /// A value that follows from a column, or is always the same.
    struct Choice<Value: Sendable>: Sendable {
        var column: String?
        var values: [String: Value]
        /// For what `values` does not name; nil: such a row is rejected.
        var otherwise: Value?
    }

    struct Step: Sendable {
        enum What: String, Sendable, CaseIterable { case referred, accepted, acted, answered, closed, noted }

        var what: What
        /// Columns with its time, the first that is not empty counts.
        var at: [String]
        var text: Template
        var outcome: Choice<Outcome>?
    }

    struct Place: Sendable {
        /// The first of these that is not empty decides.
        var columns: [String]
        /// Provinces by the value of a column.
        var values: [String: Origin]
        /// Whether a value that `values` does not name gets a province by its hash; else such a row is rejected.
        var spreads: Bool
    }

    var name: String
    var keyPrefix: String
    var keyColumn: String
    var timeFormat: TimeFormat
    var zone: TimeZoneRule
    var registeredAt: [String]
    var place: Place
    var kind: Choice<Kind>
    var channel: Choice<Channel>
    var category: Choice<String>
    var priority: Choice<Priority>
    /// The local agency that cases were referred to, without its province: `MUN`.
    var agency: Choice<String>
    var subject, description: Template
    var citizenName, citizenMobile, citizenAddress: Template
    var tags: [Template]
    var history: Choice<[Step]>
    /// Of the mapping's own text: another mapping is another import.
    var source: [UInt8]

    /// Every column that is named anywhere.
    var columns: Set<String> {
        var names = Set([keyColumn] + registeredAt + place.columns)
        names.formUnion(
            [kind.column, channel.column, category.column, priority.column, agency.column, history.column]
                .compactMap { $0 })
        var templates = [subject, description, citizenName, citizenMobile, citizenAddress] + tags
        for step in history.values.sorted(by: { $0.key < $1.key }).flatMap(\.value) + (history.otherwise ?? []) {
            names.formUnion(step.at)
            if let column = step.outcome?.column { names.insert(column) }
            templates.append(step.text)
        }
        for case .column(let name) in templates.flatMap(\.parts) { names.insert(name) }
        return names
    }
}

// MARK: - Reading

extension ImportMapping {
    /// The mappings that come with the program, by name.
    static let shipped: [String: [UInt8]] = ["la311-2020": PackageResources.la311_2020_json]

    /// - Parameter place: a path, or the name of a shipped mapping.
    init(_ place: String) throws {
        if Files.exists(place) {
            try self.init(json: try Files.read(place), from: place)
        } else if let bytes = Self.shipped[place] {
            try self.init(json: bytes, from: place)
        } else {
            let names = Self.shipped.keys.sorted().joined(separator: ", ")
            throw Failure.usedWrongly("there is no mapping '\(place)'; give a file, or one of: \(names).")
        }
    }

    /// - Throws: `Failure` that names the member at fault.
    init(json bytes: [UInt8], from place: String) throws {
        let json: JSON
        do throws(JSON.SyntaxError) {
            json = try JSON(parsing: bytes)
        } catch {
            throw Failure.usedWrongly("\(place): byte \(error.offset): \(error.reason).")
        }
        let reader = MappingReader(place: place, json: json)
        source = bytes
        name = try reader.text("name")
        keyPrefix = json["key"]?["prefix"]?.string ?? ""
        keyColumn = try reader.text("key", "column")
        timeFormat = try TimeFormat(try reader.text("time", "format"))
        zone = try TimeZoneRule(try reader.text("time", "zone"))
        registeredAt = try reader.names(json["registered_at"], "registered_at")
        self.place = try reader.province()
        kind = try reader.choice("kind") { $0.string.flatMap { Kind(rawValue: $0) } }
        channel = try reader.choice("channel") { $0.string.flatMap { Channel(rawValue: $0) } }
        category = try reader.choice("category") { $0.string.flatMap { Category[$0]?.code } }
        priority = try reader.choice("priority", ifAbsent: .normal) { $0.string.flatMap { Priority(rawValue: $0) } }
        agency = try reader.choice("agency") { value in
            value.string.flatMap { OrganizationCode(rawValue: "IR-00-" + $0) == nil ? nil : $0 }
        }
        subject = try reader.template(json["subject"], "subject")
        description = try reader.template(json["description"] ?? "", "description")
        citizenName = try reader.template(json["citizen"]?["name"] ?? "", "citizen.name")
        citizenMobile = try reader.template(json["citizen"]?["mobile"] ?? "", "citizen.mobile")
        citizenAddress = try reader.template(json["citizen"]?["address"] ?? "", "citizen.address")
        var tags: [Template] = []
        for tag in json["tags"]?.array ?? [] { tags.append(try reader.template(tag, "tags")) }
        self.tags = tags
        history = try reader.history()
    }
}

private struct MappingReader {
    let place: String
    let json: JSON

    func wrong(_ member: String, _ reason: String) -> Failure {
        .usedWrongly("\(place): '\(member)' \(reason); see Import/README.md.")
    }

    func text(_ path: String...) throws(Failure) -> String {
        let value = path.reduce(Optional(json)) { $0?[$1] }
        guard let text = value?.string, !text.isEmpty else { throw wrong(path.joined(separator: "."), "is missing") }
        return text
    }

    /// One name, or several in an array.
    func names(_ value: JSON?, _ member: String) throws(Failure) -> [String] {
        if let name = value?.string, !name.isEmpty { return [name] }
        let names = value?.array?.compactMap(\.string) ?? []
        guard !names.isEmpty, names.count == value?.array?.count else {
            throw wrong(member, "must name a column, or several")
        }
        return names
    }

    func template(_ value: JSON?, _ member: String) throws(Failure) -> ImportMapping.Template {
        guard let text = value?.string else { throw wrong(member, "must be a text") }
        var parts: [ImportMapping.Template.Part] = []
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else {
                throw wrong(member, "has a brace that is not closed")
            }
            if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
            let column = rest[rest.index(after: open)..<close]
            guard !column.contains("{") else { throw wrong(member, "has a brace that is not closed") }
            parts.append(.column(String(column)))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        return ImportMapping.Template(parts: parts)
    }

    func choice<Value: Sendable>(
        _ member: String, ifAbsent: Value? = nil, read: (JSON) -> Value?
    ) throws(Failure) -> ImportMapping.Choice<Value> {
        try choice(json[member], member, ifAbsent: ifAbsent, read: read)
    }

    /// `"phone"`, or `{"column": …, "values": {…}, "default": …}`.
    func choice<Value: Sendable>(
        _ json: JSON?, _ member: String, ifAbsent: Value? = nil, read: (JSON) -> Value?
    ) throws(Failure) -> ImportMapping.Choice<Value> {
        guard let json else {
            guard let ifAbsent else { throw wrong(member, "is missing") }
            return ImportMapping.Choice(column: nil, values: [:], otherwise: ifAbsent)
        }
        if json.members == nil {
            guard let value = read(json) else { throw wrong(member, "has an unknown value") }
            return ImportMapping.Choice(column: nil, values: [:], otherwise: value)
        }
        guard let column = json["column"]?.string else { throw wrong(member + ".column", "is missing") }
        var values: [String: Value] = [:]
        for entry in json["values"]?.members ?? [] {
            guard let value = read(entry.value) else {
                throw wrong("\(member).values.\(entry.name)", "has an unknown value")
            }
            values[entry.name] = value
        }
        var otherwise: Value?
        if let given = json["default"], !given.isNull {
            guard let value = read(given) else { throw wrong(member + ".default", "has an unknown value") }
            otherwise = value
        }
        return ImportMapping.Choice(column: column, values: values, otherwise: otherwise)
    }

    func province() throws(Failure) -> ImportMapping.Place {
        let province = json["province"]
        var values: [String: Origin] = [:]
        for entry in province?["values"]?.members ?? [] {
            guard let code = entry.value.string, let origin = Origin(code), !origin.isHub else {
                throw wrong("province.values.\(entry.name)", "is no province code")
            }
            values[entry.name] = origin
        }
        return ImportMapping.Place(
            columns: try names(province?["columns"], "province.columns"), values: values,
            spreads: province?["spread"]?.bool ?? false)
    }

    func history() throws(Failure) -> ImportMapping.Choice<[ImportMapping.Step]> {
        let json = json["history"]
        guard let column = json?["column"]?.string else { throw wrong("history.column", "is missing") }
        var values: [String: [ImportMapping.Step]] = [:]
        for entry in json?["values"]?.members ?? [] {
            values[entry.name] = try steps(entry.value, "history.values.\(entry.name)")
        }
        var otherwise: [ImportMapping.Step]?
        if let given = json?["default"], !given.isNull { otherwise = try steps(given, "history.default") }
        return ImportMapping.Choice(column: column, values: values, otherwise: otherwise)
    }

    private func steps(_ json: JSON, _ member: String) throws(Failure) -> [ImportMapping.Step] {
        guard let array = json.array else { throw wrong(member, "must be an array of steps") }
        var steps: [ImportMapping.Step] = []
        for (index, step) in array.enumerated() {
            let member = "\(member)[\(index)]"
            guard let what = step["step"]?.string.flatMap({ ImportMapping.Step.What(rawValue: $0) }) else {
                throw wrong(member + ".step", "must be one of: referred, accepted, acted, answered, closed, noted")
            }
            var outcome: ImportMapping.Choice<Outcome>?
            if what == .closed {
                outcome = try choice(step["outcome"], member + ".outcome") { value in
                    value.string.flatMap { Outcome(rawValue: $0) }
                }
            }
            steps.append(
                ImportMapping.Step(
                    what: what, at: try names(step["at"], member + ".at"),
                    text: try template(step["text"] ?? "", member + ".text"), outcome: outcome))
        }
        return steps
    }
}
