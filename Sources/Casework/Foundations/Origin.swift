/// Where a journal is written: the node of one region of a country, or the hub.
///
/// Its code is `CC-NN`, the country's two letters and the region's number, or `hub`. Which regions there are is data
/// of the `Network`; a code alone says only where it would belong.
public struct Origin: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The number of the hub, in place of a region's.
    private static let hubNumber: UInt32 = 255
    private static let countryBits: UInt32 = 10

    /// 18 bits: the number, then the country's letters as 0…675. What a `CaseID` carries. The order of regions of one
    /// country is that of their codes; the hub comes last.
    let packed: UInt32

    public static let hub = Origin(known: hubNumber << countryBits)

    private init(known packed: UInt32) { self.packed = packed }

    /// `nil` for bits that no origin has.
    init?(packed: UInt32) {
        let (number, country) = (packed >> Self.countryBits, packed & (1 << Self.countryBits - 1))
        guard number < 100 ? country < 676 : packed == Self.hub.packed else { return nil }
        self.packed = packed
    }

    /// - Parameters:
    ///   - country: two letters `A`–`Z`.
    ///   - region: 0–99.
    public init?(country: String, region: Int) {
        let letters = Array(country.utf8)
        guard letters.count == 2, (0...99).contains(region) else { return nil }
        self.init(letters[0], letters[1], UInt8(region))
    }

    private init?(_ first: UInt8, _ second: UInt8, _ number: UInt8) {
        guard (0x41...0x5A).contains(first), (0x41...0x5A).contains(second) else { return nil }
        let country = UInt32(first - 0x41) * 26 + UInt32(second - 0x41)
        packed = UInt32(number) << Self.countryBits | country
    }

    /// Nil for anything but `CC-NN` and `hub`, written exactly so.
    public init?(_ code: String) {
        var code = code
        guard let origin = code.withUTF8({ Origin(utf8: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = origin
    }

    /// As from a text, from its UTF-8.
    public init?(utf8 code: UnsafeRawBufferPointer) {
        if code.count == 3, code.elementsEqual("hub".utf8) {
            self = .hub
            return
        }
        guard code.count == 5, code[2] == 0x2D else { return nil }
        let (tens, ones) = (code[3] &- 0x30, code[4] &- 0x30)
        guard tens <= 9, ones <= 9 else { return nil }
        self.init(code[0], code[1], tens * 10 + ones)
    }

    /// `CC-NN`, or `hub`.
    public var code: String {
        if isHub { return "hub" }
        let (number, country) = (UInt8(packed >> Self.countryBits), packed & (1 << Self.countryBits - 1))
        return String(unsafeUninitializedCapacity: 5) { buffer in
            buffer[0] = 0x41 + UInt8(country / 26)
            buffer[1] = 0x41 + UInt8(country % 26)
            buffer[2] = 0x2D
            buffer[3] = 0x30 + number / 10
            buffer[4] = 0x30 + number % 10
            return 5
        }
    }

    public var isHub: Bool { packed == Self.hub.packed }

    /// The number that stands in the code, in tracking codes and in case identifiers: 0–99; nil for the hub.
    public var region: Int? { isHub ? nil : Int(packed >> Self.countryBits) }

    /// The country's two letters; nil for the hub.
    public var country: String? { isHub ? nil : String(code.prefix(2)) }

    /// The region of that number in the same country; nil at the hub and for anything but 0–99.
    public func neighbour(_ region: Int) -> Origin? { country.flatMap { Origin(country: $0, region: region) } }

    public var description: String { code }

    public static func < (left: Origin, right: Origin) -> Bool { left.packed < right.packed }
}
