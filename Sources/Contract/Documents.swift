public import Casework
public import JSON

// The JSON of the REST interface. Times are RFC 3339 in UTC; absent values are null, never left out.

/// A case. `citizen` and `description` are null for those who may not read personal data.
public struct CaseDocument: Sendable, Equatable {
    public struct Citizen: Sendable, Equatable {
        public var name, nationalID, mobile, address: String?

        public init(name: String?, nationalID: String?, mobile: String?, address: String?) {
            (self.name, self.nationalID, self.mobile, self.address) = (name, nationalID, mobile, address)
        }
    }

    public var id, trackingCode, kind, channel, category: String
    public var subject, description, about: String?
    public var priority: String
    public var tags: [String]
    public var citizen: Citizen
    /// What is shown: the held status, or `disputed` while a dispute is open.
    public var status: String
    /// What the offices' writes made, below an open dispute.
    public var heldStatus: String
    public var outcome: String?
    public var home, holder, seat: String
    public var epoch: UInt64
    public var revision: Int
    public var registeredAt, deadline: String?
    public var overdue: Bool
    /// Whether the deadline still counts: nothing is answered and nothing imported.
    public var clockRuns: Bool
    /// Hashes of the values that lost, and of held writes that did not count.
    public var conflicts, proposals: [String]
    /// Hashes of open disputes.
    public var disputes: [String]
    /// The organisation that a referral waits for custody to reach.
    public var pendingTransfer: String?
    public var holderDeadline: String?
    public var imported: Bool
    /// Why held commands are refused until this server is upgraded.
    public var parked: Bool
    /// Per field the heads that this document shows: sent back by PATCH as `seen`.
    public var heads: [String: [String]]
    /// What its reader may do with it now; `nil` in lists, where it is not asked.
    public var acts: [Act]?

    public init(
        id: String, trackingCode: String, kind: String, channel: String, category: String, subject: String?,
        description: String?, about: String?, priority: String, tags: [String], citizen: Citizen, status: String,
        heldStatus: String, outcome: String?, home: String, holder: String, seat: String, epoch: UInt64, revision: Int,
        registeredAt: String?, deadline: String?, overdue: Bool, clockRuns: Bool, conflicts: [String],
        proposals: [String],
        disputes: [String], pendingTransfer: String?, holderDeadline: String?, imported: Bool, parked: Bool,
        heads: [String: [String]], acts: [Act]? = nil
    ) {
        self.id = id
        self.trackingCode = trackingCode
        self.kind = kind
        self.channel = channel
        self.category = category
        self.subject = subject
        self.description = description
        self.about = about
        self.priority = priority
        self.tags = tags
        self.citizen = citizen
        self.status = status
        self.heldStatus = heldStatus
        self.outcome = outcome
        self.home = home
        self.holder = holder
        self.seat = seat
        self.epoch = epoch
        self.revision = revision
        self.registeredAt = registeredAt
        self.deadline = deadline
        self.overdue = overdue
        self.clockRuns = clockRuns
        self.conflicts = conflicts
        self.proposals = proposals
        self.disputes = disputes
        self.pendingTransfer = pendingTransfer
        self.holderDeadline = holderDeadline
        self.imported = imported
        self.parked = parked
        self.heads = heads
        self.acts = acts
    }
}

/// Proof that an event is in the journal: signed by the node, countersigned by the hub after its acknowledgement.
public struct ReceiptDocument: Sendable, Equatable {
    public var origin, incarnation: String
    public var seq: UInt64
    public var hash, trackingCode, time: String
    /// Ed25519 over the receipt's canonical text, hexadecimal.
    public var signature: String
    /// `nil` until the hub has acknowledged the event.
    public var hub: Countersignature?

    public init(
        origin: String, incarnation: String, seq: UInt64, hash: String, trackingCode: String, time: String,
        signature: String, hub: Countersignature?
    ) {
        self.origin = origin
        self.incarnation = incarnation
        self.seq = seq
        self.hash = hash
        self.trackingCode = trackingCode
        self.time = time
        self.signature = signature
        self.hub = hub
    }

    /// The first acknowledgement that covers the event, with all that its signature covers.
    public struct Countersignature: Sendable, Equatable, Encodable {
        public var origin: String
        /// `incarnation:seq:hash`
        public var heads: [String]
        public var committedAt: String
        public var position: UInt64
        public var signature: String

        public init(origin: String, heads: [String], committedAt: String, position: UInt64, signature: String) {
            self.origin = origin
            self.heads = heads
            self.committedAt = committedAt
            self.position = position
            self.signature = signature
        }
    }
}

