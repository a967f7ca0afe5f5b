import Attachments
import Casework
import Contract
import Federation
import HTTP2
import HTTPTypes
import Logging
import NIOCore
import Store

/// The three calls of the files' connection, each as its machine says.
struct FileCalls: Sendable {
    let connection: ClientConnection
    let authority: String
    let office: Office
    let logger: Logger

    /// How a call ended, where the connection itself is sound.
    struct Ended: Error, CustomStringConvertible {
        /// gRPC's status; 0 is success.
        var status: Int
        var message: String
        var description: String { "status \(status) \(message)" }
    }

    /// Ends only with an error.
    func follow(_ body: (FileNotice) async throws -> Void) async throws {
        let stream = try await open("Follow")
        defer { stream.reset() }
        try await Self.send([], stream)
        try await stream.finish()
        var deframer = Deframer()
        for try await buffer in stream.inbound {
            deframer.append(buffer.readableBytesView)
            while let message = try deframer.next() { try await body(try FileNotice(wire: message)) }
        }
        throw try await end(of: stream)
    }

    // MARK: Put

    /// Sends a file that is here. Returns true when the hub has it, false when its turn is over.
    /// - Parameters:
    ///   - isTurnOver: asked after each chunk.
    ///   - moved: told after each chunk.
    /// - Throws: `Ended`; other errors mean that the connection is gone.
    func put(
        _ file: EventHash, _ stored: StoredFile, _ files: AttachmentFiles, isTurnOver: @escaping @Sendable () -> Bool,
        moved: @escaping @Sendable () -> Void
    ) async throws -> Bool {
        let stream = try await open("Put")
        defer { stream.reset() }
        let call = SendingCall(
            machine: FileSender(file: file, size: stored.size), stream: stream, stored: stored, files: files,
            office: office, isTurnOver: isTurnOver, moved: moved)
        do {
            return try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask { await call.open() }
                var deframer = Deframer()
                for try await buffer in stream.inbound {
                    deframer.append(buffer.readableBytesView)
                    while let message = try deframer.next() {
                        let progress = try FileProgress(wire: message)
                        // Each answer is taken beside the sending, which may be waiting for room.
                        group.addTask { await call.received(progress) }
                    }
                }
                let end = try await end(of: stream)
                // Where the bytes changed on their way, the own ones are looked at before anything else is tried.
                if end.status == 15 || end.status == 0 { try await group.waitForAll() }
                if let failure = await call.failure { throw failure }
                if end.status != 0 { throw end }
                return await call.isSettled
            }
        } catch {
            throw await call.failure ?? error
        }
    }

    // MARK: Get

    /// Fetches a file, from what is here of it on. Returns true when it is here, false when its turn is over.
    /// - Throws: `Ended`, `FileFault`; other errors mean that the connection is gone.
    func get(
        _ file: EventHash, size: UInt64, _ files: AttachmentFiles, isTurnOver: @Sendable () -> Bool,
        moved: @Sendable () -> Void
    ) async throws -> Bool {
        let partial = try await files.partial(file, from: .hub)
        var machine = FileReceiver(file: file, size: size, present: try partial.size)
        if try await perform(machine.opened(), &machine, partial) { return true }
        guard case .receiving(let present, _) = machine.state else { return false }
        let stream = try await open("Get")
        defer { stream.reset() }
        try await Self.send(FileRange(file: file, offset: present).wire, stream)
        try await stream.finish()
        var deframer = Deframer()
        do {
            for try await buffer in stream.inbound {
                deframer.append(buffer.readableBytesView)
                while let message = try deframer.next() {
                    moved()
                    let chunk = try FileChunk(wire: message)
                    if try await perform(machine.received(chunk), &machine, partial) { return true }
                }
                if isTurnOver() {
                    _ = try await perform(machine.ended(), &machine, partial)
                    return false
                }
            }
        } catch {
            // What came is worth a sync: the next call goes on behind it.
            _ = try await perform(machine.ended(), &machine, partial)
            throw error
        }
        _ = try await perform(machine.ended(), &machine, partial)
        throw try await end(of: stream)
    }

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
                try await partial.publish()
                try await office.attachments.note(machine.file, isHere: true)
                logger.info("file fetched", metadata: ["bytes": "\(machine.size)"])
            case .discard: try await partial.discard()
            case .raise(let alarm): office.raise(alarm)
            case .finish: return true
            case .close(let reason): throw Ended(status: 15, message: reason)
            // The offset of the request says it.
            case .report: break
            }
        }
        return false
    }

    // MARK: The wire

    private func open(_ method: String) async throws -> ClientStream {
        var request = HTTPRequest(
            method: .post, scheme: "https", authority: authority, path: "/peyvand.v1.Attachments/" + method)
        request.headerFields[.contentType] = "application/grpc"
        request.headerFields[.te] = "trailers"
        return try await connection.open(request)
    }

    static func send(_ message: [UInt8], _ stream: ClientStream) async throws {
        var buffer = ByteBuffer(bytes: Deframer.prefix(message.count))
        buffer.writeBytes(message)
        try await stream.write(buffer)
    }

    /// How a call whose body has ended was ended. A trailers-only answer has its status in the head.
    private func end(of stream: ClientStream) async throws -> Ended {
        let response = try await stream.response()
        guard response.status == .ok else { throw LinkFault("the hub answered \(response.status.code)") }
        let trailers = try await stream.trailers
        let status = trailers?[.grpcStatus] ?? response.headerFields[.grpcStatus] ?? ""
        let message = trailers?[.grpcMessage] ?? response.headerFields[.grpcMessage] ?? ""
        return Ended(status: Int(status) ?? 2, message: message)
    }
}

