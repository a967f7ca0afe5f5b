import Casework
// For `Data` alone, the type of SwiftProtobuf's `bytes` fields.
import FoundationEssentials
import SwiftProtobuf

extension Due {
    fileprivate var message: Peyvand_V1_Due {
        var message = Peyvand_V1_Due()
        message.at = at.milliseconds
        message.calendar = UInt32(clamping: calendar)
        return message
    }

    fileprivate init(_ message: Peyvand_V1_Due) {
        self.init(at: Instant(milliseconds: message.at), calendar: Int(message.calendar))
    }
}

extension ChainPlace {
    fileprivate var message: Peyvand_V1_ChainPlace {
        var message = Peyvand_V1_ChainPlace()
        message.incarnation = incarnation
        message.seq = seq
        return message
    }

    fileprivate init(_ message: Peyvand_V1_ChainPlace) { self.init(incarnation: message.incarnation, seq: message.seq) }
}

extension CaseChange {
    var message: Peyvand_V1_Content {
        var content = Peyvand_V1_Content()
        switch self {
        case .opened(let code): content.opened = .with { $0.trackingCode = code.digits }
        case .registered(let registration): content.registered = registration.message
        case .assessed(let assessment):
            content.assessed = .with {
                $0.lawful = assessment.lawful
                $0.withinMeans = assessment.withinMeans
                $0.done = assessment.done
            }
        case .referred(let to, let seat):
            content.referred = .with { ($0.to, $0.seat) = (to.rawValue, seat.code) }
        case .received(let grant, let due, let acceptBy):
            content.received = .with { ($0.grant, $0.due, $0.acceptBy) = (Data(grant), due.message, acceptBy.message) }
        case .accepted: content.accepted = Peyvand_V1_Accepted()
        case .refused: content.refused = Peyvand_V1_Refused()
        case .acted: content.acted = Peyvand_V1_Acted()
        case .answered: content.answered = Peyvand_V1_Answered()
        case .closed(let outcome): content.closed = .with { $0.outcome = outcome.rawValue }
        case .noted: content.noted = Peyvand_V1_Noted()
        case .attached(let attachment):
            content.attached = .with {
                ($0.sha256, $0.size, $0.mediaType) = (Data(attachment.sha256), attachment.size, attachment.mediaType)
            }
        case .amended(let amendment): content.amended = amendment.message
        case .hidden(let event): content.hidden = .with { $0.event = Data(event) }
        case .unhidden(let event): content.unhidden = .with { $0.event = Data(event) }
        case .disputed: content.disputed = Peyvand_V1_Disputed()
        case .reviewed(let dispute, let upheld):
            content.reviewed = .with { ($0.dispute, $0.upheld) = (Data(dispute), upheld) }
        case .rated(let score): content.rated = .with { $0.score = UInt32(clamping: score) }
        case .withdrawn: content.withdrawn = Peyvand_V1_Withdrawn()
        case .dueMoved(let due): content.dueMoved = due.message
        case .escalated(let clock, let level):
            content.escalated = .with { ($0.clock, $0.level) = (Data(clock), UInt32(clamping: level)) }
        case .duplicateMarked(let other): content.duplicateMarked = .with { $0.of = Data(other.bytes) }
        case .notified(let notice): content.notified = notice.message
        case .granted(let grant): content.granted = grant.message
        case .stamped(let event, let hlc): content.stamped = .with { ($0.event, $0.hlc) = (Data(event), hlc) }
        case .branchRanked(let rank):
            content.branchRanked = .with {
                ($0.origin, $0.epoch, $0.losers) = (rank.origin.code, rank.epoch, rank.losers.map(\.message))
            }
        }
        return content
    }

    /// `nil` when this reader does not understand the bytes, or the envelope's type names another change.
    init?(wire bytes: [UInt8], type: String) {
        guard let content = try? Peyvand_V1_Content(serializedBytes: bytes), let change = content.change,
            let read = CaseChange(change), read.kind.rawValue == type
        else { return nil }
        self = read
    }

