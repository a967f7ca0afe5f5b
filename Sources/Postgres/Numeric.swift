/// PostgreSQL's `numeric` in binary: groups of four decimal digits (`numeric_send` in the server's source).
struct Numeric {
    /// Decimal digits, as the server would print them: `-12.50`, `NaN`, `Infinity`.
    let text: String

    /// Nil for bytes that are no numeric.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let count: Int16 = bytes.bigEndian(at: 0), let weight: Int16 = bytes.bigEndian(at: 2),
            let sign: UInt16 = bytes.bigEndian(at: 4), let scale: Int16 = bytes.bigEndian(at: 6),
            count >= 0, scale >= 0, bytes.count == 8 + 2 * Int(count)
        else { return nil }
        switch sign {
        case 0xC000: text = "NaN"
        case 0xD000: text = "Infinity"
        case 0xF000: text = "-Infinity"
        case 0, 0x4000:
            var digits: [Int] = []
            for index in 0..<Int(count) {
                guard let group: Int16 = bytes.bigEndian(at: 8 + 2 * index), (0...9999).contains(group) else {
                    return nil
                }
                digits.append(Int(group))
            }
            let whole = Self.whole(digits, weight: Int(weight))
            let fraction = Self.fraction(digits, weight: Int(weight), scale: Int(scale))
            text = (sign == 0x4000 ? "-" : "") + whole + (fraction.isEmpty ? "" : "." + fraction)
        default: return nil
        }
    }

    private static func group(_ digits: [Int], _ index: Int) -> String {
        let value = String(index >= 0 && index < digits.count ? digits[index] : 0)
        return String(repeating: "0", count: 4 - value.count) + value
    }

    private static func whole(_ digits: [Int], weight: Int) -> String {
        guard weight >= 0 else { return "0" }
        let text = (0...weight).map { group(digits, $0) }.joined()
        let trimmed = text.drop { $0 == "0" }
        return trimmed.isEmpty ? "0" : String(trimmed)
    }

    private static func fraction(_ digits: [Int], weight: Int, scale: Int) -> String {
        var text = ""
        var index = weight + 1
        while text.count < scale {
            text += group(digits, index)
            index += 1
        }
        return String(text.prefix(scale))
    }
}
