import Casework

extension CaseChange {
    /// Reads a content of the kinds that most events have, as `Envelope.init(canonical:)` reads an envelope; `nil` for
    /// the rarer kinds too.
    init?(canonical bytes: UnsafeRawBufferPointer) {
        var reader = WireReader(bytes)
        guard let (field, body) = reader.member(), reader.isDone, let change = CaseChange(field: field, body) else {
            return nil
        }
        self = change
    }

    /// By its number in `Content`.
    private init?(field: Int, _ body: UnsafeRawBufferPointer) {
        var reader = WireReader(body)
        switch field {
        case 1:
            guard let code = reader.slice(1).flatMap({ TrackingCode(utf8: $0) }) else { return nil }
            self = .opened(trackingCode: code)
        case 2:
            guard let registration = Registration(&reader) else { return nil }
            self = .registered(registration)
        case 3:
            self = .assessed(
                Assessment(lawful: reader.bool(1), withinMeans: reader.bool(2), done: reader.bool(3)))
        case 4:
            guard let to = reader.slice(1).flatMap({ OrganizationCode(utf8: $0) }),
                let seat = reader.slice(2).flatMap({ Origin(utf8: $0) })
            else { return nil }
            self = .referred(to: to, seat: seat)
        case 5:
            guard let grant = reader.slice(1).flatMap({ EventHash($0) }), let due = Due(canonical: reader.slice(2)),
                let acceptBy = Due(canonical: reader.slice(3))
            else { return nil }
            self = .received(grant: grant, due: due, acceptBy: acceptBy)
        case 6: self = .accepted
        case 7: self = .refused
        case 8: self = .acted
        case 9: self = .answered
        case 10:
            guard let outcome = reader.slice(1).flatMap({ Outcome.names[$0] }) else { return nil }
            self = .closed(outcome)
        case 11: self = .noted
        case 22:
            guard let grant = Grant(&reader) else { return nil }
            self = .granted(grant)
        case 23:
            guard let event = reader.slice(1).flatMap({ EventHash($0) }) else { return nil }
            self = .stamped(event, hlc: reader.fixed64(2))
        default: return nil
        }
        guard reader.isDone else { return nil }
    }
}

extension Due {
    /// An absent message has both numbers 0.
    fileprivate init?(canonical bytes: UnsafeRawBufferPointer?) {
        guard let bytes else {
            self.init(at: Instant(milliseconds: 0), calendar: 0)
            return
        }
        var reader = WireReader(bytes)
        self.init(at: Instant(milliseconds: reader.sint64(1)), calendar: Int(reader.uint32(2)))
        guard reader.isDone else { return nil }
    }
}

extension Registration {
    /// The caller looks whether anything follows.
    fileprivate init?(_ reader: inout WireReader) {
        guard let code = reader.slice(1).flatMap({ TrackingCode(utf8: $0) }),
            let kind = reader.slice(2).flatMap({ Kind.names[$0] }),
            let channel = reader.slice(3).flatMap({ Channel.names[$0] })
        else { return nil }
        let category = reader.string(4) ?? ""
        guard let priority = reader.slice(5).flatMap({ Priority.names[$0] }) else { return nil }
        var tags = [String]()
        while let tag = reader.string(6) { tags.append(tag) }
        var about: OrganizationCode?
        if let slice = reader.slice(7), !slice.isEmpty {
            about = OrganizationCode(utf8: slice)
            guard about != nil else { return nil }
        }
        guard let due = Due(canonical: reader.slice(8)) else { return nil }
        self.init(
            trackingCode: code, kind: kind, channel: channel, category: category, priority: priority, tags: tags,
            about: about, due: due, imported: reader.bool(9))
    }
}

extension Grant {
    /// The caller looks whether anything follows.
    fileprivate init?(_ reader: inout WireReader) {
        let epoch = reader.uint64(1)
        guard let holder = reader.slice(2).flatMap({ OrganizationCode(utf8: $0) }),
            let seat = reader.slice(3).flatMap({ Origin(utf8: $0) })
        else { return nil }
        var cut = [ChainPlace]()
        while let slice = reader.slice(4) {
            var reader = WireReader(slice)
            cut.append(ChainPlace(incarnation: reader.fixed64(1), seq: reader.uint64(2)))
            guard reader.isDone else { return nil }
        }
        var cause: EventHash?
        if let slice = reader.slice(5), !slice.isEmpty {
            cause = EventHash(slice)
            guard cause != nil else { return nil }
        }
        self.init(epoch: epoch, holder: holder, seat: seat, cut: cut, cause: cause)
    }
}
