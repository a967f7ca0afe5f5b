import Casework
import Contract
import Synchronization

/// A node or hub in memory: answers with fixed documents, remembers what it was asked, and fails when told to.
final class Fixture: NodeService, HubService {
    struct State {
        var commands: [CommandRequest] = []
        var audit: [AuditLine] = []
        var sessions: [String: ConsoleSession] = [:]
        var failure: (any Error)?
        var keys: [String: [UInt8]] = [:]
        var queries: [CaseQuery] = []
        var lastEventID: String?
        var readiness: String?
        var tracked: [(TrackingCode, String?)] = []
        var uploads: [(upload: FileUpload, bytes: [UInt8])] = []
        var file: FileContent?
        var released: [(Origin, UInt64?)] = []
    }

    let origin: Origin
    let tree = OrganizationTree.standard
    let calendar = WorkCalendar.standard
    let state = Mutex(State())
    let caseID: CaseID
    let cases: [CaseDocument]
    let messages: [FeedMessage]

    static let code = TrackingCode(province: 3, random: 12_345_678)!
    static let hash = String(repeating: "ab", count: 32)

    init(origin: Origin, cases: [CaseDocument]? = nil, messages: [FeedMessage] = []) {
        self.origin = origin
        caseID = CaseID(home: Origin("IR-03")!, at: Instant(seconds: 1_790_000_000), random: (7, 9))
        self.cases = cases ?? [Fixture.document(caseID)]
        self.messages = messages
    }

    static func document(_ id: CaseID, subject: String? = "نان گران است") -> CaseDocument {
        CaseDocument(
            id: id.description, trackingCode: code.digits, kind: "complaint", channel: "phone",
            category: "trade-prices", subject: subject, description: nil, about: nil, priority: "normal",
            tags: ["نان"], citizen: .init(name: "مریم", nationalID: nil, mobile: "09141234567", address: nil),
            status: "registered", heldStatus: "registered", outcome: nil, home: "IR-03", holder: "IR-03", seat: "IR-03",
            epoch: 0, revision: 1,
            registeredAt: "2026-11-21T07:30:00Z", deadline: "2026-12-06T20:30:00Z", overdue: false, clockRuns: true,
            conflicts: [],
            proposals: [], disputes: [], pendingTransfer: nil, holderDeadline: nil, imported: false, parked: false,
            heads: ["subject": [hash]])
    }

    static let actor = ActorDocument(
        Actor(name: "op", role: .operator, organization: OrganizationCode(rawValue: "IR-03")!))

    static let tokens: [String: Principal] = [
        "operator": Principal(name: "op", role: .operator, organization: OrganizationCode(rawValue: "IR-03")!),
        "supervisor": Principal(name: "sup", role: .supervisor, organization: OrganizationCode(rawValue: "IR-03")!),
        "auditor": Principal(name: "aud", role: .auditor, organization: OrganizationCode(rawValue: "IR-03")!),
        "hub": Principal(name: "hub", role: .hub, organization: .presidency),
    ]

    func failing(with error: (any Error)?) { state.withLock { $0.failure = error } }
    private func check() throws { if let failure = state.withLock({ $0.failure }) { throw failure } }
    private func check(_ id: CaseID) throws {
        try check()
        if id != caseID { throw Refusal.unknownCase }
    }

    func execute(_ request: CommandRequest) async throws -> CommandResult {
        if let id = request.caseID { try check(id) } else { try check() }
        let isReplay = try state.withLock { state in
            guard let key = request.idempotencyKey else { return false }
            if let hash = state.keys[key], hash != request.bodyHash { throw Refusal.keyReused }
            return state.keys.updateValue(request.bodyHash, forKey: key) != nil
        }
        if !isReplay { state.withLock { $0.commands.append(request) } }
        if case .importCase(let imported) = request.command, imported.intake.texts.subject == "bad" {
            throw Refusal.invalid(field: "history[0].step", .stepNotAllowed)
        }
        let receipt = ReceiptDocument(
            origin: "IR-03", incarnation: "1", seq: 1, hash: Fixture.hash, trackingCode: Fixture.code.digits,
            time: "2026-11-21T07:30:00Z", signature: "00", hub: nil)
        return CommandResult(
            document: cases[0], receipt: request.caseID == nil ? receipt : nil, isReplay: isReplay)
    }

    func caseDocument(_ id: CaseID, for principal: Principal) async throws -> CaseDocument {
        try check(id)
        return cases[0]
    }

    func cases(_ query: CaseQuery, for principal: Principal) async throws -> Page<CaseDocument> {
        try check()
        state.withLock { $0.queries.append(query) }
        let start = query.cursor.flatMap { Int($0) } ?? 0
        let items = Array(cases.dropFirst(start).prefix(query.limit))
        let end = start + items.count
        return Page(items: items, next: end < cases.count ? String(end) : nil)
    }

