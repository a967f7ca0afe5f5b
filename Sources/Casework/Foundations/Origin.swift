/// Where a journal is written: one of the 31 provinces' nodes, or the hub.
public struct Origin: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// 0–30 for a province, 255 for the hub: the order of the numbers is that of the codes.
    public let number: UInt8

    public static let hub = Origin(known: 255)

    /// The 31 provinces in the order of their codes.
    public static let provinces: [Origin] = (0...30).map { Origin(known: $0) }

    private static let codes = (0...30).map { "IR-" + padded($0, 2) }

    /// Nil for anything but `IR-00`–`IR-30` and `hub`, written exactly so.
    public init?(_ code: String) {
        if code == "hub" {
            self = .hub
            return
        }
        let digits = code.utf8.dropFirst(3)
        guard code.utf8.count == 5, code.hasPrefix("IR-"), digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        let number = digits.reduce(0) { $0 * 10 + $1 - 0x30 }
        guard number <= 30 else { return nil }
        self.init(known: number)
    }

    /// As from a text, from its UTF-8.
    public init?(utf8 code: UnsafeRawBufferPointer) {
        if code.count == 3, code.elementsEqual("hub".utf8) {
            self = .hub
            return
        }
        guard code.count == 5, code[0] == 0x49, code[1] == 0x52, code[2] == 0x2D else { return nil }
        let (tens, ones) = (code[3] &- 0x30, code[4] &- 0x30)
        guard tens <= 9, ones <= 9, tens * 10 + ones <= 30 else { return nil }
        self.init(known: tens * 10 + ones)
    }

    /// Nil for anything but 0–30 and 255.
    public init?(number: UInt8) {
        guard number <= 30 || number == 255 else { return nil }
        self.init(known: number)
    }

    private init(known number: UInt8) { self.number = number }

    /// `IR-00`–`IR-30`, or `hub`.
    public var code: String { isHub ? "hub" : Self.codes[Int(number)] }

    public var isHub: Bool { number == 255 }

    /// The number in the ISO code, 0–30; nil for the hub.
    public var provinceNumber: Int? { isHub ? nil : Int(number) }

    public var province: Province? { provinceNumber.map { Province.all[$0] } }

    public var description: String { code }

    public static func < (left: Origin, right: Origin) -> Bool { left.number < right.number }
}
