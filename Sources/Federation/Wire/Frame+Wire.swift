import Casework
// For `Data` alone, the type of SwiftProtobuf's `bytes` fields.
import FoundationEssentials
import SwiftProtobuf

extension NodeFrame {
    /// The frame's message, without gRPC's five-byte prefix.
    public var wire: [UInt8] {
        if case .events(let events) = self { return events.frame }
        return protobuf
    }

    /// The same of every kind of frame, by SwiftProtobuf.
    var protobuf: [UInt8] {
        var message = Peyvand_V1_NodeFrame()
        switch self {
        case .hello(let hello):
            message.hello = .with {
                $0.version = hello.version
                $0.origin = hello.origin.code
                $0.heads = hello.heads.map(\.message)
                $0.schemas = hello.schemas
                $0.cursors = hello.cursors.map(\.message)
                $0.hubHeads = hello.hubHeads.map(\.message)
                $0.clock = hello.clock.milliseconds
                $0.backlog = hello.backlog
                $0.writer = hello.writer
            }
        case .events(let events): message.events = .with { $0.events = events.map(\.message) }
        case .history(let history): message.history = history.message
        case .digests(let digests):
            message.digests = .with {
                $0.cases = digests.map { digest in
                    .with { ($0.caseID, $0.digest) = (Data(digest.caseID.bytes), Data(digest.digest)) }
                }
            }
        case .fetch(let cases): message.fetch = .with { $0.caseIds = cases.map { Data($0.bytes) } }
        case .feedAck(let cursor, let clock, let backlog):
            message.feedAck = .with {
                if let cursor { $0.cursor = cursor.message }
                ($0.clock, $0.backlog) = (clock.milliseconds, backlog)
            }
        case .alarm(let alarm): message.alarm = alarm.message
        case .goodbye(let goodbye): message.goodbye = goodbye.message
        }
        return message.wire
    }

    public init(wire bytes: [UInt8]) throws(FrameFault) {
        if let frame = bytes.withUnsafeBytes({ NodeFrame(canonical: $0) }) {
            self = frame
        } else {
            try self.init(protobuf: bytes)
        }
    }

    /// Reads a frame of any kind and form.
    init(protobuf bytes: [UInt8]) throws(FrameFault) {
        guard let frame = try? Peyvand_V1_NodeFrame(serializedBytes: bytes).frame else {
            throw FrameFault("not a NodeFrame")
        }
        switch frame {
        case .hello(let message):
            guard let origin = Origin(message.origin) else { throw FrameFault("Hello names no known origin") }
            var cursors = [FeedCursor]()
            for cursor in message.cursors { cursors.append(try FeedCursor(cursor)) }
            var hello = Hello(
                origin: origin, writer: message.writer, heads: try message.heads.heads(), schemas: message.schemas,
                cursors: cursors, hubHeads: try message.hubHeads.heads(), clock: Instant(milliseconds: message.clock),
                backlog: message.backlog)
            hello.version = message.version
            self = .hello(hello)
        case .events(let message): self = .events(try message.events.wireEvents())
        case .history(let message): self = .history(try History(message))
        case .digests(let message):
            var digests = [CaseDigest]()
            for digest in message.cases {
                guard let id = CaseID(digest.caseID), let hash = EventHash(digest.digest) else {
                    throw FrameFault("a digest without a case")
                }
                digests.append(CaseDigest(caseID: id, digest: hash))
            }
            self = .digests(digests)
        case .fetch(let message): self = .fetch(try message.cases())
        case .feedAck(let message):
            let cursor = message.hasCursor ? try FeedCursor(message.cursor) : nil
            self = .feedAck(cursor, clock: Instant(milliseconds: message.clock), backlog: message.backlog)
        case .alarm(let message): self = .alarm(Alarm(message))
        case .goodbye(let message): self = .goodbye(Goodbye(message))
        }
    }
}

extension HubFrame {
    /// The frame's message, without gRPC's five-byte prefix.
    public var wire: [UInt8] {
        var message = Peyvand_V1_HubFrame()
        switch self {
        case .welcome(let welcome):
            message.welcome = .with {
                $0.version = welcome.version
                $0.schemas = welcome.schemas
                $0.heads = welcome.heads.map(\.message)
                $0.clock = welcome.clock.milliseconds
                $0.incarnation = welcome.incarnation
                $0.quarantined = welcome.quarantined
                if let feed = welcome.feed { $0.feed = feed.message }
                $0.lost = welcome.lost.map { stretch in
                    .with { ($0.incarnation, $0.after) = (stretch.incarnation, stretch.after) }
                }
            }
        case .ack(let ack):
            message.ack = .with {
                $0.heads = ack.heads.map(\.message)
                $0.committedAt = ack.committedAt.milliseconds
                $0.position = ack.position
                $0.signature = Data(ack.signature)
            }
        case .feed(let rows):
            message.feed = .with {
                $0.rows = rows.map { row in
                    .with { ($0.cursor, $0.event) = (row.cursor.message, row.event.message) }
                }
            }
        case .history(let history): message.history = history.message
        case .fetch(let cases): message.fetch = .with { $0.caseIds = cases.map { Data($0.bytes) } }
        case .alarm(let alarm): message.alarm = alarm.message
        case .goodbye(let goodbye): message.goodbye = goodbye.message
        }
        return message.wire
    }

    public init(wire bytes: [UInt8]) throws(FrameFault) {
        if let frame = bytes.withUnsafeBytes({ HubFrame(canonical: $0) }) {
            self = frame
        } else {
            try self.init(protobuf: bytes)
        }
    }

