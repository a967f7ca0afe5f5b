public import Casework

/// What a gateway says at once of a message that it was given.
public enum GatewayAnswer: Sendable, Hashable {
    /// It has taken the message. Whether it arrives, a report tells later.
    case sent
    /// It certainly has not: the connection was refused, or it says to try later.
    case notSent(String)
    /// Nobody knows: the connection broke, or the answer did not come.
    case unknown(String)
    /// It has arrived.
    case delivered
    /// It can never be sent.
    case failed(String)

    var result: AttemptResult {
        switch self {
        case .sent: .sent
        case .notSent: .notSent
        case .unknown: .unknown
        case .delivered: .delivered
        case .failed: .failed
        }
    }

    /// Why, in the gateway's words.
    var detail: String {
        switch self {
        case .sent, .delivered: ""
        case .notSent(let reason), .unknown(let reason), .failed(let reason): reason
        }
    }
}

/// What a gateway is given.
public struct OutgoingMessage: Sendable, Hashable {
    /// Our own name of this attempt: reports must carry it, since gateways' own numbers change between reports.
    public var id: AttemptID
    /// `+98914…`
    public var mobile: String
    public var trackingCode: TrackingCode
}

/// A way to citizens, such as a provider of short messages.
public protocol NoticeGateway: Sendable {
    /// As attempts name it.
    var name: String { get }
    /// Gives it one message. Answers well before ``OutboxPolicy/reportWait`` is over; what it does not know is
    /// ``GatewayAnswer/unknown(_:)``.
    func send(_ message: OutgoingMessage) async -> GatewayAnswer
}

/// An attempt's name, which a gateway's reports bring back. As text: `hash.recipient.template.number`.
public struct AttemptID: Sendable, Hashable, CustomStringConvertible {
    public var notice: NoticeKey
    public var number: Int

    public init(notice: NoticeKey, number: Int) { (self.notice, self.number) = (notice, number) }

    public init?(_ text: String) {
        let fields = text.split(separator: ".", omittingEmptySubsequences: false)
        // A template may have a point in it, as event types do.
        guard fields.count >= 4, let event = EventHash(hex: fields[0]), let number = fields.last.flatMap({ Int($0) }),
            let recipient = NoticeRecipient(rawValue: String(fields[1])), number > 0
        else { return nil }
        let template = fields[2..<(fields.count - 1)].joined(separator: ".")
        self.init(notice: NoticeKey(event: event, recipient: recipient, template: template), number: number)
    }

    public var description: String {
        "\(notice.event).\(notice.recipient.rawValue).\(notice.template).\(number)"
    }
}
