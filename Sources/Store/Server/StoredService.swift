public import Attachments
public import Casework
public import Contract
public import Cryptography
public import Federation
public import Logging
import Postgres

/// What node and hub answer alike, from the store. Each adds its own reads.
public protocol StoredService: CaseService {
    associatedtype Core: DecidingCore
    var office: Office { get }
    var writer: Writer<Core> { get }
    var logger: Logger { get }
    /// The hub's acknowledgement that covers an own event, where there is one.
    func acknowledgement(of event: Event) async throws -> Ack?
}

/// The parts that every server has.
public struct Office: Sendable {
    public let origin: Origin
    public let tree: OrganizationTree
    public let calendar: WorkCalendar
    public let database: Database
    public let store: any CaseStore
    public let reads: CaseReads
    public let accounts: Accounts
    public let auditTrail: AuditTrail
    public let alarms: Alarms
    public let receiptKey: SigningKey
    /// The bytes of the cases' files; `nil` when no directory is configured: then none are taken or given.
    public let files: AttachmentFiles?
    public let attachments: AttachmentRegister
    /// Files whose bytes have come, for those who bring them to others.
    public let arrivals = Broadcast<EventHash>()
    public let projections: ProjectionFrame
    /// The clocks that run in its cases.
    public let clocks: Clocks
    /// The server's one clock.
    public let now: @Sendable () -> Instant
    /// How often a timer that waits for a moment of this clock looks at it.
    public let tick: Duration

    /// - Parameter tick: how often a timer that waits for a moment of the clock `now` looks at it.
    public init(
        origin: Origin, tree: OrganizationTree, calendar: WorkCalendar, database: Database, store: any CaseStore,
        receiptKey: SigningKey, files: AttachmentFiles? = nil, now: @escaping @Sendable () -> Instant,
        tick: Duration = .seconds(20), logger: Logger
    ) {
        self.origin = origin
        self.tree = tree
        self.calendar = calendar
        self.database = database
        self.store = store
        self.receiptKey = receiptKey
        self.files = files
        attachments = AttachmentRegister(database)
        (self.now, self.tick) = (now, tick)
        reads = CaseReads(database: database, store: store, origin: origin, tree: tree)
        accounts = Accounts(database)
        auditTrail = AuditTrail(Audit(database), logger: logger)
        alarms = Alarms(database)
        projections = ProjectionFrame(database: database, store: store, origin: origin)
        clocks = Clocks(database)
    }
}

extension StoredService {
    public var origin: Origin { office.origin }
    public var tree: OrganizationTree { office.tree }
    public var calendar: WorkCalendar { office.calendar }

    public func execute(_ request: CommandRequest) async throws -> CommandResult {
        let answer = try await whole(request.caseID) { try await writer.submit(request) }
        let document = office.reads.document(
            answer.record, for: request.principal, in: await context(of: request.principal, on: answer.record))
        let beginsCase = request.command.act?.beginsCase ?? false
        let receipt = beginsCase ? try await receipt(answer.record, isNew: !answer.isReplay) : nil
        return CommandResult(document: document, receipt: receipt, isReplay: answer.isReplay)
    }

    /// What the writer would decide a command of `principal` by. Without a core, while it reloads, only what its peers can
    /// read is not known.
    func context(of principal: Principal, on record: CaseRecord) async -> DecisionContext {
        let (actor, now) = (principal.actor, office.now())
        let context = await writer.withCore { $0?.desk.context(of: actor, on: record, now: now) }
        return context
            ?? DecisionContext(now: now, origin: origin, actor: actor, tree: tree, calendar: calendar)
    }

    private func record(_ id: CaseID) async throws -> CaseRecord? {
        try await whole(id) { try await office.reads.record(id) }
    }

    /// Damage is never shown: the case is fetched again from whoever else has it.
    private func whole<T: Sendable>(_ id: CaseID?, _ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch StoreError.corrupt(let damaged, _) {
            if let damaged = damaged ?? id { writer.report(damaged: damaged) }
            throw ServiceError.unavailable("this case's records are damaged here and are being fetched: try again")
        }
    }

    public func receipt(of id: CaseID, for principal: Principal) async throws -> ReceiptDocument {
        guard let record = try await record(id), let receipt = try await receipt(record, isNew: false) else {
            throw Refusal.unknownCase
        }
        return receipt
    }

    /// The receipt of the event that began a case here: Ed25519 gives the same signature every time.
    /// One that is new cannot have been acknowledged.
    private func receipt(_ record: CaseRecord, isNew: Bool) async throws -> ReceiptDocument? {
        guard let code = record.state.trackingCode,
            let event = record.events.last(where: {
                $0.origin == origin && $0.envelope.change?.kind.rule.beginsCase ?? false
            })
        else { return nil }
        return ReceiptDocument(
            event, code: code, signature: try office.receiptKey.sign(Receipt.text(event, trackingCode: code)),
            hub: isNew ? nil : try await acknowledgement(of: event))
    }

