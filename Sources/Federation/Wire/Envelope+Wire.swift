// SwiftProtobuf's `bytes` fields are of type `Data`: the one reason for FoundationEssentials in this folder.
public import Casework
import FoundationEssentials
import SwiftProtobuf

extension SwiftProtobuf.Message {
    /// The message's bytes. Encoding fails only for proto2's required fields and `Any`, which these files do not use.
    var wire: [UInt8] {
        do {
            return try serializedBytes()
        } catch {
            preconditionFailure("a proto3 message did not encode: \(error)")
        }
    }
}

extension Data {
    init(_ hash: EventHash) { self.init(hash.bytes) }
}

extension EventHash {
    init?(_ data: Data) {
        self.init([UInt8](data))
    }
}

extension Envelope {
    var wire: [UInt8] {
        var message = Peyvand_V1_Envelope()
        message.format = 1
        message.id = Data(id)
        message.origin = origin.code
        message.incarnation = incarnation
        message.seq = seq
        message.prevHash = Data(previous)
        if let caseID { message.caseID = Data(caseID.bytes) }
        message.base = base.map { base in
            var message = Peyvand_V1_Base()
            message.field = base.field?.rawValue ?? ""
            message.events = base.events.map { Data($0) }
            return message
        }
        message.epoch = epoch
        message.hlc = stamp.rawValue
        message.occurredAt = occurredAt.milliseconds
        message.actor.name = actor.name
        message.actor.role = actor.role.rawValue
        message.actor.organization = actor.organization.rawValue
        message.type = type
        message.schema = schema
        message.minReader = minReader
        message.mergeClass = UInt32(mergeClass?.rawValue ?? 0)
        if let change { message.content = Data(change.message.wire) }
        if let partHash { message.partHash = Data(partHash) }
        if let applies { message.applies = Data(applies) }
        return message.wire
    }

    /// Reads an envelope. A content that this reader does not understand is `.unreadable`; anything else that is wrong
    /// is the origin's fault.
    init(wire bytes: [UInt8]) throws(EventFault) {
        if let envelope = bytes.withUnsafeBytes({ Envelope(canonical: $0) }) {
            self = envelope
        } else {
            try self.init(protobuf: bytes)
        }
    }

    /// Reads an envelope of any form.
    init(protobuf bytes: [UInt8]) throws(EventFault) {
        let message: Peyvand_V1_Envelope
        do {
            message = try Peyvand_V1_Envelope(serializedBytes: bytes)
        } catch {
            throw .unreadableEnvelope("not a message")
        }
        guard message.format == 1 else { throw .unreadableEnvelope("format \(message.format) is not known") }
        guard let origin = Origin(message.origin) else { throw .unreadableEnvelope("unknown origin") }
        guard message.seq > 0, message.seq <= UInt64(Int64.max) else { throw .unreadableEnvelope("seq out of range") }
        guard let previous = EventHash(message.prevHash) else { throw .unreadableEnvelope("prev_hash") }
        guard message.id.count == 16 else { throw .unreadableEnvelope("id") }
        let caseID = CaseID(message.caseID)
        guard caseID != nil || message.caseID.isEmpty else { throw .unreadableEnvelope("case_id") }
        let partHash = EventHash(message.partHash)
        guard partHash != nil || message.partHash.isEmpty else { throw .unreadableEnvelope("part_hash") }
        let applies = EventHash(message.applies)
        guard applies != nil || message.applies.isEmpty else { throw .unreadableEnvelope("applies") }
        guard let organization = OrganizationCode(rawValue: message.actor.organization) else {
            throw .unreadableEnvelope("actor")
        }
        let role = Role(rawValue: message.actor.role)
        let base = Self.base(message.base)
        let change = CaseChange(wire: Array(message.content), type: message.type)
        self.init(
            id: Array(message.id), origin: origin, incarnation: message.incarnation, seq: message.seq,
            previous: previous, caseID: caseID, base: base ?? [], epoch: message.epoch,
            stamp: Stamp(rawValue: message.hlc), occurredAt: Instant(milliseconds: message.occurredAt),
            actor: Actor(name: message.actor.name, role: role ?? .system, organization: organization),
            type: message.type, schema: message.schema, minReader: message.minReader,
            declaredClass: MergeClass(wire: message.mergeClass),
            content: base == nil || role == nil ? .unreadable : change.map { .change($0) } ?? .unreadable,
            partHash: partHash, applies: applies)
    }

