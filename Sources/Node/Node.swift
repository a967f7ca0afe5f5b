import Attachments
public import Casework
public import Contract
import Cryptography
public import Federation
public import Logging
public import Store

/// A province's server: its writer, its link to the hub, its projections. Doors are opened by who wires it.
public struct Node: NodeService, StoredService {
    public typealias Core = NodeCore

    public let office: Office
    public let writer: Writer<NodeCore>
    let link: LinkDriver
    let attachments: AttachmentDriver
    private let gateway: (any NoticeGateway)?
    public let logger: Logger

    /// Opens and migrates the database; nothing runs before `run`.
    public static func open(
        _ configuration: NodeConfiguration, now: @escaping @Sendable () -> Instant,
        tick: Duration = .seconds(20), logger: Logger
    ) async throws -> Node {
        let database = try await Database.open(
            url: configuration.database, connections: configuration.databaseConnections, logger: logger)
        try await database.migrate()
        let store = PostgresStore(database: database, hashing: Digest.hashing)
        let office = Office(
            origin: configuration.origin, tree: .standard, calendar: .standard, database: database, store: store,
            receiptKey: try SigningKey(pemFile: configuration.receiptKey),
            files: try configuration.attachments.map { try AttachmentFiles(directory: $0) }, now: now, tick: tick,
            logger: logger)
        return try Node(office: office, configuration: configuration, logger: logger)
    }

    private init(office: Office, configuration: NodeConfiguration, logger: Logger) throws {
        let notices = Broadcast<Writer<NodeCore>.Notice>()
        let (damaged, damage) = AsyncStream<CaseID>.makeStream(bufferingPolicy: .bufferingNewest(1_000))
        let writer = Writer<NodeCore>(
            origin: office.origin, store: office.store, token: SecureRandom.uint64(),
            incarnation: SecureRandom.uint64() | 1,
            environment: .init(now: office.now, observe: { notices.send($0) }, damaged: { damage.yield($0) }) {
                try await Self.core(office, head: $0, incarnation: $1)
            }, isOpen: false, logger: logger)
        self.office = office
        self.writer = writer
        self.logger = logger
        gateway = configuration.gateway
        attachments = AttachmentDriver(
            configuration: configuration, office: office, notices: notices, logger: logger)
        link = try LinkDriver(
            configuration: configuration, office: office, writer: writer, notices: notices, damaged: damaged,
            logger: logger)
    }

    private static func core(_ office: Office, head: StoredHead, incarnation: UInt64) async throws -> NodeCore {
        let chains = try await office.store.chains()
        let journal = JournalWriter(
            origin: office.origin, incarnation: incarnation, continuing: head.head,
            clock: HybridClock(last: head.stamp))
        let desk = Desk(
            writer: journal, journal: chains[office.origin] ?? ChainTree(), tree: office.tree,
            calendar: office.calendar, reads: try await office.store.reads(), hashing: Digest.hashing)
        return NodeCore(
            desk: desk, hub: chains[.hub] ?? ChainTree(), cursors: try await office.store.feedCursors(),
            position: head.position)
    }

    /// Runs until cancelled, or until this process is fenced by another.
    public func run() async throws {
        try await run(beside: [
            { await link.run() }, { await attachments.run() }, { await escalate() }, { await notices() },
        ])
    }

    /// Tells citizens, by the gateway that is configured.
    private func notices() async {
        guard let gateway else { return await OutboxSender.rest(office.database, logger: logger) }
        let sender = OutboxSender(
            database: office.database, store: office.store, gateway: gateway, now: office.now, logger: logger,
            tell: OutboxSender.telling(writer))
        await sender.run()
    }

    /// The seat's level of escalation, as clocks pass.
    private func escalate() async {
        await Upkeep.periodically(every: office.tick, logger: logger) {
            let due = try await office.clocks.due(before: office.now(), below: 1, seats: [office.origin], limit: 200)
            try await escalate(due.cases)
        }
    }

    public func status() async throws -> StatusDocument {
        let head = await writer.state.head
        let journal = await writer.journal
        let covered = try await office.store.acknowledged()
        let link = await link.report
        let counts = try await office.reads.counts(now: office.now())
        let proposals = try await office.reads.openProposals()
        let acknowledged = journal.covered(covered, to: head.head)
        let ack = try await office.store.acknowledgement(
            covering: ChainPlace(incarnation: head.head.incarnation, seq: head.head.seq))
        return StatusDocument(
            code: office.origin.code, link: link.state,
            head: .init(
                incarnation: Receipt.hex(head.head.incarnation), seq: head.head.seq, hash: head.head.hash.description),
            acknowledged: acknowledged, acknowledgedAt: ack?.committedAt.rfc3339, backlog: journal.backlog(covered),
            feed: try await office.store.feedCursors().first?.seq ?? 0, incarnation: Receipt.hex(writer.incarnation),
            clockOffsetMS: link.clockOffset, conflicts: counts.conflicts, proposals: proposals,
            cases: counts.registered, hubSeenAt: link.heardAt?.rfc3339,
            standing: try await office.reads.nodeStanding(acknowledged: acknowledged))
    }

    /// A node knows no client certificates but its operators': those use tokens and sessions.
    public func principal(certificate uri: String) async throws -> Principal? { nil }

    public func acknowledgement(of event: Event) async throws -> Ack? {
        try await office.store.acknowledgement(covering: event.envelope.place)
    }

    public func gauges() async throws -> [Gauge] {
        let status = try await status()
        return [
            Gauge(
                name: "peyvand_link_connected", help: "1 while the link to the hub is up",
                value: status.link == "connected" ? 1 : 0),
            Gauge(
                name: "peyvand_backlog_events", help: "Own events that the hub has not acknowledged",
                value: Double(status.backlog)),
            Gauge(name: "peyvand_journal_seq", help: "Seq of the last own event", value: Double(status.head.seq)),
            Gauge(
                name: "peyvand_conflicts_open", help: "Conflicts that wait for a person",
                value: Double(status.conflicts)),
            Gauge(
                name: "peyvand_feed_position", help: "The last committed row of the hub's feed",
                value: Double(status.feed)),
            Gauge(
                name: "peyvand_clock_offset_seconds", help: "The hub's clock less this one",
                value: Double(status.clockOffsetMS) / 1000),
        ] + office.projections.gauges
    }
}
