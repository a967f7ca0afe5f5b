public import Casework
public import JSON

/// A file on its way in, for a case.
public struct FileUpload: Sendable {
    public var principal: Principal
    public var caseID: CaseID
    public var name: String
    /// As its sender declared it.
    public var mediaType: String
    /// Bytes, if the sender told.
    public var announced: UInt64?
    public var idempotencyKey: String?
    /// Method, path and query: with the bytes' hash they are what an idempotency key stands for.
    public var request: String
    /// The bytes in pieces; throws when the sender goes away.
    public var body: any AsyncSequence<[UInt8], any Error> & Sendable

    public init(
        principal: Principal, caseID: CaseID, name: String, mediaType: String, announced: UInt64?,
        idempotencyKey: String?, request: String, body: any AsyncSequence<[UInt8], any Error> & Sendable
    ) {
        self.principal = principal
        self.caseID = caseID
        self.name = name
        self.mediaType = mediaType
        self.announced = announced
        self.idempotencyKey = idempotencyKey
        self.request = request
        self.body = body
    }
}

/// A file on its way out.
public struct FileContent: Sendable {
    /// `nil` where the name is withheld from this server.
    public var name: String?
    public var mediaType: String
    /// Bytes.
    public var size: UInt64
    /// The piece that begins at an offset; empty at the end. Throws when the disk fails.
    public var read: @Sendable (_ offset: UInt64) async throws -> [UInt8]

    public init(
        name: String?, mediaType: String, size: UInt64,
        read: @escaping @Sendable (_ offset: UInt64) async throws -> [UInt8]
    ) {
        (self.name, self.mediaType, self.size, self.read) = (name, mediaType, size, read)
    }
}

/// A file of a case, as its event names it.
public struct AttachmentDocument: Sendable, Equatable, JSONDocument {
    public var event, sha256: String
    /// Bytes, and how many of them this server has.
    public var size, present: UInt64
    public var mediaType: String
    public var name: String?
    public var actor: ActorDocument
    public var origin, occurredAt: String
    public var hidden: Bool

    public init(
        event: String, sha256: String, size: UInt64, present: UInt64, mediaType: String, name: String?,
        actor: ActorDocument, origin: String, occurredAt: String, hidden: Bool
    ) {
        self.event = event
        self.sha256 = sha256
        self.size = size
        self.present = present
        self.mediaType = mediaType
        self.name = name
        self.actor = actor
        self.origin = origin
        self.occurredAt = occurredAt
        self.hidden = hidden
    }

    public var json: JSON {
        [
            "event": .string(event), "sha256": .string(sha256), "size": JSON(size), "present": JSON(present),
            "media_type": .string(mediaType), "name": JSON(name), "actor": actor.json, "origin": .string(origin),
            "occurred_at": .string(occurredAt), "hidden": .bool(hidden),
        ]
    }
}

/// Why a file is not taken or not given.
public enum FileRefusal: Error, Sendable, Hashable {
    /// No visible entry of this case names such a file.
    case unknown
    /// Its bytes are still on their way: so many of them are here.
    case notHere(present: UInt64, of: UInt64)
    case tooLarge(limit: UInt64)
    /// The disk has no room for it.
    case diskFull
    /// The sender went away before the end: nothing was kept.
    case brokenOff
}
