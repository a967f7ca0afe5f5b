import Casework
import Contract
import JSON

/// The shape of a JSON value: checks what comes in, describes what goes out, and is printed into the OpenAPI document.
/// One source for all three, so that the document cannot say anything else than the server does.
indirect enum Shape: Sendable {
    case object([Property], allowed: Unnamed = .none)
    /// At most so many characters; `values` lists the only ones allowed.
    case string(limit: Int? = nil, form: Form = .text, values: [String]? = nil)
    case integer(ClosedRange<Int64>? = nil)
    case number
    case boolean
    case array(of: Shape, limit: Int? = nil)
    case nullable(Shape)
    /// A shape with a name of its own in the document.
    case named(String)

    /// Members of an object besides those named.
    enum Unnamed: Sendable {
        /// Refused: a mistyped name must not vanish in silence.
        case none
        case strings([String], of: Shape)
        case any
    }

    enum Form: String, Sendable {
        case text
        case dateTime = "date-time"
        case uuid
        /// 64 hexadecimal digits.
        case hash
        /// An organisation's code.
        case organization
    }

    struct Property: Sendable {
        var name: String
        var schema: Shape
        var isRequired: Bool
        var note: String?

        init(_ name: String, _ schema: Shape, required: Bool = true, _ note: String? = nil) {
            (self.name, self.schema, self.isRequired, self.note) = (name, schema, required, note)
        }

        /// May be left out or null, which mean the same.
        static func optional(_ name: String, _ schema: Shape, _ note: String? = nil) -> Property {
            Property(name, .nullable(schema), required: false, note)
        }
    }
}

/// One thing wrong with a body or a query, by the name of its field.
struct FieldFault: Error, Sendable, Hashable {
    var field: String
    var reason: String

    init(_ field: String, _ reason: String) { (self.field, self.reason) = (field, reason) }
}

extension Shape {
    /// Everything that is wrong with a value, at most 20 things.
    func faults(of value: JSON, at path: String = "") -> [FieldFault] {
        var faults = [FieldFault]()
        check(value, at: path, into: &faults)
        return faults
    }

    private func check(_ value: JSON, at path: String, into faults: inout [FieldFault]) {
        guard faults.count < 20 else { return }
        switch self {
        case .named(let name): Shapes.named(name).check(value, at: path, into: &faults)
        case .nullable(let schema):
            if !value.isNull { schema.check(value, at: path, into: &faults) }
        case .object(let properties, let allowed):
            guard let members = value.members else { return faults.append(FieldFault(path, "must be an object")) }
            check(members, properties, allowed, at: path, into: &faults)
        case .array(let element, let limit):
            guard let elements = value.array else { return faults.append(FieldFault(path, "must be a list")) }
            if let limit, elements.count > limit {
                return faults.append(FieldFault(path, "has more than \(limit) entries"))
            }
            for (index, item) in elements.enumerated() {
                element.check(item, at: "\(path)[\(index)]", into: &faults)
            }
        case .boolean: if value.bool == nil { faults.append(FieldFault(path, "must be true or false")) }
        case .number:
            if case .double = value { return }
            if value.int == nil { faults.append(FieldFault(path, "must be a number")) }
        case .integer(let range):
            guard let number = value.int else { return faults.append(FieldFault(path, "must be a whole number")) }
            if let range, !range.contains(number) {
                faults.append(FieldFault(path, "must be from \(range.lowerBound) to \(range.upperBound)"))
            }
        case .string(let limit, let form, let values):
            guard let text = value.string else { return faults.append(FieldFault(path, "must be a text")) }
            if let reason = Shape.objection(to: text, limit: limit, form: form, values: values) {
                faults.append(FieldFault(path, reason))
            }
        }
    }

    private func check(
        _ members: [JSON.Member], _ properties: [Property], _ allowed: Unnamed, at path: String,
        into faults: inout [FieldFault]
    ) {
        let prefix = path.isEmpty ? "" : path + "."
        for property in properties {
            if let member = members.first(where: { $0.name == property.name }) {
                property.schema.check(member.value, at: prefix + property.name, into: &faults)
            } else if property.isRequired {
                faults.append(FieldFault(prefix + property.name, "is missing"))
            }
        }
        for member in members where !properties.contains(where: { $0.name == member.name }) {
            let field = prefix + String(member.name.prefix(60))
            switch allowed {
            case .any: continue
            case .strings(let names, let schema) where names.contains(member.name):
                schema.check(member.value, at: field, into: &faults)
            default:
                faults.append(FieldFault(field, "is not known here; check its spelling"))
            }
            if faults.count >= 20 { return }
        }
    }

    static func objection(to text: String, limit: Int?, form: Form, values: [String]?) -> String? {
        if let values {
            return values.contains(text) ? nil : "must be one of: " + values.joined(separator: ", ")
        }
        // PostgreSQL cannot store NUL, and no person writes the other ones.
        if text.unicodeScalars.contains(where: { $0.value < 0x20 && !"\n\r\t".unicodeScalars.contains($0) }) {
            return "holds a control character"
        }
        if let limit, text.unicodeScalars.count > limit { return "is longer than \(limit) characters" }
        switch form {
        case .text: return nil
        case .dateTime: return Instant(rfc3339: text) == nil ? "must be a time such as 2026-11-21T07:30:00Z" : nil
        case .uuid: return CaseID(text) == nil ? "must be the id of a case" : nil
        case .hash: return EventHash(hex: text) == nil ? "must be the hash of an event, 64 hexadecimal digits" : nil
        case .organization:
            return OrganizationCode(rawValue: text) == nil ? "must be the code of an organisation, such as IR-23" : nil
        }
    }
}