    private init?(_ content: Peyvand_V1_Content.OneOf_Change) {
        let change: CaseChange? =
            switch content {
            case .opened(let message): TrackingCode(parsing: message.trackingCode).map { .opened(trackingCode: $0) }
            case .registered(let message): Registration(message).map { .registered($0) }
            case .assessed(let message):
                .assessed(Assessment(lawful: message.lawful, withinMeans: message.withinMeans, done: message.done))
            case .referred(let message): Self.referred(message)
            case .received(let message):
                EventHash(message.grant).map {
                    .received(grant: $0, due: Due(message.due), acceptBy: Due(message.acceptBy))
                }
            case .accepted: .accepted
            case .refused: .refused
            case .acted: .acted
            case .answered: .answered
            case .closed(let message): Outcome(rawValue: message.outcome).map { .closed($0) }
            case .noted: .noted
            case .attached(let message):
                EventHash(message.sha256).map {
                    .attached(Attachment(sha256: $0, size: message.size, mediaType: message.mediaType))
                }
            case .amended(let message): Amendment(message).map { .amended($0) }
            case .hidden(let message): EventHash(message.event).map { .hidden($0) }
            case .unhidden(let message): EventHash(message.event).map { .unhidden($0) }
            case .disputed: .disputed
            case .reviewed(let message):
                EventHash(message.dispute).map { .reviewed(dispute: $0, upheld: message.upheld) }
            case .rated(let message): (1...5).contains(message.score) ? .rated(score: Int(message.score)) : nil
            case .withdrawn: .withdrawn
            case .dueMoved(let message): .dueMoved(Due(message))
            case .escalated(let message):
                EventHash(message.clock).map { .escalated(clock: $0, level: Int(message.level)) }
            case .duplicateMarked(let message): CaseID(message.of).map { .duplicateMarked(of: $0) }
            case .notified(let message): Notice(message).map { .notified($0) }
            case .granted(let message): Grant(message).map { .granted($0) }
            case .stamped(let message): EventHash(message.event).map { .stamped($0, hlc: message.hlc) }
            case .branchRanked(let message): BranchRank(message).map { .branchRanked($0) }
            }
        guard let change else { return nil }
        self = change
    }

    private static func referred(_ message: Peyvand_V1_Referred) -> CaseChange? {
        guard let to = OrganizationCode(rawValue: message.to), let seat = Origin(message.seat) else { return nil }
        return .referred(to: to, seat: seat)
    }
}

extension Notice {
    fileprivate var message: Peyvand_V1_Notified {
        var message = Peyvand_V1_Notified()
        message.event = Data(key.event)
        message.recipient = key.recipient.rawValue
        message.template = key.template
        message.outcome = outcome.rawValue
        return message
    }

    fileprivate init?(_ message: Peyvand_V1_Notified) {
        guard let event = EventHash(message.event), let recipient = NoticeRecipient(rawValue: message.recipient),
            let outcome = NoticeOutcome(rawValue: message.outcome)
        else { return nil }
        self.init(
            key: NoticeKey(event: event, recipient: recipient, template: message.template), outcome: outcome)
    }
}

extension BranchRank {
    fileprivate init?(_ message: Peyvand_V1_BranchRanked) {
        guard let origin = Origin(message.origin) else { return nil }
        self.init(origin: origin, epoch: message.epoch, losers: message.losers.map { ChainPlace($0) })
    }
}

extension Registration {
    fileprivate var message: Peyvand_V1_Registered {
        var message = Peyvand_V1_Registered()
        message.trackingCode = trackingCode.digits
        message.kind = kind.rawValue
        message.channel = channel.rawValue
        message.category = category
        message.priority = priority.rawValue
        message.tags = tags
        message.about = about?.rawValue ?? ""
        message.due = due.message
        message.imported = imported
        return message
    }

    fileprivate init?(_ message: Peyvand_V1_Registered) {
        let about = OrganizationCode(rawValue: message.about)
        guard let code = TrackingCode(parsing: message.trackingCode), let kind = Kind(rawValue: message.kind),
            let channel = Channel(rawValue: message.channel), let priority = Priority(rawValue: message.priority),
            about != nil || message.about.isEmpty
        else { return nil }
        self.init(
            trackingCode: code, kind: kind, channel: channel, category: message.category, priority: priority,
            tags: message.tags, about: about, due: Due(message.due), imported: message.imported)
    }
}

extension Amendment {
    fileprivate var message: Peyvand_V1_Amended {
        var message = Peyvand_V1_Amended()
        if let category { message.category = category }
        if let priority { message.priority = priority.rawValue }
        if let tags { message.tags = .with { $0.values = tags } }
        message.textFields = textFields.map(\.rawValue)
        return message
    }

    fileprivate init?(_ message: Peyvand_V1_Amended) {
        let priority = Priority(rawValue: message.priority)
        guard priority != nil || !message.hasPriority else { return nil }
        let fields = message.textFields.compactMap { Field(rawValue: $0) }
        guard fields.count == message.textFields.count else { return nil }
        self.init(
            category: message.hasCategory ? message.category : nil, priority: message.hasPriority ? priority : nil,
            tags: message.hasTags ? message.tags.values : nil, textFields: fields)
    }
}

extension Grant {
    fileprivate var message: Peyvand_V1_Granted {
        var message = Peyvand_V1_Granted()
        message.epoch = epoch
        message.holder = holder.rawValue
        message.seat = seat.code
        message.cut = cut.map(\.message)
        if let cause { message.cause = Data(cause) }
        return message
    }

    fileprivate init?(_ message: Peyvand_V1_Granted) {
        let cause = EventHash(message.cause)
        guard let holder = OrganizationCode(rawValue: message.holder), let seat = Origin(message.seat),
            cause != nil || message.cause.isEmpty
        else { return nil }
        self.init(
            epoch: message.epoch, holder: holder, seat: seat, cut: message.cut.map { ChainPlace($0) },
            cause: cause)
    }
}
