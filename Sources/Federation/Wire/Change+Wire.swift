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

extension Change {
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
            let read = Change(change), read.type == type
        else { return nil }
        self = read
    }

    private init?(_ content: Peyvand_V1_Content.OneOf_Change) {
        switch content {
        case .opened(let message):
            guard let code = TrackingCode(parsing: message.trackingCode) else { return nil }
            self = .opened(trackingCode: code)
        case .registered(let message):
            guard let registration = Registration(message) else { return nil }
            self = .registered(registration)
        case .assessed(let message):
            self = .assessed(
                Assessment(lawful: message.lawful, withinMeans: message.withinMeans, done: message.done))
        case .referred(let message):
            guard let to = OrganizationCode(rawValue: message.to), let seat = Origin(message.seat) else { return nil }
            self = .referred(to: to, seat: seat)
        case .received(let message):
            guard let grant = EventHash(message.grant) else { return nil }
            self = .received(grant: grant, due: Due(message.due), acceptBy: Due(message.acceptBy))
        case .accepted: self = .accepted
        case .refused: self = .refused
        case .acted: self = .acted
        case .answered: self = .answered
        case .closed(let message):
            guard let outcome = Outcome(rawValue: message.outcome) else { return nil }
            self = .closed(outcome)
        case .noted: self = .noted
        default:
            guard let change = Change(rest: content) else { return nil }
            self = change
        }
    }

    private init?(rest content: Peyvand_V1_Content.OneOf_Change) {
        switch content {
        case .attached(let message):
            guard let sha256 = EventHash(message.sha256) else { return nil }
            self = .attached(Attachment(sha256: sha256, size: message.size, mediaType: message.mediaType))
        case .amended(let message):
            guard let amendment = Amendment(message) else { return nil }
            self = .amended(amendment)
        case .hidden(let message):
            guard let event = EventHash(message.event) else { return nil }
            self = .hidden(event)
        case .unhidden(let message):
            guard let event = EventHash(message.event) else { return nil }
            self = .unhidden(event)
        case .disputed: self = .disputed
        case .reviewed(let message):
            guard let dispute = EventHash(message.dispute) else { return nil }
            self = .reviewed(dispute: dispute, upheld: message.upheld)
        case .rated(let message):
            guard (1...5).contains(message.score) else { return nil }
            self = .rated(score: Int(message.score))
        case .withdrawn: self = .withdrawn
        case .dueMoved(let message): self = .dueMoved(Due(message))
        case .escalated(let message):
            guard let clock = EventHash(message.clock) else { return nil }
            self = .escalated(clock: clock, level: Int(message.level))
        case .duplicateMarked(let message):
            guard let other = CaseID(message.of) else { return nil }
            self = .duplicateMarked(of: other)
        case .granted(let message):
            guard let grant = Grant(message) else { return nil }
            self = .granted(grant)
        case .stamped(let message):
            guard let event = EventHash(message.event) else { return nil }
            self = .stamped(event, hlc: message.hlc)
        case .branchRanked(let message):
            guard let origin = Origin(message.origin) else { return nil }
            let losers = message.losers.map { ChainPlace($0) }
            self = .branchRanked(BranchRank(origin: origin, epoch: message.epoch, losers: losers))
        default: return nil
        }
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
