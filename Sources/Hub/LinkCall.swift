import Casework
import Cryptography
import Federation
import HTTP2
import HTTPTypes
import Logging
import NIOCore
import Service
import Store

/// Carries out what `HubLink` says for one call of one node. It decides nothing.
actor LinkCall {
    private let origin: Origin
    private let remote: String
    private let office: Office
    private let writer: Writer<HubCore>
    private let generation: UInt64
    private let presence: Presence
    private let feedEnds: FeedEnds
    private let logger: Logger
    private var machine: HubLink
    private var isLive = false
    private let wanted = AsyncStream<UInt64>.makeStream(bufferingPolicy: .bufferingNewest(1))

    init(
        origin: Origin, remote: String, office: Office, writer: Writer<HubCore>, generation: UInt64,
        presence: Presence, feedEnds: FeedEnds, logger: Logger
    ) {
        self.feedEnds = feedEnds
        self.origin = origin
        self.remote = remote
        self.office = office
        self.writer = writer
        self.generation = generation
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
        var status = (0, "")
        do {
            var head = HTTPResponse(status: .ok)
            head.headerFields[.contentType] = "application/grpc"
            try await response.head(head)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.receive(body, response) }
                group.addTask { try await self.follow(moved, response) }
                group.addTask { try await self.sendFeed(response) }
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
        do { try await response.finish(trailers) } catch { logger.debug("no trailers sent", metadata: ["error": "\(error)"]) }
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

    private func sendFeed(_ response: ResponseWriter) async throws {
        for await seq in wanted.stream {
            let rows = try await office.store.feed(of: origin, after: seq)
            try await perform(machine.feedRead(rows), response)
        }
    }

    private func perform(_ actions: [HubLink.Action], _ response: ResponseWriter) async throws {
        for action in actions {
            switch action {
            case .send(let frame): try await send(frame, response)
            case .prepare(let hello): try await prepare(hello, response)
            case .submit(let events): try await submit(events, response)
            case .readFeed(let seq): wanted.continuation.yield(seq)
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

    /// Where this origin's chains and its feed stand. A cursor that this feed does not know starts it anew: rows are
    /// recognised by hash at the other end.
    private func prepare(_ hello: Hello, _ response: ResponseWriter) async throws {
        let heads = try await office.store.chains()[origin]?.heads ?? []
        var start: UInt64 = 0
        if let cursor = hello.cursor, cursor.hubIncarnation == generation,
            try await office.store.feedHash(of: origin, at: cursor.seq) == cursor.hash
        {
            start = cursor.seq
        }
        let quarantined = try await office.store.origins(quarantined: true).contains(origin)
        let welcome = Welcome(
            heads: heads, clock: office.now(), incarnation: writer.incarnation, quarantined: quarantined)
        let end = try await office.store.feedEnds()[origin] ?? 0
        isLive = true
        await presence.connected(origin)
        logger.info("link open", metadata: ["remote": "\(remote)", "feed": "\(start)/\(end)"])
        try await perform(machine.prepared(welcome, feedStart: start, feedEnd: end), response)
    }

    private func submit(_ wire: [WireEvent], _ response: ResponseWriter) async throws {
        var events = [Event]()
        for event in wire {
            do {
                events.append(try Event(bytes: event.bytes, part: event.part, hashing: Digest.hashing))
            } catch {
                // Charged to the origin: what came before is kept, what follows waits until it is mended.
                let alarm = Alarm(code: "unreadable", detail: "\(error)")
                try await raise(alarm)
                try await send(.alarm(alarm), response)
                break
            }
        }
        guard let first = events.first, let last = events.last else { return }
        // A frame may claim any seq: what it cannot continue is a gap, and needs no look at the rest of the journal.
        let from = max(first.envelope.seq, 2) - 1
        let known = try await office.store.hashes(
            of: origin, from: from, through: min(last.envelope.seq, from + UInt64(events.count)))
        let arrival = HubCore.Arrival(origin: origin, events: events, known: known)
        let effects = try await writer.apply(arrival, cases: casesConcerned(by: events))
        for (_, alarm) in effects.alarms { await audit("alarm.\(alarm.code)", alarm.detail) }
        let (now, position) = (office.now(), await writer.state.head.position)
        let text = Receipt.text(origin: origin, heads: effects.heads, committedAt: now, position: position)
        let ack = Ack(
            heads: effects.heads, committedAt: now, position: position,
            signature: try office.receiptKey.sign(text))
        try await perform(
            machine.committed(ack, alarms: effects.alarms.filter { $0.origin == origin }.map(\.alarm)), response)
        try await office.store.note(
            NodeReport(origin: origin, heardAt: now, clockOffset: nil, backlog: nil, feed: nil))
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
