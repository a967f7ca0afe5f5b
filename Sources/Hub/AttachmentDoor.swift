import Attachments
import Casework
import Contract
import Federation
import HTTP2
import HTTPTypes
import Logging
import NIOCore
import Store

/// The hub's half of the files' connection: says what it lacks, takes files that accepted events name, and gives those
/// that the asking node is entitled to. `FileReceiver` and `FileSender` decide; this carries out what they say.
struct AttachmentDoor: Sendable {
    static let path = "/peyvand.v1.Attachments/"

    let office: Office
    let notices: Broadcast<Writer<HubCore>.Notice>
    let logger: Logger

    /// Serves one call of a node that the certificate names.
    func serve(_ method: String, _ origin: Origin, _ request: ServerRequest, _ response: ResponseWriter) async {
        let call = AttachmentCall(
            office: office, origin: origin, remote: request.remoteAddress, response: response, logger: logger)
        await call.run {
            guard let files = office.files else { throw CallEnd(status: 12, "this hub keeps no files") }
            switch method {
            case "Follow": try await call.follow(notices)
            case "Put": try await call.put(request.body, files)
            case "Get": try await call.get(request.body, files)
            default: throw CallEnd(status: 12, "no such method")
            }
        }
    }
}

private struct AttachmentCall: Sendable {
    let office: Office
    let origin: Origin
    let remote: String
    let response: ResponseWriter
    let logger: Logger

    func run(_ body: () async throws -> Void) async {
        var status = (0, "")
        do {
            var head = HTTPResponse(status: .ok)
            head.headerFields[.contentType] = "application/grpc"
            try await response.head(head)
            try await body()
        } catch let end as CallEnd {
            status = (end.status, end.description)
            if [3, 7, 9, 15].contains(end.status) { audit("attachments.refused", end.description) }
        } catch let fault as FrameFault {
            status = (3, fault.reason)
            audit("attachments.malformed", fault.reason)
        } catch let fault as FileFault {
            status = Self.status(of: fault)
            logger.warning("file not moved", metadata: ["node": "\(origin.code)", "reason": "\(fault)"])
        } catch {
            status = (14, "\(error)")
        }
        var trailers = HTTPFields()
        trailers[.grpcStatus] = String(status.0)
        if !status.1.isEmpty { trailers[.grpcMessage] = LinkCall.ascii(status.1) }
        // The peer may be gone: then there is nobody to tell.
        do {
            try await response.finish(trailers)
        } catch {
            logger.debug("no trailers sent", metadata: ["error": "\(error)"])
        }
    }

    private static func status(of fault: FileFault) -> (Int, String) {
        switch fault.code {
        case .full: (8, "the hub's disk is full")
        case .busy: (10, "another transfer of this file is under way")
        case .missing: (5, "the file is not here")
        case .damaged, .io: (13, "the hub's disk failed")
        }
    }

    // MARK: Follow

