/// Where a journal is written: one of the 31 provinces' nodes, or the hub.
public struct Origin: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// `IR-00`–`IR-30`, or `hub`.
    public let code: String

    public static let hub = Origin(known: "hub")

    /// The 31 provinces in the order of their codes.
    public static let provinces: [Origin] = (0...30).map { Origin(known: "IR-" + padded($0, 2)) }

    /// Nil for anything but `IR-00`–`IR-30` and `hub`, written exactly so.
    public init?(_ code: String) {
        if code == "hub" {
            self = .hub
            return
        }
        let bytes = Array(code.utf8.prefix(6))
        guard bytes.count == 5, bytes.starts(with: "IR-".utf8),
            bytes[3...4].allSatisfy({ (0x30...0x39).contains($0) }),
            (Int(bytes[3]) - 0x30) * 10 + Int(bytes[4]) - 0x30 <= 30
        else { return nil }
        self.init(known: String(decoding: bytes, as: UTF8.self))
    }

    private init(known code: String) {
        self.code = code
    }

    public var isHub: Bool { self == .hub }

    /// The number in the ISO code, 0–30; nil for the hub.
    public var provinceNumber: Int? { isHub ? nil : Int(code.dropFirst(3)) }

    public var province: Province? { provinceNumber.map { Province.all[$0] } }

    public var description: String { code }

    public static func < (left: Origin, right: Origin) -> Bool { left.code < right.code }
}
