import Casework
import Contract
import HTTPTypes
import JSON
import Testing

@testable import Console

/// No input gives a 5xx or a trap. Seeds are fixed: a failure repeats.
@Suite struct FuzzTests {
    struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let pieces = [
        "null", "true", "-1", "1e308", "1e309", "9223372036854775808", "[]", "{}", "\"\"", #""\u0000""#, #""\ud83d""#,
        "\"=cmd\"", "\"٣\"", #"{"a":{"a":{"a":{}}}}"#, "\"IR-99\"", "0.5", "[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]",
        "-", "\"", "\u{202E}", "\"\(String(repeating: "x", count: 600))\"",
    ]

    /// Cuts, doubles, swaps or replaces a part of a text that was in order.
    private static func mutated(_ text: String, _ random: inout Random) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0...Int.random(in: 0..<4, using: &random) {
            let at = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &random)
            let end = min(bytes.count, at + Int.random(in: 0..<12, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes.removeSubrange(at..<end)
            case 1: bytes.insert(contentsOf: bytes[at..<end], at: at)
            case 2: bytes.replaceSubrange(at..<end, with: pieces.randomElement(using: &random)?.utf8 ?? "".utf8)
            case 3: if at < bytes.count { bytes[at] = UInt8.random(in: 0...255, using: &random) }
            case 4: bytes = Array(bytes.prefix(at))
            default: replaceValue(in: &bytes, &random)
            }
        }
        return bytes
    }

    /// Puts another value behind one of the colons, so that the text stays JSON and its shape is wrong.
    private static func replaceValue(in bytes: inout [UInt8], _ random: inout Random) {
        let colons = bytes.indices.filter { bytes[$0] == UInt8(ascii: ":") }
        guard let colon = colons.randomElement(using: &random) else { return }
        let end = bytes[colon...].firstIndex { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") } ?? bytes.count
        bytes.replaceSubrange(colon + 1..<end, with: pieces.randomElement(using: &random)?.utf8 ?? "".utf8)
    }

    @Test func mutatedBodies() async {
        var random = Random(state: 1405)
        var seen: [Int: Int] = [:]
        for client in [Client.node().with(token: "supervisor"), Client.hub()] {
            let routes = client.console.routes.filter { $0.body != nil }
            for round in 0..<1_100 {
                let route = routes[round % routes.count]
                let (path, body) = RouteTests.request(route, client)
                let bytes = Self.mutated(body ?? "{}", &random)
                let answer = await client.send(
                    route.method, path, headers: [.origin: "http://peyvand.example:8443"], bytes: bytes,
                    remote: "10.0.0.\(round % 200)")
                seen[answer.status, default: 0] += 1
                // 409: the quarantine was ended by an earlier round.
                let isKnown = [200, 201, 400, 401, 404, 409, 413, 422].contains(answer.status)
                #expect(isKnown, "\(route.path) \(answer.status) \(String(decoding: bytes, as: UTF8.self))")
                if answer.status >= 400 { #expect(answer.problem != nil) }
            }
        }
        // The mutations reach past the parser, and not all of them spoil the body.
        #expect(seen[400, default: 0] > 100 && seen[422, default: 0] > 100 && seen[200, default: 0] > 10)
    }

    @Test func mutatedPathsAndHeaders() async {
        var random = Random(state: 7)
        let client = Client.node()
        let names: [HTTPField.Name] = [
            .accept, .cookie, .authorization, .origin, .ifNoneMatch, .contentType, .contentLength, .range,
        ]
        for round in 0..<1_000 {
            let route = client.console.routes[round % client.console.routes.count]
            let (path, body) = RouteTests.request(route, client)
            let text = String(decoding: Self.mutated(path + "?q=%D9%86&limit=5&mobile=1234", &random), as: UTF8.self)
            let value = String(decoding: Self.mutated("text/html;q=0.8, Bearer a=b; \"x\"", &random), as: UTF8.self)
            let answer = await client.send(
                route.method, text, body, headers: [names[round % names.count]: value], remote: "10.0.1.\(round % 250)")
            #expect(answer.status < 500 && answer.status >= 200, "\(route.method) \(text): \(answer.status)")
        }
    }

    /// The reader against the writer: what was written is read again, and nothing else is.
    @Test func jsonSurvivesTheRoundTrip() throws {
        var random = Random(state: 99)
        for _ in 0..<500 {
            let value = Self.value(depth: 0, &random)
            #expect(try JSON(parsing: value.bytes) == value)
            let bytes = Self.mutated(value.text, &random)
            if let other = try? JSON(parsing: bytes) { #expect(try JSON(parsing: other.bytes) == other) }
        }
    }

    private static func value(depth: Int, _ random: inout Random) -> JSON {
        switch Int.random(in: 0..<(depth > 4 ? 6 : 8), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .int(.random(in: .min ... .max, using: &random))
        case 3: return .double(Double.random(in: -1e9...1e9, using: &random) + 0.5.ulp)
        case 4: return .string(pieces.randomElement(using: &random) ?? "")
        case 5: return .string(String((0..<5).map { _ in Character(scalar(&random)) }))
        case 6: return .array((0..<Int.random(in: 0..<4, using: &random)).map { _ in value(depth: depth + 1, &random) })
        default:
            return .object(
                (0..<Int.random(in: 0..<4, using: &random)).map { .init("m\($0)", value(depth: depth + 1, &random)) })
        }
    }

    private static func scalar(_ random: inout Random) -> Unicode.Scalar {
        while true {
            if let scalar = Unicode.Scalar(UInt32.random(in: 0...0x10FFFF, using: &random)) { return scalar }
        }
    }
}
