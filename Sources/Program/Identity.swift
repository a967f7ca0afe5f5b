import Casework

/// Who a certificate stands for.
public struct Identity: Sendable, Hashable {
    /// Which part of the network.
    public enum Kind: String, Sendable, CaseIterable { case node, hub, ministry, `operator` }

    /// The first part of its path.
    public let kind: Kind
    /// Empty for the hub.
    public let name: String

    /// The hub.
    public static let hub = Identity(kind: .hub, name: "")

    private init(kind: Kind, name: String) { (self.kind, self.name) = (kind, name) }

    /// - Throws: `Failure` for a name that the kind does not have.
    public init(_ kind: Kind, _ name: String) throws(Failure) {
        switch kind {
        case .hub:
            guard name.isEmpty else { throw .usedWrongly("the hub has no further name; leave '\(name)' out.") }
        case .node:
            guard Origin(name)?.province != nil else {
                throw .usedWrongly("'\(name)' is no province code; use IR-00 to IR-30.")
            }
        case .ministry:
            guard OrganizationCode(rawValue: name) != nil, name.first?.isLetter == true else {
                throw .usedWrongly("'\(name)' is no ministry code; use 2 to 32 of A-Z, 0-9 and -, such as SAMT.")
            }
        case .operator:
            let isPlain = name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
            let beginsWell = name.first?.isLetter == true || name.first?.isNumber == true
            guard isPlain, beginsWell, (1...64).contains(name.utf8.count) else {
                throw .usedWrongly("'\(name)' is no operator name; use at most 64 of A-Z, a-z, 0-9, '.', '_' and '-'.")
            }
        }
        self.init(kind: kind, name: name)
    }

    /// Its folder below the authority's, and the end of its URI.
    public var place: String { name.isEmpty ? kind.rawValue : "\(kind.rawValue)/\(name)" }
    /// `spiffe://peyvand/node/IR-03`, the certificate's one URI.
    public var uri: String { "spiffe://peyvand/" + place }
    /// For people: `node IR-03`.
    public var label: String { name.isEmpty ? kind.rawValue : "\(kind.rawValue) \(name)" }
    /// Whether it has a receipt key beside its TLS key.
    public var signsReceipts: Bool { kind == .hub || kind == .node }
}
