import Casework

extension Envelope {
    /// Reads an envelope as our own writers give it, in place and without SwiftProtobuf, which takes several times as
    /// long. `nil` says nothing about the bytes: `init(protobuf:)` then judges them.
    init?(canonical bytes: UnsafeRawBufferPointer) {
        var reader = WireReader(bytes)
        guard reader.uint32(1) == 1, let id = reader.slice(2), id.count == 16,
            let origin = reader.slice(3).flatMap({ Origin(utf8: $0) })
        else { return nil }
        let incarnation = reader.fixed64(4)
        let seq = reader.uint64(5)
        guard seq > 0, seq <= UInt64(Int64.max), let previous = reader.slice(6).flatMap({ EventHash($0) }) else {
            return nil
        }
        var caseID: CaseID?
        if let slice = reader.slice(7), !slice.isEmpty {
            caseID = CaseID(slice)
            guard caseID != nil else { return nil }
        }
        var base = [Base]()
        while let slice = reader.slice(8) {
            guard let read = Base(canonical: slice) else { return nil }
            base.append(read)
        }
        let epoch = reader.uint64(9)
        let stamp = Stamp(rawValue: reader.fixed64(10))
        let occurredAt = Instant(milliseconds: reader.sint64(11))
        guard let actor = reader.slice(12).flatMap({ Actor(canonical: $0) }), let type = reader.string(13) else {
            return nil
        }
        let schema = reader.uint32(14)
        let minReader = reader.uint32(15)
        let content = reader.slice(16)
        guard case (let partHash, true) = reader.hashOrNone(17), case (let applies, true) = reader.hashOrNone(18)
        else { return nil }
        let declaredClass = MergeClass(wire: reader.uint32(19))
        // The seal lies over the bytes, and is no part of what they say.
        _ = reader.slice(100)
        guard reader.isDone else { return nil }

        var change: CaseChange?
        if let content {
            if let read = CaseChange(canonical: content), read.kind.rawValue == type {
                change = read
            } else {
                change = CaseChange(wire: [UInt8](content), type: type)
            }
        }
        self.init(
            id: [UInt8](id), origin: origin, incarnation: incarnation, seq: seq, previous: previous, caseID: caseID,
            base: base, epoch: epoch, stamp: stamp, occurredAt: occurredAt, actor: actor, type: type, schema: schema,
            minReader: minReader, declaredClass: declaredClass, content: change.map { .change($0) } ?? .unreadable,
            partHash: partHash,
            applies: applies)
    }
}

extension WireReader {
    /// A hash that may be missing, and whether the field holds one or nothing.
    fileprivate mutating func hashOrNone(_ field: Int) -> (EventHash?, isRight: Bool) {
        guard let slice = slice(field), !slice.isEmpty else { return (nil, true) }
        let hash = EventHash(slice)
        return (hash, hash != nil)
    }
}

extension Base {
    fileprivate init?(canonical bytes: UnsafeRawBufferPointer) {
        var reader = WireReader(bytes)
        let name = reader.string(1) ?? ""
        let field = Field(rawValue: name)
        guard field != nil || name.isEmpty else { return nil }
        var events = [EventHash]()
        while let slice = reader.slice(2) {
            guard let hash = EventHash(slice) else { return nil }
            events.append(hash)
        }
        guard reader.isDone else { return nil }
        self.init(field: field, events: events)
    }
}

extension Actor {
    fileprivate init?(canonical bytes: UnsafeRawBufferPointer) {
        var reader = WireReader(bytes)
        let name = reader.string(1) ?? ""
        guard let role = reader.slice(2).flatMap({ Role.names[$0] }),
            let organization = reader.slice(3).flatMap({ OrganizationCode(utf8: $0) }), reader.isDone
        else { return nil }
        self.init(name: name, role: role, organization: organization)
    }
}

extension Texts {
    /// As `Envelope.init(canonical:)`.
    init?(canonical bytes: UnsafeRawBufferPointer) {
        var reader = WireReader(bytes)
        self.init(
            subject: reader.string(1), description: reader.string(2), citizenName: reader.string(3),
            citizenNationalID: reader.string(4), citizenMobile: reader.string(5), citizenAddress: reader.string(6),
            text: reader.string(7))
        guard reader.isDone else { return nil }
    }

    /// The subject within a canonical message, whose other texts are looked at but not made; outside `nil` for any
    /// other form, as `init(canonical:)`.
    static func subject(canonical bytes: UnsafeRawBufferPointer) -> String?? {
        var reader = WireReader(bytes)
        let subject = reader.string(1)
        for field in 2...7 {
            if let text = reader.slice(field), !text.isUTF8 { return .none }
        }
        return reader.isDone ? .some(subject) : .none
    }
}