    private static func base(_ messages: [Peyvand_V1_Base]) -> [Base]? {
        var bases = [Base]()
        for message in messages {
            let field = Field(rawValue: message.field)
            guard field != nil || message.field.isEmpty else { return nil }
            let events = message.events.compactMap { EventHash($0) }
            guard events.count == message.events.count else { return nil }
            bases.append(Base(field: field, events: events))
        }
        return bases
    }
}

extension MergeClass {
    /// `nil` for a number that this reader does not know.
    init?(wire number: UInt32) {
        guard let byte = UInt8(exactly: number) else { return nil }
        self.init(rawValue: byte)
    }
}

extension Event {
    /// Reads an event from its stored bytes, checking the part against the envelope.
    public init(bytes: [UInt8], part: Part, hashing: Hashing) throws(EventFault) {
        let size = bytes.count + (part.bytes?.count ?? 0)
        guard size <= Schema.maximumEventSize else { throw .tooLarge(size) }
        let envelope = try Envelope(wire: bytes)
        let hash = hashing(bytes)
        if let part = part.bytes, envelope.partHash != hashing(part) { throw .wrongPart(hash) }
        var part = part
        if envelope.partHash == nil {
            part = .none
        } else if part == .none {
            part = .withheld
        }
        self.init(envelope: envelope, bytes: bytes, hash: hash, part: part)
    }
}

extension Event {
    /// Reads an event that crossed the wire, if its bytes are those that its sender has stored.
    public init(_ wire: WireEvent, hashing: Hashing) throws(EventFault) {
        try self.init(bytes: wire.bytes, part: wire.part, hashing: hashing)
        if let named = wire.hash, named != hash { throw .wrongHash(named) }
    }
}

extension Texts {
    var wire: [UInt8] {
        var message = Peyvand_V1_Texts()
        if let subject { message.subject = subject }
        if let description { message.description_p = description }
        if let citizenName { message.citizenName = citizenName }
        if let citizenNationalID { message.citizenNationalID = citizenNationalID }
        if let citizenMobile { message.citizenMobile = citizenMobile }
        if let citizenAddress { message.citizenAddress = citizenAddress }
        if let text { message.text = text }
        return message.wire
    }

    /// Reads a part: 16 random bytes, then the message. `nil` when it is malformed.
    public init?(part bytes: [UInt8]) {
        guard bytes.count >= Self.salt else { return nil }
        let texts = bytes.withUnsafeBytes { Texts(canonical: UnsafeRawBufferPointer(rebasing: $0[Self.salt...])) }
        guard let texts = texts ?? Texts(protobuf: [UInt8](bytes[Self.salt...])) else { return nil }
        self = texts
    }

    /// The subject of a part: that of its `Texts`, and `nil` where they are malformed.
    public static func subject(part bytes: [UInt8]) -> String? {
        guard bytes.count >= salt else { return nil }
        let subject = bytes.withUnsafeBytes { Self.subject(canonical: UnsafeRawBufferPointer(rebasing: $0[salt...])) }
        if let subject { return subject }
        return Texts(protobuf: [UInt8](bytes[salt...]))?.subject
    }

    private static let salt = 16

    /// Reads a part's message of any form.
    init?(protobuf bytes: [UInt8]) {
        guard let message = try? Peyvand_V1_Texts(serializedBytes: bytes) else { return nil }
        self.init(
            subject: message.hasSubject ? message.subject : nil,
            description: message.hasDescription_p ? message.description_p : nil,
            citizenName: message.hasCitizenName ? message.citizenName : nil,
            citizenNationalID: message.hasCitizenNationalID ? message.citizenNationalID : nil,
            citizenMobile: message.hasCitizenMobile ? message.citizenMobile : nil,
            citizenAddress: message.hasCitizenAddress ? message.citizenAddress : nil,
            text: message.hasText ? message.text : nil)
    }
}