/// One Put under way: the hub's answers come while chunks go out.
private actor SendingCall {
    private var machine: FileSender
    private let stream: ClientStream
    private let stored: StoredFile
    private let files: AttachmentFiles
    private let office: Office
    private let isTurnOver: @Sendable () -> Bool
    private let moved: @Sendable () -> Void
    private(set) var isSettled = false
    /// What ended this call from our side.
    private(set) var failure: (any Error)?

    init(
        machine: FileSender, stream: ClientStream, stored: StoredFile, files: AttachmentFiles, office: Office,
        isTurnOver: @escaping @Sendable () -> Bool, moved: @escaping @Sendable () -> Void
    ) {
        self.machine = machine
        self.stream = stream
        self.stored = stored
        self.files = files
        self.office = office
        self.isTurnOver = isTurnOver
        self.moved = moved
    }

    func open() async { await attempt(machine.opened()) }
    func received(_ progress: FileProgress) async { await attempt(machine.received(progress)) }

    private func attempt(_ actions: [FileSender.Action]) async {
        do {
            try await perform(actions)
        } catch {
            failure = failure ?? error
            // Whoever reads the answers hears of it.
            stream.reset()
        }
    }

    private func perform(_ first: [FileSender.Action]) async throws {
        var actions = first
        while !actions.isEmpty {
            switch actions.removeFirst() {
            case .send(let chunk):
                try await FileCalls.send(chunk.wire, stream)
                moved()
            case .read(let offset, let count):
                // The hub keeps what it has; the file's next turn goes on there.
                if isTurnOver() { return try await stream.finish() }
                actions += machine.read(try await stored.read(at: offset, count: count))
            case .finish: try await stream.finish()
            case .settle: isSettled = true
            case .check: actions += machine.checked(isWhole: try await files.isWhole(machine.file))
            case .setAside:
                try await files.setAside(machine.file)
                try await office.attachments.note(machine.file, isHere: false)
            case .raise(let alarm): office.raise(alarm)
            case .close(let reason): throw FileCalls.Ended(status: 15, message: reason)
            }
        }
    }
}

extension Office {
    /// Something about a file that a person must look at.
    fileprivate func raise(_ alarm: Alarm) {
        auditTrail.note(
            AuditLine(actor: origin.code, action: "alarm.\(alarm.code)", subject: "", remote: "", detail: alarm.detail))
    }
}
