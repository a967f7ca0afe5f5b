import Casework
import Cryptography
import Federation
import HTTP2
import HTTPTypes
import Logging
import NIOCore
import Service
import Store

/// Carries out what `NodeLink` says: dials the hub, moves frames, reads the journal, applies feeds. It decides nothing.
actor LinkDriver {
    struct Report: Sendable {
        /// `connected`, `connecting`, `offline: …`
        var state = "connecting"
        var clockOffset: Int64 = 0
        var heardAt: Instant?
    }

    private let configuration: NodeConfiguration
    private let office: Office
    private let writer: Writer<NodeCore>
    private let notices: Broadcast<Writer<NodeCore>.Notice>
    private let hubKey: VerifyingKey
    private let logger: Logger
    private var machine = NodeLink()
    private var backOff = BackOff()
    private var pause: UInt64 = 0
    private(set) var report = Report()

    init(
        configuration: NodeConfiguration, office: Office, writer: Writer<NodeCore>,
        notices: Broadcast<Writer<NodeCore>.Notice>, logger: Logger
    ) throws {
        self.configuration = configuration
        self.office = office
        self.writer = writer
        self.notices = notices
        self.logger = logger
        hubKey = try VerifyingKey(certificateFile: configuration.hubReceiptCertificate)
    }

    /// Dials until cancelled.
    func run() async {
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
            machine.closed()
            let wait = max(pause, backOff.next(random: &random))
            pause = 0
            do { try await Task.sleep(for: .milliseconds(wait)) } catch { break }
        }
    }

    private func connectOnce() async throws {
        // A journal whose writer has not started has nothing to say yet.
        while await writer.withCore({ $0 == nil }) { try await Task.sleep(for: .milliseconds(100)) }
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
        try await perform(machine.connected(try await hello()), call)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.receive(call) }
            group.addTask { try await self.follow(heads, call) }
            group.addTask { try await self.sendJournal(call) }
            group.addTask { try await self.sayHowItStands(call) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func hello() async throws -> Hello {
        let head = await writer.state.head
        let hub = try await office.store.chains()[.hub]
        return Hello(
            origin: office.origin, heads: [head.head], cursor: try await office.store.feedCursor(),
            hubHeads: hub?.heads ?? [], clock: office.now(),
            backlog: try await backlog())
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
                let held = try await held(frame)
                try await perform(machine.received(frame, now: office.now()) { held.contains($0) }, call)
            }
        }
        let trailers = try await call.stream.trailers
        let status = trailers?[.grpcStatus] ?? response.headerFields[.grpcStatus] ?? "none"
        throw LinkFault("the hub ended the call, status \(status) \(trailers?[.grpcMessage] ?? "")")
    }

    /// Which of the places that a Welcome names this journal holds.
    private func held(_ frame: HubFrame) async throws -> Set<ChainHead> {
        guard case .welcome(let welcome) = frame else { return [] }
        var held = Set<ChainHead>()
        for head in welcome.heads {
            let place = Position(incarnation: head.incarnation, seq: head.seq)
            if try await office.store.hashes(of: office.origin, from: head.seq, through: head.seq)[place] == head.hash {
                held.insert(head)
            }
        }
        return held
    }

    private func follow(_ notices: AsyncStream<Writer<NodeCore>.Notice>, _ call: Call) async throws {
        for await notice in notices { try await perform(machine.advanced(to: notice.head.seq), call) }
    }

    private func sendJournal(_ call: Call) async throws {
        for await seq in call.wanted {
            let events = try await office.store.journal(of: office.origin, after: seq)
            try await perform(machine.journalRead(events), call)
        }
    }

    private func sayHowItStands(_ call: Call) async throws {
        while true {
            try await Task.sleep(for: .seconds(5))
            try await perform(machine.report(now: office.now(), backlog: try await backlog()), call)
        }
    }

    /// Own events that no receipt covers yet.
    private func backlog() async throws -> UInt64 {
        let head = await writer.state.head.head.seq
        return head - min(try await office.store.acknowledged()?.heads.first?.seq ?? 0, head)
    }

    private func perform(_ actions: [NodeLink.Action], _ call: Call) async throws {
        for action in actions {
            switch action {
            case .send(let frame): try await call.send(frame.wire)
            case .readJournal(let seq): call.want(seq)
            case .recordAck(let ack): try await record(ack)
            case .apply(let rows): try await apply(rows, call)
            case .noteClockOffset(let offset):
                report.clockOffset = offset
                report.state = "connected"
                backOff.succeeded()
                logger.info("link up", metadata: ["clock_offset_ms": "\(offset)"])
            case .raise(let alarm):
                logger.warning("alarm", metadata: ["code": "\(alarm.code)", "detail": "\(alarm.detail)"])
                office.auditTrail.note(
                    AuditLine(
                        actor: "hub", action: "alarm.\(alarm.code)", subject: alarm.event?.description ?? "",
                        remote: "", detail: alarm.detail))
                try await office.alarms.note(alarm, of: office.origin, at: office.now())
            case .close(let reason, let retryAfter):
                pause = UInt64(retryAfter)
                throw LinkFault(reason)
            }
        }
    }

    private func record(_ ack: Ack) async throws {
        let text = Receipt.text(
            origin: office.origin, heads: ack.heads, committedAt: ack.committedAt, position: ack.position)
        guard hubKey.verify(ack.signature, text) else { throw LinkFault("an acknowledgement that the hub did not sign") }
        try await office.store.record(ack)
    }

    private func apply(_ rows: [FeedRow], _ call: Call) async throws {
        var arrival = NodeCore.Arrival(rows: [])
        for row in rows {
            let event = try Event(bytes: row.event.bytes, part: row.event.part, hashing: Digest.hashing)
            arrival.rows.append((row.cursor, event))
        }
        let effects = try await writer.apply(arrival, cases: casesConcerned(by: arrival.rows.map(\.event)))
        guard let cursor = effects.cursor else { return }
        try await perform(machine.committed(cursor, now: office.now(), backlog: try await backlog()), call)
    }
}

/// One call under way.
private struct Call: Sendable {
    let stream: ClientStream
    let wanted: AsyncStream<UInt64>
    private let continuation: AsyncStream<UInt64>.Continuation

    init(stream: ClientStream) {
        self.stream = stream
        (wanted, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func want(_ seq: UInt64) { continuation.yield(seq) }

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
