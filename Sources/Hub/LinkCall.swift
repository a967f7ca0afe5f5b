import Casework
import Contract
import Cryptography
import Federation
import HTTP2
import HTTPTypes
import Logging
import NIOCore
import Store

/// Carries out what `HubLink` says for one call of one node. It decides nothing.
actor LinkCall {
    private let origin: Origin
    private let remote: String
    private let office: Office
    private let writer: Writer<HubCore>
    private let presence: Presence
    private let feedEnds: FeedEnds
    private let load: LinkLoad
    private let damage: Damage
    private let logger: Logger
    private var machine: HubLink
    private var isLive = false
    /// Names this call among those of its origin.
    private let id = SecureRandom.uint64()
    /// One at a time: the machine asks for the next only when it has been given the last.
    private let reads = AsyncStream<HubLink.Action>.makeStream(bufferingPolicy: .bufferingNewest(1))
    /// Batches with the committer, in order: the next is decoded and verified meanwhile.
    private var underWay: [Submission] = []
    private let submitted = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    private var room: CheckedContinuation<Void, Never>?
    /// Nobody says any more what is committed.
    private var hasEnded = false
    private var notedAt: Instant?

    private struct Submission: Sendable {
        var wire: [WireEvent]
        var bytes: Int
        var effects: Writer<HubCore>.PendingEffects
    }

    /// Whoever waits has batches under way, and looks again when the first of them is committed.
    private var isFull: Bool { Admission.isFull(batches: underWay.count, bytes: load.bytes) }

    init(
        origin: Origin, remote: String, office: Office, writer: Writer<HubCore>, presence: Presence,
        feedEnds: FeedEnds, load: LinkLoad, damage: Damage, logger: Logger
    ) {
        self.load = load
        self.damage = damage
        self.feedEnds = feedEnds
        self.origin = origin
        self.remote = remote
        self.office = office
        self.writer = writer
        self.presence = presence
        var logger = logger
        logger[metadataKey: "node"] = "\(origin.code)"
        self.logger = logger
        machine = HubLink(peer: origin)
    }

    func run(
        _ body: RequestBody, _ response: ResponseWriter, notices: Broadcast<Writer<HubCore>.Notice>
    ) async {
        let moved = notices.listen()
        let later = presence.alive.listen(buffering: 256)
        let (found, mended) = (damage.found.listen(buffering: 1_000), damage.mended.listen())
        var status = (0, "")
        do {
            var head = HTTPResponse(status: .ok)
            head.headerFields[.contentType] = "application/grpc"
            try await response.head(head)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.receive(body, response) }
                group.addTask { try await self.follow(moved, response) }
                group.addTask { try await self.read(response) }
                group.addTask { try await self.acknowledge(response) }
                group.addTask { for await call in later { try await self.yield(to: call, response) } }
                group.addTask { for await id in found { try await self.ask(for: id, response) } }
                group.addTask { for await cases in mended { try await self.goOn(cases, response) } }
                group.addTask { try await self.awaitHello() }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch let fault as CallEnd {
            status = (fault.status, fault.description)
            if fault.status != 0 { await audit("link.ended", fault.description) }
        } catch let fault as FrameFault {
            status = (3, fault.reason)
            await audit("link.malformed", fault.reason)
        } catch {
            status = (14, "\(error)")
        }
        machine.closed()
        if isLive { await presence.disconnected(origin) }
        logger.info("link closed", metadata: ["status": "\(status.0)", "reason": "\(status.1)"])
        var trailers = HTTPFields()
        trailers[.grpcStatus] = String(status.0)
        if !status.1.isEmpty { trailers[.grpcMessage] = Self.ascii(status.1) }
        // The peer may be gone: then there is nobody to tell.
        do { try await response.finish(trailers) } catch {
            logger.debug("no trailers sent", metadata: ["error": "\(error)"])
        }
    }

    /// gRPC's messages are percent-encoded; ours are plain ASCII by replacement.
    static func ascii(_ text: String) -> String {
        String(text.unicodeScalars.map { $0.value >= 0x20 && $0.value < 0x7F && $0 != "%" ? Character($0) : "?" })
    }

    /// A call that says no Hello in time is ended; for one that has, this never returns.
    private func awaitHello() async throws {
        try await Task.sleep(for: .seconds(10))
        if machine.state == .awaitingHello { throw CallEnd(status: 4, "no Hello within 10 s") }
        try await Task.sleep(for: .seconds(100 * 365 * 86_400))
    }

    private func receive(_ body: RequestBody, _ response: ResponseWriter) async throws {
        var deframer = Deframer()
        for try await buffer in body {
            deframer.append(buffer.readableBytesView)
            while let message = try deframer.next() {
                try await perform(machine.received(try NodeFrame(wire: message)), response)
                await awaitRoom()
            }
        }
        throw CallEnd(status: 0, "")
    }

    /// A slow listener loses notices, so where the feed ends is asked, not told.
    private func follow(_ notices: AsyncStream<Writer<HubCore>.Notice>, _ response: ResponseWriter) async throws {
        for await _ in notices {
            try await perform(machine.feedAdvanced(to: feedEnds.end(of: origin)), response)
        }
    }

    private func read(_ response: ResponseWriter) async throws {
        for await action in reads.stream {
            do {
                switch action {
                case .readTail(let stretches):
                    try await perform(
                        machine.tailRead(try await office.store.journal(of: origin, in: stretches)), response)
                case .readFeed(let seq):
                    try await perform(machine.feedRead(try await office.store.feed(of: origin, after: seq)), response)
                default: continue
                }
            } catch StoreError.corrupt(let id?, _) {
                // The rest of the call goes on.
                try await perform(machine.blocked(action, by: id), response)
                writer.report(damaged: id)
            }
        }
    }

    private func ask(for id: CaseID, _ response: ResponseWriter) async throws {
        try await perform(machine.found(damaged: id), response)
    }

    private func yield(to call: (origin: Origin, call: UInt64), _ response: ResponseWriter) async throws {
        guard call.origin == origin, call.call != id else { return }
        try await perform(machine.superseded(), response)
    }

    private func goOn(_ mended: [CaseID], _ response: ResponseWriter) async throws {
        try await perform(machine.repaired(mended), response)
    }

    private func perform(_ actions: [HubLink.Action], _ response: ResponseWriter) async throws {
        for action in actions {
            switch action {
            case .send(let frame): try await send(frame, response)
            case .prepare(let hello): try await prepare(hello, response)
            case .noteAlive(let process):
                presence.alive.send((origin, id))
                let effects = try await writer.apply(.alive(origin, writer: process), cases: [], lane: origin)
                try await tell(effects, response)
            case .acknowledge(let heads): try await send(.ack(try await receipt(heads)), response)
            case .submit(let events): try await submit(events, response)
            case .takeLost(let events, let isLast): try await takeLost(events, isLast: isLast, response)
            case .repair(let events): try await repair(events, response)
            case .readTail, .readFeed: reads.continuation.yield(action)
            case .compare(let digests): try await compare(digests, response)
            case .readCases(let cases): try await readCases(cases, response)
            case .noteReport(let cursor, let clock, let backlog):
                let now = office.now()
                await presence.reported(origin, at: now, backlog: backlog)
                try await office.store.note(
                    NodeReport(
                        origin: origin, heardAt: now, clockOffset: clock - now, backlog: backlog, feed: cursor?.seq))
            case .raise(let alarm): try await raise(alarm)
            case .close(let reason): throw CallEnd(status: 9, reason)
            }
        }
    }

    private func send(_ frame: HubFrame, _ response: ResponseWriter) async throws {
        let message = frame.wire
        var buffer = ByteBuffer(bytes: Deframer.prefix(message.count))
        buffer.writeBytes(message)
        try await response.write(buffer)
    }

    /// What is known of the node's cursors goes to the core with its Hello.
    private func prepare(_ hello: Hello, _ response: ResponseWriter) async throws {
        let facts = try await office.store.feedFacts(of: origin, hello.cursors)
        let effects = try await writer.apply(.hello(hello, feed: facts), cases: [], lane: origin)
        for (_, alarm) in effects.alarms { await audit("alarm.\(alarm.code)", alarm.detail) }
        guard let greeting = effects.greeting else { throw CallEnd(status: 13, "a Hello without an answer") }
        let end = try await office.store.feedEnds()[origin] ?? 0
        if case .welcome(let welcome, let tail) = greeting {
            isLive = true
            await presence.connected(origin)
            logger.info(
                "link open",
                metadata: ["remote": "\(remote)", "feed": "\(welcome.feed?.seq ?? 0)/\(end)", "tail": "\(tail.count)"])
        }
        try await perform(machine.greeted(greeting, feedEnd: end), response)
        for id in damage.outstanding { try await perform(machine.found(damaged: id), response) }
    }

    /// Alarms of what came: to the audit, and those about the node to the node.
    private func tell(_ effects: Effects, _ response: ResponseWriter) async throws {
        for (_, alarm) in effects.alarms { await audit("alarm.\(alarm.code)", alarm.detail) }
        for (about, alarm) in effects.alarms where about == origin { try await send(.alarm(alarm), response) }
    }

    private func decoded(_ wire: [WireEvent], _ response: ResponseWriter) async throws -> [Event] {
        let (events, alarm) = HubLink.decode(wire, hashing: Digest.hashing)
        if let alarm {
            try await raise(alarm)
            try await send(.alarm(alarm), response)
        }
        return events
    }

    private func submit(_ wire: [WireEvent], _ response: ResponseWriter) async throws {
        let events = try await decoded(wire, response)
        guard !events.isEmpty else {
            return try await perform(machine.committed([], alarms: []), response)
        }
        let known =
            machine.follows(events)
            ? [:]
            : try await office.store.known(around: events.sorted { $0.envelope.seq < $1.envelope.seq }, of: origin)
        let arrival = HubCore.Arrival.events(origin, events, known: known)
        let effects = try writer.begin(arrival, cases: arrival.cases, size: events.count, lane: origin)
        let bytes = events.reduce(0) { $0 + $1.size }
        let submission = Submission(wire: wire, bytes: bytes, effects: effects)
        load.add(bytes)
        if hasEnded { return forget([submission]) }
        underWay.append(submission)
        submitted.continuation.yield()
    }

    /// Only the receiver waits here: what is sent again after a repair is little, and whoever makes room must never wait
    /// for it.
    private func awaitRoom() async {
        while isFull, !hasEnded, !Task.isCancelled {
            await withCheckedContinuation { room = $0 }
        }
    }

    private func makeRoom() {
        room?.resume()
        room = nil
    }

    /// Nobody says any more what these did, but they count until they are done.
    private func forget(_ rest: [Submission]) {
        Task { [load] in
            for submission in rest {
                _ = await submission.effects.outcome
                load.remove(submission.bytes)
            }
        }
    }

    /// Says what is committed, once for all that became durable together.
    private func acknowledge(_ response: ResponseWriter) async throws {
        // Whoever waits for room is being ended too, and may not know it yet.
        defer {
            hasEnded = true
            makeRoom()
            forget(underWay)
            underWay = []
        }
        for await _ in submitted.stream {
            while let submission = underWay.first {
                let outcome = await submission.effects.outcome
                underWay.removeFirst()
                load.remove(submission.bytes)
                makeRoom()
                let effects: Effects
                do {
                    effects = try outcome.get()
                } catch StoreError.corrupt(let id?, _) {
                    try await perform(machine.blocked(.submit(submission.wire), by: id), response)
                    continue
                }
                for (_, alarm) in effects.alarms { await audit("alarm.\(alarm.code)", alarm.detail) }
                let alarms = effects.alarms.filter { $0.origin == origin }.map(\.alarm)
                let isMoreDone = underWay.first?.effects.isDone == true
                try await perform(
                    machine.committed(effects.heads, alarms: alarms, isMoreDone: isMoreDone), response)
            }
            try await noteHeard()
        }
    }

    private func receipt(_ heads: [ChainHead]) async throws -> Ack {
        var ack = Ack(heads: heads, committedAt: office.now(), position: await writer.state.head.position)
        ack.signature = try office.receiptKey.sign(
            Receipt.text(origin: origin, heads: ack.heads, committedAt: ack.committedAt, position: ack.position))
        return ack
    }

    /// At most once a second: a long journal brings many batches.
    private func noteHeard() async throws {
        let now = office.now()
        if let notedAt, (0..<1000).contains(now - notedAt) { return }
        notedAt = now
        try await office.store.note(
            NodeReport(origin: origin, heardAt: now, clockOffset: nil, backlog: nil, feed: nil))
    }

    private func takeLost(_ wire: [WireEvent], isLast: Bool, _ response: ResponseWriter) async throws {
        let events = try await decoded(wire, response)
        guard events.count == wire.count else { throw CallEnd(status: 3, "events of the hub came back unreadable") }
        let known = try await office.store.known(around: events, of: .hub)
        let arrival = HubCore.Arrival.lost(origin, events, known: known, isLast: isLast)
        do {
            try await tell(
                try await writer.apply(arrival, cases: arrival.cases, size: events.count, lane: origin), response)
        } catch StoreError.corrupt(let id?, _) {
            return try await perform(machine.blocked(.takeLost(wire, isLast: isLast), by: id), response)
        }
        if !events.isEmpty {
            logger.notice("the hub's own events came back", metadata: ["count": "\(events.count)"])
        }
        try await perform(machine.returned(), response)
    }

    private func repair(_ wire: [WireEvent], _ response: ResponseWriter) async throws {
        let events = try await decoded(wire, response)
        guard events.count == wire.count else { throw CallEnd(status: 3, "a repair came unreadable") }
        let mended = try await office.store.repair(events)
        if mended > 0 {
            let detail = "\(mended) stored events were damaged here; this node's copies are in their place"
            await audit("alarm.mended", detail)
            try await office.alarms.note(Alarm(code: .mended, detail: detail), of: .hub, at: office.now())
        }
        let own = events.filter { $0.origin == origin }.sorted { $0.envelope.seq < $1.envelope.seq }
        let hubs = events.filter { $0.origin == .hub }.sorted { $0.envelope.seq < $1.envelope.seq }
        let known = try await office.store.known(around: own, of: origin)
        let arrival = HubCore.Arrival.repair(
            origin, events, known: known, ofHub: try await office.store.known(around: hubs, of: .hub))
        do {
            try await tell(
                try await writer.apply(arrival, cases: arrival.cases, size: events.count, lane: origin), response)
        } catch StoreError.corrupt(let id?, let place) {
            // Another node may hold the rest; what waits goes on waiting.
            return logger.error("still damaged", metadata: ["case": "\(id)", "place": "\(place)"])
        }
        damage.mend(arrival.cases)
    }

    /// Of which cases this hub holds something else than the node.
    private func compare(_ digests: [CaseDigest], _ response: ResponseWriter) async throws {
        let here = try await office.store.digests(of: digests.map(\.caseID))
        try await perform(machine.compared(digests, here: here), response)
    }

    private func readCases(_ cases: [CaseID], _ response: ResponseWriter) async throws {
        for id in cases {
            do {
                let events = try await office.store.events(of: [id])[id] ?? []
                let visible = HubCore.visible(events, of: id, to: origin)
                if !visible.isEmpty { try await perform(machine.casesRead(visible), response) }
            } catch StoreError.corrupt {
                writer.report(damaged: id)
            }
        }
    }

    private func raise(_ alarm: Alarm) async throws {
        await audit("alarm.\(alarm.code)", alarm.detail)
        try await office.alarms.note(alarm, of: origin, at: office.now())
    }

    private func audit(_ action: String, _ detail: String) async {
        office.auditTrail.note(
            AuditLine(actor: "node \(origin.code)", action: action, subject: "", remote: remote, detail: detail))
    }
}

/// How a call ended, as gRPC counts.
struct CallEnd: Error, CustomStringConvertible {
    var status: Int
    var description: String

    init(status: Int, _ description: String) { (self.status, self.description) = (status, description) }
}
