public import Casework

/// What a server of cases offers to its doors. Node and hub fulfil it; the console turns it into routes and pages.
/// Every method may throw a `Refusal` (the caller's fault) or a `ServiceError` (ours, try again).
public protocol CaseService: Sendable {
    /// This server: a province, or the hub.
    var origin: Origin { get }
    var tree: OrganizationTree { get }
    var calendar: WorkCalendar { get }

    /// Decides and commits one command; returns after the commit.
    func execute(_ request: CommandRequest) async throws -> CommandResult
    /// Throws `Refusal.unknownCase`. Reading personal data leaves an audit line for `principal`.
    func caseDocument(_ id: CaseID, for principal: Principal) async throws -> CaseDocument
    func cases(_ query: CaseQuery, for principal: Principal) async throws -> Page<CaseDocument>
    /// All events of a case in history order.
    func events(of id: CaseID, for principal: Principal) async throws -> [EventDocument]
    /// Takes a file and attaches it to its case; returns when both are durable. Nothing is kept of a file that is refused
    /// or breaks off. Throws `FileRefusal` besides.
    func attach(_ upload: FileUpload) async throws -> CommandResult
    /// The files of a case in history order.
    func attachments(of id: CaseID, for principal: Principal) async throws -> [AttachmentDocument]
    /// A file of a case; leaves an audit line. Throws `FileRefusal` besides.
    func attachment(_ file: EventHash, of id: CaseID, for principal: Principal) async throws -> FileContent
    func conflicts(cursor: String?, limit: Int, for principal: Principal) async throws -> Page<ConflictDocument>
    func proposals(cursor: String?, limit: Int, for principal: Principal) async throws -> Page<ProposalDocument>
    /// The case in which a conflict or a proposal lies. Throws `Refusal.unknownEvent`.
    func caseOfConflict(_ id: EventHash) async throws -> CaseID
    func caseOfProposal(_ id: EventHash) async throws -> CaseID
    /// What a person must look at, the newest first. Throws `Refusal.invalid` for a cursor of another list.
    func alarms(cursor: String?, limit: Int) async throws -> Page<AlarmDocument>
    /// What a citizen may see; `nil` when there is none. `mobile`: the last four digits, asked when a code is
    /// ambiguous.
    func track(_ code: TrackingCode, mobile: String?) async throws -> TrackDocument?
    /// Figures of a period, all derived from the journal.
    func report(_ period: ReportPeriod) async throws -> ReportDocument

    /// The principal of a bearer token; `nil` when it is unknown, revoked or expired.
    func principal(token: String) async throws -> Principal?
    /// The principal of a verified client certificate's URI; `nil` when this server knows none.
    func principal(certificate uri: String) async throws -> Principal?
    /// Console sessions by name and password. `nil`: wrong, or backing off.
    func login(name: String, password: String, remote: String) async throws -> ConsoleSession?
    /// A console session for a principal that showed a token.
    func openSession(for principal: Principal) async throws -> ConsoleSession
    func session(id: String) async throws -> ConsoleSession?
    func logout(id: String) async throws
    func audit(_ line: AuditLine) async

    /// `nil` when ready; else why not.
    func readiness() async -> String?
    /// Gauges and counters for `/metrics`, besides those of the process.
    func gauges() async throws -> [Gauge]
}

/// A node's further reads.
public protocol NodeService: CaseService {
    func status() async throws -> StatusDocument
    /// The receipt of a case that began here. Throws `Refusal.unknownCase`.
    func receipt(of id: CaseID, for principal: Principal) async throws -> ReceiptDocument
}