    /// Reads a frame of any kind and form.
    init(protobuf bytes: [UInt8]) throws(FrameFault) {
        guard let frame = try? Peyvand_V1_HubFrame(serializedBytes: bytes).frame else {
            throw FrameFault("not a HubFrame")
        }
        switch frame {
        case .welcome(let message):
            var welcome = Welcome(
                schemas: message.schemas, heads: try message.heads.heads(),
                clock: Instant(milliseconds: message.clock), incarnation: message.incarnation,
                quarantined: message.quarantined,
                lost: message.lost.map { Stretch(incarnation: $0.incarnation, after: $0.after) },
                feed: message.hasFeed ? try FeedCursor(message.feed) : nil)
            welcome.version = message.version
            self = .welcome(welcome)
        case .ack(let message):
            self = .ack(
                Ack(
                    heads: try message.heads.heads(), committedAt: Instant(milliseconds: message.committedAt),
                    position: message.position, signature: Array(message.signature)))
        case .feed(let message):
            var rows = [FeedRow]()
            for row in message.rows {
                rows.append(FeedRow(cursor: try FeedCursor(row.cursor), event: try row.event.wireEvent()))
            }
            self = .feed(rows)
        case .history(let message): self = .history(try History(message))
        case .fetch(let message): self = .fetch(try message.cases())
        case .alarm(let message): self = .alarm(Alarm(message))
        case .goodbye(let message): self = .goodbye(Goodbye(message))
        }
    }
}

extension History {
    fileprivate var message: Peyvand_V1_History {
        .with {
            $0.purpose = purpose == .lost ? .historyLost : .historyRepair
            $0.events = events.map(\.message)
            $0.isLast = isLast
        }
    }

    fileprivate init(_ message: Peyvand_V1_History) throws(FrameFault) {
        let purpose: Purpose
        switch message.purpose {
        case .historyLost: purpose = .lost
        case .historyRepair: purpose = .repair
        case .UNRECOGNIZED: throw FrameFault("a history of unknown purpose")
        }
        self.init(purpose, try message.events.wireEvents(), isLast: message.isLast)
    }
}

extension Peyvand_V1_Fetch {
    fileprivate func cases() throws(FrameFault) -> [CaseID] {
        var cases = [CaseID]()
        for bytes in caseIds {
            guard let id = CaseID(bytes) else { throw FrameFault("a case without an identifier") }
            cases.append(id)
        }
        return cases
    }
}

extension ChainHead {
    fileprivate var message: Peyvand_V1_Head {
        .with { ($0.incarnation, $0.seq, $0.hash) = (incarnation, seq, Data(hash)) }
    }
}

extension [Peyvand_V1_Head] {
    fileprivate func heads() throws(FrameFault) -> [ChainHead] {
        var heads = [ChainHead]()
        for message in self {
            guard let hash = EventHash(message.hash) else { throw FrameFault("a head without a hash") }
            heads.append(ChainHead(incarnation: message.incarnation, seq: message.seq, hash: hash))
        }
        return heads
    }
}

extension FeedCursor {
    fileprivate var message: Peyvand_V1_Cursor {
        .with { ($0.hubIncarnation, $0.seq, $0.hash) = (hubIncarnation, seq, Data(hash)) }
    }

    fileprivate init(_ message: Peyvand_V1_Cursor) throws(FrameFault) {
        guard let hash = EventHash(message.hash) else { throw FrameFault("a cursor without a hash") }
        self.init(hubIncarnation: message.hubIncarnation, seq: message.seq, hash: hash)
    }
}

extension WireEvent {
    fileprivate var message: Peyvand_V1_Event {
        .with {
            $0.envelope = Data(bytes)
            if let hash { $0.hash = Data(hash) }
            switch part {
            case .none: $0.partState = .partNone
            case .present(let bytes): ($0.part, $0.partState) = (Data(bytes), .partPresent)
            case .withheld: $0.partState = .partWithheld
            case .erased: $0.partState = .partErased
            }
        }
    }
}

extension Peyvand_V1_Event {
    fileprivate func wireEvent() throws(FrameFault) -> WireEvent {
        switch partState {
        case .partNone: WireEvent(bytes: Array(envelope), part: .none, hash: EventHash(hash))
        case .partPresent: WireEvent(bytes: Array(envelope), part: .present(Array(part)), hash: EventHash(hash))
        case .partWithheld: WireEvent(bytes: Array(envelope), part: .withheld, hash: EventHash(hash))
        case .partErased: WireEvent(bytes: Array(envelope), part: .erased, hash: EventHash(hash))
        case .UNRECOGNIZED: throw FrameFault("an unknown state of a part")
        }
    }
}

extension [Peyvand_V1_Event] {
    fileprivate func wireEvents() throws(FrameFault) -> [WireEvent] {
        var events = [WireEvent]()
        events.reserveCapacity(count)
        for message in self { events.append(try message.wireEvent()) }
        return events
    }
}

extension Alarm {
    fileprivate var message: Peyvand_V1_Alarm {
        .with {
            ($0.code, $0.detail) = (code, detail)
            if let event { $0.event = Data(event) }
        }
    }

    fileprivate init(_ message: Peyvand_V1_Alarm) {
        self.init(sent: message.code, detail: message.detail, event: EventHash(message.event))
    }
}

extension Goodbye {
    fileprivate var message: Peyvand_V1_Goodbye {
        .with { ($0.reason, $0.retryAfter) = (reason, retryAfterMilliseconds) }
    }

    fileprivate init(_ message: Peyvand_V1_Goodbye) {
        self.init(reason: message.reason, retryAfterMilliseconds: message.retryAfter)
    }
}
