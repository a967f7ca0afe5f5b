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
        /// A mobile number of Iran, however it is typed; empty clears it.
        case mobile
        /// A national ID of Iran, however it is typed; empty clears it.
        case nationalID
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
            guard let members = value.members else { return faults.append(FieldFault(path, .notObject)) }
            check(members, properties, allowed, at: path, into: &faults)
        case .array(let element, let limit):
            guard let elements = value.array else { return faults.append(FieldFault(path, .notList)) }
            if let limit, elements.count > limit {
                return faults.append(FieldFault(path, .tooMany, limit: Int64(limit)))
            }
            for (index, item) in elements.enumerated() {
                element.check(item, at: "\(path)[\(index)]", into: &faults)
            }
        case .boolean: if value.bool == nil { faults.append(FieldFault(path, .notBoolean)) }
        case .number:
            if case .double = value { return }
            if value.int == nil { faults.append(FieldFault(path, .notNumber)) }
        case .integer(let range):
            guard let number = value.int else { return faults.append(FieldFault(path, .notWholeNumber)) }
            if let range, number < range.lowerBound {
                faults.append(FieldFault(path, .tooSmall, limit: range.lowerBound))
            } else if let range, number > range.upperBound {
                faults.append(FieldFault(path, .tooGreat, limit: range.upperBound))
            }
        case .string(let limit, let form, let values):
            guard let text = value.string else { return faults.append(FieldFault(path, .notText)) }
            if let fault = Shape.fault(of: text, at: path, limit: limit, form: form, values: values) {
                faults.append(fault)
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
                faults.append(FieldFault(prefix + property.name, .missing))
            }
        }
        for member in members where !properties.contains(where: { $0.name == member.name }) {
            let field = prefix + String(member.name.prefix(60))
            switch allowed {
            case .any: continue
            case .strings(let names, let schema) where names.contains(member.name):
                schema.check(member.value, at: field, into: &faults)
            default:
                faults.append(FieldFault(field, .unknownMember))
            }
            if faults.count >= 20 { return }
        }
    }

    /// - Parameter path: of the field, for the fault.
    static func fault(of text: String, at path: String, limit: Int?, form: Form, values: [String]?) -> FieldFault? {
        if let values {
            return values.contains(text) ? nil : FieldFault(path, .notOneOf, values.joined(separator: ", "))
        }
        // PostgreSQL cannot store NUL, and no person writes the other ones.
        if text.unicodeScalars.contains(where: { $0.value < 0x20 && !"\n\r\t".unicodeScalars.contains($0) }) {
            return FieldFault(path, .controlCharacter)
        }
        if let limit, text.unicodeScalars.count > limit { return FieldFault(path, .tooLong, limit: Int64(limit)) }
        switch form {
        case .text: return nil
        case .dateTime: return Instant(rfc3339: text) == nil ? FieldFault(path, .notATime) : nil
        case .uuid: return CaseID(text) == nil ? FieldFault(path, .notACase) : nil
        case .hash: return EventHash(hex: text) == nil ? FieldFault(path, .notAHash) : nil
        case .mobile:
            return text.isEmpty || MobileNumber(parsing: text) != nil ? nil : FieldFault(path, .notAMobileNumber)
        case .nationalID:
            return text.isEmpty || NationalID(parsing: text) != nil ? nil : FieldFault(path, .notANationalID)
        case .organization: return OrganizationCode(rawValue: text) == nil ? FieldFault(path, .notAnOrganization) : nil
        }
    }
}