/// The hub's further reads.
public protocol HubService: CaseService {
    func overview() async throws -> OverviewDocument
    /// Each province's figures and link, and how it stands with the hub.
    func provinces() async throws -> [ProvinceStatusDocument]
    /// Ends the quarantine of an origin, by a person's decision, once it is lifted in the journal's books.
    /// - Parameter keep: which of its incarnations goes on, where several do; the events of the others stay, as a branch.
    /// Throws `Refusal.invalid` (`keep`) for an incarnation that is none of its own, `ServiceError` when it cannot be lifted.
    func release(_ origin: Origin, keep: UInt64?) async throws
    /// The dashboard's feed after `lastEventID`; an unknown or missing id starts with a snapshot. Ends when cancelled.
    func feed(after lastEventID: String?) async throws -> AsyncStream<FeedMessage>
    /// The latest cases that are overdue longest, for the ranking.
    func overdueRanking(limit: Int) async throws -> [CaseDocument]
    /// New cases and answers per Tehran day, oldest first.
    func trend(days: Int) async throws -> [TrendPoint]
}

/// Who asks.
public struct Principal: Sendable, Hashable {
    public var name: String
    public var role: Role
    public var organization: OrganizationCode

    public init(name: String, role: Role, organization: OrganizationCode) {
        (self.name, self.role, self.organization) = (name, role, organization)
    }

    public var actor: Actor { Actor(name: name, role: role, organization: organization) }
}

public struct ConsoleSession: Sendable, Hashable {
    /// 256 random bits, hexadecimal; only its hash is stored.
    public var id: String
    public var csrfToken: String
    public var principal: Principal
    public var expires: Instant

    public init(id: String, csrfToken: String, principal: Principal, expires: Instant) {
        (self.id, self.csrfToken, self.principal, self.expires) = (id, csrfToken, principal, expires)
    }
}

public struct CommandRequest: Sendable {
    public var principal: Principal
    public var command: Command
    /// `nil` for `open`, `importCase` and a `register` that follows no `open`.
    public var caseID: CaseID?
    /// The revision that the author's page showed; checked by `amend` only.
    public var revision: Int?
    /// From `Idempotency-Key`; at most 200 characters.
    public var idempotencyKey: String?
    /// SHA-256 over method, path and body: another body under one key is refused.
    public var bodyHash: [UInt8]

    public init(
        principal: Principal, command: Command, caseID: CaseID?, revision: Int? = nil, idempotencyKey: String? = nil,
        bodyHash: [UInt8]
    ) {
        self.principal = principal
        self.command = command
        self.caseID = caseID
        self.revision = revision
        self.idempotencyKey = idempotencyKey
        self.bodyHash = bodyHash
    }
}

public struct CommandResult: Sendable {
    public var document: CaseDocument
    /// For `register`, `open` and `importCase`.
    public var receipt: ReceiptDocument?
    /// True when the idempotency key was seen before and nothing new was written.
    public var isReplay: Bool

    public init(document: CaseDocument, receipt: ReceiptDocument?, isReplay: Bool) {
        (self.document, self.receipt, self.isReplay) = (document, receipt, isReplay)
    }
}

/// A fault of this server. The caller may try again with the same idempotency key.
public enum ServiceError: Error, Sendable, Hashable {
    /// The database is away or full, or the server is starting or stopping.
    case unavailable(String)
    /// This process was fenced by another writer, or a stored event does not verify.
    case halted(String)
}

/// An error of what lies below a server, which tells whether trying again may help: its database may be away for a moment.
public protocol PassingError: Error {
    var isPassing: Bool { get }
}

public struct AuditLine: Sendable, Hashable {
    public var actor: String
    public var action: String
    public var subject: String
    public var remote: String
    public var detail: String

    public init(actor: String, action: String, subject: String, remote: String, detail: String) {
        (self.actor, self.action, self.subject, self.remote, self.detail) = (actor, action, subject, remote, detail)
    }
}

public struct Gauge: Sendable, Hashable {
    /// `peyvand_…`, as Prometheus names it.
    public var name: String
    public var help: String
    public var labels: [String: String]
    public var value: Double

    public init(name: String, help: String, labels: [String: String] = [:], value: Double) {
        (self.name, self.help, self.labels, self.value) = (name, help, labels, value)
    }
}
