import Casework

/// The hub's mark on its own events: a node returns those that a restored hub has lost, and only the mark tells a true
/// one from an invention. It stands at the end of the envelope's bytes, as its field 100, over all bytes before it.
public struct Seal: Sendable {
    /// 64 bytes over the given ones: Ed25519 by the hub's receipt key.
    let sign: @Sendable ([UInt8]) -> [UInt8]
    let isValid: @Sendable (_ signature: [UInt8], _ bytes: [UInt8]) -> Bool

    public init(
        sign: @escaping @Sendable ([UInt8]) -> [UInt8],
        isValid: @escaping @Sendable (_ signature: [UInt8], _ bytes: [UInt8]) -> Bool
    ) {
        (self.sign, self.isValid) = (sign, isValid)
    }

    /// Protobuf's tag of field 100, length-delimited, and the length 64.
    private static let field: [UInt8] = [0xA2, 0x06, 64]

    func seal(_ bytes: [UInt8]) -> [UInt8] {
        let signature = sign(bytes)
        return signature.count == 64 ? bytes + Self.field + signature : bytes
    }

    /// Whether the hub itself wrote this event.
    func holds(_ event: Event) -> Bool {
        let body = event.bytes.count - Self.field.count - 64
        guard body > 0, event.bytes[body..<body + Self.field.count].elementsEqual(Self.field) else { return false }
        return isValid(Array(event.bytes.suffix(64)), Array(event.bytes.prefix(body)))
    }
}