    func events(of id: CaseID, for principal: Principal) async throws -> [EventDocument] {
        try check(id)
        return [
            EventDocument(
                id: id.description, origin: "IR-03", incarnation: "1", seq: 1, hash: Fixture.hash, epoch: 0,
                type: "registered", actor: Fixture.actor, occurredAt: "2026-11-21T07:30:00Z",
                effect: EffectDocument(.applied), hideable: false,
                content: ["kind": .string("complaint"), "tags": .list(["نان"]), "score": .int(1), "a": .null])
        ]
    }

    func attach(_ upload: FileUpload) async throws -> CommandResult {
        try check(upload.caseID)
        let bytes = try await Fixture.collect(upload.body)
        guard !bytes.isEmpty else { throw Refusal.invalid(field: "file", .emptyFile) }
        state.withLock { $0.uploads.append((upload, bytes)) }
        return CommandResult(document: cases[0], receipt: nil, isReplay: false)
    }

    private static func collect(_ body: some AsyncSequence<[UInt8], any Error>) async throws -> [UInt8] {
        var bytes = [UInt8]()
        do {
            for try await piece in body { bytes += piece }
        } catch {
            throw FileRefusal.brokenOff
        }
        return bytes
    }

    func attachments(of id: CaseID, for principal: Principal) async throws -> [AttachmentDocument] {
        try check(id)
        return [
            AttachmentDocument(
                event: Fixture.hash, sha256: Fixture.hash, size: 5, present: 3, mediaType: "image/jpeg",
                name: "عکس.jpg",
                actor: Fixture.actor, origin: "IR-03", occurredAt: "2026-11-21T07:30:00Z", hidden: false)
        ]
    }

    func attachment(_ file: EventHash, of id: CaseID, for principal: Principal) async throws -> FileContent {
        try check(id)
        guard file.description == Fixture.hash else { throw FileRefusal.unknown }
        if let content = state.withLock({ $0.file }) { return content }
        return FileContent(name: "عکس \"1\".jpg", mediaType: "image/jpeg", size: 5) { offset in
            Array("hello".utf8.dropFirst(Int(offset)).prefix(2))
        }
    }

    func conflicts(cursor: String?, limit: Int, for principal: Principal) async throws -> Page<ConflictDocument> {
        let side = ConflictDocument.Side(
            event: Fixture.hash, value: nil, actor: Fixture.actor, origin: "IR-03", occurredAt: "2026-11-21T07:30:00Z")
        return Page(
            items: [
                ConflictDocument(
                    id: Fixture.hash, caseID: caseID.description, trackingCode: Fixture.code.digits, field: "subject",
                    shown: side, other: side)
            ], next: nil)
    }

    func proposals(cursor: String?, limit: Int, for principal: Principal) async throws -> Page<ProposalDocument> {
        Page(
            items: [
                ProposalDocument(
                    id: Fixture.hash, caseID: caseID.description, trackingCode: Fixture.code.digits, type: "answered",
                    reason: "custody_moved", actor: Fixture.actor, origin: "IR-03", occurredAt: "2026-11-21T07:30:00Z",
                    content: [:])
            ], next: nil)
    }

    private func owner(of id: EventHash) throws -> CaseID {
        guard id.description == Fixture.hash else { throw Refusal.unknownEvent(id) }
        return caseID
    }

    func caseOfConflict(_ id: EventHash) async throws -> CaseID { try owner(of: id) }
    func caseOfProposal(_ id: EventHash) async throws -> CaseID { try owner(of: id) }

    func track(_ code: TrackingCode, mobile: String?) async throws -> TrackDocument? {
        try check()
        state.withLock { $0.tracked.append((code, mobile)) }
        guard code == Fixture.code else { return nil }
        return TrackDocument(
            trackingCode: code.digits, status: "referred", outcome: nil, registeredAt: "2026-11-21T07:30:00Z",
            deadline: nil, holder: "IR-23", overdue: false,
            stages: [.init(type: "registered", at: "2026-11-21T07:30:00Z", office: "IR-03")], ambiguous: false)
    }

    func report(_ period: ReportPeriod) async throws -> ReportDocument {
        let row = ReportDocument.Row(
            key: "IR-03", registered: 1, answered: 1, closed: 0, disputed: 0, overdue: 0, medianDays: 2.5)
        return ReportDocument(
            period: "1405-08", from: "2026-10-22T20:30:00Z", to: "2026-11-21T20:30:00Z",
            asOf: "2026-11-21T20:30:00Z", position: 5, total: row, byOrganization: [row], byCategory: [])
    }

    // MARK: Sign-in

    func principal(token: String) async throws -> Principal? { Fixture.tokens[token] }

