public import Casework

/// Computes the SHA-256 of some bytes. Given from outside, so that this module needs no cryptographic library.
public typealias Hashing = @Sendable ([UInt8]) -> EventHash

/// The hashed part of an event, decoded.
public struct Envelope: Sendable, Hashable {
    public enum Content: Sendable, Hashable {
        case change(CaseChange)
        /// Newer than this reader, or malformed: parks its case.
        case unreadable
    }

    /// UUIDv7, a label for people.
    public var id: [UInt8]
    public var origin: Origin
    public var incarnation: UInt64
    public var seq: UInt64
    public var previous: EventHash
    /// `nil` for events that concern no case.
    public var caseID: CaseID?
    public var base: [Base]
    public var epoch: Epoch
    public var stamp: Stamp
    public var occurredAt: Instant
    public var actor: Actor
    public var type: String
    public var schema: UInt32
    public var minReader: UInt32
    /// As its writer says, for readers that do not know its kind; `nil` for a class that this reader does not know either.
    public var declaredClass: MergeClass?
    public var content: Content
    public var partHash: EventHash?
    public var applies: EventHash?

    public var change: CaseChange? {
        if case .change(let change) = content { change } else { nil }
    }

    public var place: ChainPlace { ChainPlace(incarnation: incarnation, seq: seq) }

    /// Of its kind, where this reader knows it; else as its writer says.
    public var mergeClass: MergeClass? { change?.mergeClass ?? declaredClass }
}

/// An event's personal data and free text: opaque bytes beside the envelope, whose hash the envelope holds.
public enum Part: Sendable, Hashable {
    case none
    case present([UInt8])
    /// Not for this server.
    case withheld
    case erased

    public var bytes: [UInt8]? {
        if case .present(let bytes) = self { bytes } else { nil }
    }
}

/// One event: the exact bytes that its origin stored, their hash, and what they say.
public struct Event: Sendable, Hashable {
    /// What never changes, shared by all copies: an event is handed on many times between socket and table.
    @usableFromInline
    final class Content: Sendable {
        @usableFromInline let envelope: Envelope
        @usableFromInline let bytes: [UInt8]
        let mergeClass: MergeClass?

        init(_ envelope: Envelope, _ bytes: [UInt8]) {
            (self.envelope, self.bytes, mergeClass) = (envelope, bytes, envelope.mergeClass)
        }
    }

    @usableFromInline let content: Content
    public let hash: EventHash
    public var part: Part

    init(envelope: Envelope, bytes: [UInt8], hash: EventHash, part: Part) {
        content = Content(envelope, bytes)
        (self.hash, self.part) = (hash, part)
    }

    @inlinable public var envelope: Envelope { content.envelope }
    @inlinable public var bytes: [UInt8] { content.bytes }

    public static func == (left: Event, right: Event) -> Bool { left.hash == right.hash && left.part == right.part }
    public func hash(into hasher: inout Hasher) { hasher.combine(hash) }

    public var origin: Origin { envelope.origin }
    public var caseID: CaseID? { envelope.caseID }
    /// Where it stands in its origin's journal.
    @inlinable public var place: ChainPlace { content.envelope.place }

    /// `nil` for a class that this reader does not know.
    public var mergeClass: MergeClass? { content.mergeClass }

    /// Bytes of the envelope and of the part, where it is present.
    public var size: Int { bytes.count + (part.bytes?.count ?? 0) }

    /// The texts of a part that is present and decodable.
    public var texts: Texts? { part.bytes.flatMap { Texts(part: $0) } }

    /// Of these texts the subject alone.
    public var subject: String? { part.bytes.flatMap { Texts.subject(part: $0) } }

    /// The event without its part, for a destination that may not read it.
    public var withheld: Event {
        guard case .present = part else { return self }
        var copy = self
        copy.part = .withheld
        return copy
    }
}

/// The schemas that this code reads. Each kind of event names the first that knows it, and an event's `min_reader` is its
/// kind's, whatever else its writer knows. A released fold rule never changes; a new rule is a new schema.
public enum Schema {
    /// The greatest that this code reads: all from 1 to it.
    public static let reader: UInt32 = 1
    /// An event with its envelope is at most this long.
    public static let maximumEventSize = 256 * 1024
}

/// Why bytes are no event. Charged to the origin that sent them, never to a case.
public enum EventFault: Error, Sendable, Hashable {
    case unreadableEnvelope(String)
    case tooLarge(Int)
    /// The part's bytes do not have the hash that the envelope names.
    case wrongPart(EventHash)
    /// The envelope's bytes do not have the hash that their sender named.
    case wrongHash(EventHash)
}
