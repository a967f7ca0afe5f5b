import Casework
public import Contract
public import Federation

extension CaseReads {
    /// All events of a case in history order. Texts that the reader may not see, that this server does not hold, or
    /// that are hidden, are null; a hidden entry says `"hidden": true`.
    public func eventDocuments(_ record: CaseRecord, for principal: Principal) -> [EventDocument] {
        let isReadable = readership(of: principal).includes(record.state)
        let events = Dictionary(record.events.map { ($0.hash, $0) }, uniquingKeysWith: { first, _ in first })
        return record.state.history.compactMap { entry in
            guard let event = events[entry.event] else { return nil }
            let envelope = event.envelope
            return EventDocument(
                id: Self.label(envelope.id), origin: event.origin.code,
                incarnation: Receipt.hex(envelope.incarnation), seq: envelope.seq, hash: event.hash.description,
                epoch: envelope.epoch, type: envelope.type, actor: ActorDocument(envelope.actor),
                occurredAt: envelope.occurredAt.rfc3339, effect: EffectDocument(entry.effect),
                hideable: envelope.change?.kind.rule.mayBeHidden ?? false,
                content: Self.content(
                    of: event, isReadable: isReadable, isHidden: record.state.hidden.contains(event.hash)))
        }
    }

    static func content(of event: Event, isReadable: Bool, isHidden: Bool) -> [String: ContentValue] {
        var content = event.envelope.change.map { $0.content } ?? [:]
        let texts = isReadable && !isHidden ? event.texts : nil
        for (name, field) in event.envelope.change?.textNames(hasPart: event.envelope.partHash != nil) ?? [] {
            let text = field.map { texts?[$0] } ?? texts?.text
            content[name] = text.map { .string($0) } ?? .null
        }
        if let applied = event.envelope.applies { content["applies"] = .string(applied.description) }
        if isHidden { content["hidden"] = .bool(true) }
        return content
    }

    /// A UUID's usual form, whatever its version.
    private static func label(_ bytes: [UInt8]) -> String {
        let digits = Array(Hex.encode(bytes))
        guard digits.count == 32 else { return String(digits) }
        return [digits[0..<8], digits[8..<12], digits[12..<16], digits[16..<20], digits[20..<32]]
            .map { String($0) }.joined(separator: "-")
    }
}

extension CaseChange {
    /// The values in the envelope, by the names that the REST interface promises.
    var content: [String: ContentValue] {
        switch self {
        case .opened(let code): ["tracking_code": .string(code.digits)]
        case .registered(let registration): registration.content
        case .assessed(let assessment):
            [
                "lawful": .bool(assessment.lawful), "within_means": .bool(assessment.withinMeans),
                "done": .bool(assessment.done),
            ]
        case .referred(let to, let seat): ["to": .string(to.rawValue), "seat": .string(seat.code)]
        case .received(let grant, let due, let acceptBy):
            ["grant": .string(grant.description), "accept_by": .string(acceptBy.at.rfc3339)]
                .merging(due.content) { first, _ in first }
        case .attached(let attachment):
            [
                "sha256": .string(attachment.sha256.description), "size": .int(Int64(clamping: attachment.size)),
                "media_type": .string(attachment.mediaType),
            ]
        case .closed(let outcome): ["outcome": .string(outcome.rawValue)]
        case .amended(let amendment): amendment.content
        case .hidden(let event), .unhidden(let event): ["event": .string(event.description)]
        case .reviewed(let dispute, let upheld): ["dispute": .string(dispute.description), "upheld": .bool(upheld)]
        case .rated(let score): ["score": .int(Int64(score))]
        case .dueMoved(let due): due.content
        case .escalated(let clock, let level): ["clock": .string(clock.description), "level": .int(Int64(level))]
        case .duplicateMarked(let other): ["of": .string(other.description)]
        case .notified(let notice):
            [
                "event": .string(notice.key.event.description), "recipient": .string(notice.key.recipient.rawValue),
                "template": .string(notice.key.template), "notice": .string(notice.outcome.rawValue),
            ]
        case .granted(let grant): grant.content
        case .stamped(let event, let hlc):
            ["event": .string(event.description), "hlc": .int(Int64(clamping: hlc))]
        case .branchRanked(let rank):
            [
                "origin": .string(rank.origin.code), "epoch": .int(Int64(clamping: rank.epoch)),
                "losers": .list(rank.losers.map(\.shown)),
            ]
        case .accepted, .refused, .acted, .answered, .noted, .disputed, .withdrawn: [:]
        }
    }

    /// The names under which this change's texts are shown, and the shared field of each; no field: the event's own
    /// text.
    func textNames(hasPart: Bool) -> [(name: String, field: Field?)] {
        switch self {
        case .registered:
            [Field.subject, .description, .citizenName, .citizenNationalID, .citizenMobile, .citizenAddress]
                .map { ($0.rawValue, $0) }
        case .amended(let amendment): amendment.textFields.map { ($0.rawValue, $0) }
        default: kind.rule.text.map { $0.isRequired || hasPart ? [($0.name, nil)] : [] } ?? []
        }
    }
}

extension Registration {
    fileprivate var content: [String: ContentValue] {
        [
            "tracking_code": .string(trackingCode.digits), "kind": .string(kind.rawValue),
            "channel": .string(channel.rawValue), "category": .string(category),
            "priority": .string(priority.rawValue), "tags": .list(tags),
            "about": about.map { .string($0.rawValue) } ?? .null, "imported": .bool(imported),
        ].merging(due.content) { first, _ in first }
    }
}

extension Amendment {
    fileprivate var content: [String: ContentValue] {
        var content: [String: ContentValue] = ["fields": .list(fields.map(\.rawValue))]
        if let category { content["category"] = .string(category) }
        if let priority { content["priority"] = .string(priority.rawValue) }
        if let tags { content["tags"] = .list(tags) }
        return content
    }
}

extension Grant {
    fileprivate var content: [String: ContentValue] {
        [
            "epoch": .int(Int64(clamping: epoch)), "holder": .string(holder.rawValue), "seat": .string(seat.code),
            "cut": .list(cut.map(\.shown)), "cause": cause.map { .string($0.description) } ?? .null,
        ]
    }
}

extension Due {
    fileprivate var content: [String: ContentValue] {
        ["due": .string(at.rfc3339), "calendar": .int(Int64(calendar))]
    }
}

extension ChainPlace {
    /// `<incarnation>:<seq>`
    fileprivate var shown: String { "\(Receipt.hex(incarnation)):\(seq)" }
}
