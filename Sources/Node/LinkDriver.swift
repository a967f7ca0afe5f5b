import Casework
import Contract
import Cryptography
import Federation
import HTTP2
import HTTPTypes
import Logging
import NIOCore
import Store

/// Carries out what `NodeLink` says: dials the hub, moves frames, reads the journal, applies feeds. It decides nothing.
actor LinkDriver {
    struct Report: Sendable {
        /// `connected`, `connecting`, `offline: …`
        var state = "connecting"
        var clockOffset: Int64 = 0
        /// This node's events are kept and acknowledged by the hub, and not merged until a person has chosen.
        var isQuarantined = false
        var heardAt: Instant?
    }

    private let configuration: NodeConfiguration
    private let office: Office
    private let writer: Writer<NodeCore>
    private let notices: Broadcast<Writer<NodeCore>.Notice>
    private let damaged: AsyncStream<CaseID>
    private let hubKey: VerifyingKey
    private let logger: Logger
    private var machine: NodeLink
    /// The machine's time: this clock is not set by anybody.
    private let begun = ContinuousClock.now
    private var call: Call?
    private var backOff = BackOff()
    private var pause: UInt64 = 0
    private(set) var report = Report()

    /// - Parameter damaged: cases that turned out to be unreadable here.
    init(
        configuration: NodeConfiguration, office: Office, writer: Writer<NodeCore>,
        notices: Broadcast<Writer<NodeCore>.Notice>, damaged: AsyncStream<CaseID>, logger: Logger
    ) throws {
        self.configuration = configuration
        self.office = office
        self.writer = writer
        self.notices = notices
        self.damaged = damaged
        self.logger = logger
        machine = NodeLink(startedAt: Instant(milliseconds: 0))
        hubKey = try VerifyingKey(certificateFile: configuration.hubReceiptCertificate)
    }

    private var elapsed: Instant {
        Instant(milliseconds: Int64((ContinuousClock.now - begun) / .milliseconds(1)))
    }

    /// Dials until cancelled.
    func run() async {
        do {
            // A journal whose writer has not started has nothing to say yet: the hub is asked from then on.
            while await writer.withCore({ $0 == nil }) { try await Task.sleep(for: .milliseconds(100)) }
        } catch {
            return  // cancelled
        }
        machine = NodeLink(startedAt: elapsed)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.dial() }
            group.addTask { await self.passTime() }
            group.addTask { await self.noteDamage() }
        }
    }

    private func dial() async {
        while !Task.isCancelled {
            var random = SystemRandomNumberGenerator()
            do {
                try await connectOnce()
            } catch is CancellationError {
                break
            } catch {
                report.state = "offline: \(error)"
                logger.info("link down", metadata: ["reason": "\(error)"])
            }
            call = nil
            machine.closed(now: elapsed)
            let wait = max(pause, backOff.next(random: &random))
            pause = 0
            do { try await Task.sleep(for: .milliseconds(wait)) } catch { break }
        }
    }

    private func passTime() async {
        await Upkeep.periodically(every: .milliseconds(500), logger: logger) {
            try await self.tick()
        }
    }

    private func tick() async throws { try await perform(machine.tick(now: elapsed)) }

    private func noteDamage() async {
        for await id in damaged {
            logger.error("stored bytes of a case are damaged", metadata: ["case": "\(id)"])
            do {
                try await raise(
                    Alarm(code: .damaged, detail: "case \(id) cannot be read here: the hub is asked for it"))
                try await perform(machine.found(damaged: id))
            } catch {
                // A call that is ending: the next one asks again.
                logger.info("damage not told", metadata: ["error": "\(error)"])
            }
        }
    }

    private func connectOnce() async throws {
        report.state = report.state == "connected" ? "connecting" : report.state
        let connection = try await ClientConnection.connect(
            host: configuration.linkHost, port: configuration.linkPort,
            tls: TLSConfiguration(
                certificateChainFile: configuration.certificate, privateKeyFile: configuration.privateKey,
                trustRootsFile: configuration.trustRoots, alpn: [.h2], expectedPeerURI: "spiffe://peyvand/hub"),
            logger: logger)
        do {
            try await converse(connection)
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
    }

    private func converse(_ connection: ClientConnection) async throws {
        var request = HTTPRequest(
            method: .post, scheme: "https", authority: "\(configuration.linkHost):\(configuration.linkPort)",
            path: "/peyvand.v1.Link/Connect")
        request.headerFields[.contentType] = "application/grpc"
        request.headerFields[.te] = "trailers"
        let stream = try await connection.open(request)
        defer { stream.reset() }
        let heads = notices.listen()
        let call = Call(stream: stream)
        self.call = call
        // What an earlier call brought may still wait for the writer, and the Hello is to name it: nothing overtakes this.
        _ = try await writer.apply(.repair([], known: [:]), cases: [], size: Admission.bound)
        let journal = await writer.journal
        let acknowledged = try await office.store.acknowledged()
        let hello = try await hello(journal, acknowledged)
        try await perform(machine.connected(hello, journal: journal, acknowledged: acknowledged))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.receive(call) }
            group.addTask { try await self.follow(heads) }
            group.addTask { try await self.read(call) }
            group.addTask { for await frame in call.outbox { try await call.send(frame.wire) } }
            group.addTask { try await self.sayHowItStands() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func hello(_ journal: ChainTree, _ acknowledged: [UInt64: UInt64]) async throws -> Hello {
        let hub = try await office.store.chains()[.hub] ?? ChainTree()
        return Hello(
            origin: office.origin, writer: writer.incarnation, heads: journal.heads, schemas: Array(1...Schema.reader),
            cursors: try await office.store.feedCursors(), hubHeads: hub.heads, clock: office.now(),
            backlog: journal.backlog(acknowledged))
    }

    /// Frames of the hub, one after the other: a feed batch is committed before the next frame is read.
    private func receive(_ call: Call) async throws {
        let response = try await call.stream.response()
        guard response.status == .ok else { throw LinkFault("the hub answered \(response.status.code)") }
        var deframer = Deframer()
        for try await buffer in call.stream.inbound {
            deframer.append(buffer.readableBytesView)
            while let message = try deframer.next() {
                let frame = try HubFrame(wire: message)
                report.heardAt = office.now()
                try await perform(machine.received(frame, now: elapsed))
            }
        }
        let trailers = try await call.stream.trailers
        let status = trailers?[.grpcStatus] ?? response.headerFields[.grpcStatus] ?? "none"
        throw LinkFault("the hub ended the call, status \(status) \(trailers?[.grpcMessage] ?? "")")
    }

    private func follow(_ notices: AsyncStream<Writer<NodeCore>.Notice>) async throws {
        for await _ in notices { try await perform(machine.advanced(to: await writer.journal)) }
    }

    /// Reads what the machine asked for, beside what comes in.
    private func read(_ call: Call) async throws {
        for await action in call.reads {
            do {
                try await read(action)
            } catch StoreError.corrupt(let id?, _) {
                // The rest of the call goes on.
                try await perform(machine.blocked(action, by: id))
                writer.report(damaged: id)
            }
        }
    }

    private func read(_ action: NodeLink.Action) async throws {
        switch action {
        case .readJournal(let stretches):
            let rows = try await office.store.journal(of: office.origin, in: stretches)
            try await perform(machine.journalRead(rows))
        case .readHubEvents(let stretches):
            try await perform(machine.hubEventsRead(try await office.store.journal(of: .hub, in: stretches)))
        case .readCases(let cases):
            for id in cases {
                do {
                    let events = try await office.store.events(of: [id])[id] ?? []
                    let mine = events.filter { $0.origin == office.origin || $0.origin == .hub }
                    try await perform(machine.casesRead(mine))
                } catch StoreError.corrupt {
                    writer.report(damaged: id)
                }
            }
        case .readDigests(let position):
            let digests = try await office.store.digests(after: position, limit: Batch.maximumCases)
            try await perform(
                machine.digestsRead(
                    digests.map(\.digest), through: digests.last?.position ?? position, now: elapsed))
        default: return
        }
    }

    private func sayHowItStands() async throws {
        while true {
            try await Task.sleep(for: .seconds(5))
            try await perform(machine.report(clock: office.now()))
        }
    }

    private func perform(_ actions: [NodeLink.Action]) async throws {
        for action in actions {
            switch action {
            case .send(let frame): try await send(frame)
            case .readJournal, .readHubEvents, .readCases, .readDigests: call?.read(action)
            case .recordAck(let ack): try await record(ack)
            case .apply(let rows): try await apply(rows)
            case .restore(let events, let latest, let isLast): try await restore(events, latest: latest, isLast: isLast)
            case .repair(let events): try await repair(events)
            case .openWriting:
                await writer.open()
                logger.info("commands are taken")
            case .noteWelcome(let clock, let isQuarantined, let hubReads, let feed):
                report.clockOffset = clock - office.now()
                report.isQuarantined = isQuarantined
                report.state = "connected"
                backOff.succeeded()
                logger.info("link up", metadata: ["clock_offset_ms": "\(report.clockOffset)"])
                _ = try await writer.apply(.hubReads(hubReads), cases: [])
                _ = try await writer.apply(.resume(feed), cases: [])
            case .raise(let alarm): try await raise(alarm)
            case .close(let reason, let retryAfter):
                // A hub's word is not to keep a province away for weeks.
                pause = min(UInt64(retryAfter), BackOff.cap)
                throw LinkFault(reason)
            }
        }
    }

    private func send(_ frame: NodeFrame) async throws {
        if frame.mayWait { try await call?.send(frame.wire) } else { call?.post(frame) }
    }

    private func raise(_ alarm: Alarm) async throws {
        logger.warning("alarm", metadata: ["code": "\(alarm.code)", "detail": "\(alarm.detail)"])
        office.auditTrail.note(
            AuditLine(
                actor: "hub", action: "alarm.\(alarm.code)", subject: alarm.event?.description ?? "", remote: "",
                detail: alarm.detail))
        try await office.alarms.note(alarm, of: office.origin, at: office.now())
    }

    private func record(_ ack: Ack) async throws {
        let text = Receipt.text(
            origin: office.origin, heads: ack.heads, committedAt: ack.committedAt, position: ack.position)
        guard hubKey.verify(ack.signature, text) else {
            throw LinkFault("an acknowledgement that the hub did not sign")
        }
        try await office.store.record(ack)
    }

    private func apply(_ rows: [FeedRow]) async throws {
        let decoded = try rows.map { row in
            (cursor: row.cursor, event: try Event(row.event, hashing: Digest.hashing))
        }
        let arrival = NodeCore.Arrival.feed(decoded)
        do {
            let effects = try await writer.apply(arrival, cases: arrival.cases, size: rows.count)
            guard let cursor = effects.cursor else { return }
            try await perform(machine.committed(cursor, clock: office.now()))
        } catch StoreError.corrupt(let id?, _) {
            try await perform(machine.blocked(.apply(rows), by: id))
        }
    }

    private func decoded(_ events: [WireEvent]) throws -> [Event] {
        try events.map { try Event($0, hashing: Digest.hashing) }
    }

    private func restore(_ wire: [WireEvent], latest: ChainHead, isLast: Bool) async throws {
        let events = try decoded(wire)
        if !events.isEmpty || isLast {
            let known = try await office.store.known(around: events, of: office.origin)
            let arrival = NodeCore.Arrival.tail(events, latest: latest, known: known)
            do {
                _ = try await writer.apply(arrival, cases: arrival.cases, size: events.count)
            } catch StoreError.corrupt(let id?, _) {
                return try await perform(machine.blocked(.restore(wire, latest: latest, isLast: isLast), by: id))
            }
            logger.notice("own events came back from the hub", metadata: ["count": "\(events.count)"])
        }
        try await perform(machine.restored(await writer.journal, isLast: isLast))
    }

    private func repair(_ wire: [WireEvent]) async throws {
        let events = try decoded(wire)
        let mended = try await office.store.repair(events)
        if mended > 0 {
            let detail = "\(mended) stored events were damaged here; the hub's copies are in their place"
            try await raise(Alarm(code: .mended, detail: detail))
        }
        let own = events.filter { $0.origin == office.origin }.sorted { $0.envelope.seq < $1.envelope.seq }
        let arrival = NodeCore.Arrival.repair(
            events, known: try await office.store.known(around: own, of: office.origin))
        do {
            _ = try await writer.apply(arrival, cases: arrival.cases, size: events.count)
            try await perform(machine.repaired(arrival.cases))
        } catch StoreError.corrupt(let id?, let place) {
            // The hub could not help: what waits goes on waiting, and a person knows.
            logger.error("still damaged", metadata: ["case": "\(id)", "place": "\(place)"])
        }
    }
}

/// One call under way.
private struct Call: Sendable {
    let stream: ClientStream
    /// As many as the machine has under way: one of each kind, and the cases that the hub asked for.
    let reads: AsyncStream<NodeLink.Action>
    private let continuation: AsyncStream<NodeLink.Action>.Continuation
    /// Small frames, as many as what the hub sent asks for.
    let outbox: AsyncStream<NodeFrame>
    private let posting: AsyncStream<NodeFrame>.Continuation

    init(stream: ClientStream) {
        self.stream = stream
        (reads, continuation) = AsyncStream.makeStream()
        (outbox, posting) = AsyncStream.makeStream()
    }

    func post(_ frame: NodeFrame) { posting.yield(frame) }

    func read(_ action: NodeLink.Action) { continuation.yield(action) }

    func send(_ message: [UInt8]) async throws {
        var buffer = ByteBuffer(bytes: Deframer.prefix(message.count))
        buffer.writeBytes(message)
        try await stream.write(buffer)
    }
}

/// Why a call ended.
struct LinkFault: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