    public func caseDocument(_ id: CaseID, for principal: Principal) async throws -> CaseDocument {
        guard let record = try await record(id) else { throw Refusal.unknownCase }
        await audit(
            AuditLine(
                actor: principal.actor.line, action: "case.read", subject: id.description, remote: "", detail: ""))
        return office.reads.document(record, for: principal, in: await context(of: principal, on: record))
    }

    public func cases(_ query: CaseQuery, for principal: Principal) async throws -> Page<CaseDocument> {
        try await office.reads.cases(query, for: principal, now: office.now())
    }

    public func events(of id: CaseID, for principal: Principal) async throws -> [EventDocument] {
        guard let record = try await record(id) else { throw Refusal.unknownCase }
        await audit(
            AuditLine(
                actor: principal.actor.line, action: "history.read", subject: id.description, remote: "", detail: ""))
        return office.reads.eventDocuments(record, for: principal)
    }

    public func conflicts(cursor: String?, limit: Int, for principal: Principal) async throws -> Page<ConflictDocument>
    {
        try await office.reads.conflicts(cursor: cursor, limit: limit, for: principal)
    }

    public func proposals(cursor: String?, limit: Int, for principal: Principal) async throws -> Page<ProposalDocument>
    {
        try await office.reads.proposals(cursor: cursor, limit: limit, for: principal)
    }

    public func alarms(cursor: String?, limit: Int) async throws -> Page<AlarmDocument> {
        try await office.alarms.page(cursor: cursor, limit: limit)
    }

    public func caseOfConflict(_ id: EventHash) async throws -> CaseID { try await office.reads.caseOfConflict(id) }
    public func caseOfProposal(_ id: EventHash) async throws -> CaseID { try await office.reads.caseOfProposal(id) }

    public func track(_ code: TrackingCode, mobile: String?) async throws -> TrackDocument? {
        try await office.reads.track(code, mobile: mobile, now: office.now())
    }

    public func report(_ period: ReportPeriod) async throws -> ReportDocument {
        try await office.reads.report(period, now: office.now())
    }

    public func principal(token: String) async throws -> Principal? {
        try await office.accounts.principal(token: token, now: office.now())
    }

    public func login(name: String, password: String, remote: String) async throws -> ConsoleSession? {
        let session = try await office.accounts.login(name: name, password: password, now: office.now())
        await audit(
            AuditLine(
                actor: name, action: session == nil ? "login.refused" : "login", subject: "", remote: remote, detail: ""
            ))
        return session
    }

    public func openSession(for principal: Principal) async throws -> ConsoleSession {
        try await office.accounts.openSession(for: principal, now: office.now())
    }

    public func session(id: String) async throws -> ConsoleSession? {
        try await office.accounts.session(id: id, now: office.now())
    }

    public func logout(id: String) async throws { try await office.accounts.closeSession(id: id) }

    /// Throws when another process has become this origin's writer: an idle one would else go on answering reads.
    public func watchFence() async throws {
        while true {
            try await Task.sleep(for: .seconds(3))
            guard await writer.hasTakenOver else { continue }
            let token: Int64?
            do {
                token = try await office.database.readers.run { connection in
                    try connection.query("SELECT token FROM head WHERE origin = $1", [.text(origin.code)]).first?.get(0)
                }
            } catch let error as PostgresError where error.isConnectionFailure || error.isRetryable {
                continue
            }
            if let token, UInt64(bitPattern: token) != writer.token {
                throw ServiceError.halted("another process has become the writer of \(origin.code)")
            }
        }
    }

    public func audit(_ line: AuditLine) async { office.auditTrail.note(line) }

    public func readiness() async -> String? {
        let state = await writer.state
        if let halted = state.halted { return "\(halted)" }
        do {
            _ = try await office.database.readers.run { try $0.query("SELECT 1") }
            return nil
        } catch {
            return "the database does not answer"
        }
    }
}

extension ReceiptDocument {
    init(_ event: Event, code: TrackingCode, signature: [UInt8], hub: Ack?) {
        self.init(
            origin: event.origin.code, incarnation: Receipt.hex(event.envelope.incarnation), seq: event.envelope.seq,
            hash: event.hash.description, trackingCode: code.digits, time: event.envelope.occurredAt.rfc3339,
            signature: Hex.encode(signature), hub: hub.map { Countersignature($0, origin: event.origin) })
    }
}

extension ReceiptDocument.Countersignature {
    init(_ ack: Ack, origin: Origin) {
        self.init(
            origin: origin.code, heads: ack.heads.map { "\(Receipt.hex($0.incarnation)):\($0.seq):\($0.hash)" },
            committedAt: ack.committedAt.rfc3339, position: ack.position, signature: Hex.encode(ack.signature))
    }
}
