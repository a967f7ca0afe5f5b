public import Casework

/// What a signature covers, as UTF-8 text with one value a line. `Wire/README.md` states both.
public enum Receipt {
    /// A citizen's proof that an event stands in an origin's journal.
    public static func text(_ event: Event, trackingCode: TrackingCode) -> [UInt8] {
        let envelope = event.envelope
        return lines([
            "peyvand-receipt-v1", envelope.origin.code, hex(envelope.incarnation), String(envelope.seq),
            event.hash.description, trackingCode.digits, envelope.occurredAt.rfc3339,
        ])
    }

    /// The hub's word that it has committed everything up to these heads.
    public static func text(origin: Origin, heads: [ChainHead], committedAt: Instant, position: UInt64) -> [UInt8] {
        lines(
            ["peyvand-ack-v1", origin.code, committedAt.rfc3339, String(position)]
                + heads.map { "\(hex($0.incarnation)):\($0.seq):\($0.hash)" })
    }

    /// An incarnation as people see it: 16 hexadecimal digits.
    public static func hex(_ incarnation: UInt64) -> String {
        let digits = String(incarnation, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func lines(_ values: [String]) -> [UInt8] { Array(values.joined(separator: "\n").utf8) }
}