public struct EventDocument: Sendable, Equatable {
    public var id, origin, incarnation: String
    public var seq: UInt64
    public var hash: String
    public var epoch: UInt64
    public var type: String
    public var actor: ActorDocument
    public var occurredAt: String
    public var effect: EffectDocument
    /// Whether its text may be hidden by who may hide entries.
    public var hideable: Bool
    /// The change's values by name; texts only where this server holds them and the reader may see them.
    public var content: [String: ContentValue]

    public init(
        id: String, origin: String, incarnation: String, seq: UInt64, hash: String, epoch: UInt64, type: String,
        actor: ActorDocument, occurredAt: String, effect: EffectDocument, hideable: Bool,
        content: [String: ContentValue]
    ) {
        self.hideable = hideable
        self.id = id
        self.origin = origin
        self.incarnation = incarnation
        self.seq = seq
        self.hash = hash
        self.epoch = epoch
        self.type = type
        self.actor = actor
        self.occurredAt = occurredAt
        self.effect = effect
        self.content = content
    }
}

/// A JSON value in an event's content.
public enum ContentValue: Sendable, Equatable {
    case string(String)
    case int(Int64)
    case bool(Bool)
    case list([String])
    case null
}

/// Two values that were written without knowledge of each other.
public struct ConflictDocument: Sendable, Equatable {
    public struct Side: Sendable, Equatable {
        public var event: String
        public var value: String?
        public var actor: ActorDocument
        public var origin, occurredAt: String

        public init(event: String, value: String?, actor: ActorDocument, origin: String, occurredAt: String) {
            self.event = event
            self.value = value
            self.actor = actor
            self.origin = origin
            self.occurredAt = occurredAt
        }
    }

    /// The hash of the event whose value is not shown.
    public var id: String
    public var caseID, trackingCode, field: String
    public var shown, other: Side

    public init(id: String, caseID: String, trackingCode: String, field: String, shown: Side, other: Side) {
        self.id = id
        self.caseID = caseID
        self.trackingCode = trackingCode
        self.field = field
        self.shown = shown
        self.other = other
    }
}

public struct ProposalDocument: Sendable, Equatable {
    public var id, caseID, trackingCode, type: String
    /// The raw value of an `EffectReason`.
    public var reason: String
    public var actor: ActorDocument
    public var origin, occurredAt: String
    public var content: [String: ContentValue]

    public init(
        id: String, caseID: String, trackingCode: String, type: String, reason: String, actor: ActorDocument,
        origin: String, occurredAt: String, content: [String: ContentValue]
    ) {
        self.id = id
        self.caseID = caseID
        self.trackingCode = trackingCode
        self.type = type
        self.reason = reason
        self.actor = actor
        self.origin = origin
        self.occurredAt = occurredAt
        self.content = content
    }
}

/// What the citizen sees: stages and dates, no personal data and no free text of staff but the answer's presence.
public struct TrackDocument: Sendable, Equatable {
    public struct Stage: Sendable, Equatable {
        public var type, at, office: String

        public init(type: String, at: String, office: String) { (self.type, self.at, self.office) = (type, at, office) }
    }

    public var trackingCode, status: String
    public var outcome: String?
    public var registeredAt, deadline: String?
    public var holder: String
    public var overdue: Bool
    public var stages: [Stage]
    /// True when several cases carry this code and `mobile` is needed to choose.
    public var ambiguous: Bool

    public init(
        trackingCode: String, status: String, outcome: String?, registeredAt: String?, deadline: String?,
        holder: String, overdue: Bool, stages: [Stage], ambiguous: Bool
    ) {
        self.trackingCode = trackingCode
        self.status = status
        self.outcome = outcome
        self.registeredAt = registeredAt
        self.deadline = deadline
        self.holder = holder
        self.overdue = overdue
        self.stages = stages
        self.ambiguous = ambiguous
    }
}

public struct Page<Item: Sendable & Equatable & JSONDocument>: Sendable, Equatable {
    public var items: [Item]
    /// Opaque; null on the last page.
    public var next: String?

    public init(items: [Item], next: String?) { (self.items, self.next) = (items, next) }
}

public struct CaseQuery: Sendable, Equatable {
    public var status: Status?
    /// Words in subject, description, code or citizen, normalised by the server.
    public var text: String?
    public var overdue: Bool
    /// Only what this organisation holds.
    public var holder: OrganizationCode?
    public var province: Origin?
    public var cursor: String?
    public var limit: Int

    public init(
        status: Status? = nil, text: String? = nil, overdue: Bool = false, holder: OrganizationCode? = nil,
        province: Origin? = nil, cursor: String? = nil, limit: Int = 50
    ) {
        self.status = status
        self.text = text
        self.overdue = overdue
        self.holder = holder
        self.province = province
        self.cursor = cursor
        self.limit = limit
    }
}
