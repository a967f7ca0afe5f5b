/// The national ID of a citizen of Iran (code melli). Its sum shows a slip of the pen; it proves no identity.
public struct NationalID: Sendable, Hashable {
    /// Ten Latin digits.
    public let digits: String

    /// Accepts Latin, Persian and Arabic digits with spaces, hyphens and invisible marks between them. Eight or nine
    /// digits have lost their leading zeros. `nil` where the last digit does not check the others, and for ten equal
    /// digits, which are never issued though some of them pass the sum.
    public init?(parsing text: String) {
        var digits: [UInt8] = []
        for scalar in text.unicodeScalars {
            if let value = PersianText.digitValue(scalar) {
                guard digits.count < 10 else { return nil }
                digits.append(value)
            } else if !PersianText.isFiller(scalar) {
                return nil
            }
        }
        guard digits.count >= 8 else { return nil }
        digits = Array(repeating: 0, count: 10 - digits.count) + digits
        guard !digits.allSatisfy({ $0 == digits[0] }) else { return nil }
        let sum = digits.prefix(9).enumerated().reduce(0) { $0 + Int($1.element) * (10 - $1.offset) }
        let remainder = sum % 11
        guard Int(digits[9]) == (remainder < 2 ? remainder : 11 - remainder) else { return nil }
        self.digits = String(decoding: digits.map { $0 + 0x30 }, as: UTF8.self)
    }
}
