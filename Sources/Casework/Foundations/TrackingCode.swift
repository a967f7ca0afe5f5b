/// The number by which a citizen follows a case: 2 digits for the province where it was registered, 10 random ones,
/// and a check digit after Damm, which finds every single wrong digit and every swap of two neighbours.
public struct TrackingCode: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Why a text is no tracking code.
    public enum ParsingError: Error, Sendable, Hashable {
        /// No digit in it.
        case empty
        /// A character that is neither a digit nor filler.
        case unexpectedCharacter(Unicode.Scalar)
        /// Not 13 digits; counts no further than 14.
        case wrongLength(Int)
        /// Mistyped: the check digit does not fit.
        case wrongCheckDigit
        /// The first two digits name no province.
        case unknownProvince(Int)
    }

    /// 13 Latin digits.
    public let digits: String

    /// `province` is 0–30, the number in the ISO code. `random` should be uniform; its remainder by 10^10 is used.
    public init?(province: Int, random: UInt64) {
        guard (0...30).contains(province) else { return nil }
        let serial = String(random % 10_000_000_000)
        let body = padded(province, 2) + String(repeating: "0", count: 10 - serial.utf8.count) + serial
        digits = body + String(Damm.checkDigit(of: body.utf8.map { $0 - 0x30 }))
    }

    /// `province` is an ISO code, `IR-00`–`IR-30`.
    public init?(province: String, random: UInt64) {
        guard let origin = Origin(province), let number = origin.provinceNumber else { return nil }
        self.init(province: number, random: random)
    }

    /// As `parse`, with nil for every error.
    public init?(parsing text: String) {
        guard let code = try? TrackingCode.parse(text) else { return nil }
        self = code
    }

    /// Reads a code as people write it: Persian, Arabic-Indic or Latin digits, spaces, hyphens, joiners and direction
    /// marks anywhere.
    public static func parse(_ text: String) throws(ParsingError) -> TrackingCode {
        var values: [UInt8] = []
        for scalar in text.unicodeScalars {
            if let value = PersianText.digitValue(scalar) {
                values.append(value)
                guard values.count <= 13 else { throw .wrongLength(values.count) }
            } else if !PersianText.isFiller(scalar) {
                throw .unexpectedCharacter(scalar)
            }
        }
        guard !values.isEmpty else { throw .empty }
        guard values.count == 13 else { throw .wrongLength(values.count) }
        guard Damm.isValid(values) else { throw .wrongCheckDigit }
        let province = Int(values[0]) * 10 + Int(values[1])
        guard (0...30).contains(province) else { throw .unknownProvince(province) }
        return TrackingCode(values: values)
    }

    /// Reads a code as programs write it: nil for anything but the 13 Latin digits of a code.
    public init?(utf8 digits: UnsafeRawBufferPointer) {
        guard digits.count == 13, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let province = (digits[0] - 0x30) * 10 + (digits[1] - 0x30)
        guard province <= 30, Damm.isValid(digits.lazy.map { $0 - 0x30 }) else { return nil }
        self.digits = String(decoding: digits, as: UTF8.self)
    }

    private init(values: [UInt8]) {
        digits = String(decoding: values.map { $0 + 0x30 }, as: UTF8.self)
    }

    /// `03-12345-67890-1`.
    public var grouped: String {
        let bytes = Array(digits.utf8)
        return [bytes[0..<2], bytes[2..<7], bytes[7..<12], bytes[12..<13]]
            .map { String(decoding: $0, as: UTF8.self) }.joined(separator: "-")
    }

    /// `۰۳-۱۲۳۴۵-۶۷۸۹۰-۱`.
    public var groupedPersian: String { PersianText.persianDigits(grouped) }

    /// `IR-03`.
    public var province: String { "IR-" + digits.prefix(2) }

    public var description: String { grouped }

    public static func < (left: TrackingCode, right: TrackingCode) -> Bool { left.digits < right.digits }
}

/// H. Michael Damm's check digit (2004), by the weakly totally anti-symmetric quasigroup of order 10 of his thesis.
enum Damm {
    /// Its ten rows, one after the other: an array of arrays would be two look-ups for each digit.
    private static let quasigroup: [UInt8] = [
        0, 3, 1, 7, 5, 9, 8, 6, 4, 2,
        7, 0, 9, 2, 1, 5, 4, 8, 6, 3,
        4, 2, 0, 6, 8, 7, 1, 3, 5, 9,
        1, 7, 5, 0, 9, 8, 3, 4, 2, 6,
        6, 1, 2, 3, 0, 4, 5, 9, 7, 8,
        3, 6, 7, 4, 2, 0, 9, 5, 8, 1,
        5, 8, 6, 9, 7, 2, 0, 1, 3, 4,
        8, 9, 4, 5, 3, 6, 2, 0, 1, 7,
        9, 4, 3, 8, 6, 1, 7, 2, 0, 5,
        2, 5, 8, 1, 4, 3, 6, 7, 9, 0,
    ]

    /// `digits` holds values 0–9.
    static func checkDigit(of digits: some Sequence<UInt8>) -> UInt8 {
        digits.reduce(0) { quasigroup[Int($0) * 10 + Int($1)] }
    }

    /// True where the last digit is the check digit of those before it.
    static func isValid(_ digits: some Sequence<UInt8>) -> Bool { checkDigit(of: digits) == 0 }
}
