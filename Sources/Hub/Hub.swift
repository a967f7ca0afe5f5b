import Attachments
public import Casework
public import Contract
import Cryptography
public import Federation
import HTTP2
public import Logging
public import Store

/// The hub: its committer, the link's door, the dashboard's feed. The console's door is opened by who wires it.
public struct Hub: HubService, StoredService {
    public typealias Core = HubCore

    public let office: Office
    public let writer: Writer<HubCore>
    /// Who may connect, as of the last look at the registry.
    public let authority: Authority
    let links: LinkDoor
    let dashboard: Dashboard
    public let logger: Logger

    /// Opens and migrates the database; nothing runs before `run`.
    public static func open(
        _ configuration: HubConfiguration, now: @escaping @Sendable () -> Instant,
        tick: Duration = .seconds(20), logger: Logger
    ) async throws -> Hub {
        let database = try await Database.open(
            url: configuration.database, connections: configuration.databaseConnections, logger: logger)
        try await database.migrate()
        let store = PostgresStore(database: database, hashing: Digest.hashing)
        let office = Office(
            origin: .hub, tree: .standard, calendar: .standard, database: database, store: store,
            receiptKey: try SigningKey(pemFile: configuration.receiptKey),
            files: try configuration.attachments.map { try AttachmentFiles(directory: $0) }, now: now, tick: tick,
            logger: logger)
        return try Hub(office: office, configuration: configuration, logger: logger)
    }

    private init(office: Office, configuration: HubConfiguration, logger: Logger) throws {
        let notices = Broadcast<Writer<HubCore>.Notice>()
        let feedEnds = FeedEnds()
        let damage = Damage()
        let writer = Writer<HubCore>(
            origin: .hub, store: office.store, token: SecureRandom.uint64(), incarnation: SecureRandom.uint64() | 1,
            environment: .init(
                now: office.now,
                observe: { notice in
                    feedEnds.note(notice.effects.routed)
                    notices.send(notice)
                },
                damaged: { damage.report($0) }
            ) { try await Self.core(office, head: $0, incarnation: $1, logger: logger) }, logger: logger)
        self.office = office
        self.writer = writer
        self.logger = logger
        authority = Authority(office: office, logger: logger)
        let presence = Presence()
        links = try LinkDoor(
            configuration: configuration, office: office, writer: writer, notices: notices, presence: presence,
            feedEnds: feedEnds, damage: damage, authority: authority, logger: logger)
        dashboard = Dashboard(
            office: office, generation: writer.incarnation, notices: notices, presence: presence, logger: logger)
    }

    /// The hub's mark on its own events, by the key that signs its receipts.
    private static func seal(_ key: SigningKey, _ logger: Logger) throws -> Seal {
        let publicKey = try VerifyingKey(raw: key.publicKey)
        return Seal(
            sign: { bytes in
                do {
                    return try key.sign(bytes)
                } catch {
                    // The event stands all the same; only a restored hub could not take it back.
                    logger.error("an event could not be sealed", metadata: ["error": "\(error)"])
                    return []
                }
            }, isValid: { publicKey.verify($0, $1) })
    }

    private static func core(
        _ office: Office, head: StoredHead, incarnation: UInt64, logger: Logger
    ) async throws -> HubCore {
        var chains = try await office.store.chains()
        let own = chains.removeValue(forKey: .hub) ?? ChainTree()
        let journal = JournalWriter(
            origin: .hub, incarnation: incarnation, continuing: head.head, clock: HybridClock(last: head.stamp),
            seal: try seal(office.receiptKey, logger))
        let desk = Desk(
            writer: journal, journal: own, tree: office.tree, calendar: office.calendar,
            reads: try await office.store.reads(), hashing: Digest.hashing)
        return HubCore(
            desk: desk, chains: chains, position: head.position, feeds: try await office.store.feedEnds(),
            quarantined: try await office.store.quarantines(), fenced: try await office.store.fenced(),
            restoration: try await office.store.restoration(),
            wasRestored: try await office.store.restoredAt() != nil)
    }

    /// Opens the link's door; returns its port.
    public func openLink() async throws -> Int {
        try await authority.refresh()
        return try await links.server.start()
    }

    /// Runs until cancelled, or until this process is fenced by another.
    public func run() async throws {
        try await run(beside: [
            { try await links.server.run() }, { await watchRegistry() }, { await dashboard.run() },
            { await escalate() }, { await settlePending() },
        ])
    }

    /// Revoking closes live links within 5 s: the registry is looked at each second.
    private func watchRegistry() async {
        await Upkeep.periodically(every: .seconds(1), logger: logger) {
            guard try await authority.refresh() else { return }
            let closed = await links.server.closeConnections { peer in
                peer.map { authority.refusal($0) != nil } ?? false
            }
            if closed > 0 { logger.notice("links closed after revocation", metadata: ["count": "\(closed)"]) }
        }
    }

