import Contract
import JSON

extension Shape {
    /// As JSON Shape 2020-12, the dialect of OpenAPI 3.1.
    var openAPI: JSON {
        switch self {
        case .named(let name): return ["$ref": .string("#/components/schemas/" + name)]
        case .boolean: return ["type": "boolean"]
        case .number: return ["type": "number"]
        case .integer(let range):
            guard let range else { return ["type": "integer"] }
            return ["type": "integer", "minimum": .int(range.lowerBound), "maximum": .int(range.upperBound)]
        case .string(let limit, let form, let values): return Shape.openAPI(limit: limit, form: form, values: values)
        case .array(let element, let limit):
            var members: [JSON.Member] = [.init("type", "array"), .init("items", element.openAPI)]
            if let limit { members.append(.init("maxItems", JSON(limit))) }
            return .object(members)
        case .nullable(let schema):
            if case .object(var members) = schema.openAPI, case .string(let type)? = members.first?.value,
                members.first?.name == "type"
            {
                members[0].value = [.string(type), "null"]
                if let index = members.firstIndex(where: { $0.name == "enum" }),
                    case .array(let values) = members[index].value
                {
                    members[index].value = .array(values + [.null])
                }
                return .object(members)
            }
            return ["anyOf": [schema.openAPI, ["type": "null"]]]
        case .object(let properties, let allowed): return Shape.openAPI(properties, allowed)
        }
    }

    private static func openAPI(limit: Int?, form: Form, values: [String]?) -> JSON {
        var members: [JSON.Member] = [.init("type", "string")]
        if let limit { members.append(.init("maxLength", JSON(limit))) }
        if let values { members.append(.init("enum", JSON(values))) }
        switch form {
        case .text: break
        case .mobile: members.append(.init("examples", ["09141234567"]))
        case .nationalID: members.append(.init("examples", ["0499370899"]))
        case .dateTime, .uuid: members.append(.init("format", .string(form.rawValue)))
        case .hash: members.append(.init("pattern", "^[0-9a-fA-F]{64}$"))
        case .organization: members.append(.init("pattern", "^[A-Z0-9-]{2,32}$"))
        }
        return .object(members)
    }

    private static func openAPI(_ properties: [Property], _ allowed: Unnamed) -> JSON {
        var described = properties.map { property in
            var schema = property.schema.openAPI
            if let note = property.note, case .object(var members) = schema {
                members.append(.init("description", .string(note)))
                schema = .object(members)
            }
            return JSON.Member(property.name, schema)
        }
        var members: [JSON.Member] = [.init("type", "object")]
        let required = properties.filter(\.isRequired).map(\.name)
        if !required.isEmpty { members.append(.init("required", JSON(required))) }
        if case .strings(let names, let schema) = allowed {
            described += names.map { JSON.Member($0, schema.openAPI) }
        }
        members.append(.init("properties", .object(described)))
        if case .any = allowed {} else { members.append(.init("additionalProperties", false)) }
        return .object(members)
    }
}
