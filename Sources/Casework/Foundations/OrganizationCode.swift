/// The name of an organisation in commands, events and certificates: 2–32 of `A`–`Z`, `0`–`9` and `-`.
public struct OrganizationCode: Sendable, Hashable, Comparable, RawRepresentable, CustomStringConvertible {
    public let rawValue: String

    public init?(rawValue: String) {
        let bytes = rawValue.utf8.prefix(33)
        guard (2...32).contains(bytes.count), bytes.allSatisfy(OrganizationCode.isAllowed) else { return nil }
        self.rawValue = rawValue
    }

    /// As from a text, from its UTF-8.
    public init?(utf8 bytes: UnsafeRawBufferPointer) {
        guard (2...32).contains(bytes.count), bytes.allSatisfy(OrganizationCode.isAllowed) else { return nil }
        rawValue = String(decoding: bytes, as: UTF8.self)
    }

    /// For the tables of this module, whose tests check every code.
    init(known rawValue: String) {
        self.rawValue = rawValue
    }

    /// The presidential office, root of the standard tree.
    public static let presidency = OrganizationCode(known: "PRES")

    /// The governor's office of a province (`IR-03`); for the hub, the presidential office.
    public init(_ origin: Origin) {
        self = origin.isHub ? .presidency : OrganizationCode(known: origin.code)
    }

    public var description: String { rawValue }

    public static func < (left: OrganizationCode, right: OrganizationCode) -> Bool { left.rawValue < right.rawValue }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D
    }
}