    private func escalate() async {
        await Upkeep.periodically(every: office.tick, logger: logger) {
            let now = office.now()
            let reports = await links.presence.reports
            await writer.withCore { $0?.reports = reports }
            let own = try await office.clocks.due(before: now, below: 1, seats: [.hub], limit: 200)
            try await escalate(own.cases)
            // Only of seats that have said all: the cases of silent ones must not stand in the way of the others'.
            let heard = reports.filter { $0.value.backlog == 0 }
            let latest = heard.values.map(\.heardAt).max() ?? now
            let others = try await office.clocks.due(
                before: min(now, latest), below: 2, seats: heard.keys.sorted(), limit: 5_000)
            try await escalate(others.cases)
        }
    }

    /// Transfers that had to wait, for a quarantine or for a node that a restored hub has not heard.
    private func settlePending() async {
        await Upkeep.periodically(every: .seconds(10), logger: logger) {
            var last: CaseID?
            while true {
                let cases = try await office.store.pending(after: last, limit: 200)
                guard !cases.isEmpty else { return }
                _ = try await writer.apply(.pending(cases), cases: cases, size: cases.count)
                last = cases.last
            }
        }
    }

    /// Lets an origin in again: a person has chosen. What was held is merged, the chosen copy's first.
    public func release(_ origin: Origin, keep: UInt64?) async throws {
        while true {
            guard let order = await writer.withCore({ $0?.releaseOrder(of: origin, keep: keep) }) else {
                throw ServiceError.unavailable("the database does not answer: try again")
            }
            let held = try await office.store.held(of: origin, preferring: order, limit: Batch.maximumEvents)
            let arrival = HubCore.Arrival.release(origin, keep: keep, held: held)
            _ = try await writer.apply(arrival, cases: arrival.cases, size: held.count)
            guard let left = try await office.store.quarantines()[origin] else { return }
            guard !held.isEmpty else { throw ServiceError.unavailable("\(left) events are still held: try again") }
        }
    }

    // MARK: Reads

    public func overview() async throws -> OverviewDocument { try await dashboard.overview() }
    public func provinces() async throws -> [ProvinceStatusDocument] {
        try await office.reads.provinceStatus(try await dashboard.overview().provinces)
    }

    public func feed(after lastEventID: String?) async throws -> AsyncStream<FeedMessage> {
        try await dashboard.feed(after: lastEventID)
    }

    public func overdueRanking(limit: Int) async throws -> [CaseDocument] {
        try await office.reads.overdueRanking(limit: limit, now: office.now())
    }

    public func trend(days: Int) async throws -> [TrendPoint] {
        try await office.reads.trend(days: days, now: office.now())
    }

    /// A ministry acts by its own certificate.
    public func principal(certificate uri: String) async throws -> Principal? {
        let prefix = "spiffe://peyvand/ministry/"
        guard uri.hasPrefix(prefix), let code = OrganizationCode(rawValue: String(uri.dropFirst(prefix.count))),
            tree.seat(of: code) == .hub
        else { return nil }
        return Principal(name: code.rawValue.lowercased(), role: .ministry, organization: code)
    }

    /// The hub's own events are in its own journal: its receipts need no second signature.
    public func acknowledgement(of event: Event) async throws -> Ack? { nil }

    public func gauges() async throws -> [Gauge] {
        let overview = try await overview()
        var gauges =
            [
                Gauge(name: "peyvand_journal_seq", help: "The hub's position", value: Double(overview.position)),
                Gauge(
                    name: "peyvand_conflicts_open", help: "Conflicts that wait for a person",
                    value: Double(overview.counts.conflicts)),
            ] + office.projections.gauges
        for (origin, lag) in try await feedLags() {
            gauges.append(
                Gauge(
                    name: "peyvand_feed_lag", help: "Rows of its feed that the node has not committed",
                    labels: ["province": origin.code], value: Double(lag)))
        }
        let now = office.now()
        for province in overview.provinces {
            let labels = ["province": province.code]
            gauges.append(
                Gauge(
                    name: "peyvand_link_connected", help: "1 while the node's link is up", labels: labels,
                    value: province.state == "connected" ? 1 : 0))
            if let heard = province.lastHeard.flatMap({ Instant(rfc3339: $0) }) {
                gauges.append(
                    Gauge(
                        name: "peyvand_last_heard_seconds", help: "Since the node was last heard", labels: labels,
                        value: Double(now - heard) / 1000))
            }
            if let backlog = province.backlog {
                gauges.append(
                    Gauge(
                        name: "peyvand_backlog_events", help: "Events that the node said it has and the hub has not",
                        labels: labels, value: Double(backlog)))
            }
            gauges.append(
                Gauge(
                    name: "peyvand_quarantined", help: "1 while the origin is kept out", labels: labels,
                    value: province.state == "quarantined" ? 1 : 0))
        }
        return gauges
    }

    /// Of the nodes that were heard, in the order of their codes.
    private func feedLags() async throws -> [(Origin, UInt64)] {
        let (ends, nodes) = (try await office.store.feedEnds(), try await office.reads.nodes())
        return nodes.sorted { $0.key < $1.key }.map { origin, node in
            let end = ends[origin] ?? 0
            return (origin, end > node.feed ? end - node.feed : 0)
        }
    }
}
