import Attachments
import Casework
import Federation
import Logging
import Store
import Synchronization

/// What is to be done while the files' connection is up: send what the hub wants, fetch what is missing here, and take
/// turns where several files wait.
struct FileErrands: Sendable {
    let office: Office
    let files: AttachmentFiles
    let calls: FileCalls
    let logger: Logger
    /// Told whenever bytes have moved.
    let moved: @Sendable () -> Void

    private let state = State()

    init(
        office: Office, files: AttachmentFiles, calls: FileCalls, logger: Logger, moved: @escaping @Sendable () -> Void
    ) {
        (self.office, self.files, self.calls, self.logger, self.moved) = (office, files, calls, logger, moved)
    }

    private final class State: Sendable {
        /// Files that the hub has asked for in this connection.
        let wanted = Mutex<Set<EventHash>>([])
        /// Files that the hub did not have, or not give, when it was asked.
        let absent = Mutex<Set<EventHash>>([])
        let toSend = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let toFetch = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Ends with the connection.
    func run(_ notices: Broadcast<Writer<NodeCore>.Notice>) async throws {
        let commits = notices.listen(buffering: 64)
        state.toFetch.continuation.yield()
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await calls.follow { hear($0) } }
            group.addTask { try await sendAll() }
            group.addTask { try await fetchAll() }
            group.addTask {
                for await notice in commits where concernsFiles(notice) { state.toFetch.continuation.yield() }
            }
            group.addTask {
                // A file that the hub had not, and whose news was lost, is asked for again.
                while true {
                    try await Task.sleep(for: .seconds(60))
                    state.absent.withLock { $0 = [] }
                    state.toFetch.continuation.yield()
                    state.toSend.continuation.yield()
                }
            }
            try await group.next()
        }
    }

    private func hear(_ notice: FileNotice) {
        if !notice.wanted.isEmpty {
            state.wanted.withLock { $0.formUnion(notice.wanted) }
            state.toSend.continuation.yield()
        }
        if !notice.available.isEmpty {
            state.absent.withLock { $0.subtract(notice.available) }
            state.toFetch.continuation.yield()
        }
    }

    /// A file that was named, or a case that came to this seat, by another's hand.
    private func concernsFiles(_ notice: Writer<NodeCore>.Notice) -> Bool {
        notice.effects.numbered.contains { numbered in
            switch numbered.event.envelope.change {
            case .attached, .granted: numbered.event.origin != office.origin
            default: false
            }
        }
    }

    // MARK: To the hub

    private func sendAll() async throws {
        var turns = TransferTurns()
        for await _ in state.toSend.stream {
            while let (file, rivals) = next(&turns) {
                let isOver = turnOver(rivals: { rivals || state.wanted.withLock { $0.count } > 1 })
                do {
                    let stored = try await files.open(file)
                    let isThere = try await calls.put(file, stored, files, isTurnOver: isOver, moved: moved)
                    if isThere { state.wanted.withLock { _ = $0.remove(file) } }
                } catch let fault as FileFault {
                    logger.warning("file not sent", metadata: ["reason": "\(fault)"])
                    state.wanted.withLock { _ = $0.remove(file) }
                } catch let end as FileCalls.Ended {
                    try await rest(after: end, file)
                    // What the hub does not want is not sent again before it asks again.
                    if [3, 9, 12].contains(end.status) { state.wanted.withLock { _ = $0.remove(file) } }
                }
            }
        }
    }

    /// The next file to send and whether others wait; files that are not here are not waited for.
    private func next(_ turns: inout TransferTurns) -> (EventHash, Bool)? {
        let wanted = state.wanted.withLock { $0 }
        let waiting = wanted.compactMap { file in files.size(of: file).map { (file: file, size: $0) } }
        return turns.next(waiting).map { ($0, waiting.count > 1) }
    }

    // MARK: From the hub

    private func fetchAll() async throws {
        var turns = TransferTurns()
        for await _ in state.toFetch.stream {
            while let (file, size, rivals) = try await nextMissing(&turns) {
                do {
                    let isOver = turnOver(rivals: { rivals })
                    _ = try await calls.get(file, size: size, files, isTurnOver: isOver, moved: moved)
                } catch let end as FileCalls.Ended {
                    if [5, 7, 12].contains(end.status) {
                        state.absent.withLock { _ = $0.insert(file) }
                    } else {
                        try await rest(after: end, file)
                    }
                } catch let fault as FileFault {
                    logger.warning("file not fetched", metadata: ["reason": "\(fault)"])
                    state.absent.withLock { _ = $0.insert(file) }
                }
            }
        }
    }

    private func nextMissing(_ turns: inout TransferTurns) async throws -> (EventHash, UInt64, Bool)? {
        var waiting: [(file: EventHash, size: UInt64)] = []
        let absent = state.absent.withLock { $0 }
        for missing in try await office.attachments.missing(for: office.origin) {
            if files.size(of: missing.file) != nil {
                try await office.attachments.note(missing.file, isHere: true)
            } else if missing.size <= Limits.attachment, !absent.contains(missing.file) {
                waiting.append((missing.file, missing.size))
            }
        }
        guard let file = turns.next(waiting), let size = waiting.first(where: { $0.file == file })?.size
        else { return nil }
        return (file, size, waiting.count > 1)
    }

    // MARK: Turns

    private func turnOver(rivals: @escaping @Sendable () -> Bool) -> @Sendable () -> Bool {
        let end = ContinuousClock.now + .milliseconds(Int64(TransferTurns.length))
        return { ContinuousClock.now >= end && rivals() }
    }

    /// A refusal that time may change, as a full disk, is not answered by asking without a pause.
    private func rest(after end: FileCalls.Ended, _ file: EventHash) async throws {
        logger.warning("file not moved", metadata: ["file": "\(file)", "reason": "\(end)"])
        try await Task.sleep(for: .seconds(end.status == 10 ? 1 : 5))
    }
}
