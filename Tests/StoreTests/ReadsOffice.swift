import Casework
import Contract
import Cryptography
import Federation
import Postgres
import Testing

@testable import Store

/// A node that decides commands as the real one does and saves them to a database of its own.
final class ReadsOffice {
    static let noon = Instant(milliseconds: 1_800_000_000_000)
    static let tabriz = "IR-03"

    let origin: Origin
    let tree = OrganizationTree.standard
    let database: Database
    let store: PostgresStore
    let reads: CaseReads
    var writer: JournalWriter
    var random = SeededRandom(state: 11)
    var records: [CaseID: CaseRecord] = [:]
    var stored = StoredHead.empty
    var position: UInt64 = 0
    var now = noon
    private var waiting: [Event] = []
    private var journal = ChainTree()
    private var hashes: [ChainPlace: EventHash] = [:]

    /// - Parameter database: one of its own; nil: a new one.
    init(_ code: String = tabriz, database: Database? = nil) async throws {
        origin = Origin(code) ?? .hub
        self.database =
            if let database { database } else { try await ContractServer.open(ContractServer.newDatabase()) }
        let database = self.database
        store = PostgresStore(database: database, hashing: sha256)
        reads = CaseReads(database: database, store: store, origin: origin, tree: tree)
        writer = JournalWriter(origin: origin, incarnation: 0xA1, continuing: .empty, clock: HybridClock())
        _ = try await store.takeOver(origin, token: 1)
    }

    func close() async {
        await store.close()
        await database.close()
    }

    func principal(_ role: Role, _ organization: String? = nil) throws -> Principal {
        let code = try #require(OrganizationCode(rawValue: organization ?? OrganizationCode(origin).rawValue))
        return Principal(name: "\(role)", role: role, organization: code)
    }

    func newID() -> CaseID { CaseID(home: origin, at: now, random: (random.next(), random.next())) }

    @discardableResult
    func register(
        _ texts: Texts = Texts(subject: "آب قطع است", description: "سه روز است", citizenName: "زهرا کریمی"),
        code: TrackingCode? = nil, category: String = "water"
    ) throws -> CaseID {
        let id = newID()
        let intake = Intake(kind: .complaint, channel: .phone, category: category, texts: texts)
        try run(.register(intake), on: id, code: code)
        return id
    }

    @discardableResult
    func run(
        _ command: Command, on id: CaseID, as role: Role = .supervisor, code: TrackingCode? = nil
    ) throws -> [Event] {
        now = now + Instant.minute
        let actor = Actor(name: "maryam", role: role, organization: OrganizationCode(origin))
        let context = DecisionContext(now: now, origin: origin, actor: actor, tree: tree, calendar: .standard)
        let record = records[id] ?? CaseRecord(id: id)
        let free = code ?? TrackingCode(province: origin.provinceNumber ?? 0, random: random.next())
        let newEvents = try record.state.decide(command, in: context, trackingCode: free) { hash in
            record[hash].flatMap { event in event.envelope.change.map { ($0, event.texts ?? Texts()) } }
        }
        return try newEvents.map { try write($0, on: id, epoch: record.state.epoch) }
    }

    @discardableResult
    func write(_ newEvent: NewEvent, on id: CaseID, epoch: Epoch) throws -> Event {
        let event = try writer.append(
            newEvent, caseID: id, epoch: epoch, now: now, hashing: sha256, random: &random)
        _ = records[id, default: CaseRecord(id: id)].insert(event)
        records[id]?.refold()
        waiting.append(event)
        return event
    }

    /// Commits what was written since.
    func save() async throws {
        var commit = Commit(
            origin: origin, token: 1, expected: stored, becomes: stored, now: now)
        var touched: [CaseID: UInt64] = [:]
        for event in waiting {
            position += 1
            commit.effects.numbered.append(Commit.Numbered(position: position, event: event))
            if let id = event.caseID { touched[id] = position }
            commit.effects.note(extend(event), of: origin)
        }
        for (id, position) in touched.sorted(by: { $0.key < $1.key }) {
            if let row = records[id].flatMap({ CaseRow($0, position: position) }) { commit.cases.append(row) }
        }
        stored = StoredHead(head: writer.head, stamp: writer.clock.last, position: position)
        commit.becomes = stored
        waiting = []
        try await store.commit(commit)
    }

    /// Takes an own event into the tree of chains.
    private func extend(_ event: Event) -> Chain {
        defer { hashes[event.envelope.place] = event.hash }
        var parent: UInt64 = 0
        if case .next(let found) = journal.verdict(on: event, known: { hashes[$0] }) { parent = found }
        return journal.accept(event, parent: parent)
    }

    /// Another start, which goes on from `head`: the last event, or an earlier one as after a restore.
    func restart(_ incarnation: UInt64, from head: ChainHead? = nil) {
        writer = JournalWriter(
            origin: origin, incarnation: incarnation, continuing: head ?? writer.head, clock: writer.clock)
    }

    /// A closed book: every page of a list, checked to hold no case twice.
    func allPages(_ query: CaseQuery, for principal: Principal, limit: Int) async throws -> [CaseDocument] {
        var query = query
        query.limit = limit
        var all: [CaseDocument] = []
        repeat {
            let page = try await reads.cases(query, for: principal, now: now)
            #expect(page.items.count <= limit)
            all += page.items
            query.cursor = page.next
        } while query.cursor != nil
        #expect(Set(all.map(\.id)).count == all.count)
        return all
    }

    func frame() -> ProjectionFrame { ProjectionFrame(database: database, store: store, origin: origin) }

    func project() async throws {
        let frame = frame()
        while try await frame.advance(limit: 7) > 0 {}
    }

    func execute(_ sql: String) async throws {
        try await database.readers.run { connection in try connection.execute(sql) }
    }
}
