import Casework
import Contract
import Federation
import Synchronization
import Testing

@testable import Postgres
@testable import Store

/// A gateway of which a test says what it does.
final class TestGateway: NoticeGateway {
    let name = "test"
    private let taken = Mutex<[OutgoingMessage]>([])
    private let behaviour = Mutex<@Sendable (OutgoingMessage) async -> GatewayAnswer>({ _ in .sent })

    var messages: [OutgoingMessage] { taken.withLock { $0 } }

    func will(_ body: @escaping @Sendable (OutgoingMessage) async -> GatewayAnswer) { behaviour.withLock { $0 = body } }

    func send(_ message: OutgoingMessage) async -> GatewayAnswer {
        taken.withLock { $0.append(message) }
        return await behaviour.withLock { $0 }(message)
    }
}

/// A node with its writer, its projections, and a sender whose clock a test moves.
final class OutboxOffice: Sendable {
    let database: Database
    let store: PostgresStore
    let writer: Writer<NodeCore>
    let frame: ProjectionFrame
    let gateway = TestGateway()
    private let time = Mutex(WriterOffice.noon)

    init() async throws {
        database = try await ContractServer.open(ContractServer.newDatabase())
        store = PostgresStore(database: database, hashing: sha256)
        writer = WriterOffice.node(store)
        frame = ProjectionFrame(database: database, store: store, origin: WriterOffice.tabriz)
    }

    /// Runs the writer while `body` works.
    static func with(_ body: (OutboxOffice) async throws -> Void) async throws {
        let office = try await OutboxOffice()
        // The gateway has been there before anything happens.
        _ = try await AttemptTable(office.database).since(office.now)
        try await running(office.writer) { try await body(office) }
        await office.store.close()
        await office.database.close()
    }

    var now: Instant { time.withLock { $0 } }
    func pass(_ milliseconds: Int64) { time.withLock { $0 = $0 + milliseconds } }

    /// As a process that starts: all that it knows is in the database.
    func sender() -> OutboxSender {
        OutboxSender(
            database: database, store: store, gateway: gateway, now: { self.now }, logger: ContractServer.logger,
            tell: OutboxSender.telling(writer))
    }

    /// Works until nothing is left to do now.
    func send(_ sender: OutboxSender? = nil) async throws {
        let sender = sender ?? self.sender()
        repeat { try await project() } while try await sender.step() > 0
        try await project()
    }

    func project() async throws { while try await frame.advance(limit: 100) > 0 {} }

    func register(mobile: String? = "09141234567") async throws -> CaseID {
        let intake = Intake(
            kind: .complaint, channel: .phone, category: "water",
            texts: Texts(subject: "آب قطع است", citizenName: "زهرا", citizenMobile: mobile))
        let request = CommandRequest(
            principal: WriterOffice.maryam, command: .register(intake), caseID: nil, idempotencyKey: nil, bodyHash: [])
        let id = try await writer.submit(request).record.id
        try await project()
        return id
    }

    func outcomes(of id: CaseID) async throws -> [NoticeOutcome] {
        let events = try await store.events(of: [id])[id] ?? []
        return CaseRecord(id: id, events: events).state.notices.map(\.outcome)
    }

    func attempts() async throws -> [String] {
        try await database.readers.run { connection in
            try connection.query("SELECT concat_ws(' ', number, result) FROM attempts ORDER BY number")
                .map { try $0.get(0) }
        }
    }

    /// A call that never ends, and a process that dies meanwhile.
    func dieDuringTheCall() async throws {
        let (called, call) = AsyncStream<Void>.makeStream()
        gateway.will { _ in
            call.yield()
            do { try await Task.sleep(for: .seconds(60)) } catch {}
            return .unknown("ended")
        }
        let process = Task { try await self.sender().step() }
        for await _ in called { break }
        process.cancel()
        _ = await process.result
        gateway.will { _ in .sent }
    }
}