    /// News come after the first look, so none is missed; a listener that lost some looks again each minute.
    func follow(_ notices: Broadcast<Writer<HubCore>.Notice>) async throws {
        let (wake, sink) = AsyncStream.makeStream(of: EventHash?.self, bufferingPolicy: .bufferingNewest(10_000))
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            let (commits, arrivals) = (notices.listen(buffering: 64), office.arrivals.listen(buffering: 10_000))
            group.addTask { for await notice in commits where names(notice) { sink.yield(nil) } }
            group.addTask { for await file in arrivals { sink.yield(file) } }
            group.addTask {
                while true {
                    try await Task.sleep(for: .seconds(60))
                    sink.yield(nil)
                }
            }
            var asked = try await askForMissing([])
            for await file in wake {
                if let file {
                    if try await office.attachments.mayHave(file, origin) {
                        try await send(FileNotice(available: [file]).wire)
                    }
                } else {
                    asked = try await askForMissing(asked)
                }
            }
        }
    }

    private func names(_ notice: Writer<HubCore>.Notice) -> Bool {
        notice.effects.numbered.contains { numbered in
            if case .attached = numbered.event.envelope.change { numbered.event.origin == origin } else { false }
        }
    }

    /// Says what is missing and was not said in this call. Returns what is missing.
    private func askForMissing(_ asked: Set<EventHash>) async throws -> Set<EventHash> {
        let missing = try await office.attachments.missing(of: origin).map(\.file)
        let new = missing.filter { !asked.contains($0) }
        if !new.isEmpty { try await send(FileNotice(wanted: new).wire) }
        return Set(missing)
    }

    // MARK: Put

    func put(_ body: RequestBody, _ files: AttachmentFiles) async throws {
        var chunks = Messages(body)
        guard let first = try await chunks.next() else { throw CallEnd(status: 3, "no chunk") }
        let opening = try FileChunk(wire: first)
        guard let file = opening.file, opening.bytes.isEmpty else {
            throw CallEnd(status: 3, "the first chunk names the file and holds no data")
        }
        guard let named = try await office.attachments.named(file, by: origin) else {
            throw CallEnd(status: 9, "no accepted event of \(origin.code) names this file")
        }
        guard named.size <= Limits.attachment else { throw CallEnd(status: 3, "a file of \(named.size) bytes") }
        guard !named.isHere else {
            // It has brought the file for another case: that counts for this one too.
            try await office.attachments.note(file, isHere: true, of: origin)
            office.arrivals.send(file)
            return try await send(FileProgress(durable: named.size, .verified).wire)
        }
        let partial = try await files.partial(file, from: origin)
        var machine = FileReceiver(file: file, size: named.size, present: try partial.size)
        do {
            if try await perform(machine.opened(), &machine, partial) { return }
            while let message = try await chunks.next() {
                if try await perform(machine.received(try FileChunk(wire: message)), &machine, partial) { return }
            }
        } catch {
            // What came is worth a sync: the next call goes on behind it.
            _ = try await perform(machine.ended(), &machine, partial)
            throw error
        }
        _ = try await perform(machine.ended(), &machine, partial)
    }

    /// True when the call has done all that it can.
    private func perform(
        _ actions: [FileReceiver.Action], _ machine: inout FileReceiver, _ partial: PartialFile
    ) async throws -> Bool {
        for action in actions {
            switch action {
            case .write(let bytes, let offset): try await partial.write(bytes, at: offset)
            case .sync: try await partial.sync()
            case .verify:
                return try await perform(machine.verified(isWhole: try await partial.isWhole()), &machine, partial)
            case .publish:
                // In this order: a crash between them costs a look at the disk, the other way round the whole file.
                try await office.attachments.note(machine.file, isHere: true, of: origin)
                try await partial.publish()
                office.arrivals.send(machine.file)
                logger.info("file taken", metadata: ["node": "\(origin.code)", "bytes": "\(machine.size)"])
            case .discard: try await partial.discard()
            case .report(let progress): try await send(progress.wire)
            case .raise(let alarm): audit("alarm.\(alarm.code)", alarm.detail)
            case .finish: return true
            case .close(let reason): throw CallEnd(status: 15, reason)
            }
        }
        return false
    }

    // MARK: Get

    func get(_ body: RequestBody, _ files: AttachmentFiles) async throws {
        var messages = Messages(body)
        guard let message = try await messages.next() else { throw CallEnd(status: 3, "no range") }
        let range = try FileRange(wire: message)
        guard try await office.attachments.mayHave(range.file, origin) else {
            let isEntitled = try await office.attachments.isEntitled(origin, to: range.file)
            throw isEntitled
                ? CallEnd(status: 5, "the file is not here yet")
                : CallEnd(status: 7, "\(origin.code) is neither home nor seat of a case with this file")
        }
        let stored: StoredFile
        do {
            stored = try await files.open(range.file)
        } catch let fault as FileFault where fault.code == .missing {
            try await office.attachments.note(range.file, isHere: false)
            throw fault
        }
        var machine = FileSender(file: range.file, size: stored.size)
        var actions = machine.asked(from: range.offset)
        while !actions.isEmpty {
            let action = actions.removeFirst()
            switch action {
            case .send(let chunk): try await send(chunk.wire)
            case .read(let offset, let count):
                actions += machine.read(try await stored.read(at: offset, count: count))
            case .check: actions += machine.checked(isWhole: try await files.isWhole(range.file))
            case .setAside:
                try await files.setAside(range.file)
                try await office.attachments.note(range.file, isHere: false)
            case .raise(let alarm): audit("alarm.\(alarm.code)", alarm.detail)
            case .close(let reason): throw CallEnd(status: 15, reason)
            case .finish, .settle: break
            }
        }
    }

    private func send(_ message: [UInt8]) async throws {
        var buffer = ByteBuffer(bytes: Deframer.prefix(message.count))
        buffer.writeBytes(message)
        try await response.write(buffer)
    }

    private func audit(_ action: String, _ detail: String) {
        office.auditTrail.note(
            AuditLine(actor: "node \(origin.code)", action: action, subject: "", remote: remote, detail: detail))
    }
}

/// The messages of a body, one after the other.
private struct Messages {
    private let body: RequestBody
    private var deframer = Deframer()

    init(_ body: RequestBody) { self.body = body }

    /// Nil at the end.
    mutating func next() async throws -> [UInt8]? {
        while true {
            if let message = try deframer.next() { return message }
            guard let buffer = try await body.next() else { return nil }
            deframer.append(buffer.readableBytesView)
        }
    }
}