    func principal(certificate uri: String) async throws -> Principal? {
        guard uri == "spiffe://peyvand/ministry/SAMT" else { return nil }
        return Principal(name: uri, role: .ministry, organization: OrganizationCode(rawValue: "SAMT")!)
    }

    func login(name: String, password: String, remote: String) async throws -> ConsoleSession? {
        guard name == "op", password == "گذرواژه" else { return nil }
        return try await openSession(for: Fixture.tokens["operator"]!)
    }

    func openSession(for principal: Principal) async throws -> ConsoleSession {
        state.withLock { state in
            let id = Hex.encode([UInt8](repeating: UInt8(state.sessions.count + 1), count: 32))
            let session = ConsoleSession(
                id: id, csrfToken: "csrf-\(state.sessions.count)", principal: principal,
                expires: Instant(seconds: 1_800_000_000))
            state.sessions[id] = session
            return session
        }
    }

    func session(id: String) async throws -> ConsoleSession? { state.withLock { $0.sessions[id] } }
    func logout(id: String) async throws { state.withLock { $0.sessions[id] = nil } }
    func audit(_ line: AuditLine) async { state.withLock { $0.audit.append(line) } }
    func readiness() async -> String? { state.withLock { $0.readiness } }

    func gauges() async throws -> [Gauge] {
        [
            Gauge(name: "peyvand_backlog", help: "Events not yet\nacknowledged.", labels: ["code": "IR\"03"], value: 4),
            Gauge(name: "peyvand_backlog", help: "Events.", labels: ["code": "IR-04"], value: 5),
        ]
    }

    // MARK: Node and hub

    func receipt(of id: CaseID, for principal: Principal) async throws -> ReceiptDocument {
        try check(id)
        return ReceiptDocument(
            origin: "IR-03", incarnation: "1", seq: 1, hash: Fixture.hash, trackingCode: Fixture.code.digits,
            time: "2026-11-21T07:30:00Z", signature: "00",
            hub: .init(
                origin: "IR-03", heads: ["1:1:\(Fixture.hash)"], committedAt: "2026-11-21T07:30:01Z", position: 7,
                signature: "01"))
    }

    func status() async throws -> StatusDocument {
        StatusDocument(
            code: origin.code, link: "connected", head: .init(incarnation: "1", seq: 9, hash: Fixture.hash),
            acknowledged: 9, acknowledgedAt: nil, backlog: 0, feed: 3, incarnation: "1", clockOffsetMS: -4,
            conflicts: 0, proposals: 0, cases: 1, hubSeenAt: nil)
    }

    func overview() async throws -> OverviewDocument {
        OverviewDocument(
            asOf: "2026-11-21T07:30:00Z", position: 12, counts: Counts(registered: 3, open: 2, newToday: 1),
            provinces: try await provinces().map(\.province))
    }

    func provinces() async throws -> [ProvinceStatusDocument] {
        let chain = ChainDocument(
            incarnation: "00000000000000a1", parent: nil, first: 1, last: 9, acknowledged: nil, isBranch: true)
        let quarantine = QuarantineDocument(reason: Fixture.alarm, held: 4, candidates: [chain])
        let released = state.withLock { $0.released }.map(\.0)
        return ["IR-03", "IR-04"].map { code in
            ProvinceStatusDocument(
                province: ProvinceDocument(
                    code: code, counts: Counts(registered: 3), lastHeard: nil, backlog: nil,
                    state: code == "IR-03" ? "quarantined" : "never"),
                chains: 2, branches: [chain],
                quarantine: code == "IR-03" && !released.contains(Origin("IR-03")!) ? quarantine : nil,
                newestAlarm: Fixture.alarm)
        }
    }

    func release(_ origin: Origin, keep: UInt64?) async throws {
        try check()
        state.withLock { $0.released.append((origin, keep)) }
    }

    static let alarm = AlarmDocument(
        id: 7, at: "2026-11-21T07:30:00Z", origin: "IR-03", code: "tampering", detail: "seq 9 does not fit its chain",
        event: hash)

    func alarms(cursor: String?, limit: Int) async throws -> Page<AlarmDocument> {
        try check()
        return Page(items: [Fixture.alarm], next: cursor == nil ? "0500" : nil)
    }

    func feed(after lastEventID: String?) async throws -> AsyncStream<FeedMessage> {
        state.withLock { $0.lastEventID = lastEventID }
        let messages = messages
        return AsyncStream { continuation in
            for message in messages { continuation.yield(message) }
            // An empty feed stays open; one with messages ends after them.
            if !messages.isEmpty { continuation.finish() }
        }
    }

    func overdueRanking(limit: Int) async throws -> [CaseDocument] { Array(cases.prefix(limit)) }
    func trend(days: Int) async throws -> [TrendPoint] {
        [TrendPoint(day: "1405-08-30", registered: days, answered: 1)]
    }
}
