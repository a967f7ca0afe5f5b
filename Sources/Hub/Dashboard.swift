import Casework
import Contract
import Federation
import JSON
import Logging
import Store

/// The national dashboard's figures and its feed of what happens now. One reader of the store serves all who watch.
actor Dashboard {
    /// A batch of changes with the figures after it.
    struct Step: Sendable {
        /// The position that the batch goes on from.
        var after: UInt64
        var position: UInt64
        var messages: [FeedMessage]
    }

    /// A listener this far behind gets a fresh snapshot instead of every change.
    private static let catchUpLimit = 500
    /// Between two steps, and between two snapshots.
    private static let pace = Duration.milliseconds(20)
    private static let catchUpPace = Duration.milliseconds(100)

    private let office: Office
    private let generation: UInt64
    private let notices: Broadcast<Writer<HubCore>.Notice>
    private let presence: Presence
    private let logger: Logger
    private let steps = Broadcast<Step>()
    /// The last position that was sent; `nil` while nobody watches.
    private var position: UInt64?

    init(
        office: Office, generation: UInt64, notices: Broadcast<Writer<HubCore>.Notice>, presence: Presence,
        logger: Logger
    ) {
        self.office = office
        self.generation = generation
        self.notices = notices
        self.presence = presence
        self.logger = logger
    }

    /// The national figures with the state of each province's link, of this instant.
    func overview() async throws -> OverviewDocument {
        let now = office.now()
        let (position, counts, byHome) = try await office.reads.overview(now: now)
        let nodes = try await office.reads.nodes()
        var provinces = [ProvinceDocument]()
        for origin in Origin.provinces {
            let node = nodes[origin]
            let state =
                if node?.isQuarantined == true {
                    "quarantined"
                } else if await presence.isConnected(origin) {
                    "connected"
                } else {
                    node?.lastHeard == nil ? "never" : "silent"
                }
            provinces.append(
                ProvinceDocument(
                    code: origin.code, counts: byHome[origin] ?? Counts(), lastHeard: node?.lastHeard?.rfc3339,
                    backlog: node?.backlog, state: state))
        }
        return OverviewDocument(asOf: now.rfc3339, position: position, counts: counts, provinces: provinces)
    }

    /// Watches commits and links until cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.watchCommits() }
            group.addTask { await self.watchLinks() }
        }
    }

    private func watchCommits() async {
        for await notice in notices.listen() {
            do {
                // Several commits in this time make one step: the page need not move faster.
                try await Task.sleep(for: try await advance(to: notice.position))
            } catch is CancellationError {
                return
            } catch {
                logger.warning("dashboard behind", metadata: ["error": "\(error)"])
            }
        }
    }

    /// - Returns: when to look again.
    private func advance(to end: UInt64) async throws -> Duration {
        guard steps.hasListeners else {
            // Whoever comes reads where he begins; until then nothing is read.
            position = nil
            return .zero
        }
        guard let after = position else {
            position = try await overview().position
            return Self.pace
        }
        // Somebody's long journal comes in: nobody could read each of its lines.
        if end > after + UInt64(Self.catchUpLimit) {
            let overview = try await overview()
            steps.send(Step(after: after, position: overview.position, messages: [snapshot(overview)]))
            position = overview.position
            return Self.catchUpPace
        }
        let changes = try await changes(after: after)
        guard let last = changes.last else { return Self.pace }
        let overview = try await overview()
        let messages = changes.map { message($0.row, $0.event, overview) }
        steps.send(Step(after: after, position: last.row.position, messages: messages))
        position = last.row.position
        return Self.pace
    }

    /// The cases that moved, each with the event that moved it last.
    private func changes(after position: UInt64) async throws -> [(row: CaseRow, event: Event)] {
        let rows = try await office.reads.changes(after: position, limit: Self.catchUpLimit)
        let events = try await office.store.events(of: rows.map(\.id))
        return rows.compactMap { row in events[row.id]?.last.map { (row, $0) } }
    }

    private func watchLinks() async {
        for await origin in presence.changes.listen(buffering: 64) {
            do {
                let overview = try await overview()
                guard let position, let province = overview.provinces.first(where: { $0.code == origin.code }) else {
                    continue
                }
                let message = FeedMessage(id: id(position), event: "link", data: province.json.text)
                steps.send(Step(after: position, position: position, messages: [message]))
            } catch {
                logger.warning("dashboard behind", metadata: ["error": "\(error)"])
            }
        }
    }

    // MARK: Listeners

    /// A snapshot, or what came after a known id; then every change without a gap.
    func feed(after lastEventID: String?) async throws -> AsyncStream<FeedMessage> {
        // He listens before he looks: from here on somebody watches, and no commit goes by.
        let live = steps.listen(buffering: 256)
        if position == nil { position = try await overview().position }
        let (stream, continuation) = AsyncStream<FeedMessage>.makeStream(bufferingPolicy: .bufferingOldest(4096))
        let resumed = lastEventID.flatMap { self.position(of: $0) }
        let task = Task { await self.serve(live, from: resumed, to: continuation) }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    private func serve(
        _ live: AsyncStream<Step>, from resumed: UInt64?, to listener: AsyncStream<FeedMessage>.Continuation
    ) async {
        defer { listener.finish() }
        do {
            var seen = try await catchUp(from: resumed, to: listener)
            for await step in live {
                if step.position < seen || step.position == seen && step.after < seen { continue }
                if step.after > seen {
                    seen = try await catchUp(from: seen, to: listener)
                    if step.position <= seen, step.after < step.position { continue }
                }
                for message in step.messages {
                    guard case .enqueued = listener.yield(message) else { return }
                }
                seen = max(seen, step.position)
            }
        } catch {
            logger.debug("feed ended", metadata: ["error": "\(error)"])
        }
    }

    /// Brings a listener to the present; returns the position that it has seen.
    private func catchUp(
        from seen: UInt64?, to listener: AsyncStream<FeedMessage>.Continuation
    ) async throws -> UInt64 {
        if let seen {
            let changes = try await changes(after: seen)
            if changes.count < Self.catchUpLimit {
                let overview = try await overview()
                for change in changes { listener.yield(message(change.row, change.event, overview)) }
                return changes.last?.row.position ?? seen
            }
        }
        let overview = try await overview()
        listener.yield(snapshot(overview))
        return overview.position
    }

    private func snapshot(_ overview: OverviewDocument) -> FeedMessage {
        FeedMessage(id: id(overview.position), event: "snapshot", data: overview.json.text)
    }

    private func message(_ row: CaseRow, _ event: Event, _ overview: OverviewDocument) -> FeedMessage {
        let province = overview.provinces.first { $0.code == row.home.code }
        let data: JSON = [
            "position": JSON(row.position), "at": .string(event.envelope.occurredAt.rfc3339),
            "type": .string(event.envelope.type), "case_id": .string(row.id.description),
            "tracking_code": .string(row.trackingCode), "home": .string(row.home.code),
            "origin": .string(event.origin.code), "holder": .string(row.holder.rawValue),
            "status": .string(row.status.rawValue), "province": province?.json ?? .null, "totals": overview.counts.json,
            "as_of": .string(overview.asOf),
        ]
        return FeedMessage(id: id(row.position), event: "change", data: data.text)
    }

    private func id(_ position: UInt64) -> String { "\(Receipt.hex(generation))-\(position)" }

    /// `nil` for an id of another generation, from the future, or malformed: such a listener gets a fresh snapshot.
    private func position(of id: String) -> UInt64? {
        let parts = id.split(separator: "-")
        guard parts.count == 2, String(parts[0]) == Receipt.hex(generation), let position = UInt64(parts[1]),
            position <= self.position ?? 0
        else { return nil }
        return position
    }
}
